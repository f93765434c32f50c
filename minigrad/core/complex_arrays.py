"""Complex NumPy arrays as arrays of pairs of real numbers, and back, on the same memory."""

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def parts_of(array: Array) -> Array:
    """The real and imaginary parts of a complex array (...) as the last dimension (..., 2)."""
    part = array.real
    if array.flags.c_contiguous:
        return array.reshape(-1).view(part.dtype).reshape(*array.shape, 2)
    return np.lib.stride_tricks.as_strided(
        part, (*part.shape, 2), (*part.strides, part.itemsize), writeable=array.flags.writeable
    )


def complex_of(parts: Array) -> Array:
    """The complex array (...) of pairs (..., 2) that lie side by side in memory."""
    dtype = np.complex128 if parts.dtype == np.float64 else np.complex64
    return parts.view(dtype)[..., 0]


def real_view(array: Array) -> Array:
    """The parts of a complex array; a real array itself."""
    return parts_of(array) if array.dtype.kind == "c" else array
