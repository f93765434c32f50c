"""Powers, logarithms, hyperbolic functions and their inverses."""

import math
from typing import Any

import numpy as np

from minigrad.kernels.compiler.kernel import device_function
from minigrad.kernels.elementary.loops import of_one, of_two
from minigrad.kernels.elementary.polynomials import half_log_ratio, power_of_two
from minigrad.kernels.simd import math as scalar

# The bits of a double: its fraction, and those of the square root of 1 / 2.
_FRACTION_BITS = 52
_FRACTION = np.int64(2**_FRACTION_BITS - 1)
_ROOT = np.float64(math.sqrt(0.5)).view(np.int64)
_BIAS = 1023
# Adding it rounds to an integer, which its last bits then are.
_ROUNDER = np.float64(1.5 * 2.0**_FRACTION_BITS)
_ROUNDER_BITS = _ROUNDER.view(np.int64)
# Of these powers of 2 and of e, and of smaller and larger ones, float32 holds 0 and infinity.
_LOWEST, _HIGHEST = -160.0, 130.0
_HIGHEST_OF_E = 100.0


@device_function(inlined=True)
def _log2(x: float) -> Any:
    """The logarithm of a positive float32, which is a normal double."""
    bits = np.float64(x).view(np.int64) - _ROOT
    k = np.int64((bits >> _FRACTION_BITS) + _ROUNDER_BITS).view(np.float64) - _ROUNDER
    m = np.int64((bits & _FRACTION) + _ROOT).view(np.float64)
    s = (m - 1) / (m + 1)
    return k + s * half_log_ratio(s * s) * (2 / math.log(2))


@device_function(inlined=True)
def _power_of_two(x: float) -> Any:
    """2**x, where float32 holds it; 0 or infinity beyond; nan of nan."""
    bounded = _LOWEST if x < _LOWEST else (_HIGHEST if x > _HIGHEST else x)
    shifted = np.float64(bounded + _ROUNDER)
    n = shifted - _ROUNDER
    exponent = shifted.view(np.int64) - _ROUNDER_BITS + _BIAS
    return power_of_two(bounded - n) * np.int64(exponent << _FRACTION_BITS).view(np.float64)


@device_function(inlined=True)
def _of_any(log: float, x: float) -> Any:
    """The logarithm of any number, given that of the positive ones."""
    positive = log if x < math.inf else x  # nan and infinity are their own
    return positive if not x <= 0 else (-math.inf if x == 0 else math.nan)


def _log_to_2(x: float) -> Any:
    return _of_any(_log2(x), x)


def _log_to_10(x: float) -> Any:
    return _of_any(_log2(x) * math.log10(2), x)


def _exp2(x: float) -> Any:
    return _power_of_two(x)


def _is_unusual(base: float, exponent: float) -> bool:
    """Whether a power follows the rules of C for signs, zeros, infinities and nan."""
    return not (0 < base < math.inf and abs(exponent) < math.inf)


def _pow(base: float, exponent: float) -> Any:
    return _power_of_two(exponent * _log2(base))


def _pow_of_any(base: float, exponent: float) -> Any:
    return math.pow(base, exponent)


def _sinh(x: float) -> Any:
    size = abs(x)
    e = scalar.expm1(_HIGHEST_OF_E if size > _HIGHEST_OF_E else size)
    return math.copysign(0.5 * (e + e / (e + 1)), x)


def _cosh(x: float) -> Any:
    size = abs(x)
    e = scalar.exp(_HIGHEST_OF_E if size > _HIGHEST_OF_E else size)
    return 0.5 * (e + 1 / e)


def _asinh(x: float) -> Any:
    size = abs(x)
    square = size * size
    area = scalar.log1p(size + square / (1 + np.sqrt(1 + square)))
    return math.copysign(area if size < math.inf else size, x)


def _acosh(x: float) -> Any:
    beyond = x - 1
    area = scalar.log1p(beyond + np.sqrt(beyond * (x + 1)))
    return math.nan if x < 1 else area


def _atanh(x: float) -> Any:
    size = abs(x)
    return math.copysign(0.5 * scalar.log1p((size + size) / (1 - size)), x)


def _logaddexp(x: float, y: float) -> Any:
    larger = x if x > y else y
    difference = x - y
    added = larger + scalar.log1p(scalar.decay(-abs(difference)))
    return x if x == y and abs(x) == math.inf else added


def _hypot(x: float, y: float) -> Any:
    length = np.sqrt(x * x + y * y)
    return math.inf if abs(x) == math.inf or abs(y) == math.inf else length


log2 = of_one(_log_to_2, np.log2)
log10 = of_one(_log_to_10, np.log10)
exp2 = of_one(_exp2, np.exp2)
pow = of_two(_pow, np.power, _is_unusual, _pow_of_any)
sinh = of_one(_sinh, np.sinh)
cosh = of_one(_cosh, np.cosh)
asinh = of_one(_asinh, np.arcsinh)
acosh = of_one(_acosh, np.arccosh)
atanh = of_one(_atanh, np.arctanh)
logaddexp = of_two(_logaddexp, np.logaddexp)
hypot = of_two(_hypot, np.hypot)
