"""Kernels over one or two arrays, each made from a scalar function of double precision.

The functions cost tens of nanoseconds an element and more, so that casts beside them are cheap:
one kernel in float64 serves all dtypes.
"""

from collections.abc import Callable
from types import FunctionType
from typing import Any

import numpy as np

from minigrad.kernels.compiler.kernel import Kernel, device_function, kernel, prange

Array = np.ndarray[Any, Any]

CHUNK = 1024  # elements in one task


def _loop_of_one(out: Array, x: Array) -> None:
    for chunk in prange((out.size + CHUNK - 1) // CHUNK):
        out_part = out[chunk * CHUNK : (chunk + 1) * CHUNK]
        x_part = x[chunk * CHUNK : (chunk + 1) * CHUNK]
        for i in range(out_part.size):
            out_part[i] = _element(x_part[i])


def _loop_of_two(out: Array, x: Array, y: Array) -> None:
    for chunk in prange((out.size + CHUNK - 1) // CHUNK):
        out_part = out[chunk * CHUNK : (chunk + 1) * CHUNK]
        x_part = x[chunk * CHUNK : (chunk + 1) * CHUNK]
        y_part = y[chunk * CHUNK : (chunk + 1) * CHUNK]
        for i in range(out_part.size):
            out_part[i] = _element(x_part[i], y_part[i])


def _element(*values: float) -> Any:
    """Placeholder in the loops above, which each kernel replaces by its scalar function."""
    raise NotImplementedError


def _filled(loop: Callable[..., None], element: Callable[..., Any]) -> Kernel:
    """The kernel of a loop over one scalar function; the disk cache knows it by its name."""
    filled = FunctionType(loop.__code__, loop.__globals__ | {"_element": device_function(element)})
    filled.__qualname__ = f"{element.__module__.rpartition('.')[2]}.{element.__name__}"
    return kernel(filled)


def of_one(element: Callable[[float], Any]) -> Callable[[Array], Array]:
    """Return the function over arrays: it gives a new array of the argument's shape and dtype."""
    compiled = _filled(_loop_of_one, element)

    def apply(x: Array) -> Array:
        out = np.empty(x.shape)
        compiled.run(x.size, out.reshape(-1), x.astype(np.float64, order="C").reshape(-1))
        return out.astype(x.dtype, copy=False)

    return apply


def of_two(element: Callable[[float, float], Any]) -> Callable[[Array, Array], Array]:
    """Return the function over arrays that broadcast; its result has their common dtype."""
    compiled = _filled(_loop_of_two, element)

    def apply(x: Array, y: Array) -> Array:
        wide = [part.astype(np.float64, order="C") for part in np.broadcast_arrays(x, y)]
        out = np.empty(wide[0].shape)
        compiled.run(out.size, out.reshape(-1), *(part.reshape(-1) for part in wide))
        return out.astype(np.result_type(x, y), copy=False)

    return apply
