"""Arithmetic, maths and comparisons, element by element."""

from typing import Self

from minigrad import ops
from minigrad.engine.graph import Value
from minigrad.tensor.methods.array import ArrayValue
from minigrad.tensor.methods.signatures import (
    Operand,
    binary,
    bounds,
    method,
    normalization,
    power,
    rounding,
    scaled,
    unary,
)


class ElementwiseMethods(ArrayValue):
    """torch's elementwise functions as methods, one line each."""

    # --- arithmetic ---

    __add__ = __radd__ = binary(ops.operator(ops.add))
    __sub__ = binary(ops.operator(ops.sub))
    __rsub__ = binary(ops.operator(ops.sub, swapped=True))
    __mul__ = __rmul__ = binary(ops.operator(ops.mul))
    __truediv__ = binary(ops.operator(ops.div))
    __rtruediv__ = binary(ops.operator(ops.div, swapped=True))
    __floordiv__ = binary(ops.operator(ops.floor_divide))
    __rfloordiv__ = binary(ops.operator(ops.floor_divide, swapped=True))
    __mod__ = binary(ops.operator(ops.remainder))
    __rmod__ = binary(ops.operator(ops.remainder, swapped=True))
    __pow__ = power(ops.operator(ops.pow))
    __rpow__ = binary(ops.operator(ops.pow, swapped=True))
    __neg__ = unary(ops.neg)
    __abs__ = unary(ops.abs)

    def __pos__(self) -> Self:
        if self.array.dtype == bool:
            raise RuntimeError("The `+` operator, on a bool tensor is not supported.")
        return self

    add = scaled(ops.scaled_add)
    sub = subtract = scaled(ops.scaled_sub)
    mul = multiply = binary(ops.mul)
    div = divide = true_divide = method(ops.divide)
    floor_divide = binary(ops.floor_divide)
    remainder = binary(ops.remainder)
    neg = negative = unary(ops.neg)
    pow = power(ops.pow)
    addcmul = method(ops.addcmul)
    addcdiv = method(ops.addcdiv)
    lerp = method(ops.lerp)

    # --- elementwise maths ---

    abs = absolute = unary(ops.abs)
    sign = unary(ops.sign)
    sgn = unary(ops.sgn)
    angle = unary(ops.angle)
    exp = unary(ops.exp)
    log = unary(ops.log)
    sqrt = unary(ops.sqrt)
    rsqrt = unary(ops.rsqrt)
    reciprocal = unary(ops.reciprocal)
    square = unary(ops.square)
    sin = unary(ops.sin)
    cos = unary(ops.cos)
    erf = unary(ops.erf)
    floor = unary(ops.floor)
    ceil = unary(ops.ceil)
    round = rounding(ops.round)
    relu = unary(ops.relu)
    sigmoid = unary(ops.sigmoid)
    tanh = unary(ops.tanh)
    softmax = normalization(ops.softmax_in)
    log_softmax = normalization(ops.log_softmax_in)
    maximum = binary(ops.maximum)
    minimum = binary(ops.minimum)
    clamp = clip = bounds(ops.clamp)
    masked_fill = method(ops.masked_fill)

    @method
    def where(self, condition: Value, other: Operand) -> Value:
        """self where the condition holds, other elsewhere."""
        return ops.where(condition, self, other)

    acos = arccos = unary(ops.acos)
    acosh = arccosh = unary(ops.acosh)
    asin = arcsin = unary(ops.asin)
    asinh = arcsinh = unary(ops.asinh)
    atan = arctan = unary(ops.atan)
    atanh = arctanh = unary(ops.atanh)
    cosh = unary(ops.cosh)
    digamma = unary(ops.digamma)
    erfc = unary(ops.erfc)
    erfinv = unary(ops.erfinv)
    exp2 = unary(ops.exp2)
    expm1 = unary(ops.expm1)
    frac = unary(ops.frac)
    lgamma = unary(ops.lgamma)
    log10 = unary(ops.log10)
    log1p = unary(ops.log1p)
    log2 = unary(ops.log2)
    logit = ops.logit
    nan_to_num = ops.nan_to_num
    sinc = unary(ops.sinc)
    sinh = unary(ops.sinh)
    tan = unary(ops.tan)
    trunc = fix = unary(ops.trunc)
    atan2 = arctan2 = binary(ops.atan2)
    bitwise_left_shift = binary(ops.bitwise_left_shift)
    bitwise_right_shift = binary(ops.bitwise_right_shift)
    copysign = binary(ops.copysign)
    float_power = method(ops.float_power)
    fmax = binary(ops.fmax)
    fmin = binary(ops.fmin)
    fmod = binary(ops.fmod)
    hypot = binary(ops.hypot)
    isclose = method(ops.isclose)
    logaddexp = binary(ops.logaddexp)
    logaddexp2 = binary(ops.logaddexp2)
    logical_xor = binary(ops.logical_xor)
    xlogy = binary(ops.xlogy)
    igamma = method(ops.gammainc)
    igammac = method(ops.gammaincc)

    @method
    def polygamma(self, n: int) -> Value:
        """The n-th derivative of digamma."""
        return ops.polygamma(n, self)

    clamp_max = method(ops.clamp_max)
    clamp_min = method(ops.clamp_min)
    deg2rad = unary(ops.deg2rad)
    frexp = ops.frexp
    gcd = binary(ops.gcd)
    hardshrink = ops.hardshrink
    heaviside = ops.heaviside
    i0 = method(ops.i0)
    isneginf = unary(ops.isneginf)
    isposinf = unary(ops.isposinf)
    isreal = unary(ops.isreal)
    lcm = binary(ops.lcm)
    ldexp = method(ops.ldexp)
    mvlgamma = method(ops.mvlgamma)
    nextafter = binary(ops.nextafter)
    positive = method(ops.positive)
    rad2deg = unary(ops.rad2deg)
    signbit = unary(ops.signbit)

    # --- comparisons ---

    __hash__ = ArrayValue.__hash__
    __eq__ = binary(ops.operator(ops.eq))  # type: ignore[assignment]  # object's: bool
    __ne__ = binary(ops.operator(ops.ne))  # type: ignore[assignment]
    eq = binary(ops.eq)
    ne = not_equal = binary(ops.ne)
    __lt__ = binary(ops.operator(ops.lt))
    lt = less = binary(ops.lt)
    __le__ = binary(ops.operator(ops.le))
    le = less_equal = binary(ops.le)
    __gt__ = binary(ops.operator(ops.gt))
    gt = greater = binary(ops.gt)
    __ge__ = binary(ops.operator(ops.ge))
    ge = greater_equal = binary(ops.ge)
    __and__ = __rand__ = binary(ops.operator(ops.bitwise_and))
    bitwise_and = binary(ops.bitwise_and)
    __or__ = __ror__ = binary(ops.operator(ops.bitwise_or))
    bitwise_or = binary(ops.bitwise_or)
    __xor__ = __rxor__ = binary(ops.operator(ops.bitwise_xor))
    bitwise_xor = binary(ops.bitwise_xor)
    __lshift__ = binary(ops.operator(ops.bitwise_left_shift))
    __rshift__ = binary(ops.operator(ops.bitwise_right_shift))
    __rlshift__ = binary(ops.operator(ops.bitwise_left_shift, swapped=True))
    __rrshift__ = binary(ops.operator(ops.bitwise_right_shift, swapped=True))
    __invert__ = bitwise_not = unary(ops.bitwise_not)
    logical_and = binary(ops.logical_and)
    logical_or = binary(ops.logical_or)
    logical_not = unary(ops.logical_not)
    isnan = unary(ops.isnan)
    isinf = unary(ops.isinf)
    isfinite = unary(ops.isfinite)
    equal = ops.equal
    allclose = ops.allclose
