"""Slices and elements read or written at positions that a tensor of integers lists."""

from collections.abc import Sequence

import numpy as np

from minigrad.core import dtypes
from minigrad.core.types import Array, Number
from minigrad.engine.grad_mode import ignore_fp_errors
from minigrad.engine.graph import V, Value
from minigrad.engine.op import composed
from minigrad.kernels.gather import is_within
from minigrad.ops.dims import wrap_dim
from minigrad.ops.indexing.getitem import (
    Index,
    along,
    as_index,
    getitem,
    index_put,
    index_put_accumulate,
    index_put_scalar,
    saved_index,
)
from minigrad.ops.indexing.masks import number_or_0d

_INTEGERS = (np.dtype(np.int64), np.dtype(np.int32))


def index_array(name: str, index: Value, *users: object) -> Array:
    """The array of an index tensor, copied if the graph saves it."""
    if not isinstance(index, Value):
        raise TypeError(f"{name}(): argument 'index' must be Tensor, not {type(index).__name__}")
    found = index.array
    if found.dtype not in _INTEGERS:
        raise RuntimeError(
            f"{name}(): expected dtype int32 or int64 for index, got {dtypes.of_numpy(found.dtype)}"
        )
    if found.dtype != np.int64:
        found = ignore_fp_errors(np.asarray, found, np.int64)
    return saved_index(found, *users)


def require_bounds(
    name: str, index: Array, size: int, where: str, error: type[Exception], negative: bool = False
) -> None:
    """Raise `error` for an index that is not below `size`, or negative unless that is allowed."""
    ignore_fp_errors(_check_bounds, name, index, size, where, error, negative)


def _check_bounds(
    name: str, index: Array, size: int, where: str, error: type[Exception], negative: bool
) -> None:
    lowest = -size if negative else 0
    if not is_within(index, lowest, size):
        bad = index[(index >= size) | (index < lowest)].flat[0]
        raise error(f"{name}(): index {bad} is out of bounds for {where} with size {size}")


def require_same_dtype(name: str, input: Value, other: Value) -> None:
    """Raise RuntimeError if the tensors have different dtypes."""
    if other.dtype is not input.dtype:
        raise RuntimeError(
            f"{name}(): self ({input.dtype}) and source ({other.dtype}) must have the same dtype"
        )


def at_least_1d(x: V) -> V:
    """The tensor, with a dimension of size 1 if it has none."""
    return x if x.ndim else x.reshape(1)


# --- along one dimension, an index for every slice ------------------------------------------


def _index_vector(
    name: str,
    input: Value,
    dim: int,
    index: Value,
    error: type[Exception],
    source: Value | None = None,
) -> tuple[int, Array]:
    """The dimension, and the checked index as a vector."""
    shape = input.array.shape
    axis = wrap_dim(dim, len(shape))
    positions = index_array(name, index, input, source)
    if positions.ndim > 1:
        raise IndexError(f"{name}(): index must be a vector, got shape {list(positions.shape)}")
    size = shape[axis] if shape else 1
    require_bounds(name, positions, size, f"dimension {axis}", error, name == "index_fill")
    return axis, positions if positions.ndim else positions.reshape(1)


@composed(node="IndexSelectBackward0")
def index_select(input: V, dim: int, index: V) -> V:
    """The slices of `dim` at the positions that a 1-d tensor of integers lists.

    Raises IndexError if one is out of bounds.
    """
    axis, positions = _index_vector("index_select", input, dim, index, IndexError)
    if input.ndim == 0:
        if positions.size != 1:
            raise RuntimeError(
                f"index_select(): the index to a 0-d tensor must have 1 value, got {positions.size}"
            )
        return input.clone()
    return getitem(input, index=along(axis, positions))


def _checked_source(
    name: str, input: Value, axis: int, positions: Array, source: Value, error: type[Exception]
) -> None:
    require_same_dtype(name, input, source)
    count = source.shape[axis] if source.ndim > axis else 1
    if count != positions.size:
        raise error(
            f"{name}(): number of indices ({positions.size}) should be equal to source.size(dim) "
            f"({count}), for dim {axis}"
        )
    expected = (*input.shape[:axis], positions.size, *input.shape[axis + 1 :])
    if source.ndim and input.ndim and source.shape != expected:
        raise RuntimeError(
            f"{name}(): source must have shape {list(expected)} for {positions.size} positions of "
            f"dimension {axis} of a tensor of shape {list(input.shape)}, got {list(source.shape)}"
        )


@composed(node="IndexAddBackward0")
def index_add(input: V, dim: int, index: V, source: V, *, alpha: float = 1) -> V:
    """A copy of input with alpha * source added at the positions of `dim` that the index lists.

    Raises RuntimeError if the index or the source does not fit.
    """
    axis, positions = _index_vector("index_add", input, dim, index, RuntimeError, source)
    _checked_source("index_add", input, axis, positions, source, RuntimeError)
    added = source if alpha == 1 else source * alpha
    where = along(axis, positions)
    out = index_put_accumulate(at_least_1d(input), at_least_1d(added), index=where)
    return out if input.ndim else out.reshape(())


@composed(node="IndexCopyBackward0")
def index_copy(input: V, dim: int, index: V, source: V) -> V:
    """A copy of input with source at the positions of `dim` that the index lists.

    Raises IndexError or RuntimeError if the index or the source does not fit.
    """
    axis, positions = _index_vector("index_copy", input, dim, index, IndexError, source)
    if source.ndim != input.ndim and source.ndim and input.ndim:
        raise IndexError(
            f"index_copy(): source of shape {list(source.shape)} must have as many dimensions as "
            f"the tensor of shape {list(input.shape)}"
        )
    _checked_source("index_copy", input, axis, positions, source, IndexError)
    out = index_put(at_least_1d(input), at_least_1d(source), index=along(axis, positions))
    return out if input.ndim else out.reshape(())


@composed(node="IndexFillBackward0")
def index_fill(input: V, dim: int, index: V, value: V | Number) -> V:
    """A copy of input with a number or 0-d tensor at positions of `dim` that the index lists."""
    axis, positions = _index_vector("index_fill", input, dim, index, IndexError)
    filler = number_or_0d("index_fill", input, value)
    where = along(axis, positions)
    if isinstance(filler, Value):
        out = index_put(at_least_1d(input), filler, index=where)
    else:
        out = index_put_scalar(at_least_1d(input), index=where, value=filler)
    return out if input.ndim else out.reshape(())


# --- positions in the flattened tensor, and any index ---------------------------------------


def _flat_index(name: str, input: Value, index: Value, *users: Value) -> Index:
    positions = index_array(name, index, input, *users)
    require_bounds(name, positions, input.numel(), "the flattened tensor", IndexError, True)
    return Index((np.atleast_1d(positions),))


@composed(node="TakeBackward0")
def take(input: V, index: V) -> V:
    """The elements at positions of the flattened tensor, in the shape of the index."""
    return getitem(input.reshape(-1), index=_flat_index("take", input, index)).reshape(index.shape)


@composed(node="PutBackward0")
def put(input: V, index: V, source: V, accumulate: bool = False) -> V:
    """A copy of input with source written, or added, at positions of the flattened tensor."""
    where = _flat_index("put", input, index, source)
    require_same_dtype("put", input, source)
    if source.numel() != index.numel():
        raise IndexError(
            f"put(): source and index must have the same number of elements, got {source.numel()} "
            f"and {index.numel()}"
        )
    values = source.reshape(where[0].shape)
    change = index_put_accumulate if accumulate else index_put
    return change(input.reshape(-1), values, index=where).reshape(input.shape)


@composed
def index_put_at(input: V, indices: Sequence[V], values: V, accumulate: bool = False) -> V:
    """A copy of input with `input[indices] = values`, or `+=` of each position if accumulate."""
    for i, part in enumerate(indices):
        if not isinstance(part, Value):
            raise TypeError(f"index_put(): expected Tensor as element {i}, but got {type(part)}")
    require_same_dtype("index_put", input, values)
    change = index_put_accumulate if accumulate else index_put
    return change(input, values, index=as_index(tuple(indices), input, values))
