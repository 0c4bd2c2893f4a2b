"""Arrays as the library takes them: float32, row-major, of the sizes that they should have."""

from __future__ import annotations

from typing import Any, Optional

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]


def matrix(values: Any, what: str, columns: Optional[int] = None, rows: Optional[int] = None) -> FloatArray:
    """A float32 matrix; a copy only where ``values`` is of another type or layout."""
    array = np.ascontiguousarray(_on_host(values), dtype=np.float32)
    if array.ndim != 2 or 0 in array.shape:
        raise ValueError(f"{what} has the shape {array.shape}; expected a matrix, rows x entries, none of them 0.")
    if rows is not None and array.shape[0] != rows:
        raise ValueError(f"{what} has {array.shape[0]} rows; expected {rows}.")
    if columns is not None and array.shape[1] != columns:
        raise ValueError(f"{what} has rows of {array.shape[1]} entries; expected {columns}.")
    return array


def vector(values: Any, what: str, length: int) -> FloatArray:
    """A float32 vector of that length."""
    array = np.ascontiguousarray(_on_host(values), dtype=np.float32)
    if array.shape != (length,):
        raise ValueError(f"{what} has the shape {array.shape}; expected ({length},).")
    return array


def pointer(array: Optional[NDArray[Any]]) -> Optional[int]:
    """Address of the first element; None for None. The array must stay referred to during the call."""
    return None if array is None else array.__array_interface__["data"][0]


def _on_host(values: Any) -> Any:
    # torch's tensors with a gradient, or on a GPU, refuse to become arrays.
    detach = getattr(values, "detach", None)
    return detach().cpu().numpy() if detach is not None else values
