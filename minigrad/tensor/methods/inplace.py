"""In-place operations and assignment."""

from typing import Any, Self

import numpy as np

from minigrad import ops
from minigrad.core.dtypes import held_by
from minigrad.core.types import Array, Number
from minigrad.engine.grad_mode import ignore_fp_errors, thread
from minigrad.kernels.simd.math import FLOATS
from minigrad.ops.inplace import (
    before_change,
    check_writable,
    in_place,
    in_place_view,
    overwrite,
    scaled_in_place,
)
from minigrad.tensor.methods.array import ArrayValue
from minigrad.tensor.methods.casts import CastMethods
from minigrad.tensor.methods.elementwise import ElementwiseMethods
from minigrad.tensor.methods.signatures import Operand

_EVERYWHERE = ops.Index((Ellipsis,))
# Numbers that are written as they are into floats: within the range of float32, whatever the type.
_NUMBERS, _MOST = (int, float), 1e38


class InPlaceOperators(CastMethods):
    """`x += other` and the other operators that change the elements."""

    __iadd__ = in_place(ops.operator(ops.add), np.add)
    __isub__ = in_place(ops.operator(ops.sub), np.subtract)
    __imul__ = in_place(ops.operator(ops.mul), np.multiply)
    __itruediv__ = in_place(ops.operator(ops.div), np.divide)
    __ifloordiv__ = in_place(ops.operator(ops.floor_divide))
    __imod__ = in_place(ops.operator(ops.remainder))
    __ipow__ = in_place(ops.operator(ops.pow))
    __iand__ = in_place(ops.operator(ops.bitwise_and))
    __ior__ = in_place(ops.operator(ops.bitwise_or))
    __ixor__ = in_place(ops.operator(ops.bitwise_xor))
    __ilshift__ = in_place(ops.operator(ops.bitwise_left_shift))
    __irshift__ = in_place(ops.operator(ops.bitwise_right_shift))


class InPlaceMethods(InPlaceOperators):
    """Methods that change the elements, and record the change."""

    add_ = scaled_in_place(in_place(ops.add, np.add), "add_")
    sub_ = subtract_ = scaled_in_place(in_place(ops.sub, np.subtract), "sub_")
    mul_ = multiply_ = in_place(ops.mul, np.multiply)
    div_ = divide_ = true_divide_ = in_place(ops.divide, np.divide)
    floor_divide_ = in_place(ops.floor_divide)
    remainder_ = in_place(ops.remainder)
    pow_ = in_place(ops.pow)
    neg_ = negative_ = in_place(ops.neg)
    abs_ = absolute_ = in_place(ops.abs)
    exp_ = in_place(ops.exp)
    log_ = in_place(ops.log)
    sqrt_ = in_place(ops.sqrt)
    rsqrt_ = in_place(ops.rsqrt)
    reciprocal_ = in_place(ops.reciprocal)
    sign_ = in_place(ops.sign)
    sgn_ = in_place(ops.sgn)
    conj_physical_ = in_place(ops.conj_physical)
    square_ = in_place(ops.square)
    sin_ = in_place(ops.sin)
    cos_ = in_place(ops.cos)
    relu_ = in_place(ops.relu)
    sigmoid_ = in_place(ops.sigmoid)
    tanh_ = in_place(ops.tanh)
    floor_ = in_place(ops.floor)
    ceil_ = in_place(ops.ceil)
    round_ = in_place(ops.round)
    clamp_ = clip_ = in_place(ops.clamp)
    acos_ = arccos_ = in_place(ops.acos)
    acosh_ = arccosh_ = in_place(ops.acosh)
    asin_ = arcsin_ = in_place(ops.asin)
    asinh_ = arcsinh_ = in_place(ops.asinh)
    atan_ = arctan_ = in_place(ops.atan)
    atanh_ = arctanh_ = in_place(ops.atanh)
    cosh_ = in_place(ops.cosh)
    digamma_ = in_place(ops.digamma)
    erf_ = in_place(ops.erf)
    erfc_ = in_place(ops.erfc)
    erfinv_ = in_place(ops.erfinv)
    exp2_ = in_place(ops.exp2)
    expm1_ = in_place(ops.expm1)
    frac_ = in_place(ops.frac)
    lgamma_ = in_place(ops.lgamma)
    log10_ = in_place(ops.log10)
    log1p_ = in_place(ops.log1p)
    log2_ = in_place(ops.log2)
    logit_ = in_place(ops.logit)
    nan_to_num_ = in_place(ops.nan_to_num)
    sinc_ = in_place(ops.sinc)
    sinh_ = in_place(ops.sinh)
    tan_ = in_place(ops.tan)
    trunc_ = fix_ = in_place(ops.trunc)
    atan2_ = arctan2_ = in_place(ops.atan2)
    bitwise_left_shift_ = in_place(ops.bitwise_left_shift)
    bitwise_right_shift_ = in_place(ops.bitwise_right_shift)
    copysign_ = in_place(ops.copysign)
    float_power_ = in_place(ops.float_power)
    fmod_ = in_place(ops.fmod)
    hypot_ = in_place(ops.hypot)
    logical_xor_ = in_place(ops.logical_xor)
    xlogy_ = in_place(ops.xlogy)
    igamma_ = in_place(ops.gammainc)
    igammac_ = in_place(ops.gammaincc)
    deg2rad_ = in_place(ops.deg2rad)
    rad2deg_ = in_place(ops.rad2deg)
    heaviside_ = in_place(ops.heaviside)
    gcd_ = in_place(ops.gcd)
    lcm_ = in_place(ops.lcm)
    ldexp_ = in_place(ops.ldexp)
    nextafter_ = in_place(ops.nextafter)
    i0_ = in_place(ops.i0)
    mvlgamma_ = in_place(ops.mvlgamma)
    polygamma_ = in_place(ElementwiseMethods.polygamma)
    renorm_ = in_place(ops.renorm)
    clamp_min_ = in_place(ops.clamp_min)
    clamp_max_ = in_place(ops.clamp_max)
    addcmul_ = in_place(ops.addcmul)
    addcdiv_ = in_place(ops.addcdiv)
    lerp_ = in_place(ops.lerp)
    addmm_ = in_place(ops.addmm)
    addmv_ = in_place(ops.addmv)
    addr_ = in_place(ops.addr)
    addbmm_ = in_place(ops.addbmm)
    baddbmm_ = in_place(ops.baddbmm)
    cumsum_ = in_place(ops.cumsum)
    cumprod_ = in_place(ops.cumprod)

    # --- comparisons and logic, with results in the tensor's dtype ---

    eq_ = in_place(ops.eq)
    ne_ = not_equal_ = in_place(ops.ne)
    lt_ = less_ = in_place(ops.lt)
    le_ = less_equal_ = in_place(ops.le)
    gt_ = greater_ = in_place(ops.gt)
    ge_ = greater_equal_ = in_place(ops.ge)
    logical_and_ = in_place(ops.logical_and)
    logical_or_ = in_place(ops.logical_or)
    logical_not_ = in_place(ops.logical_not)
    bitwise_and_ = in_place(ops.bitwise_and)
    bitwise_or_ = in_place(ops.bitwise_or)
    bitwise_xor_ = in_place(ops.bitwise_xor)
    bitwise_not_ = in_place(ops.bitwise_not)

    # --- indices and masks ---

    masked_fill_ = in_place(ops.masked_fill)
    masked_scatter_ = in_place(ops.masked_scatter)
    scatter_ = in_place(ops.scatter)
    scatter_add_ = in_place(ops.scatter_add)
    scatter_reduce_ = in_place(ops.scatter_reduce)
    index_add_ = in_place(ops.index_add)
    index_copy_ = in_place(ops.index_copy)
    index_reduce_ = in_place(ops.index_reduce)
    index_fill_ = in_place(ops.index_fill)
    index_put_ = in_place(ops.index_put_at)
    put_ = in_place(ops.put)
    tril_ = in_place(ops.tril)
    triu_ = in_place(ops.triu)

    # --- shape ---

    squeeze_ = in_place_view(ops.squeeze)
    unsqueeze_ = in_place_view(ops.unsqueeze)
    transpose_ = swapaxes_ = swapdims_ = in_place_view(ops.transpose)
    t_ = in_place_view(ops.t)
    as_strided_ = in_place_view(ops.as_strided)

    # --- assignment ---

    def __setitem__(self, index: Any, value: Any) -> None:
        self._put(ops.as_index(index, self, value), value)

    def copy_(self, source: Operand) -> Self:
        """Write the elements of `source`, broadcast and cast, over this tensor's."""
        self._put(_EVERYWHERE, source)
        return self

    def fill_(self, value: Operand) -> Self:
        """Make every element `value`, a number or a 0-d tensor."""
        if isinstance(value, ArrayValue) and value.ndim:
            raise RuntimeError(
                f"fill_ only supports 0-dimension value tensor but got tensor with "
                f"{value.ndim} dimensions."
            )
        if isinstance(value, int | float | complex):
            value = held_by(self.array.dtype, value)
        return self.copy_(value)

    def zero_(self) -> Self:
        """Make every element 0."""
        return self.copy_(0)

    def fill_diagonal_(self, fill_value: Operand, wrap: bool = False) -> Self:
        """Make the main diagonal `fill_value`; with `wrap`, start again below it in tall matrices.

        Raises RuntimeError for fewer than 2 dimensions, and for unequal sizes of more than 2.
        """
        shape = self.shape
        if len(shape) < 2 or (len(shape) > 2 and len(set(shape)) > 1):
            raise RuntimeError(
                f"fill_diagonal_ expects a matrix, or equal sizes in 3 dimensions or more, got "
                f"shape {list(shape)}"
            )
        if wrap and len(shape) == 2 and shape[0] > shape[1]:
            indices: Any = np.divmod(np.arange(0, shape[0] * shape[1], shape[1] + 1), shape[1])
        else:
            indices = (np.arange(min(shape)),) * len(shape)
        self._put(ops.Index(indices), fill_value)
        return self

    def _put(self, index: Any, value: Any) -> None:
        if not self.array.flags.writeable and _selects_part(self, index):
            ops.getitem(self, index=index)._put(_EVERYWHERE, value)
            return
        check_writable(self)
        if type(value) in _NUMBERS and self.array.dtype in FLOATS and -_MOST < value < _MOST:
            # Written at once: a tensor of it would take most of the time.
            mode = thread.mode
            if not (mode.dual_levels or (mode.grad and self._requires_grad)):
                ignore_fp_errors(assign_number, self.array, index, value)
                self.bump_version()
                return
        given: Any = value
        if not isinstance(value, ArrayValue):
            kinds = complex if self.array.dtype == np.float16 else (int, float, complex)
            if isinstance(value, kinds):  # in float16, -1e9 among masked scores is -inf
                given = held_by(self.array.dtype, value)
            given = self.new_tensor(given)
        source, mode = given.to(self.dtype), thread.mode
        if mode.dual_levels or (mode.grad and (self._requires_grad or source._requires_grad)):
            overwrite(self, ops.index_put(before_change(self), source, index=index))
        else:
            ignore_fp_errors(ops.assign, self.array, index, source.array)
            self.bump_version()


def assign_number(array: Array, index: Any, value: Number) -> None:
    ops.assign(array, index, np.asarray(value))


def _selects_part(tensor: ArrayValue, index: Any) -> bool:
    """True if a part is written: of a tensor with repeated elements, it may be without."""
    return bool(index.is_basic and tensor.array[tuple(index)].size < tensor.array.size)
