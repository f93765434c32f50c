"""Elementwise arithmetic, elementary functions, and selection of the larger, smaller or chosen."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.core import dtypes
from minigrad.core.types import Array, Number
from minigrad.engine.dispatch import recorded
from minigrad.engine.graph import V, Value
from minigrad.engine.op import Operation, arr, elementwise, pointwise, sample
from minigrad.kernels.elementary import powers, remainders
from minigrad.kernels.pointwise import elementwise as kernels
from minigrad.ops.elementwise.elementary import PAIRS, log, nothing, shaped, where

# --- arithmetic -----------------------------------------------------------------------------


@elementwise(
    vjp=(lambda g, out, a, b: g, lambda g, out, a, b: g),
    array_vjp=(lambda g, out, a, b: g, lambda g, out, a, b: g),
    degree=1,
    samples=PAIRS,
)
def add(input: Array, other: Array) -> Array:
    """input + other."""
    return kernels.add(input, other)


@elementwise(
    vjp=(lambda g, out, a, b: g, lambda g, out, a, b: -g),
    array_vjp=(lambda g, out, a, b: g, lambda g, out, a, b: np.negative(g)),
    degree=1,
    samples=PAIRS,
)
def sub(input: Array, other: Array) -> Array:
    """input - other.  Raises RuntimeError if both are bool.

    PyTorch differs: it raises for one bool operand too.
    """
    if np.asarray(input).dtype == bool and np.asarray(other).dtype == bool:
        raise RuntimeError(
            "Subtraction, the `-` operator, with two bool tensors is not supported. Use the `^` or "
            "`logical_xor()` operator instead."
        )
    return kernels.sub(input, other)


def scaled_by(alpha: float, operand: V | Number, other: V | Number) -> V | Number:
    """alpha * operand, to be added to `other`.

    Raises RuntimeError if alpha is a float and both are integers, or a bool and they are not.
    """
    if alpha == 1:
        return operand
    common = common_dtype(operand, other)
    if common.numpy.kind in "iub" and isinstance(alpha, float):
        raise RuntimeError(
            f"For integral input tensors, argument alpha must not be a floating point number, got "
            f"alpha={alpha}"
        )
    if common == dtypes.bool_:
        return operand * bool(alpha)
    if isinstance(alpha, bool):
        raise RuntimeError("Boolean alpha only supported for Boolean results.")
    return operand * alpha


@elementwise(
    vjp=(lambda g, out, a, b: g * b, lambda g, out, a, b: g * a),
    array_vjp=(lambda g, out, a, b: kernels.mul(g, b), lambda g, out, a, b: kernels.mul(g, a)),
    degree=1,
    samples=PAIRS,
)
def mul(input: Array, other: Array) -> Array:
    """input * other."""
    return kernels.mul(input, other)


@elementwise(
    vjp=(lambda g, out, a, b: g / b, lambda g, out, a, b: -g * (a / (b * b))),
    array_vjp=(
        lambda g, out, a, b: kernels.div(g, b),
        lambda g, out, a, b: kernels.mul(np.negative(g), kernels.div(a, kernels.mul(b, b))),
    ),
    floats=True,
    samples=[
        sample(arr.of(3, 4), arr.of(4, low=0.5)),
        sample(arr.of(2, 1), arr.of(2, 3, low=-3, high=-1)),
        sample(arr.of(3), 2.5),
        sample(1.5, arr.of(3, low=0.5)),
        sample(arr.of(0), arr.of(0, low=0.5)),
    ],
)
def div(input: Array, other: Array) -> Array:
    """input / other, floating also for integers."""
    return kernels.div(input, other)


@elementwise(vjp=None)
def floor_divide(input: Array, other: Array) -> Array:
    """input // other, rounded towards minus infinity."""
    _refuse_zero_divisor(input, other)
    return remainders.floor_divide(input, other)


def _floor_of_quotient(a: V | Number, b: V) -> V:
    return floor_divide(a.detach(), b) if isinstance(a, Value) else floor_divide(a, b)


@elementwise(
    node=lambda node: "RemainderBackward0" if node.is_number(1) else "RemainderBackward1",
    vjp=(
        lambda g, out, a, b: g,
        lambda g, out, a, b: -g * _floor_of_quotient(a, b),
    ),
    samples=[sample(arr.of(3, 4, low=0.1, high=0.9), arr.of(4, low=1.0, high=2.0))],
)
def remainder(input: Array, other: Array) -> Array:
    """input - other * floor(input / other): the sign follows `other`."""
    _refuse_zero_divisor(input, other)
    return remainders.remainder(input, other)


def _refuse_zero_divisor(a: Array, b: Array) -> None:
    integral = all(np.asarray(x).dtype.kind in "iub" for x in (a, b))
    if integral and np.any(np.equal(b, 0)):
        raise RuntimeError("ZeroDivisionError: division of integers by zero")


@pointwise(vjp=(lambda g, out, x: -g,), degree=1, samples=shaped())
def neg(input: Array) -> Array:
    """-input."""
    if input.dtype == bool:
        raise RuntimeError("Negation, the `-` operator, on a bool tensor is not supported")
    return np.negative(input)


def _pow_base_rule(g: V, out: V, a: V, b: V | Number) -> V:
    if isinstance(b, int | float):
        if b == 0:
            return nothing(g)
        return g if b == 1 else g * (b * (a if b == 2 else pow(a, b - 1)))
    return where(b.eq(0), 0.0, g * b * pow(a, b - 1))


def _pow_exponent_rule(g: V, out: V, a: V | Number, b: V) -> V:
    if isinstance(a, int | float):
        logarithm = float(np.log(a)) if a > 0 else 0.0
        return where((b >= 0) * (a == 0), 0.0, g * out * logarithm)
    return where(a.eq(0) * (b >= 0), 0.0, g * out * log(a))


@elementwise(
    node=lambda node: f"PowBackward{0 if node.is_number(1) else 1 + node.is_number(0)}",
    vjp=(_pow_base_rule, _pow_exponent_rule),
    samples=[
        sample(arr.of(3, 4, low=0.5), arr.of(4)),
        sample(arr.of(3, 4), 3),
        sample(arr.of(3), 2),
        sample(arr.of(2, 2), 1),
        sample(arr.of(2, 2), 0),
        sample(arr.of(3, low=0.5), -0.5),
        sample(2.0, arr.of(3)),
    ],
)
def pow(input: Array, exponent: Array | Number) -> Array:
    """input ** exponent.  Raises RuntimeError for integers to a negative integer power, a number.

    For a tensor of negative integers the powers of integers are rounded towards 0.
    """
    integral = np.asarray(input).dtype.kind in "iub" and np.asarray(exponent).dtype.kind in "iu"
    if integral and np.any(np.less(exponent, 0)):
        return _negative_powers(input, exponent)
    if type(exponent) is int or (type(exponent) is float and input.dtype.kind == "f"):
        product = _PRODUCTS.get(exponent)
        if product is not None:
            return product(input)
        if exponent in _SIMPLE:
            simple: Array = input**exponent
            return simple
    if np.result_type(input, exponent) == np.bool_:
        raise RuntimeError("pow is not implemented for bools")
    return powers.pow(input, exponent)


def _negative_powers(base: Array | Number, exponent: Array | Number) -> Array:
    """Integers to integer powers, of which some are below 0: 1, -1 or 0 there."""
    if not isinstance(exponent, np.ndarray):
        raise RuntimeError("Integers to negative integer powers are not allowed.")
    dtype = exponent.dtype if isinstance(base, int) else np.result_type(base, exponent)
    base = np.asarray(base, dtype)
    rounded = np.where(base == -1, 1 - 2 * (exponent & 1), base == 1)
    powers: Array = np.power(base, np.maximum(exponent, 0))
    return np.where(exponent < 0, rounded, powers).astype(dtype)


# Other powers cost NumPy a logarithm and an exponential for each element, as in C.
_PRODUCTS: dict[float, Callable[[Array], Array]] = {
    2: np.square,
    3: lambda x: x * x * x,
    4: lambda x: np.square(np.square(x)),
    -2: lambda x: np.reciprocal(np.square(x)),
}
# NumPy's operator, but not its function, knows roots and reciprocals.
_SIMPLE = frozenset({-1, 0, 0.5, 1})


def operator(operation: Operation, swapped: bool = False) -> Callable[..., Any]:
    """The operation as Python's operator: NotImplemented for operands of other types.

    Python then tries the other operand's operator, and `tensor == None` is False.
    swapped: with its arguments exchanged, `sub` for `2 - tensor`.
    """
    call = recorded(operation.op, as_operator=True)
    if not swapped:
        return functools.update_wrapper(call, operation)

    def of_swapped(input: Any, other: Any) -> Any:
        return call(other, input)

    return functools.update_wrapper(of_swapped, operation)


# --- selection --------------------------------------------------------------------------------


def _selected_cotangent(g: V, other_selected: V, equal: V) -> V:
    """The cotangent where an argument is the result, half of it where both are equal, as in torch.

    By `where` and not by a product, because an infinite cotangent times 0 would be nan.
    """
    return where(other_selected, 0.0, where(equal, g * 0.5, g))


EXTREMES = [
    sample(arr.of(3, 4, low=0.1), arr.of(3, 4, high=-0.1)),
    sample(arr.of(2, high=-0.1), arr.of(3, 2, low=0.1)),
    sample(arr.of(0, 2), arr.of(2)),
]


@elementwise(
    vjp=(
        lambda g, out, a, b: _selected_cotangent(g, a < b, a == b),
        lambda g, out, a, b: _selected_cotangent(g, b < a, a == b),
    ),
    samples=EXTREMES,
    tensors_at=(0, 1),
)
def maximum(input: Array, other: Array) -> Array:
    """The larger of the two; nan if either is nan."""
    return np.maximum(input, other)


@elementwise(
    vjp=(
        lambda g, out, a, b: _selected_cotangent(g, a > b, a == b),
        lambda g, out, a, b: _selected_cotangent(g, b > a, a == b),
    ),
    samples=EXTREMES,
    tensors_at=(0, 1),
)
def minimum(input: Array, other: Array) -> Array:
    """The smaller of the two; nan if either is nan."""
    return np.minimum(input, other)


def common_dtype(*operands: Value | Number) -> dtypes.dtype:
    """The dtype to which tensors and numbers promote."""
    return dtypes.of_numpy(
        dtypes.result_type(*(np.asarray(x.array) if isinstance(x, Value) else x for x in operands))
    )


def _inside(x: V, low: float | None, high: float | None) -> V:
    if low is None:
        return x <= high
    return x >= low if high is None else (x >= low) * (x <= high)


@pointwise(
    node="ClampBackward1",
    vjp=(lambda g, out, x, *, min, max: where(_inside(x, min, max), g, 0.0),),
    samples=[
        sample(arr.of(3, 4, away_from=(-1.0, 1.0)), min=-1.0, max=1.0),
        sample(arr.of(3, 4, away_from=(0.5,)), min=0.5),
        sample(arr.of(5, away_from=(0.0,)), max=0.0),
    ],
)
def clamp(input: Array, *, min: float | None = None, max: float | None = None) -> Array:
    """The input limited to min ... max.  Raises RuntimeError if both are None."""
    if min is None and max is None:
        raise RuntimeError("clamp: at least one of 'min' or 'max' must not be None")
    if input.dtype.kind == "f":  # NumPy takes three times as long if a bound is missing
        min, max = -np.inf if min is None else min, np.inf if max is None else max
    return np.clip(input, min, max)
