"""The mathematical methods of a tensor, under torch's names: one line each."""

from typing import Any

from minigrad import ops
from minigrad.array_value import ArrayValue


class NumericValue(ArrayValue):
    """An ArrayValue with the elementwise functions, reductions and rearrangements of torch."""

    # --- element by element ---

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
