"""Activation functions and their derivatives, element by element.

`f_backward(g, x)` is the gradient of x, given the gradient g of f(x).  The comparisons are ordered
such that NaN stays NaN.
"""

from minigrad.kernels.pointwise.loops import binary, unary
from minigrad.kernels.simd import math
from minigrad.kernels.simd.math import like

# ------------------------------------------------------------------------ piecewise linear


@unary
def hardtanh(x: float, low: float, high: float) -> float:
    """x limited to the range from `low` to `high`."""
    return low if x < low else (high if x > high else x)


@binary
def hardtanh_backward(g: float, x: float, low: float, high: float) -> float:
    return like(x, 0.0) if x <= low or x >= high else g


@unary
def hardsigmoid(x: float) -> float:
    """x / 6 + 1/2, limited to the range from 0 to 1."""
    three = like(x, 3.0)
    if x <= -three:
        return like(x, 0.0)
    return like(x, 1.0) if x >= three else (x + three) / like(x, 6.0)


@binary
def hardsigmoid_backward(g: float, x: float) -> float:
    three = like(x, 3.0)
    return g / like(x, 6.0) if -three < x < three else like(x, 0.0)


@unary
def hardswish(x: float) -> float:
    """x times its hardsigmoid."""
    three = like(x, 3.0)
    if x <= -three:
        return like(x, 0.0)
    return x if x >= three else x * (x + three) / like(x, 6.0)


@binary
def hardswish_backward(g: float, x: float) -> float:
    three = like(x, 3.0)
    if x <= -three:
        return like(x, 0.0)
    return g if x >= three else g * (x / three + like(x, 0.5))


@unary
def hardshrink(x: float, lambd: float) -> float:
    """x where |x| > lambd, else 0."""
    return like(x, 0.0) if -lambd <= x <= lambd else x


@binary
def shrink_backward(g: float, x: float, lambd: float) -> float:
    """The gradient of x, for hardshrink and softshrink."""
    return like(x, 0.0) if -lambd <= x <= lambd else g


@unary
def softshrink(x: float, lambd: float) -> float:
    """x moved towards 0 by lambd, and 0 where |x| <= lambd."""
    if x > lambd:
        return x - lambd
    return x + lambd if x < -lambd else x * like(x, 0.0)


@unary
def threshold(x: float, threshold: float, value: float) -> float:
    """x above the threshold, `value` elsewhere."""
    return value if x <= threshold else x


@binary
def threshold_backward(g: float, x: float, threshold: float) -> float:
    return like(x, 0.0) if x <= threshold else g


# ----------------------------------------------------------------------------- exponential


@unary
def elu(x: float, positive: float, negative: float, rate: float) -> float:
    """positive * x for x > 0, negative * (e**(rate x) - 1) elsewhere."""
    return x * positive if x > 0 else negative * math.expm1(x * rate)


@binary
def elu_backward(g: float, x: float, positive: float, negative: float, rate: float) -> float:
    return g * positive if x > 0 else g * (negative * rate * math.exp(x * rate))


@unary
def softplus(x: float, beta: float, threshold: float) -> float:
    """log(1 + e**(beta x)) / beta, and x itself where beta x is above the threshold."""
    z = x * beta
    return x if z > threshold else math.log1p(math.exp(z)) / beta


@binary
def softplus_backward(g: float, x: float, beta: float, threshold: float) -> float:
    z = x * beta
    return g if z > threshold else g * math.sigmoid(z)


@unary
def silu(x: float) -> float:
    """x / (1 + e**-x)."""
    return x * math.sigmoid(x)


@binary
def silu_backward(g: float, x: float) -> float:
    s, one = math.sigmoid(x), like(x, 1.0)
    return g * (s * (one + x * (one - s)))


@unary
def mish(x: float) -> float:
    """x tanh(log(1 + e**x)): with w = e**x it is x (w**2 + 2 w) / (w**2 + 2 w + 2)."""
    w = math.exp(x if x < like(x, 20.0) else like(x, 20.0))
    n = w * (w + like(x, 2.0))
    return x * (n / (n + like(x, 2.0)))


@binary
def mish_backward(g: float, x: float) -> float:
    one, two = like(x, 1.0), like(x, 2.0)
    w = math.exp(x if x < like(x, 20.0) else like(x, 20.0))
    n = w * (w + two)
    t = n / (n + two)
    return g * (t + x * math.sigmoid(x) * (one - t) * (one + t))
