"""Fill, select and scatter by boolean masks; positions of the nonzero elements; one-hot rows."""

import math
from typing import Any, Literal, overload

import numpy as np

from minigrad.core import dtypes
from minigrad.core.types import Array, Number, Shape
from minigrad.core.warn import warn_caller
from minigrad.engine.grad_mode import ignore_fp_errors
from minigrad.engine.graph import V, Value, wrap_like
from minigrad.engine.op import arr, composed, op, sample
from minigrad.engine.step_recorder import numbers_read
from minigrad.kernels.pointwise import elementwise as kernels
from minigrad.kernels.simd.math import FLOATS
from minigrad.ops.dims import broadcast_shapes
from minigrad.ops.elementwise import arithmetic, elementary
from minigrad.ops.indexing.getitem import Index, getitem, index_put, saved_index


@op(
    vjp=(lambda g, out, x, *, mask, value: _masked_fill(g, mask=mask, value=0.0),),
    broadcasts=True,
    samples=[
        sample(arr.of(2, 3), mask=np.array([True, False, True]), value=1.0),
        sample(arr.of(3), mask=np.array([[True, False, True], [False, False, True]]), value=1.0),
    ],
)
def _masked_fill(input: Array, *, mask: Array, value: float) -> Array:
    """A copy of input with `value` where the mask, broadcast to it, is True."""
    return kernels.where(mask, np.asarray(value).astype(input.dtype), input)


def number_or_0d(name: str, input: V, value: V | Number) -> V | Number:
    """A value to fill with: a number, or a 0-d tensor cast to the input's dtype."""
    if not isinstance(value, Value):
        number = value.item() if isinstance(value, np.generic) else value
        return dtypes.held_by(input.array.dtype, number)
    if value.array.ndim:
        raise RuntimeError(
            f"{name} only supports a 0-dimensional value tensor, but got one of shape "
            f"{list(value.array.shape)}"
        )
    if value.array.dtype != input.array.dtype:
        dtypes.held_by(input.array.dtype, numbers_read(value.array, value.array.item()))
    return value.to(input.dtype)


def _require_mask(name: str, mask: Any) -> None:
    if not isinstance(mask, Value):
        raise TypeError(f"{name}(): argument 'mask' must be Tensor, not {type(mask).__name__}")
    if mask.array.dtype != bool:
        raise RuntimeError(
            f"{name} only supports boolean masks, got {dtypes.of_numpy(mask.array.dtype)}"
        )


@composed
def masked_fill(input: V, mask: V, value: V | Number) -> V:
    """A copy of input with `value`, a number or a 0-d tensor, where the mask is True."""
    _require_mask("masked_fill", mask)
    filler = number_or_0d("masked_fill", input, value)
    broadcast_shapes(input.array.shape, mask.array.shape)
    if isinstance(filler, Value):
        return elementary.where(mask, filler, input)
    return _masked_fill(input, mask=saved_index(mask.array, input), value=filler)


@composed
def fill(input: V, value: V | Number) -> V:
    """`value`, a number or a 0-d tensor, in the shape and dtype of input."""
    everywhere = wrap_like(input, np.ones((), bool))
    return masked_fill(input, everywhere, number_or_0d("fill", input, value))


def spread(mask: Array, shape: Shape) -> Array:
    """A copy of the mask in a shape that it broadcasts to."""
    return np.broadcast_to(mask, shape).copy()


@composed(node="MaskedSelectBackward0")
def masked_select(input: V, mask: V) -> V:
    """The elements where the mask is True, as a vector; both broadcast."""
    _require_mask("masked_select", mask)
    shape = broadcast_shapes(input.shape, mask.shape)
    selected = ignore_fp_errors(spread, mask.array, shape)
    return getitem(input.expand(shape), index=Index((selected,)))


@composed(node="MaskedScatterBackward0")
def masked_scatter(input: V, mask: V, source: V) -> V:
    """A copy of input with the elements of source, in their order, where the mask is True.

    Raises RuntimeError if the source has too few elements, or another dtype.
    """
    _require_mask("masked_scatter", mask)
    if source.dtype is not input.dtype:
        raise RuntimeError(
            f"masked_scatter: expected self and source to have same dtypes but got "
            f"{input.dtype} and {source.dtype}"
        )
    shape = broadcast_shapes(input.shape, mask.shape)
    selected = ignore_fp_errors(spread, mask.array, shape)
    count = int(numbers_read(mask.array, np.count_nonzero(selected)))
    if source.numel() < count:
        raise RuntimeError(
            f"masked_scatter: the mask selects {count} elements, but the source has "
            f"{source.numel()}"
        )
    return index_put(input.expand(shape), source.reshape(-1)[:count], index=Index((selected,)))


@op(vjp=None)
def argwhere(input: Array) -> Array:
    """The coordinates of the nonzero elements, a row for each: (count, ndim)."""
    return np.argwhere(input)


@overload
def nonzero(input: V, *, as_tuple: Literal[False] = ...) -> V: ...
@overload
def nonzero(input: V, *, as_tuple: Literal[True]) -> tuple[V, ...]: ...
@composed
def nonzero(input: V, *, as_tuple: bool = False) -> V | tuple[V, ...]:
    """The coordinates of the nonzero elements: (count, ndim), or a vector for each dimension."""
    if not as_tuple:
        return argwhere(input)
    coordinates = ignore_fp_errors(np.nonzero, np.atleast_1d(input.array))
    return tuple(wrap_like(input, each) for each in coordinates)


@composed
def nonzero_static(input: V, *, size: int, fill_value: int = -1) -> V:
    """The first `size` rows of `nonzero`, followed by rows of fill_value if it has fewer."""
    found = argwhere(input)
    out = found.new_full((size, input.ndim), fill_value)
    rows = numbers_read(found.array, found.array)
    out.array[: found.shape[0]] = rows[:size]
    return out


@overload
def where(condition: V) -> tuple[V, ...]: ...
@overload
def where(condition: V, input: V | Number, other: V | Number) -> V: ...
@composed
def where(condition: V, *values: Any, **named: Any) -> V | tuple[V, ...]:
    """`input` where `condition` holds, `other` elsewhere; all three broadcast.

    Of a condition alone it is `nonzero(as_tuple=True)`.  Raises RuntimeError unless the condition
    is a tensor of bools; one of uint8 is taken with a warning.
    """
    if not values and not named:
        return nonzero(condition, as_tuple=True)
    selected: V = _where(condition, *values, **named)
    return selected


def _where(condition: V, input: V | Number, other: V | Number) -> V:
    if condition.dtype is dtypes.uint8:
        warn_caller(
            "where received a uint8 condition tensor. This behavior is deprecated and will be "
            "removed in a future version of PyTorch. Use a boolean condition instead."
        )
        condition = condition.to(dtypes.bool_)
    if condition.dtype is not dtypes.bool_:
        raise RuntimeError(
            f"where expected condition to be a boolean tensor, but got a tensor with dtype "
            f"{condition.dtype}"
        )
    if _need_no_cast(input, other) or _need_no_cast(other, input):
        return elementary.where(condition, input, other)
    dtype = arithmetic.common_dtype(input, other)
    first, second = (
        x.to(dtype) if isinstance(x, Value) else condition.new_full((), x, dtype=dtype)
        for x in (input, other)
    )
    return elementary.where(condition, first, second)


def _need_no_cast(x: Any, other: Any) -> bool:
    """Whether x is a floating tensor, and `other` one of its dtype or a number that it can hold."""
    if not isinstance(x, Value) or x.array.dtype not in FLOATS:
        return False
    if isinstance(other, Value):
        return bool(other.array.dtype == x.array.dtype)
    is_number = type(other) is float or type(other) is int
    return is_number and x.array.ndim > 0 and not _LARGE < abs(other) < math.inf


# Finite numbers beyond this are not for float32.
_LARGE = 3e38


@op(vjp=None)
def one_hot(input: Array, *, num_classes: int = -1) -> Array:
    """(...) of class indices -> (..., num_classes), 1 at the class and 0 elsewhere.

    Raises RuntimeError for other dtypes than int64, and for class indices out of range.
    """
    if input.dtype != np.int64:
        raise RuntimeError(f"one_hot is only applicable to index tensors of int64: {input.dtype}")
    if input.size and input.min() < 0:
        raise RuntimeError(f"Class values must be non-negative, got {int(input.min())}")
    needed = int(input.max()) + 1 if input.size else 0
    if num_classes == -1:
        num_classes = needed
    if num_classes <= 0 or num_classes < needed:
        raise RuntimeError(
            f"one_hot: num_classes={num_classes} must be positive and larger than every class, the "
            f"largest of which is {needed - 1}"
        )
    out = np.zeros((input.size, num_classes), np.int64)
    out[np.arange(input.size), input.reshape(-1)] = 1
    return out.reshape(*input.shape, num_classes)
