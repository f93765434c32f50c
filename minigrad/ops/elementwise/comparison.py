"""Elementwise comparisons, logic and tests, which have no derivative."""

import functools

import numpy as np

from minigrad.core.types import Array
from minigrad.engine.op import elementwise, op

comparison = functools.partial(elementwise, vjp=None)


@comparison(tensors_at=(0,))
def eq(input: Array, other: Array) -> Array:
    """input == other."""
    return np.equal(input, other)


@comparison(tensors_at=(0,))
def ne(input: Array, other: Array) -> Array:
    """input != other."""
    return np.not_equal(input, other)


@comparison(tensors_at=(0,))
def lt(input: Array, other: Array) -> Array:
    """input < other."""
    return np.less(input, other)


@comparison(tensors_at=(0,))
def le(input: Array, other: Array) -> Array:
    """input <= other."""
    return np.less_equal(input, other)


@comparison(tensors_at=(0,))
def gt(input: Array, other: Array) -> Array:
    """input > other."""
    return np.greater(input, other)


@comparison(tensors_at=(0,))
def ge(input: Array, other: Array) -> Array:
    """input >= other."""
    return np.greater_equal(input, other)


@comparison(tensors_at=(0, 1))
def logical_and(input: Array, other: Array) -> Array:
    """True where both are nonzero."""
    return np.logical_and(input, other)


@comparison(tensors_at=(0, 1))
def logical_or(input: Array, other: Array) -> Array:
    """True where one or both are nonzero."""
    return np.logical_or(input, other)


@op(vjp=None)
def logical_not(input: Array) -> Array:
    """True where the input is zero."""
    return np.logical_not(input)


def of_integers(ufunc: np.ufunc, a: Array, b: Array) -> Array:
    """The ufunc of two arrays of integers or bools.

    Raises NotImplementedError for floating ones.
    """
    if any(np.asarray(x).dtype.kind == "f" for x in (a, b)):
        raise NotImplementedError(
            f"{ufunc.__name__} is not implemented for floating tensors, only for those of integers "
            f"and bools"
        )
    result: Array = ufunc(a, b)
    return result


@comparison()
def bitwise_and(input: Array, other: Array) -> Array:
    """input & other, of integers or bools."""
    return of_integers(np.bitwise_and, input, other)


@comparison()
def bitwise_or(input: Array, other: Array) -> Array:
    """input | other, of integers or bools."""
    return of_integers(np.bitwise_or, input, other)


@comparison()
def bitwise_xor(input: Array, other: Array) -> Array:
    """input ^ other, of integers or bools."""
    return of_integers(np.bitwise_xor, input, other)


@op(vjp=None)
def bitwise_not(input: Array) -> Array:
    """~input, of integers or bools."""
    if input.dtype.kind == "f":
        raise TypeError(
            "~ (operator.invert) is only implemented on integer and Boolean-type tensors, got a "
            "floating one"
        )
    return np.invert(input)


@op(vjp=None)
def isnan(input: Array) -> Array:
    """True where the input is nan."""
    return np.isnan(input)


@op(vjp=None)
def isinf(input: Array) -> Array:
    """True where the input is inf or -inf."""
    return np.isinf(input)


@op(vjp=None)
def isfinite(input: Array) -> Array:
    """True where the input is neither infinite nor nan."""
    return np.isfinite(input)
