"""Functions of one or two equally shaped arrays, element by element.

Large contiguous arrays go through compiled loops.  Small or strided ones go through NumPy, where
NumPy has the function.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.kernels.compiler.kernel import GRAIN_SIZE
from minigrad.kernels.pointwise.loops import binary, ternary, unary
from minigrad.kernels.simd import math as scalar
from minigrad.kernels.simd.math import FLOATS, like

Array = np.ndarray[Any, Any]

# From so many elements on, a compiled selection is faster than NumPy's, whose branches cost 4 ns an
# element where conditions are random.
_SELECTION = 512

# Zeros that NumPy need not convert.
_ZEROS = {dtype: np.zeros((), dtype) for dtype in FLOATS}


def _is_compilable(x: Array) -> bool:
    """Return whether a compiled loop accepts the array: contiguous, of a float dtype."""
    return x.dtype in FLOATS and x.flags.c_contiguous


# -------------------------------------------------------------------------------- arithmetic


@binary
def _add(x: float, y: float) -> float:
    return x + y


@binary
def _sub(x: float, y: float) -> float:
    return x - y


@binary
def _mul(x: float, y: float) -> float:
    return x * y


@binary
def _div(x: float, y: float) -> float:
    return x / y


def _matches(x: Array, y: Any) -> bool:
    """Return whether y is a contiguous array of x's shape and dtype."""
    return (
        type(y) is np.ndarray and y.shape == x.shape and y.dtype == x.dtype and y.flags.c_contiguous
    )


def _arithmetic(ufunc: Callable[..., Any], compiled: binary) -> Callable[..., Array]:
    def apply(x: Any, y: Any) -> Array:
        # NumPy's loops are as fast on one thread, so that only large arrays gain from a second.
        if (
            type(x) is np.ndarray
            and x.size >= 8 * GRAIN_SIZE
            and _is_compilable(x)
            and _matches(x, y)
        ):
            return compiled(x, y)
        out = ufunc(x, y)
        return out if type(out) is np.ndarray else np.asarray(out)

    apply.__doc__ = (
        f"`np.{ufunc.__name__}`, on all threads for large arrays of one shape and dtype."
    )
    return apply


add = _arithmetic(np.add, _add)
sub = _arithmetic(np.subtract, _sub)
mul = _arithmetic(np.multiply, _mul)
div = _arithmetic(np.divide, _div)


# --------------------------------------------------------------------------------- selection


@ternary
def _select(x: float, y: float, condition: bool) -> float:
    return x if condition else y


@binary
def _select_or_number(x: float, condition: bool, number: float) -> float:
    return x if condition else number


@binary
def _number_or_select(y: float, condition: bool, number: float) -> float:
    return number if condition else y


def where(condition: Array, x: Any, y: Any) -> Array:
    """x where the condition (bool) is true, y elsewhere: arrays that broadcast, or numbers."""
    is_array, is_other = (type(v) is np.ndarray and v.ndim > 0 for v in (x, y))
    array = x if is_array else y
    if not (type(array) is np.ndarray and array.dtype in FLOATS and _have_dtype(x, y, array.dtype)):
        return np.asarray(np.where(condition, x, y))
    shape = condition.shape
    if array.shape != shape or (is_array and is_other and y.shape != shape):
        given = [v.shape for v, has_axes in ((x, is_array), (y, is_other)) if has_axes]
        shape = np.broadcast_shapes(shape, *given)
        condition = np.broadcast_to(condition, shape)
        x, y = (
            np.broadcast_to(v, shape) if has_axes else v
            for v, has_axes in ((x, is_array), (y, is_other))
        )
    if condition.size < _SELECTION:
        return np.asarray(np.where(condition, x, y))
    chosen = condition.view(np.uint8)
    if not is_other:
        return _select_or_number(x, chosen, (y,))
    if not is_array:
        return _number_or_select(y, chosen, (x,))
    return _select(x, y, chosen)


def _have_dtype(x: Any, y: Any, dtype: np.dtype[Any]) -> bool:
    """Return whether both are arrays of this dtype, or Python numbers."""
    return all(
        type(v) in (int, float) or (type(v) is np.ndarray and v.dtype == dtype) for v in (x, y)
    )


@unary
def _sign(x: float) -> float:
    zero, one = like(x, 0.0), like(x, 1.0)
    return one if x > zero else (-one if x < zero else zero)


def sign(x: Array) -> Array:
    """-1, 0 or 1; 0 for NaN."""
    return _sign(x) if x.dtype.kind == "f" else np.asarray(np.sign(x))


# -------------------------------------------------------------------------------- rectifiers


@unary
def _relu(x: float) -> float:
    return 0.0 if x <= 0 else x


def relu(x: Array) -> Array:
    """max(x, 0); NaN stays NaN.  Raises RuntimeError for bools."""
    if x.size >= _SELECTION and _is_compilable(x):
        return _relu(x)
    zero = _ZEROS.get(x.dtype)
    if zero is None:
        if x.dtype.kind == "b":
            raise RuntimeError("Boolean inputs not supported for relu")
        zero = np.zeros((), x.dtype)
    return np.asarray(np.maximum(x, zero))


@binary
def relu_backward(g: float, out: float) -> float:
    """g where relu's output is positive, else 0; g also where it is NaN."""
    return 0.0 if out <= 0 else g


@unary
def _leaky_relu(x: float, negative_slope: float) -> float:
    return x if x > 0 else x * negative_slope


def leaky_relu(x: Array, negative_slope: float) -> Array:
    """x where positive, else x * negative_slope."""
    return _leaky_relu(x, (negative_slope,))


@binary
def _leaky_relu_backward(g: float, x: float, negative_slope: float) -> float:
    return g if x > 0 else g * negative_slope


def leaky_relu_backward(g: Array, x: Array, negative_slope: float) -> Array:
    """g where x is positive, else g * negative_slope."""
    return _leaky_relu_backward(g, x, (negative_slope,))


# -------------------------------------------------- exponential, logarithm, tanh and sigmoid


@unary
def _exp(x: float) -> float:
    return scalar.exp(x)


def exp(x: Array) -> Array:
    """e**x."""
    return _exp(x) if x.dtype in FLOATS else np.asarray(np.exp(x))


@unary
def _expm1(x: float) -> float:
    return scalar.expm1(x)


def expm1(x: Array) -> Array:
    """e**x - 1, accurate also near 0."""
    return _expm1(x) if x.dtype in FLOATS else np.asarray(np.expm1(x))


@unary
def _log1p(x: float) -> float:
    return scalar.log1p(x)


def log1p(x: Array) -> Array:
    """log(1 + x), accurate also near 0."""
    return _log1p(x) if x.dtype in FLOATS else np.asarray(np.log1p(x))


@unary
def log_sigmoid(x: float) -> float:
    """log(1 / (1 + e**-x))."""
    zero = like(x, 0.0)
    return (zero if x > zero else x) - scalar.log1p(scalar.decay(-abs(x)))


@binary
def bce_with_logits(x: float, target: float) -> float:
    """The binary cross-entropy of sigmoid(x): a target of 0 or 1 counts its own side alone."""
    zero, one = like(x, 0.0), like(x, 1.0)
    tail = scalar.log1p(scalar.decay(-abs(x)))
    if_zero = (x if x > zero else zero) + tail
    if_one = (zero if x > zero else -x) + tail
    negatives = (one - target) * if_zero if target != one else zero
    positives = target * if_one if target != zero else zero
    return x if math.isnan(x) else negatives + positives


@ternary
def _bce_with_logits_backward(g: float, x: float, target: float) -> float:
    one, e = like(x, 1.0), scalar.decay(-abs(x))
    large = one / (one + e)
    small = e * large
    p, q = (large, small) if x > like(x, 0.0) else (small, large)
    return x if math.isnan(x) else g * ((one - target) * p - target * q)


def bce_with_logits_backward(g: Array, x: Array, target: Array) -> Array:
    """g times the slope of `bce_with_logits` in x, exact in both tails."""
    if x.dtype in FLOATS:
        return _bce_with_logits_backward(g, x, target)
    wide = (each.astype(np.float32) for each in (g, x, target))
    return _bce_with_logits_backward(*wide).astype(x.dtype)


@unary
def _tanh(x: float) -> float:
    return scalar.tanh(x)


def tanh(x: Array) -> Array:
    """The hyperbolic tangent."""
    return _tanh(x) if x.size >= GRAIN_SIZE and _is_compilable(x) else np.asarray(np.tanh(x))


@unary
def sigmoid(x: float) -> float:
    """1 / (1 + e**-x), accurate also where the result is tiny."""
    return scalar.sigmoid(x)


@binary
def tanh_backward(g: float, out: float) -> float:
    """g times the derivative of tanh, given its output."""
    return g * (like(out, 1.0) - out * out)


@binary
def sigmoid_backward(g: float, out: float) -> float:
    """g times the derivative of sigmoid, given its output."""
    return g * (out * (like(out, 1.0) - out))


@unary
def huber(x: float, beta: float) -> float:
    """x**2 / (2 beta) for |x| < beta, |x| - beta / 2 elsewhere."""
    size, half = abs(x), like(x, 0.5)
    return half * size * size / beta if size < beta else size - half * beta


# ---------------------------------------------------------------------- GELU and dropout


@unary
def erf(x: float) -> float:
    """2 / sqrt(pi) times the integral of e**-t**2 from 0 to x."""
    return scalar.erf(x)


@unary
def _gelu(x: float) -> float:
    # Below the bound the distribution is 0, and -inf times 0 would be nan.
    bounded = like(x, -1e15) if x < like(x, -1e15) else x
    return bounded * scalar.normal(x)[0]


@unary
def _gelu_tanh(x: float) -> float:
    # 0.5 (1 + tanh u) is sigmoid(2 u).
    u = like(x, math.sqrt(2 / math.pi)) * (x + like(x, 0.044715) * x * x * x)
    bounded = like(x, -1e15) if x < like(x, -1e15) else x  # as in _gelu
    return bounded * scalar.sigmoid(u + u)


def gelu(x: Array, approximate: str = "none") -> Array:
    """x times the normal distribution function of x, or the approximation by "tanh"."""
    return (_gelu_tanh if approximate == "tanh" else _gelu)(x)


@binary
def _gelu_backward(g: float, x: float) -> float:
    distribution, bell = scalar.normal(x)
    return g * (distribution + x * bell * like(x, 1 / math.sqrt(2 * math.pi)))


@binary
def _gelu_tanh_backward(g: float, x: float) -> float:
    root, cubic = like(x, math.sqrt(2 / math.pi)), like(x, 0.044715)
    u = root * (x + cubic * x * x * x)
    s = scalar.sigmoid(u + u)
    twice_slope = like(x, 2.0) * root * (like(x, 1.0) + like(x, 3.0) * cubic * x * x)
    return g * (s + x * s * (like(x, 1.0) - s) * twice_slope)


def gelu_backward(g: Array, x: Array, approximate: str = "none") -> Array:
    """g times the derivative of gelu at x."""
    return (_gelu_tanh_backward if approximate == "tanh" else _gelu_backward)(g, x)


@binary
def _masked(x: float, mask: bool, scale: float) -> float:
    return x * (scale if mask else like(x, 0.0))


def dropout(x: Array, mask: Array, scale: float) -> Array:
    """x * mask * scale for a mask of bool or uint8 in x's shape."""
    if x.size >= _SELECTION and x.dtype in FLOATS and mask.shape == x.shape:
        return _masked(x, mask.view(np.uint8), settings=(scale,))
    return np.asarray(x * mask * x.dtype.type(scale))
