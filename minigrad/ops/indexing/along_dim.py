"""Gathers and scatters along one dimension, by a tensor of integers with an index for each element.

The declared operations are in `gather_scatter.py`; here the index is checked.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.core.dtypes import held_by
from minigrad.core.types import Array, Number, Shape
from minigrad.engine.graph import V, Value
from minigrad.engine.half_precision import in_float32
from minigrad.engine.op import composed
from minigrad.ops.dims import broadcast_shapes, wrap_dim
from minigrad.ops.indexing import gather_scatter
from minigrad.ops.indexing.getitem import index_put_scalar
from minigrad.ops.indexing.index_select import (
    at_least_1d,
    index_array,
    require_bounds,
    require_same_dtype,
    take,
)


def _require_covered(
    name: str, index: Array, other: str, shape: Shape, free: int | None = None
) -> None:
    """Raise RuntimeError if the index is larger than a tensor, in dimensions other than `free`."""
    if index.shape == shape:
        return
    same = len(shape) == index.ndim
    if not same or any(
        have > size and i != free
        for i, (have, size) in enumerate(zip(index.shape, shape, strict=True))
    ):
        raise RuntimeError(
            f"{name}(): index of shape {list(index.shape)} must have as many dimensions as {other} "
            f"of shape {list(shape)} and be no larger"
            + ("" if free is None else f", apart from dimension {free}")
        )


def _checked_index(
    name: str, input: Value, dim: int, index: Value, src: Value | None = None
) -> tuple[int, Array]:
    """The dimension and the index of a gather or scatter, as an array of one dimension or more.

    The declared operations look at its bounds.
    """
    axis = wrap_dim(dim, input.array.ndim)
    if index.array.size == 0:  # of any dtype
        return axis, np.empty(index.array.shape, np.int64)
    found = index_array(name, index, input, src)
    found = found if found.ndim else found.reshape(1)
    _require_covered(name, found, "input", input.array.shape or (1,), free=axis)
    if src is not None:
        _require_covered(name, found, "src", src.array.shape or (1,))
    return axis, found


@composed
def gather(input: V, dim: int, index: V, *, sparse_grad: bool = False) -> V:
    """out[i][j] = input[index[i][j]][j] for dim=0, input[i][index[i][j]] for dim=1, and so on.

    Raises RuntimeError if the index does not fit, or goes out of bounds.
    """
    if sparse_grad:
        raise RuntimeError("gather(): minigrad has no sparse gradients, leave sparse_grad False")
    axis, positions = _checked_index("gather", input, dim, index)
    if positions.size == 0:
        return input.reshape(-1).narrow(0, 0, 0).reshape(index.shape)
    taken = gather_scatter.gather(at_least_1d(input), dim=axis, index=positions)
    return taken if index.ndim else taken.reshape(())


def _with_size(axis: int, size: int, shape: Sequence[int]) -> list[int]:
    """The shape with `size` in the dimension `axis`."""
    return [size if i == axis else n for i, n in enumerate(shape)]


@composed
def take_along_dim(input: V, indices: V, dim: int | None = None) -> V:
    """`gather` with input and indices broadcast in other dimensions than `dim`.

    Without dim it takes from the flattened tensor.  Raises RuntimeError if the indices do not fit.
    """
    positions = index_array("take_along_dim", indices, input)
    if dim is None:
        return take(input, indices.reshape(-1))
    if indices.ndim != input.ndim:
        raise RuntimeError(
            f"take_along_dim(): input and indices should have the same number of dimensions, got "
            f"shapes {list(input.shape)} and {list(indices.shape)}"
        )
    axis = wrap_dim(dim, input.ndim)
    shape = broadcast_shapes(*(_with_size(axis, 1, t.shape) for t in (input, positions)))
    input_shape, index_shape = (_with_size(axis, t.shape[axis], shape) for t in (input, positions))
    size = input.shape[axis] if input.ndim else 1
    require_bounds("take_along_dim", positions, size, f"dimension {axis}", RuntimeError, True)
    wrapped = np.broadcast_to(np.where(positions < 0, positions + size, positions), index_shape)
    return gather(input.expand(input_shape), axis, indices.new_tensor(wrapped, dtype=int))


def _source(name: str, input: V, src: V | Number | None, value: Number | None) -> V:
    if (src is None) == (value is None):
        raise TypeError(f"{name}() takes either a tensor as src or a number as value")
    if isinstance(src, Value):
        return src
    return input.new_tensor(held_by(input.array.dtype, value if src is None else src))


@composed
def scatter(
    input: V,
    dim: int,
    index: V,
    src: V | Number | None = None,
    *,
    value: Number | None = None,
    reduce: str | None = None,
) -> V:
    """A copy of input with src, or a number, written where gather would read.

    With reduce="add" or "multiply" it is added or multiplied instead.  Raises RuntimeError if the
    index does not fit.  PyTorch differs: it has no gradient for reduce="multiply".
    """
    given = _source("scatter", input, src, value)
    single = not isinstance(src, Value)
    axis, positions = _checked_index("scatter", input, dim, index, None if single else given)
    require_same_dtype("scatter", input, given)
    operations = {
        None: gather_scatter.scatter,
        "add": gather_scatter.scatter_add,
        "multiply": gather_scatter.scatter_prod,
    }
    if reduce not in operations:
        raise RuntimeError(f"scatter(): reduce must be 'add' or 'multiply', got {reduce!r}")
    if positions.size == 0:
        return input.clone()
    given = given.expand(positions.shape) if single else at_least_1d(given)
    out = operations[reduce](at_least_1d(input), given, dim=axis, index=positions)
    return out if input.ndim else out.reshape(())


@composed
def scatter_add(input: V, dim: int, index: V, src: V) -> V:
    """A copy of input with src added to the elements that `gather` would read.

    Raises RuntimeError if the index does not fit.
    """
    axis, positions = _checked_index("scatter_add", input, dim, index, src)
    require_same_dtype("scatter_add", input, src)
    if positions.size == 0:
        return input.clone()
    start, source = at_least_1d(input), at_least_1d(src)
    out = gather_scatter.scatter_add(start, source, dim=axis, index=positions)
    return out if input.ndim else out.reshape(())


def _identity(reduce: str, dtype: np.dtype[Any]) -> float:
    """The identity element of a reduction: 0 for a sum, -inf for a maximum."""
    if reduce in {"sum", "mean", "prod"}:
        return float(reduce == "prod")
    if dtype.kind == "f":
        return -np.inf if reduce == "amax" else np.inf
    if dtype.kind == "b":
        return reduce == "amin"
    limits = np.iinfo(dtype)
    return limits.min if reduce == "amax" else limits.max


@composed(node="ScatterReduceBackward0")
@in_float32
def scatter_reduce(
    input: V, dim: int, index: V, src: V, reduce: str, *, include_self: bool = True
) -> V:
    """A copy of input with the sum, prod, mean, amax or amin of src where gather would read.

    Raises RuntimeError for other reductions, and if the index does not fit.
    PyTorch differs: with include_self=False, amax and amin there give a share of the gradient to
    elements of input, though they are left out, if they equal the result.
    """
    reduce = {"max": "amax", "min": "amin"}.get(reduce, reduce)
    if reduce not in {"sum", "prod", "mean", "amax", "amin"}:
        raise RuntimeError(
            f"scatter_reduce(): reduce must be sum, prod, mean, amax or amin, got {reduce!r}"
        )
    axis, positions = _checked_index("scatter_reduce", input, dim, index, src)
    require_same_dtype("scatter_reduce", input, src)
    if positions.size == 0:
        return input.clone()
    start, source = at_least_1d(input), at_least_1d(src)
    if not include_self:
        index_of = gather_scatter.index_within(start.array, axis, positions)
        start = index_put_scalar(start, index=index_of, value=_identity(reduce, input.array.dtype))
    if reduce in {"amax", "amin"}:
        largest = reduce == "amax"
        out = gather_scatter.scatter_extreme(
            start, source, dim=axis, index=positions, largest=largest
        )
    elif reduce == "prod":
        out = gather_scatter.scatter_prod(start, source, dim=axis, index=positions)
    else:
        out = gather_scatter.scatter_add(start, source, dim=axis, index=positions)
    if reduce == "mean":
        counts = np.full(start.shape, 1 if include_self else 0)
        np.add.at(counts, gather_scatter.index_of(positions, axis), 1)
        divisor = start.new_tensor(np.maximum(counts, 1))
        out = out / divisor if input.is_floating_point() else out // divisor
    return out if input.ndim else out.reshape(())


@composed(node="IndexReduceBackward0")
@in_float32
def index_reduce(
    input: V, dim: int, index: V, source: V, reduce: str, *, include_self: bool = True
) -> V:
    """A copy of input with its slices of `dim` that the index lists reduced with those of source.

    reduce is prod, mean, amax or amin.  Raises RuntimeError for others, or if the index does not
    fit.
    """
    if reduce not in {"prod", "mean", "amax", "amin"}:
        raise RuntimeError(
            f"index_reduce(): Expected reduce to be one of prod, mean, amax or amin but got "
            f"{reduce!r}"
        )
    axis = wrap_dim(dim, input.ndim)
    if index.ndim > 1 or index.numel() != (source.shape[axis] if source.ndim else 1):
        raise RuntimeError(
            f"index_reduce(): index must be a vector of the size of source in dimension {dim}, got "
            f"shapes {list(index.shape)} and {list(source.shape)}"
        )
    shape = [-1 if i == axis else 1 for i in range(source.ndim)]
    positions = index.reshape(shape).expand(source.shape)
    return scatter_reduce(input, dim, positions, source, reduce, include_self=include_self)
