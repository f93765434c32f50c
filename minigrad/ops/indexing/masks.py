"""Masks: filled, selected and scattered by; and the places where a tensor is not zero."""

from typing import Any

import numpy as np

from minigrad.core import dtypes
from minigrad.engine.graph import Value, wrap
from minigrad.engine.op import arr, composed, op, sample
from minigrad.kernels.pointwise import elementwise as kernels
from minigrad.ops.elementwise.arithmetic import select_where, where
from minigrad.ops.indexing.getitem import Index, getitem, held, index_put
from minigrad.ops.shape.join import broadcast_shapes

Array = Any


@op(
    vjp=(lambda g, out, x, *, mask, value: masked_fill(g, mask=mask, value=0.0),),
    broadcasts=True,
    samples=[
        sample(arr.of(2, 3), mask=np.array([True, False, True]), value=1.0),
        sample(arr.of(3), mask=np.array([[True, False, True], [False, False, True]]), value=1.0),
    ],
)
def masked_fill(input: Array, *, mask: Array, value: float) -> Array:
    """A copy of input with `value` where the mask, broadcast to it, is True."""
    return kernels.where(mask, np.asarray(value).astype(input.dtype), input)


def number_or_0d(name: str, input: Any, value: Any) -> Any:
    """A value to fill with: a number, or a 0-d tensor brought to the input's dtype."""
    if not isinstance(value, Value):
        return value.item() if isinstance(value, np.generic) else value
    if value.array.ndim:
        raise RuntimeError(
            f"{name} only supports a 0-dimensional value tensor, but got one of shape "
            f"{list(value.array.shape)}"
        )
    return value.to(input.dtype)


def _require_mask(name: str, mask: Any) -> None:
    if not isinstance(mask, Value):
        raise TypeError(f"{name}(): argument 'mask' must be Tensor, not {type(mask).__name__}")
    if mask.array.dtype != bool:
        raise RuntimeError(
            f"{name} only supports boolean masks, got {dtypes.of_numpy(mask.array.dtype)}"
        )


@composed
def filled_where(input: Any, mask: Any, value: Any) -> Any:
    """A copy of input with `value`, a number or a 0-d tensor, where the mask is True."""
    _require_mask("masked_fill", mask)
    filler = number_or_0d("masked_fill", input, value)
    broadcast_shapes(input.array.shape, mask.array.shape)
    if isinstance(filler, Value):
        return select_where(mask, filler, input)
    return masked_fill(input, mask=held(mask.array, input), value=filler)


@composed
def masked_select(input: Any, mask: Any) -> Any:
    """The elements where the mask is True, as a vector; both broadcast."""
    _require_mask("masked_select", mask)
    shape = broadcast_shapes(input.shape, mask.shape)
    chosen = np.broadcast_to(mask.array, shape).copy()
    return getitem(input.expand(shape), index=Index((chosen,)))


@composed
def masked_scatter(input: Any, mask: Any, source: Any) -> Any:
    """A copy of input with the elements of source, in their order, where the mask is True.

    Raises RuntimeError if the source has too few, or another dtype.
    """
    _require_mask("masked_scatter", mask)
    if source.dtype is not input.dtype:
        raise RuntimeError(
            f"masked_scatter: expected self and source to have same dtypes but got "
            f"{input.dtype} and {source.dtype}"
        )
    shape = broadcast_shapes(input.shape, mask.shape)
    chosen = np.broadcast_to(mask.array, shape).copy()
    count = int(np.count_nonzero(chosen))
    if source.numel() < count:
        raise RuntimeError(
            f"masked_scatter: the mask chooses {count} places, but the source has "
            f"{source.numel()} elements"
        )
    return index_put(input.expand(shape), source.reshape(-1)[:count], index=Index((chosen,)))


@op(vjp=None)
def argwhere(input: Array) -> Array:
    """The coordinates of the nonzero elements, one row each: (count, ndim)."""
    return np.argwhere(input)


@composed
def nonzero(input: Any, *, as_tuple: bool = False) -> Any:
    """The coordinates of the nonzero elements: (count, ndim), or a vector for each dimension."""
    if not as_tuple:
        return argwhere(input)
    found = np.nonzero(np.atleast_1d(input.array))
    return tuple(wrap(input.kind, each) for each in found)


@composed
def nonzero_static(input: Any, *, size: int, fill_value: int = -1) -> Any:
    """`nonzero` with `size` rows: cut off, or filled up with fill_value."""
    found = argwhere(input)
    out = found.new_full((size, input.ndim), fill_value)
    out.array[: found.shape[0]] = found.array[:size]
    return out


@composed
def where_or_nonzero(condition: Any, *values: Any, **named: Any) -> Any:
    """`where(condition, input, other)`; of a condition alone, `nonzero(as_tuple=True)`."""
    if not values and not named:
        return nonzero(condition, as_tuple=True)
    return where(condition, *values, **named)


@op(vjp=None)
def one_hot(input: Array, *, num_classes: int = -1) -> Array:
    """(...) of class numbers -> (..., num_classes), 1 at the class and 0 elsewhere."""
    if input.dtype != np.int64:
        raise RuntimeError(f"one_hot is only applicable to index tensors of int64: {input.dtype}")
    if input.size and input.min() < 0:
        raise RuntimeError(f"Class values must be non-negative, got {int(input.min())}")
    most = int(input.max()) + 1 if input.size else 0
    if num_classes == -1:
        num_classes = most
    if num_classes <= 0 or num_classes < most:
        raise RuntimeError(
            f"one_hot: num_classes={num_classes} must be positive and larger than every class, the "
            f"largest of which is {most - 1}"
        )
    return (input[..., None] == np.arange(num_classes)).astype(np.int64)
