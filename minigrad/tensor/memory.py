"""The memory of tensors: the array that owns it, and the same view of another."""

from typing import Any

import numpy as np

from minigrad.core.types import Array

Place = tuple[str, tuple[int, ...], tuple[int, ...], int]
"""A view's place in its owner: dtype, shape, strides and offset in bytes."""


def owner_of(array: Array) -> Array:
    """The array whose memory this one is a view of; itself if it is none, or if there are gaps."""
    owner = array
    while owner.base is not None:
        base: Any = owner.base
        if not isinstance(base, np.ndarray):
            # NumPy's as_strided puts an object between, and a buffer is a memoryview.
            base = base.obj if isinstance(base, memoryview) else getattr(base, "base", None)
        if not isinstance(base, np.ndarray):
            break
        owner = base
    return owner if owner.flags.forc and owner.dtype.kind in "biuf" else array


def place_in(owner: Array, view: Array) -> Place:
    """Where a view lies in its owner."""
    offset = view.ctypes.data - owner.ctypes.data
    return view.dtype.str, view.shape, view.strides, offset


def view_of(owner: Array, place: Place) -> Array:
    """The view at a place of an array.  Raises RuntimeError if it does not fit into the memory."""
    dtype, shape, strides, offset = place
    memory = owner if owner.flags.c_contiguous else owner.T
    try:
        return np.ndarray(shape, dtype, memory, offset, strides)
    except (ValueError, TypeError) as error:
        raise RuntimeError(
            f"setStorage: shape {list(shape)}, strides {list(strides)} bytes and offset {offset} "
            f"bytes are out of bounds for storage of size {owner.nbytes}"
        ) from error


def view_beside(array: Array, place: Place) -> Array:
    """The view at a place in the memory that an array lies in; the offset is from the array."""
    owner = owner_of(array)
    if owner is not array:
        *layout, offset = place
        place = (*layout, offset + array.ctypes.data - owner.ctypes.data)  # type: ignore[assignment]
    return view_of(owner, place)


def bytes_of(owner: Array) -> Array:
    """The memory of an array without gaps as a vector of bytes."""
    return owner.reshape(-1, order="A").view(np.uint8)
