"""Comparisons, logic and tests, element by element; none of them has a derivative."""

import functools
from typing import Any

import numpy as np

from minigrad.engine.op import elementwise, op

Array = Any

comparison = functools.partial(elementwise, vjp=None)


@comparison()
def eq(input: Array, other: Array) -> Array:
    """input == other."""
    return np.equal(input, other)


@comparison()
def ne(input: Array, other: Array) -> Array:
    """input != other."""
    return np.not_equal(input, other)


@comparison()
def lt(input: Array, other: Array) -> Array:
    """input < other."""
    return np.less(input, other)


@comparison()
def le(input: Array, other: Array) -> Array:
    """input <= other."""
    return np.less_equal(input, other)


@comparison()
def gt(input: Array, other: Array) -> Array:
    """input > other."""
    return np.greater(input, other)


@comparison()
def ge(input: Array, other: Array) -> Array:
    """input >= other."""
    return np.greater_equal(input, other)


@comparison()
def logical_and(input: Array, other: Array) -> Array:
    """Whether both are nonzero."""
    return np.logical_and(input, other)


@comparison()
def logical_or(input: Array, other: Array) -> Array:
    """Whether either is nonzero."""
    return np.logical_or(input, other)


@op(vjp=None)
def logical_not(input: Array) -> Array:
    """Whether it is zero."""
    return np.logical_not(input)


def integral(ufunc: Any, a: Array, b: Array) -> Array:
    """A function of integers and bools.  Raises RuntimeError for floating tensors."""
    if any(np.asarray(x).dtype.kind == "f" for x in (a, b)):
        raise RuntimeError(f"{ufunc.__name__} is for integer and bool tensors, got a floating one")
    return ufunc(a, b)


@comparison()
def bitwise_and(input: Array, other: Array) -> Array:
    """input & other, of integers or bools."""
    return integral(np.bitwise_and, input, other)


@comparison()
def bitwise_or(input: Array, other: Array) -> Array:
    """input | other, of integers or bools."""
    return integral(np.bitwise_or, input, other)


@comparison()
def bitwise_xor(input: Array, other: Array) -> Array:
    """input ^ other, of integers or bools."""
    return integral(np.bitwise_xor, input, other)


@op(vjp=None)
def bitwise_not(input: Array) -> Array:
    """~input, of integers or bools."""
    if input.dtype.kind == "f":
        raise RuntimeError("bitwise_not is for integer and bool tensors, got a floating one")
    return np.invert(input)


@op(vjp=None)
def isnan(input: Array) -> Array:
    """Whether it is not a number."""
    return np.isnan(input)


@op(vjp=None)
def isinf(input: Array) -> Array:
    """Whether it is plus or minus infinity."""
    return np.isinf(input)


@op(vjp=None)
def isfinite(input: Array) -> Array:
    """Whether it is neither infinite nor nan."""
    return np.isfinite(input)
