"""Kernels over one, two or three equally shaped arrays, each made from a scalar function.

`@unary`, `@binary` and `@ternary` turn a scalar function of elements into a function of whole
arrays.  Numbers that are the same for all elements follow the elements in its arguments.
"""

from collections.abc import Callable
from types import FunctionType
from typing import Any

import numpy as np

from minigrad.kernels.compiler.kernel import Kernel, device_function, kernel, prange

Array = np.ndarray[Any, Any]

# Elements in one task: 32 KiB of float32, so that a task's arrays fit in the first-level cache.
CHUNK = 8192

# float16: Numba compiles nothing for it, so it is computed in float32.
_HALF = "e"


def _unary_loop(out: Array, x: Array, *settings: Any) -> None:
    for chunk in prange((out.size + CHUNK - 1) // CHUNK):
        out_part = out[chunk * CHUNK : (chunk + 1) * CHUNK]
        x_part = x[chunk * CHUNK : (chunk + 1) * CHUNK]
        for i in range(out_part.size):
            out_part[i] = _element(x_part[i], *settings)


def _binary_loop(out: Array, x: Array, y: Array, *settings: Any) -> None:
    for chunk in prange((out.size + CHUNK - 1) // CHUNK):
        out_part = out[chunk * CHUNK : (chunk + 1) * CHUNK]
        x_part = x[chunk * CHUNK : (chunk + 1) * CHUNK]
        y_part = y[chunk * CHUNK : (chunk + 1) * CHUNK]
        for i in range(out_part.size):
            out_part[i] = _element(x_part[i], y_part[i], *settings)


def _ternary_loop(out: Array, x: Array, y: Array, z: Array) -> None:
    for chunk in prange((out.size + CHUNK - 1) // CHUNK):
        out_part = out[chunk * CHUNK : (chunk + 1) * CHUNK]
        x_part = x[chunk * CHUNK : (chunk + 1) * CHUNK]
        y_part = y[chunk * CHUNK : (chunk + 1) * CHUNK]
        z_part = z[chunk * CHUNK : (chunk + 1) * CHUNK]
        for i in range(out_part.size):
            out_part[i] = _element(x_part[i], y_part[i], z_part[i])


def _element(*values: Any) -> Any:
    """Placeholder in the loops above, which each kernel replaces by its scalar function."""
    raise NotImplementedError


class _Elementwise:
    """A scalar function applied to arrays, and its compiled loop."""

    def __init__(self, element: Callable[..., Any], loop: Callable[..., None]) -> None:
        # The loop gets its function as a global: an argument would cost 30 us a call, and a
        # closure over a compiled function has a new key in the disk cache in every process.
        names = loop.__globals__ | {"_element": device_function(element, inlined=True)}
        filled = FunctionType(loop.__code__, names)
        # The disk cache tells the loops apart by this name.
        filled.__qualname__ = f"{element.__module__.rpartition('.')[2]}.{element.__name__}"
        self.kernel: Kernel = kernel(filled)


class unary(_Elementwise):  # noqa: N801  a decorator
    """A scalar function over one array."""

    def __init__(self, element: Callable[..., Any]) -> None:
        super().__init__(element, _unary_loop)

    def __call__(self, x: Array, settings: tuple[float, ...] = ()) -> Array:
        """Return a new contiguous array of x's shape and dtype."""
        if x.dtype.char == _HALF:
            return self(x.astype(np.float32), settings).astype(x.dtype)
        out, run = np.empty(x.shape, x.dtype), self.kernel.run
        if settings:
            run(x.size, out.ravel(), x.ravel(), *_cast(settings, x))
        else:
            run(x.size, out.ravel(), x.ravel())
        return out


class binary(_Elementwise):  # noqa: N801
    """A scalar function over two arrays of one shape."""

    def __init__(self, element: Callable[..., Any]) -> None:
        super().__init__(element, _binary_loop)

    def __call__(self, x: Array, y: Array, settings: tuple[float, ...] = ()) -> Array:
        """Return a new contiguous array of x's shape and dtype."""
        if x.dtype.char == _HALF:
            wide = y.astype(np.float32) if y.dtype.char == _HALF else y
            return self(x.astype(np.float32), wide, settings).astype(x.dtype)
        out, run = np.empty(x.shape, x.dtype), self.kernel.run
        if settings:
            run(x.size, out.ravel(), x.ravel(), y.ravel(), *_cast(settings, x))
        else:
            run(x.size, out.ravel(), x.ravel(), y.ravel())
        return out


class ternary(_Elementwise):  # noqa: N801
    """A scalar function over three arrays of one shape."""

    def __init__(self, element: Callable[..., Any]) -> None:
        super().__init__(element, _ternary_loop)

    def __call__(self, x: Array, y: Array, z: Array) -> Array:
        """Return a new contiguous array of x's shape and dtype."""
        out = np.empty(x.shape, x.dtype)
        self.kernel.run(x.size, out.ravel(), x.ravel(), y.ravel(), z.ravel())
        return out


def _cast(settings: tuple[float, ...], x: Array) -> tuple[Any, ...]:
    """The settings as numbers of x's dtype."""
    return tuple([x.dtype.type(value) for value in settings])
