"""Arithmetic, comparisons and functions of one element at a time."""

import math
from typing import Any

import numpy as np

from minigrad.onnx.call import Call
from minigrad.onnx.errors import OnnxExporterError
from minigrad.onnx.translations.table import translates, translates_to
from minigrad.ops.elementwise import (
    arithmetic,
    binary,
    comparison,
    elementary,
    float_parts,
    special,
)

translates_to({
    "Add": arithmetic.add, "Sub": arithmetic.sub, "Mul": arithmetic.mul, "Pow": arithmetic.pow,
    "Max": arithmetic.maximum, "Min": arithmetic.minimum, "Neg": arithmetic.neg,
    "Div": arithmetic.div, "Abs": elementary.abs, "Sign": elementary.sign, "Exp": elementary.exp,
    "Log": elementary.log, "Sqrt": elementary.sqrt, "Reciprocal": elementary.reciprocal,
    "Sin": elementary.sin, "Cos": elementary.cos, "Erf": elementary.erf,
    "Floor": elementary.floor, "Ceil": elementary.ceil, "Tan": special.tan, "Asin": special.asin,
    "Acos": special.acos, "Atan": special.atan, "Sinh": special.sinh, "Cosh": special.cosh,
    "Asinh": special.asinh, "Acosh": special.acosh, "Atanh": special.atanh,
    "Equal": comparison.eq, "Less": comparison.lt, "LessOrEqual": comparison.le,
    "Greater": comparison.gt, "GreaterOrEqual": comparison.ge, "IsNaN": comparison.isnan,
})  # fmt: skip


# --- arithmetic -----------------------------------------------------------------------------------


@translates(arithmetic.remainder)
def _remainder(c: Call) -> str:
    x, y = c.input(0), c.input(1)
    if c.dtype_of_numbers().kind != "f":
        return c.node("Mod", x, y)
    return c.node("Sub", x, c.node("Mul", c.node("Floor", c.node("Div", x, y)), y))


@translates(arithmetic.floor_divide)
def _floor_divide(c: Call) -> str:
    x, y = c.input(0), c.input(1)
    if c.dtype_of_numbers().kind == "f":
        return c.node("Floor", c.node("Div", x, y))
    return c.node("Div", c.node("Sub", x, c.node("Mod", x, y)), y)


@translates(binary.fmod)
def _fmod(c: Call) -> str:
    return c.node("Mod", c.input(0), c.input(1), fmod=1)


@translates(binary.div_rounded)
def _div_rounded(c: Call) -> str:
    if c.dtype_of_numbers().kind != "f":
        raise OnnxExporterError("it divides integers, which ONNX rounds in another way")
    quotient = c.node("Div", c.input(0), c.input(1))
    if c.settings["rounding_mode"] == "floor":
        return c.node("Floor", quotient)
    return _without_fraction(c, quotient)


@translates(arithmetic.clamp)
def _clamp(c: Call) -> str:
    low, high = (
        None if (bound := c.settings[name]) is None else c.of(bound) for name in ("min", "max")
    )
    return c.node("Clip", c.input(0), low, high)


@translates(binary.clamp_tensor)
def _clamp_tensor(c: Call) -> str:
    low, high = c.optional(1), c.optional(2)
    x = c.input(0) if low is None else c.node("Max", c.input(0), low)
    return x if high is None else c.node("Min", x, high)


@translates(elementary.where)
def _where(c: Call) -> str:
    return c.node("Where", as_bool(c, 0), c.input(1), c.input(2))


@translates(binary.logaddexp)
def _logaddexp(c: Call) -> str:
    x, y = c.input(0), c.input(1)
    smaller = c.node("Exp", c.node("Neg", c.node("Abs", c.node("Sub", x, y))))
    return c.node("Add", c.node("Max", x, y), c.node("Log", c.node("Add", _one(c), smaller)))


@translates(binary.xlogy)
def _xlogy(c: Call) -> str:
    x, y = c.input(0), c.input(1)
    product = c.node("Mul", x, c.node("Log", y))
    is_zero = c.node("Equal", x, _number(c, 0))
    either_nan = c.node("Not", c.node("IsNaN", y))
    return c.node("Where", c.node("And", is_zero, either_nan), _number(c, 0), product)


# --- truth ----------------------------------------------------------------------------------------


def as_bool(c: Call, position: int) -> str:
    """An argument as truth values."""
    given = c.args[position]
    name = c.input(position)
    is_bool = isinstance(given, np.ndarray) and given.dtype == bool
    return name if is_bool else c.cast(name, bool)


@translates(comparison.ne)
def _ne(c: Call) -> str:
    return c.node("Not", c.node("Equal", c.input(0), c.input(1)))


@translates(comparison.logical_and)
def _and(c: Call) -> str:
    return c.node("And", as_bool(c, 0), as_bool(c, 1))


@translates(comparison.logical_or)
def _or(c: Call) -> str:
    return c.node("Or", as_bool(c, 0), as_bool(c, 1))


@translates(binary.logical_xor)
def _xor(c: Call) -> str:
    return c.node("Xor", as_bool(c, 0), as_bool(c, 1))


@translates(comparison.logical_not)
def _not(c: Call) -> str:
    return c.node("Not", as_bool(c, 0))


@translates(comparison.bitwise_not, np.invert)
def _bitwise_not(c: Call) -> str:
    is_bool = c.args[0].dtype == bool
    return c.node("Not" if is_bool else "BitwiseNot", c.input(0))


def _bitwise(kind: str) -> Any:
    def translate(c: Call) -> str:
        is_bool = c.results[0].dtype == bool
        return c.node(kind if is_bool else f"Bitwise{kind}", c.input(0), c.input(1))

    return translate


translates(comparison.bitwise_and)(_bitwise("And"))
translates(comparison.bitwise_or)(_bitwise("Or"))
translates(comparison.bitwise_xor)(_bitwise("Xor"))


@translates(np.equal)
def _equal(c: Call) -> str:
    return c.node("Equal", c.input(0), np.asarray(c.args[1], c.args[0].dtype))


@translates(comparison.isinf)
def _isinf(c: Call) -> str:
    return c.node("IsInf", c.input(0))


@translates(comparison.isfinite)
def _isfinite(c: Call) -> str:
    x = c.input(0)
    return c.node("Not", c.node("Or", c.node("IsNaN", x), c.node("IsInf", x)))


# --- functions ------------------------------------------------------------------------------------


def _number(c: Call, number: float) -> np.ndarray:
    return np.asarray(number, c.dtype_of_numbers())


def _one(c: Call) -> np.ndarray:
    return _number(c, 1)


def _without_fraction(c: Call, x: str) -> str:
    return c.node("Mul", c.node("Sign", x), c.node("Floor", c.node("Abs", x)))


@translates(elementary.rsqrt)
def _rsqrt(c: Call) -> str:
    return c.node("Reciprocal", c.node("Sqrt", c.input(0)))


@translates(elementary.square)
def _square(c: Call) -> str:
    return c.node("Mul", c.input(0), c.input(0))


@translates(special.exp2)
def _exp2(c: Call) -> str:
    return c.node("Pow", _number(c, 2), c.input(0))


@translates(special.expm1)
def _expm1(c: Call) -> str:
    """2 exp(x / 2) sinh(x / 2): no difference of nearly equal numbers."""
    half = c.node("Mul", c.input(0), _number(c, 0.5))
    return c.node("Mul", c.node("Mul", c.node("Exp", half), c.node("Sinh", half)), _number(c, 2))


@translates(special.log1p)
def _log1p(c: Call) -> str:
    return c.node("Log", c.node("Add", c.input(0), _one(c)))


def _scaled(kind: str, factor: float) -> Any:
    def translate(c: Call) -> str:
        x = c.node(kind, c.input(0)) if kind else c.input(0)
        return c.node("Mul", x, _number(c, factor))

    return translate


translates(special.log2)(_scaled("Log", 1 / math.log(2)))
translates(special.log10)(_scaled("Log", 1 / math.log(10)))
translates(float_parts.deg2rad)(_scaled("", math.pi / 180))
translates(float_parts.rad2deg)(_scaled("", 180 / math.pi))


@translates(special.erfc)
def _erfc(c: Call) -> str:
    return c.node("Sub", _one(c), c.node("Erf", c.input(0)))


@translates(special.trunc)
def _trunc(c: Call) -> str:
    return _without_fraction(c, c.input(0))


@translates(special.frac)
def _frac(c: Call) -> str:
    return c.node("Sub", c.input(0), _without_fraction(c, c.input(0)))


@translates(special.round)
def _round(c: Call) -> str:
    decimals = c.settings["decimals"]
    if not decimals:
        return c.node("Round", c.input(0))
    factor = _number(c, 10.0**decimals)
    return c.node("Div", c.node("Round", c.node("Mul", c.input(0), factor)), factor)


@translates(special.logit)
def _logit(c: Call) -> str:
    x, eps = c.input(0), c.settings["eps"]
    if eps is not None:
        x = c.node("Clip", x, _number(c, eps), _number(c, 1 - eps))
    return c.node("Log", c.node("Div", x, c.node("Sub", _one(c), x)))
