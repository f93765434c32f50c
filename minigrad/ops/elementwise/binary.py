"""Elementwise functions of two tensors beyond arithmetic: rounded quotients, angles, bounds."""

from typing import Any

import numpy as np

from minigrad.core import dtypes
from minigrad.core.types import Array, Number
from minigrad.engine.complex_form import refuse_complex
from minigrad.engine.graph import V, Value
from minigrad.engine.op import arr, composed, elementwise, require_tensors, sample
from minigrad.engine.out_argument import call_into
from minigrad.engine.overrides import overridable
from minigrad.kernels.elementary import angles, powers, remainders
from minigrad.ops.elementwise import arithmetic as maths
from minigrad.ops.elementwise import elementary
from minigrad.ops.elementwise.arithmetic import EXTREMES
from minigrad.ops.elementwise.comparison import isnan, of_integers
from minigrad.ops.elementwise.elementary import PAIRS, exp, where
from minigrad.ops.elementwise.special import exp2, trunc

POSITIVE = [
    sample(arr.of(3, 4, low=0.3), arr.of(3, 4, low=0.3)),
    sample(arr.of(2, 3, 4, low=0.3), arr.of(3, 1, low=0.3)),
    sample(arr.of(0, 2, low=0.3), arr.of(2, low=0.3)),
]
TENSORS = PAIRS[:-1]


@elementwise(
    node=lambda node: "FmodBackward0" if node.is_number(1) else "FmodBackward1",
    vjp=(lambda g, out, a, b: g, lambda g, out, a, b: -g * trunc(a / b)),
    samples=[sample(arr.of(3, 4, low=0.1, high=0.9), arr.of(4, low=1.0, high=2.0))],
    tensors_at=(0,),
)
def fmod(input: Array, other: Array) -> Array:
    """input - other * trunc(input / other): the sign follows `input`."""
    if all(np.asarray(x).dtype.kind in "iub" for x in (input, other)) and np.any(
        np.equal(other, 0)
    ):
        raise RuntimeError("ZeroDivisionError: division of integers by zero")
    return remainders.fmod(input, other)


@elementwise(
    node="DivBackward2",
    vjp=(lambda g, out, a, b, *, rounding_mode: elementary.nothing(g),) * 2,
    samples=[
        sample(arr.of(3, low=1.1, high=1.4), arr.of(3, low=1.5), rounding_mode=mode)
        for mode in ("trunc", "floor")
    ],
)
def div_rounded(input: Array, other: Array, *, rounding_mode: str) -> Array:
    """input / other, rounded towards zero ("trunc") or minus infinity ("floor")."""
    if all(np.asarray(x).dtype.kind in "iub" for x in (input, other)):
        if np.any(np.equal(other, 0)):
            raise RuntimeError("ZeroDivisionError: division of integers by zero")
        floor: Array = np.floor_divide(input, other)
        if rounding_mode == "floor":
            return floor
        inexact = (floor < 0) & (np.remainder(input, other) != 0)
        result: Array = floor + inexact
        return result
    if rounding_mode == "floor":
        return remainders.floor_divide(input, other)
    return np.trunc(np.divide(input, other))


def divide(
    input: V, other: V | Number, *, rounding_mode: str | None = None, out: V | None = None
) -> V:
    """input / other; rounded towards zero with "trunc", towards minus infinity with "floor".

    Raises RuntimeError for another rounding mode.
    """
    if out is not None:
        return call_into(
            divide, "div", (input, other), {"rounding_mode": rounding_mode, "out": out}
        )
    if rounding_mode is None:
        return maths.div(input, other)
    if rounding_mode not in {"trunc", "floor"}:
        raise RuntimeError(
            f"div expected rounding_mode to be one of None, 'trunc', or 'floor' but found "
            f"{rounding_mode!r}"
        )
    return div_rounded(input, other, rounding_mode=rounding_mode)


maths.div.op.public = divide


@composed
def float_power(input: V | Number, exponent: V | Number) -> V:
    """input ** exponent, computed in float64."""
    refuse_complex("float_power", input, exponent)
    power: Any = exponent.to(dtypes.float64) if isinstance(exponent, Value) else exponent
    return maths.pow(input.to(dtypes.float64) if isinstance(input, Value) else input, power)


@elementwise(
    vjp=(
        lambda g, out, a, b: where((a >= b) | isnan(b), g, 0.0),
        lambda g, out, a, b: where((a >= b) | isnan(b), 0.0, g),
    ),
    samples=EXTREMES,
    tensors_at=(0, 1),
)
def fmax(input: Array, other: Array) -> Array:
    """The larger of the two; the other one where one is nan."""
    return np.fmax(input, other)


@elementwise(
    vjp=(
        lambda g, out, a, b: where((a <= b) | isnan(b), g, 0.0),
        lambda g, out, a, b: where((a <= b) | isnan(b), 0.0, g),
    ),
    samples=EXTREMES,
    tensors_at=(0, 1),
)
def fmin(input: Array, other: Array) -> Array:
    """The smaller of the two; the other one where one is nan."""
    return np.fmin(input, other)


def _squared_length(a: V, b: V) -> V:
    """a**2 + b**2, but 1 at the origin, where torch has derivatives of the angle of 0."""
    return where(a.eq(0) & b.eq(0), 1.0, a * a + b * b)


@elementwise(
    vjp=(
        lambda g, out, a, b: g * (b / _squared_length(a, b)),
        lambda g, out, a, b: g * (-a / _squared_length(a, b)),
    ),
    floats=True,
    samples=POSITIVE,
    tensors_at=(0, 1),
)
def atan2(input: Array, other: Array) -> Array:
    """The angle in [-pi, pi] of the point (other, input)."""
    return angles.atan2(input, other)


@elementwise(
    vjp=(lambda g, out, a, b: g * (a / out), lambda g, out, a, b: g * (b / out)),
    floats=True,
    samples=POSITIVE,
    tensors_at=(0, 1),
)
def hypot(input: Array, other: Array) -> Array:
    """sqrt(input**2 + other**2), without overflow."""
    return powers.hypot(input, other)


@elementwise(
    vjp=(
        lambda g, out, a, b: g / (1 + exp(b - a)),
        lambda g, out, a, b: g / (1 + exp(a - b)),
    ),
    floats=True,
    samples=TENSORS,
    tensors_at=(0, 1),
)
def logaddexp(input: Array, other: Array) -> Array:
    """log(exp(input) + exp(other)), without overflow."""
    return powers.logaddexp(input, other)


@elementwise(
    vjp=(
        lambda g, out, a, b: g / (1 + exp2(b - a)),
        lambda g, out, a, b: g / (1 + exp2(a - b)),
    ),
    floats=True,
    samples=TENSORS,
    tensors_at=(0, 1),
)
def logaddexp2(input: Array, other: Array) -> Array:
    """log2(2**input + 2**other), without overflow."""
    return np.logaddexp2(input, other)


@elementwise(
    node=lambda node: f"XlogyBackward{2 if node.is_number(1) else int(node.is_number(0))}",
    vjp=(
        lambda g, out, a, b: where((a == 0) & (b <= 0), 0.0, xlogy(g, b)),
        lambda g, out, a, b: g * a / b,
    ),
    floats=True,
    samples=POSITIVE,
)
def xlogy(input: Array, other: Array) -> Array:
    """input * log(other), 0 where input is 0 unless other is nan."""
    return np.where(np.equal(input, 0) & ~np.isnan(other), 0, input * np.log(other)).astype(
        np.result_type(input, other), copy=False
    )


@elementwise(
    node=lambda node: "CopysignBackward1" if node.is_number(1) else "CopysignBackward0",
    vjp=(
        lambda g, out, a, b: where(a == 0, 0.0, g * (out / where(a == 0, 1.0, a))),
        lambda g, out, a, b: elementary.nothing(g),
    ),
    floats=True,
    samples=[sample(arr.of(3, 4, low=0.2), arr.of(4, away_from=(0.0,)))],
    tensors_at=(0,),
)
def copysign(input: Array, other: Array) -> Array:
    """The magnitude of input with the sign of other."""
    return np.copysign(input, other)


def _clamp_rule(g: V, out: V, x: V, low: V | None, high: V | None) -> V:
    if low is None:
        return where(x <= high, g, 0.0)
    return where(x >= low if high is None else (x >= low) & (x <= high), g, 0.0)


def _clamp_min_rule(g: V, out: V, x: V, low: V, high: V | None) -> V:
    return where(x < low if high is None else (x < low) & (low < high), g, 0.0)


def _clamp_max_rule(g: V, out: V, x: V, low: V | None, high: V) -> V:
    return where(x > high if low is None else (x > high) | (low > high), g, 0.0)


@elementwise(
    node="ClampBackward0",
    vjp=(_clamp_rule, _clamp_min_rule, _clamp_max_rule),
    samples=[
        sample(arr.of(3, 4, low=-0.4, high=0.4), arr.of(4, low=-1, high=-0.6), arr.of(3, 1, low=1)),
        sample(arr.of(3), arr.of(3, low=3, high=4), arr.of(3, low=5, high=6)),
        sample(arr.of(3), arr.of(3, low=-4, high=-3)),
        sample(arr.of(3), arr.of(3, low=-6, high=-5), arr.of(3, low=-4, high=-3)),
    ],
    tensors_at=(0,),
)
def clamp_tensor(input: Array, min: Array | None = None, max: Array | None = None) -> Array:
    """The input limited to tensors min ... max; the result is max where min is above max."""
    out = input if min is None else np.maximum(input, min)
    return out if max is None else np.minimum(out, max)


def clamp(
    input: V,
    min: V | Number | None = None,
    max: V | Number | None = None,
    *,
    out: V | None = None,
) -> V:
    """The input limited to min ... max, numbers or tensors.

    Raises RuntimeError if both are None.
    """
    if out is not None:
        return call_into(clamp, "clamp", (input, min, max), {"out": out})
    if isinstance(min, Value) or isinstance(max, Value):
        return clamp_tensor(input, min, max)
    if isinstance(min, np.generic) or isinstance(max, np.generic):
        min, max = (x.item() if isinstance(x, np.generic) else x for x in (min, max))
    if input.array.dtype.kind in "iub" and (isinstance(min, float) or isinstance(max, float)):
        input = input.to(dtypes.get_default_dtype())
    return maths.clamp(input, min=min, max=max)


@elementwise(vjp=None, tensors_at=(0, 1))
def logical_xor(input: Array, other: Array) -> Array:
    """True where exactly one of the two is nonzero."""
    return np.logical_xor(input, other)


@elementwise(vjp=None)
def bitwise_left_shift(input: Array, other: Array) -> Array:
    """input * 2**other, of integers."""
    return of_integers(np.left_shift, input, other)


@elementwise(vjp=None)
def bitwise_right_shift(input: Array, other: Array) -> Array:
    """input / 2**other rounded down, of integers."""
    return of_integers(np.right_shift, input, other)


def require_comparable(name: str, input: V, other: V, rtol: float, atol: float) -> None:
    """Raise TypeError or RuntimeError unless two tensors can be compared within tolerances."""
    require_tensors(name, input=input, other=other)
    if input.array.dtype != other.array.dtype:
        raise RuntimeError(
            f"{name}(): expected tensors of one dtype, but {input.dtype} did not match "
            f"{other.dtype}"
        )
    for tolerance, given in (("rtol", rtol), ("atol", atol)):
        if given < 0:
            raise RuntimeError(
                f"{name}(): {tolerance} must be greater than or equal to zero, but got {given}"
            )


@overridable
def isclose(
    input: V, other: V, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False
) -> V:
    """True where |input - other| <= atol + rtol * |other|.

    Raises RuntimeError for tensors of two dtypes and for a tolerance below 0.
    """
    require_comparable("isclose", input, other, rtol, atol)
    input, other = input.detach(), other.detach()
    close = input.eq(other)
    if input.array.dtype == bool:
        return close
    if rtol or atol:
        apart = (input - other).abs()
        close = close | (apart <= atol + rtol * other.abs()) & (apart < float("inf"))
    return close | (isnan(input) & isnan(other)) if equal_nan else close
