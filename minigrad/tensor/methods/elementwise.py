"""Arithmetic, maths and comparisons, element by element."""

from typing import Any, Self

from minigrad import ops
from minigrad.tensor.methods.array import ArrayValue


class ElementwiseMethods(ArrayValue):
    """torch's elementwise functions as methods, one line each."""

    # --- arithmetic ---

    __add__ = __radd__ = ops.add
    __sub__ = ops.sub
    __rsub__ = ops.swapped(ops.sub)
    __mul__ = __rmul__ = ops.mul
    __truediv__ = ops.div
    __rtruediv__ = ops.swapped(ops.div)
    __floordiv__ = ops.floor_divide
    __rfloordiv__ = ops.swapped(ops.floor_divide)
    __mod__ = ops.remainder
    __rmod__ = ops.swapped(ops.remainder)
    __pow__ = ops.pow
    __rpow__ = ops.swapped(ops.pow)
    __neg__ = ops.neg
    __abs__ = ops.abs

    def __pos__(self) -> Self:
        return self

    add = ops.scaled_add
    sub = subtract = ops.scaled_sub
    mul = multiply = ops.mul
    div = divide = true_divide = ops.quotient
    floor_divide = ops.floor_divide
    remainder = ops.remainder
    neg = negative = ops.neg
    pow = ops.pow
    addcmul = ops.addcmul
    addcdiv = ops.addcdiv
    lerp = ops.lerp

    # --- elementwise maths ---

    abs = absolute = ops.abs
    sign = sgn = ops.sign
    exp = ops.exp
    log = ops.log
    sqrt = ops.sqrt
    rsqrt = ops.rsqrt
    reciprocal = ops.reciprocal
    square = ops.square
    sin = ops.sin
    cos = ops.cos
    erf = ops.erf
    floor = ops.floor
    ceil = ops.ceil
    round = ops.round
    relu = ops.relu
    sigmoid = ops.sigmoid
    tanh = ops.tanh
    softmax = ops.softmax_in
    log_softmax = ops.log_softmax_in
    maximum = ops.maximum
    minimum = ops.minimum
    clamp = clip = ops.clamp
    masked_fill = ops.filled_where

    def where(self, condition: Any, other: Any) -> Any:
        """self where the condition holds, other elsewhere."""
        return ops.where(condition, self, other)

    acos = arccos = ops.acos
    acosh = arccosh = ops.acosh
    asin = arcsin = ops.asin
    asinh = arcsinh = ops.asinh
    atan = arctan = ops.atan
    atanh = arctanh = ops.atanh
    cosh = ops.cosh
    digamma = ops.digamma
    erfc = ops.erfc
    erfinv = ops.erfinv
    exp2 = ops.exp2
    expm1 = ops.expm1
    frac = ops.frac
    lgamma = ops.lgamma
    log10 = ops.log10
    log1p = ops.log1p
    log2 = ops.log2
    logit = ops.logit
    nan_to_num = ops.nan_to_num
    sinc = ops.sinc
    sinh = ops.sinh
    tan = ops.tan
    trunc = fix = ops.trunc
    atan2 = arctan2 = ops.atan2
    bitwise_left_shift = ops.bitwise_left_shift
    bitwise_right_shift = ops.bitwise_right_shift
    copysign = ops.copysign
    float_power = ops.float_power
    fmax = ops.fmax
    fmin = ops.fmin
    fmod = ops.fmod
    hypot = ops.hypot
    isclose = ops.isclose
    logaddexp = ops.logaddexp
    logaddexp2 = ops.logaddexp2
    logical_xor = ops.logical_xor
    xlogy = ops.xlogy

    def polygamma(self, n: int) -> Any:
        """The n-th derivative of digamma."""
        return ops.polygamma(n, self)

    clamp_max = ops.clamp_max
    clamp_min = ops.clamp_min
    deg2rad = ops.deg2rad
    frexp = ops.frexp
    gcd = ops.gcd
    hardshrink = ops.hardshrink
    heaviside = ops.heaviside
    i0 = ops.i0
    isneginf = ops.isneginf
    isposinf = ops.isposinf
    isreal = ops.isreal
    lcm = ops.lcm
    ldexp = ops.ldexp
    mvlgamma = ops.mvlgamma
    nextafter = ops.nextafter
    positive = ops.positive
    rad2deg = ops.rad2deg
    signbit = ops.signbit

    # --- comparisons ---

    __hash__ = ArrayValue.__hash__
    __eq__ = ops.or_not_implemented(ops.eq)
    __ne__ = ops.or_not_implemented(ops.ne)
    eq = ops.eq
    ne = not_equal = ops.ne
    __lt__ = lt = less = ops.lt
    __le__ = le = less_equal = ops.le
    __gt__ = gt = greater = ops.gt
    __ge__ = ge = greater_equal = ops.ge
    __and__ = __rand__ = bitwise_and = ops.bitwise_and
    __or__ = __ror__ = bitwise_or = ops.bitwise_or
    __xor__ = __rxor__ = bitwise_xor = ops.bitwise_xor
    __invert__ = bitwise_not = ops.bitwise_not
    logical_and = ops.logical_and
    logical_or = ops.logical_or
    logical_not = ops.logical_not
    isnan = ops.isnan
    isinf = ops.isinf
    isfinite = ops.isfinite
    equal = ops.equal
    allclose = ops.allclose
