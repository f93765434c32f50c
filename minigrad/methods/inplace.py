"""What changes a tensor's elements: in-place operations, assignment, random fills."""

from collections.abc import Callable
from typing import Any, Self

import numpy as np

from minigrad import ops
from minigrad.generator import Generator, stream
from minigrad.graph import wrap
from minigrad.methods.array import ArrayValue
from minigrad.modes import mode
from minigrad.ops.inplace import before_change, check_writable, in_place, overwrite

_EVERYWHERE = ops.Index((Ellipsis,))


class InPlaceMethods(ArrayValue):
    """Methods that change the elements, and record the change."""

    __iadd__ = in_place(ops.add)
    __isub__ = in_place(ops.sub)
    __imul__ = in_place(ops.mul)
    __itruediv__ = in_place(ops.div)
    __ifloordiv__ = in_place(ops.floor_divide)
    __imod__ = in_place(ops.remainder)
    __ipow__ = in_place(ops.pow)
    __iand__ = in_place(ops.bitwise_and)
    __ior__ = in_place(ops.bitwise_or)
    __ixor__ = in_place(ops.bitwise_xor)
    add_ = in_place(ops.scaled_add)
    sub_ = subtract_ = in_place(ops.scaled_sub)
    mul_ = multiply_ = in_place(ops.mul)
    div_ = divide_ = in_place(ops.quotient)
    floor_divide_ = in_place(ops.floor_divide)
    remainder_ = in_place(ops.remainder)
    pow_ = in_place(ops.pow)
    neg_ = in_place(ops.neg)
    abs_ = in_place(ops.abs)
    exp_ = in_place(ops.exp)
    log_ = in_place(ops.log)
    sqrt_ = in_place(ops.sqrt)
    rsqrt_ = in_place(ops.rsqrt)
    reciprocal_ = in_place(ops.reciprocal)
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
    addcmul_ = in_place(ops.addcmul)
    addcdiv_ = in_place(ops.addcdiv)
    lerp_ = in_place(ops.lerp)
    masked_fill_ = in_place(ops.filled_where)
    scatter_add_ = in_place(ops.scatter_add_along)

    def __setitem__(self, index: Any, value: Any) -> None:
        self._put(ops.as_index(index), value)

    def copy_(self, source: Any) -> Self:
        """Write the elements of `source`, broadcast and cast, over this tensor's."""
        self._put(_EVERYWHERE, source)
        return self

    def fill_(self, value: Any) -> Self:
        """Make every element `value`, a number or a 0-d tensor."""
        if isinstance(value, ArrayValue) and value.ndim:
            raise RuntimeError(
                f"fill_ only supports 0-dimension value tensor but got tensor with "
                f"{value.ndim} dimensions."
            )
        return self.copy_(value)

    def zero_(self) -> Self:
        """Make every element 0."""
        return self.copy_(0)

    def _put(self, index: Any, value: Any) -> None:
        check_writable(self)
        source = value if isinstance(value, ArrayValue) else self.new_tensor(value)
        source = source.to(self.dtype)
        if mode.grad and (self._requires_grad or source._requires_grad):
            overwrite(self, ops.index_put(before_change(self), source, index=index))
        else:
            ops.assign(self.array, index, source.array)
            self.touch()

    def _draw(self, draw: Callable[[], Any]) -> Self:
        return self.copy_(wrap(self.kind, np.asarray(draw())))

    def uniform_(
        self, low: float = 0.0, high: float = 1.0, *, generator: Generator | None = None
    ) -> Self:
        """Draw every element from the uniform distribution on [low, high)."""
        if low > high:
            raise RuntimeError(f"uniform_ expects from <= to, but found from={low} > to={high}")
        return self._draw(lambda: stream(generator).uniform(low, high, self.shape))

    def normal_(
        self, mean: float = 0.0, std: float = 1.0, *, generator: Generator | None = None
    ) -> Self:
        """Draw every element from the normal distribution."""
        if std < 0:
            raise RuntimeError(f"normal_ expects std >= 0.0, but found std {std}")
        return self._draw(lambda: stream(generator).normal(mean, std, self.shape))

    def bernoulli_(self, p: float = 0.5, *, generator: Generator | None = None) -> Self:
        """Make every element 1 with probability p, else 0."""
        if not 0 <= p <= 1:
            raise RuntimeError(f"bernoulli_ expects p to be in [0, 1], but got p={p}")
        return self._draw(lambda: stream(generator).random(self.shape) < p)
