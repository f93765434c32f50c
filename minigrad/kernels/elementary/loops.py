"""Kernels over float32 arrays whose elements are computed in double precision, by vectors.

Four elements of double precision take as long as eight of single precision.  In return the result
is rounded once: it is within 0.51 ulp, where a library of vectors in single precision promises 1.
NumPy calls the C library for each element, which keeps its loops scalar.

A function is arithmetic alone, so that LLVM vectorises the loop around it.  Where that would be
wrong for some numbers, as huge angles, `is_hard` names these, and `otherwise` computes them one by
one.
"""

from collections.abc import Callable
from types import FunctionType
from typing import Any

import numpy as np

from minigrad.kernels.compiler.kernel import Kernel, device_function, kernel, prange

Array = np.ndarray[Any, Any]
Element = Callable[..., Any]

# Elements in one task.
CHUNK = 4096
# NumPy is as fast for fewer elements, or is called before a kernel would have been compiled.
LEAST = 8192
# The C library's function of an element takes as long as so many additions.
WORK = 8


def _loop_of_one(out: Array, x: Array) -> None:
    for chunk in prange((out.size + CHUNK - 1) // CHUNK):
        out_part = out[chunk * CHUNK : (chunk + 1) * CHUNK]
        x_part = x[chunk * CHUNK : (chunk + 1) * CHUNK]
        hard = np.int64(0)
        for i in range(out_part.size):
            wide = np.float64(x_part[i])
            out_part[i] = _element(wide)
            hard = hard | np.int64(_is_hard(wide))
        if hard:
            for i in range(out_part.size):
                wide = np.float64(x_part[i])
                if _is_hard(wide):
                    out_part[i] = _otherwise(wide)


def _loop_of_two(out: Array, x: Array, y: Array) -> None:
    for chunk in prange((out.size + CHUNK - 1) // CHUNK):
        out_part = out[chunk * CHUNK : (chunk + 1) * CHUNK]
        x_part = x[chunk * CHUNK : (chunk + 1) * CHUNK]
        y_part = y[chunk * CHUNK : (chunk + 1) * CHUNK]
        hard = np.int64(0)
        for i in range(out_part.size):
            left, right = np.float64(x_part[i]), np.float64(y_part[i])
            out_part[i] = _element(left, right)
            hard = hard | np.int64(_is_hard(left, right))
        if hard:
            for i in range(out_part.size):
                left, right = np.float64(x_part[i]), np.float64(y_part[i])
                if _is_hard(left, right):
                    out_part[i] = _otherwise(left, right)


def _loop_with_number(out: Array, x: Array, number: float) -> None:
    for chunk in prange((out.size + CHUNK - 1) // CHUNK):
        out_part = out[chunk * CHUNK : (chunk + 1) * CHUNK]
        x_part = x[chunk * CHUNK : (chunk + 1) * CHUNK]
        hard = np.int64(0)
        for i in range(out_part.size):
            wide = np.float64(x_part[i])
            out_part[i] = _element(wide, number)
            hard = hard | np.int64(_is_hard(wide, number))
        if hard:
            for i in range(out_part.size):
                wide = np.float64(x_part[i])
                if _is_hard(wide, number):
                    out_part[i] = _otherwise(wide, number)


def _element(*values: float) -> Any:
    """Placeholder in the loops above, which each kernel replaces by its function."""
    raise NotImplementedError


_is_hard = _otherwise = _element


def _none_of_one(x: float) -> bool:
    return False


def _none_of_two(x: float, y: float) -> bool:
    return False


def _filled(
    loop: Callable[..., None], element: Element, is_hard: Element, otherwise: Element
) -> Kernel:
    """The kernel of a loop over one function; the disk cache knows it by its name."""
    names = loop.__globals__ | {
        "_element": device_function(element, inlined=True),
        "_is_hard": device_function(is_hard, inlined=True),
        "_otherwise": device_function(otherwise),
    }
    filled = FunctionType(loop.__code__, names)
    filled.__qualname__ = f"{element.__module__.rpartition('.')[2]}.{element.__name__}"
    if loop is _loop_with_number:
        filled.__qualname__ += ".number"
    return kernel(filled)


def _is_large(x: Any) -> bool:
    return (
        type(x) is np.ndarray
        and x.size >= LEAST
        and x.dtype == np.float32
        and bool(x.flags.c_contiguous)
    )


def of_one(
    element: Element, ufunc: Any, is_hard: Element = _none_of_one, otherwise: Element | None = None
) -> Callable[[Array], Array]:
    """A function of arrays: compiled for large ones of float32, and NumPy's for others."""
    compiled = _filled(_loop_of_one, element, is_hard, otherwise or element)

    def apply(x: Array) -> Array:
        if not _is_large(x):
            return np.asarray(ufunc(x))
        out = np.empty(x.shape, x.dtype)
        compiled.run(x.size * WORK, out.ravel(), x.ravel())
        return out

    return apply


def of_two(
    element: Element, ufunc: Any, is_hard: Element = _none_of_two, otherwise: Element | None = None
) -> Callable[[Any, Any], Array]:
    """The same of two arrays of one shape, or of an array and a number."""
    whole = otherwise or element
    compiled = _filled(_loop_of_two, element, is_hard, whole)
    with_number = _filled(_loop_with_number, element, is_hard, whole)

    def apply(x: Any, y: Any) -> Array:
        if not _is_large(x):
            return np.asarray(ufunc(x, y))
        if type(y) in (int, float):
            number = float(x.dtype.type(y))  # as NumPy rounds it
            out = np.empty(x.shape, x.dtype)
            with_number.run(x.size * WORK, out.ravel(), x.ravel(), number)
            return out
        if not _is_large(y) or y.shape != x.shape:
            return np.asarray(ufunc(x, y))
        out = np.empty(x.shape, x.dtype)
        compiled.run(x.size * WORK, out.ravel(), x.ravel(), y.ravel())
        return out

    return apply
