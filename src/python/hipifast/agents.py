"""Networks that the library evaluates itself."""

from __future__ import annotations

import ctypes
import json
import os
from typing import Any, Mapping, Optional, Union

import numpy as np

from . import _library
from ._arrays import pointer


class Agent:
    """An agent's critics and actor, evaluated by the library's fused kernels.

    ``source``: the path of a safetensors file, or a state_dict: a mapping from names to tensors or arrays, such as
    ``model.policy.state_dict()`` of Stable-Baselines3, or CleanRL's. Names that are not understood are refused.

    ``observation_dimension``, ``action_dimension``, ``task_dimension``: S, A and P of the transitions that it judges.

    ``format``: ``"auto"``, ``"hipifast"``, ``"sb3"`` or ``"cleanrl"``.

    ``layers``: what the tensors do not say, such as ``{"activation": "tanh"}``: a mapping, or JSON text.
    """

    def __init__(
        self,
        source: Union[str, "os.PathLike[str]", Mapping[str, Any]],
        observation_dimension: int,
        action_dimension: int,
        task_dimension: int,
        *,
        format: str = "auto",
        layers: Union[None, str, Mapping[str, Any]] = None,
    ) -> None:
        shape = _library.Shape(observation_dimension, action_dimension, task_dimension, 0)
        described = layers.encode() if isinstance(layers, str) else (
            None if layers is None else json.dumps(dict(layers)).encode())
        rest = (ctypes.byref(shape), format.encode(), described)
        if isinstance(source, (str, os.PathLike)):
            self._handle = _library.create("hipifast_agent_from_file", os.fspath(source).encode(), *rest)
            return
        arrays = [_array(tensor) for tensor in source.values()]
        tensors = (_library.Tensor * max(1, len(arrays)))()
        for place, name, array in zip(tensors, source, arrays):
            place.name, place.values, place.rank = name.encode(), pointer(array), array.ndim
            place.shape = (ctypes.c_int64 * max(1, array.ndim))(*array.shape)
        self._handle = _library.create("hipifast_agent_from_tensors", tensors, len(arrays), *rest)


def _array(tensor: Any) -> Any:
    detach = getattr(tensor, "detach", None)
    values = detach().cpu().numpy() if detach is not None else tensor
    # Unlike ascontiguousarray, this leaves a scalar a scalar.
    return np.require(values, dtype=np.float32, requirements="C")


def as_agent(critic: Any, s: int, a: int, p: int) -> Optional[Agent]:
    """The agent that a ``critic`` argument stands for; None for a function."""
    if isinstance(critic, Agent):
        return critic
    if isinstance(critic, (str, os.PathLike, Mapping)):
        return Agent(critic, s, a, p)
    return None
