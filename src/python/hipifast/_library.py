"""The C library (hipifast.h): its structures, its functions, and its errors as exceptions."""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from ctypes import POINTER, Structure, c_char_p, c_float, c_int32, c_int64, c_uint8, c_uint32, c_uint64, c_void_p
from pathlib import Path
from typing import Any, Optional

ABI_VERSION = 1

_FUNCTION_FAILED = 8


class HipiFastError(Exception):
    """What the library refuses; the message is one sentence."""

    status = 0


class _ArgumentError(HipiFastError, ValueError):
    pass


class _UnsupportedError(HipiFastError, NotImplementedError):
    pass


class _MemoryError(HipiFastError, MemoryError):
    pass


class _FileError(HipiFastError, OSError):
    pass


class _StateError(HipiFastError, RuntimeError):
    pass


_ERRORS: dict[int, type[HipiFastError]] = {
    1: _ArgumentError,
    2: _ArgumentError,
    3: _ArgumentError,
    4: _StateError,
    5: _UnsupportedError,
    6: _MemoryError,
    7: _FileError,
}


class Shape(Structure):
    """``hipifast_shape``."""

    _fields_ = [
        ("observation_dimension", c_int32),
        ("action_dimension", c_int32),
        ("task_dimension", c_int32),
        ("reserved", c_int32),
    ]


class Batch(Structure):
    """``hipifast_batch``."""

    _fields_ = [
        ("shape", Shape),
        ("rows", c_int64),
        ("observation", c_void_p),
        ("action", c_void_p),
        ("next_observation", c_void_p),
        ("task", c_void_p),
        ("reward", c_void_p),
        ("terminated", c_void_p),
    ]


class Result(Structure):
    """``hipifast_relabeling``."""

    _fields_ = [
        ("candidate_room", c_int64),
        ("candidates", c_int64),
        ("task_index", c_void_p),
        ("relabeled", c_void_p),
        ("candidate_task", c_void_p),
        ("log_partition", c_void_p),
        ("soft_q", c_void_p),
        ("posterior", c_void_p),
        ("posterior_entropy", c_float),
        ("effective_tasks", c_float),
        ("commanded_is_mode", c_float),
        ("log_partition_min", c_float),
        ("log_partition_max", c_float),
        ("kl_from_commanded", c_float),
        ("relabeled_share", c_float),
        ("terminated_share", c_float),
    ]


class DrawResult(Structure):
    """``hipifast_draw``."""

    _fields_ = [
        ("index", c_void_p),
        ("log_partition", c_void_p),
        ("mode", c_void_p),
        ("entropy", c_void_p),
        ("posterior", c_void_p),
    ]


class Tensor(Structure):
    """``hipifast_tensor``."""

    _fields_ = [("name", c_char_p), ("values", c_void_p), ("shape", POINTER(c_int64)), ("rank", c_int64)]


class Pairs(Structure):
    """``hipifast_pairs``."""

    _fields_ = [
        ("rows", c_int64),
        ("tasks", c_int64),
        ("observation_dimension", c_int32),
        ("action_dimension", c_int32),
        ("task_dimension", c_int32),
        ("reserved", c_int32),
        ("observation", c_void_p),
        ("action", c_void_p),
        ("next_observation", c_void_p),
        ("task", c_void_p),
        ("reward", c_void_p),
        ("terminated", c_void_p),
    ]


JudgeFunction = ctypes.CFUNCTYPE(c_int32, c_void_p, POINTER(Pairs))
AchievedFunction = ctypes.CFUNCTYPE(c_int32, c_void_p, c_void_p, c_void_p, c_int64, c_int32, c_void_p)

_handle, _place = c_uint64, POINTER(c_uint64)
_SIGNATURES: dict[str, tuple[Any, ...]] = {
    "hipifast_destroy": (_handle,),
    "hipifast_family_from_json": (c_char_p, _place),
    "hipifast_family_from_functions": (c_int32, c_void_p, c_void_p, c_void_p, _place),
    "hipifast_family_task_dimension": (_handle, POINTER(c_int32)),
    "hipifast_agent_from_file": (c_char_p, POINTER(Shape), c_char_p, c_char_p, _place),
    "hipifast_agent_from_tensors": (POINTER(Tensor), c_int64, POINTER(Shape), c_char_p, c_char_p, _place),
    "hipifast_relabeler_create": (_handle, _handle, c_char_p, _place),
    "hipifast_relabeler_prepare": (_handle, POINTER(Shape), c_int64, c_int64, c_int32),
    "hipifast_relabeler_set_candidates": (_handle, c_void_p, c_int64, c_void_p),
    "hipifast_relabel": (_handle, POINTER(Batch), c_void_p, c_int64, c_void_p, POINTER(Result)),
    "hipifast_relabel_from_q": (
        _handle, POINTER(Batch), c_void_p, c_int64, c_void_p, c_int64, c_void_p, POINTER(Result),
    ),
    "hipifast_sampler_create": (c_char_p, _place),
    "hipifast_sample": (_handle, c_void_p, c_int64, c_int64, c_void_p, POINTER(DrawResult)),
    "hipifast_get_call": (_handle, POINTER(c_uint32)),
    "hipifast_set_call": (_handle, c_uint32),
}

_loaded: Optional[ctypes.CDLL] = None
_loading = threading.Lock()
_forked = False


def _names() -> str:
    return {"win32": "hipifast_c.dll", "darwin": "libhipifast_c.dylib"}.get(sys.platform, "libhipifast_c.so")


def _path() -> Path:
    folder = os.environ.get("HIPIFAST_LIBRARY_FOLDER")
    return (Path(folder) if folder else Path(__file__).parent / "_lib") / _names()


def library() -> ctypes.CDLL:
    """The library, loaded at the first call."""
    if _forked:
        raise _StateError(
            "hipifast was loaded before this process was forked; expected it to be loaded in the child alone, or the "
            "start method 'spawn'.")
    return _loaded if _loaded is not None else _load()


def _load() -> ctypes.CDLL:
    global _loaded
    with _loading:
        if _loaded is None:
            path = _path()
            try:
                found = ctypes.CDLL(str(path))
            except OSError as error:
                raise ImportError(f"The library of hipifast cannot be loaded: {error}") from error
            if found.hipifast_abi_version() != ABI_VERSION:
                raise ImportError(
                    f"'{path}' has ABI version {found.hipifast_abi_version()}; expected {ABI_VERSION}: install "
                    "hipifast again.")
            for name in ("hipifast_version", "hipifast_level", "hipifast_last_error"):
                getattr(found, name).restype = c_char_p
            found.hipifast_handle_count.restype = c_int64
            for name, arguments in _SIGNATURES.items():
                function = getattr(found, name)
                function.restype, function.argtypes = c_int32, arguments
            if not found.hipifast_level():
                raise ImportError(found.hipifast_last_error().decode())
            if hasattr(os, "register_at_fork"):
                os.register_at_fork(after_in_child=_after_fork)
            _loaded = found
    return _loaded


def _after_fork() -> None:
    global _forked
    _forked = True


def check(status: int, raised: Optional[BaseException] = None) -> None:
    """Raises what a status other than 0 stands for; ``raised`` is what a function of the caller's raised."""
    if status == 0:
        return
    if status == _FUNCTION_FAILED and raised is not None:
        raise raised
    error = _ERRORS.get(status, HipiFastError)(library().hipifast_last_error().decode())
    error.status = status
    raise error


def create(function: str, *arguments: Any) -> "Handle":
    """Calls a function whose last argument receives a handle."""
    place = c_uint64()
    check(getattr(library(), function)(*arguments, ctypes.byref(place)))
    return Handle(place.value)


class Handle:
    """A handle, destroyed with this object."""

    __slots__ = ("value",)

    def __init__(self, value: int) -> None:
        self.value = value

    def close(self) -> None:
        """Destroys it; a second call does nothing."""
        value, self.value = self.value, 0
        if value and _loaded is not None and not _forked:
            _loaded.hipifast_destroy(value)

    def __del__(self) -> None:
        try:
            self.close()
        except Exception:
            pass  # At the end of the process.


def version() -> str:
    """Version of the library, such as ``0.1.0``."""
    return library().hipifast_version().decode()


def level() -> str:
    """Level of instructions of the library that was loaded, such as ``x86-64-v3``."""
    return library().hipifast_level().decode()


def vector_bits() -> int:
    """Bits of the vectors that the kernels are built on: 128, 256 or 512."""
    return library().hipifast_vector_bits()
