"""Elementary functions, the choice between two tensors, and samples of elementwise operations."""

import functools
from typing import Any

import numpy as np

from minigrad.core.types import Array
from minigrad.engine.graph import V, wrap_like
from minigrad.engine.op import Sample, arr, pointwise, sample
from minigrad.kernels.pointwise import elementwise as kernels

PAIRS = [
    sample(arr.of(3, 4), arr.of(3, 4)),
    sample(arr.of(2, 3, 4), arr.of(3, 1)),
    sample(arr.of(3), arr.of(2, 1)),
    sample(arr.of(), arr.of(2, 2)),
    sample(arr.of(0, 3), arr.of(1, 3)),
    sample(arr.of(3, 4), 1.5),
]


def shaped(**domain: Any) -> list[Sample]:
    """Samples of usual shapes for a function of one tensor."""
    return [sample(arr.of(*shape, **domain)) for shape in ((3, 4), (), (0, 2), (2, 1, 5))]


@pointwise(
    node="WhereBackward0",
    vjp=(
        None,
        lambda g, out, c, a, b: where(c, g, 0.0),
        lambda g, out, c, a, b: where(c, 0.0, g),
    ),
    degree=1,
    broadcasts=True,
    samples=[
        sample(arr.of(3, 4, integers=2), arr.of(3, 4), arr.of(4)),
        sample(arr.of(3, 1, integers=2), arr.of(3, 4), 1.5),
        sample(arr.of(2, integers=2), 0.5, arr.of(2)),
    ],
)
def where(condition: Array, input: Array, other: Array) -> Array:
    """input where the condition holds, other elsewhere; at least one of them is a tensor."""
    return kernels.where(condition.astype(bool, copy=False), input, other)


def nothing(g: V) -> V:
    """The cotangent of what a function does not depend on: zeros, whatever the cotangent is."""
    return where(wrap_like(g, _NEVER), g, 0.0)


_NEVER = np.zeros((), bool)


floating = functools.partial(pointwise, floats=True)


@pointwise(vjp=(lambda g, out, x: g * sign(x),), samples=shaped(away_from=(0.0,)))
def abs(input: Array) -> Array:
    """|input|, with derivative 0 at 0."""
    return np.abs(input)


@pointwise(vjp=(lambda g, out, x: nothing(g),), samples=shaped(away_from=(0.0,)))
def sign(input: Array) -> Array:
    """-1, 0 or 1; 0 for nan."""
    return kernels.sign(input) if input.dtype != bool else input.copy()


@floating(vjp=(lambda g, out, x: g * out,), samples=shaped())
def exp(input: Array) -> Array:
    """e ** input."""
    return kernels.exp(input)


@floating(vjp=(lambda g, out, x: g / x,), samples=shaped(low=0.3))
def log(input: Array) -> Array:
    """The natural logarithm."""
    return np.log(input)


@floating(vjp=(lambda g, out, x: g / (2 * out),), samples=shaped(low=0.3))
def sqrt(input: Array) -> Array:
    """The square root; nan below 0."""
    return np.sqrt(input)


@floating(vjp=(lambda g, out, x: -0.5 * g * (out * out * out),), samples=shaped(low=0.3))
def rsqrt(input: Array) -> Array:
    """1 / sqrt(input)."""
    return np.reciprocal(np.sqrt(input))


@floating(vjp=(lambda g, out, x: -g * (out * out),), samples=shaped(low=0.3))
def reciprocal(input: Array) -> Array:
    """1 / input."""
    return np.reciprocal(input)


@pointwise(node="PowBackward0", vjp=(lambda g, out, x: g * (2 * x),), samples=shaped())
def square(input: Array) -> Array:
    """input ** 2."""
    return np.square(input if input.dtype != bool else input.astype(np.int64))


@floating(vjp=(lambda g, out, x: g * cos(x),), samples=shaped())
def sin(input: Array) -> Array:
    """The sine of an angle in radians."""
    return np.sin(input)


@floating(vjp=(lambda g, out, x: -g * sin(x),), samples=shaped())
def cos(input: Array) -> Array:
    """The cosine of an angle in radians."""
    return np.cos(input)


@floating(vjp=(lambda g, out, x: g * exp(-x * x) * (2 / np.sqrt(np.pi)).item(),), samples=shaped())
def erf(input: Array) -> Array:
    """The error function, 2/sqrt(pi) * integral of exp(-t^2) from 0 to input."""
    return kernels.erf(input)


@pointwise(vjp=(lambda g, out, x: nothing(g),), samples=shaped(low=0.1, high=0.4))
def floor(input: Array) -> Array:
    """The largest integer that is not above the input."""
    return np.floor(input)


@pointwise(vjp=(lambda g, out, x: nothing(g),), samples=shaped(low=0.1, high=0.4))
def ceil(input: Array) -> Array:
    """The smallest integer that is not below the input."""
    return np.ceil(input)
