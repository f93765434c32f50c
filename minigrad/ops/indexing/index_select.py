"""torch's functions that read or change a tensor at places a tensor of integers names."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.core import dtypes
from minigrad.engine.graph import Value
from minigrad.engine.op import composed
from minigrad.ops.dims import wrap_dim
from minigrad.ops.indexing import gather_scatter as declared
from minigrad.ops.indexing.getitem import (
    Index,
    along,
    as_index,
    getitem,
    held,
    index_accumulate,
    index_filled,
    index_put,
)
from minigrad.ops.indexing.masks import number_or_0d
from minigrad.ops.shape.join import broadcast_shapes

_INTEGERS = (np.dtype(np.int64), np.dtype(np.int32))


def _places(name: str, index: Any, *users: Any, error: type[Exception] = RuntimeError) -> Any:
    """The array of an index tensor, as the graph may keep it."""
    if not isinstance(index, Value):
        raise TypeError(f"{name}(): argument 'index' must be Tensor, not {type(index).__name__}")
    if index.array.dtype not in _INTEGERS:
        raise error(
            f"{name}(): expected dtype int32 or int64 for index, got "
            f"{dtypes.of_numpy(index.array.dtype)}"
        )
    return held(index.array.astype(np.int64, copy=False), *users)


def _require_bounds(
    name: str, index: Any, size: int, where: str, error: type[Exception], negative: bool = False
) -> None:
    if index.size and (index.max() >= size or index.min() < (-size if negative else 0)):
        bad = index[(index >= size) | (index < (-size if negative else 0))].flat[0]
        raise error(f"{name}(): index {bad} is out of bounds for {where} with size {size}")


def _require_same_dtype(name: str, input: Any, other: Any) -> None:
    if other.dtype is not input.dtype:
        raise RuntimeError(
            f"{name}(): self ({input.dtype}) and source ({other.dtype}) must have the same dtype"
        )


# --- along one dimension, an index for every element ----------------------------------------


def _require_covered(
    name: str, index: Any, other: str, shape: tuple[int, ...], free: int | None = None
) -> None:
    """Raise RuntimeError if the index is larger than a tensor, in dimensions other than `free`."""
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


def _checked(name: str, input: Any, dim: int, index: Any, src: Any = None) -> tuple[int, Any]:
    """The dimension and the index of a gather or scatter, as an array of one dimension or more."""
    axis = wrap_dim(dim, input.ndim)
    found = _places(name, index, input, src)
    if found.size:
        found = np.atleast_1d(found)
        shape = input.shape or (1,)
        _require_covered(name, found, "input", shape, free=axis)
        if src is not None:
            _require_covered(name, found, "src", src.shape or (1,))
        _require_bounds(name, found, shape[axis], f"dimension {axis}", RuntimeError)
    return axis, found


def _vector(x: Any) -> Any:
    """The tensor, a 0-d one with a dimension."""
    return x if x.ndim else x.reshape(1)


@composed
def gather(input: Any, dim: int, index: Any, *, sparse_grad: bool = False) -> Any:
    """out[i][j] = input[index[i][j]][j] for dim=0, input[i][index[i][j]] for dim=1, and so on.

    Raises RuntimeError if the index does not fit, or goes out of bounds.
    """
    if sparse_grad:
        raise RuntimeError("gather(): minigrad has no sparse gradients, leave sparse_grad False")
    axis, places = _checked("gather", input, dim, index)
    if places.size == 0:
        return input.new_empty(index.shape)
    taken = declared.gather(_vector(input), dim=axis, index=places)
    return taken if index.ndim else taken.reshape(())


def _but(axis: int, size: int, shape: Sequence[int]) -> list[int]:
    """The shape with another size in one dimension."""
    return [size if i == axis else n for i, n in enumerate(shape)]


@composed
def take_along_dim(input: Any, indices: Any, dim: int | None = None) -> Any:
    """`gather` where all but `dim` broadcasts; without dim, of the flattened tensor."""
    places = _places("take_along_dim", indices, input)
    if dim is None:
        return take(input, indices.reshape(-1))
    if indices.ndim != input.ndim:
        raise RuntimeError(
            f"take_along_dim(): input and indices should have the same number of dimensions, got "
            f"shapes {list(input.shape)} and {list(indices.shape)}"
        )
    axis = wrap_dim(dim, input.ndim)
    shape = broadcast_shapes(*(_but(axis, 1, t.shape) for t in (input, places)))
    wide, long = (_but(axis, t.shape[axis], shape) for t in (input, places))
    size = input.shape[axis] if input.ndim else 1
    _require_bounds("take_along_dim", places, size, f"dimension {axis}", RuntimeError, True)
    wrapped = np.broadcast_to(np.where(places < 0, places + size, places), long)
    return gather(input.expand(wide), axis, indices.new_tensor(wrapped, dtype=int))


def _source(name: str, input: Any, src: Any, value: Any) -> Any:
    if (src is None) == (value is None):
        raise TypeError(f"{name}() takes either a tensor as src or a number as value")
    if isinstance(src, Value):
        return src
    return input.new_tensor(value if src is None else src)


@composed
def scatter(
    input: Any, dim: int, index: Any, src: Any = None, *, value: Any = None, reduce: Any = None
) -> Any:
    """A copy of input with src, or one value, written (or `reduce`d) where gather would read.

    reduce is "add", "multiply" or None.  Raises RuntimeError if the index does not fit.
    PyTorch differs: it has no gradient for reduce="multiply".
    """
    given = _source("scatter", input, src, value)
    single = not isinstance(src, Value)
    axis, places = _checked("scatter", input, dim, index, None if single else given)
    _require_same_dtype("scatter", input, given)
    operations = {None: declared.scatter, "add": declared.scatter_add}
    operations["multiply"] = declared.scatter_prod
    if reduce not in operations:
        raise RuntimeError(f"scatter(): reduce must be 'add' or 'multiply', got {reduce!r}")
    if places.size == 0:
        return input.clone()
    given = given.expand(places.shape) if single else _vector(given)
    out = operations[reduce](_vector(input), given, dim=axis, index=places)
    return out if input.ndim else out.reshape(())


@composed
def scatter_add(input: Any, dim: int, index: Any, src: Any) -> Any:
    """A copy of input with src added at the places that `gather` would read."""
    axis, places = _checked("scatter_add", input, dim, index, src)
    _require_same_dtype("scatter_add", input, src)
    if places.size == 0:
        return input.clone()
    out = declared.scatter_add(_vector(input), _vector(src), dim=axis, index=places)
    return out if input.ndim else out.reshape(())


def _neutral(reduce: str, dtype: np.dtype[Any]) -> Any:
    """What changes nothing when it is reduced with."""
    if reduce in {"sum", "mean", "prod"}:
        return float(reduce == "prod")
    if dtype.kind == "f":
        return -np.inf if reduce == "amax" else np.inf
    if dtype.kind == "b":
        return reduce == "amin"
    limits = np.iinfo(dtype)
    return limits.min if reduce == "amax" else limits.max


@composed
def scatter_reduce(
    input: Any, dim: int, index: Any, src: Any, reduce: str, *, include_self: bool = True
) -> Any:
    """A copy of input, where gather would read the sum, prod, mean, amax or amin of src.

    Raises RuntimeError for other reductions, and if the index does not fit.
    PyTorch differs: with include_self=False its amax and amin still leave a share of the gradient
    to an element of input that is left out, where it equals the result.
    """
    reduce = {"max": "amax", "min": "amin"}.get(reduce, reduce)
    if reduce not in {"sum", "prod", "mean", "amax", "amin"}:
        raise RuntimeError(
            f"scatter_reduce(): reduce must be sum, prod, mean, amax or amin, got {reduce!r}"
        )
    axis, places = _checked("scatter_reduce", input, dim, index, src)
    _require_same_dtype("scatter_reduce", input, src)
    if places.size == 0:
        return input.clone()
    start, source = _vector(input), _vector(src)
    if not include_self:
        touched = declared.places(places, axis)
        start = index_filled(start, index=touched, value=_neutral(reduce, input.array.dtype))
    if reduce in {"amax", "amin"}:
        largest = reduce == "amax"
        out = declared.scatter_extreme(start, source, dim=axis, index=places, largest=largest)
    elif reduce == "prod":
        out = declared.scatter_prod(start, source, dim=axis, index=places)
    else:
        out = declared.scatter_add(start, source, dim=axis, index=places)
    if reduce == "mean":
        counts = np.full(start.shape, 1 if include_self else 0)
        np.add.at(counts, declared.places(places, axis), 1)
        divisor = start.new_tensor(np.maximum(counts, 1))
        out = out / divisor if input.is_floating_point() else out // divisor
    return out if input.ndim else out.reshape(())


# --- along one dimension, an index for every slice ------------------------------------------


def _slices(
    name: str, input: Any, dim: int, index: Any, error: type[Exception], source: Any = None
) -> tuple[int, Any]:
    """The dimension, and the checked index as a vector."""
    axis = wrap_dim(dim, input.ndim)
    places = _places(name, index, input, source)
    if places.ndim > 1:
        raise IndexError(f"{name}(): index must be a vector, got shape {list(places.shape)}")
    size = input.shape[axis] if input.ndim else 1
    _require_bounds(name, places, size, f"dimension {axis}", error, name == "index_fill")
    return axis, places.reshape(-1)


@composed
def index_select(input: Any, dim: int, index: Any) -> Any:
    """The places of `dim` that a 1-d tensor of integers lists."""
    axis, places = _slices("index_select", input, dim, index, IndexError)
    if input.ndim == 0:
        if places.size != 1:
            raise RuntimeError(
                f"index_select(): the index to a 0-d tensor must have 1 value, got {places.size}"
            )
        return input.clone()
    return getitem(input, index=along(axis, places))


def _checked_source(
    name: str, input: Any, axis: int, places: Any, source: Any, error: type[Exception]
) -> None:
    _require_same_dtype(name, input, source)
    count = source.shape[axis] if source.ndim > axis else 1
    if count != places.size:
        raise error(
            f"{name}(): number of indices ({places.size}) should be equal to source.size(dim) "
            f"({count}), for dim {axis}"
        )
    expected = (*input.shape[:axis], places.size, *input.shape[axis + 1 :])
    if source.ndim and input.ndim and source.shape != expected:
        raise RuntimeError(
            f"{name}(): source must have shape {list(expected)} to go to {places.size} places of "
            f"dimension {axis} of a tensor of shape {list(input.shape)}, got {list(source.shape)}"
        )


@composed
def index_add(input: Any, dim: int, index: Any, source: Any, *, alpha: float = 1) -> Any:
    """A copy of input with alpha * source added at the places of `dim` that the index lists."""
    axis, places = _slices("index_add", input, dim, index, RuntimeError, source)
    _checked_source("index_add", input, axis, places, source, RuntimeError)
    added = source if alpha == 1 else source * alpha
    where = along(axis, places)
    out = index_accumulate(_vector(input), _vector(added), index=where)
    return out if input.ndim else out.reshape(())


@composed
def index_copy(input: Any, dim: int, index: Any, source: Any) -> Any:
    """A copy of input with source at the places of `dim` that the index lists."""
    axis, places = _slices("index_copy", input, dim, index, IndexError, source)
    if source.ndim != input.ndim and source.ndim and input.ndim:
        raise IndexError(
            f"index_copy(): source of shape {list(source.shape)} must have as many dimensions as "
            f"the tensor of shape {list(input.shape)}"
        )
    _checked_source("index_copy", input, axis, places, source, IndexError)
    out = index_put(_vector(input), _vector(source), index=along(axis, places))
    return out if input.ndim else out.reshape(())


@composed
def index_fill(input: Any, dim: int, index: Any, value: Any) -> Any:
    """A copy of input with `value`, a number or 0-d tensor, at the places of `dim` listed."""
    axis, places = _slices("index_fill", input, dim, index, IndexError)
    filler = number_or_0d("index_fill", input, value)
    where = along(axis, places)
    if isinstance(filler, Value):
        out = index_put(_vector(input), filler, index=where)
    else:
        out = index_filled(_vector(input), index=where, value=filler)
    return out if input.ndim else out.reshape(())


# --- anywhere -------------------------------------------------------------------------------


def _flat(name: str, input: Any, index: Any, *users: Any) -> Any:
    places = _places(name, index, input, *users)
    _require_bounds(name, places, input.numel(), "the flattened tensor", IndexError, True)
    return Index((np.atleast_1d(places),))


@composed
def index_reduce(
    input: Any, dim: int, index: Any, source: Any, reduce: str, *, include_self: bool = True
) -> Any:
    """A copy of input, its rows along dim that index numbers reduced with source's rows.

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
    places = index.reshape(shape).expand(source.shape)
    return scatter_reduce(input, dim, places, source, reduce, include_self=include_self)


@composed
def take(input: Any, index: Any) -> Any:
    """The elements at these places of the flattened tensor, in the shape of the index."""
    return getitem(input.reshape(-1), index=_flat("take", input, index)).reshape(index.shape)


@composed
def put(input: Any, index: Any, source: Any, accumulate: bool = False) -> Any:
    """A copy of input with source written, or added, at places of the flattened tensor."""
    where = _flat("put", input, index, source)
    _require_same_dtype("put", input, source)
    if source.numel() != index.numel():
        raise IndexError(
            f"put(): source and index must have the same number of elements, got {source.numel()} "
            f"and {index.numel()}"
        )
    values = source.reshape(where[0].shape)
    change = index_accumulate if accumulate else index_put
    return change(input.reshape(-1), values, index=where).reshape(input.shape)


@composed
def index_put_at(input: Any, indices: Sequence[Any], values: Any, accumulate: bool = False) -> Any:
    """A copy of input with `input[indices] = values`, or += with every repetition counted."""
    for i, part in enumerate(indices):
        if not isinstance(part, Value):
            raise TypeError(f"index_put(): expected Tensor as element {i}, but got {type(part)}")
    _require_same_dtype("index_put", input, values)
    change = index_accumulate if accumulate else index_put
    return change(input, values, index=as_index(tuple(indices), input, values))
