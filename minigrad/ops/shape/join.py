"""Tensors joined, broadcast and repeated, and combinations of their elements."""

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.core.types import Array, Shape
from minigrad.core.warn import warn_caller
from minigrad.engine.grad_mode import thread
from minigrad.engine.graph import V, Value, wrap_like
from minigrad.engine.op import Operation, composed
from minigrad.engine.overrides import overridable
from minigrad.ops.dims import broadcast_shapes, wrap_dim
from minigrad.ops.elementwise.arithmetic import common_dtype
from minigrad.ops.indexing.getitem import along, getitem
from minigrad.ops.shape import copies
from minigrad.ops.shape.axes import atleast_1d, atleast_2d, atleast_3d


def _require_tensors(
    name: str, tensors: Sequence[object], error: type[Exception] = RuntimeError
) -> None:
    if isinstance(tensors, Value):
        raise TypeError(f"{name}(): argument 'tensors' must be a sequence of Tensors, not a Tensor")
    for i, each in enumerate(tensors):
        if not isinstance(each, Value):
            raise TypeError(f"{name}(): expected Tensor as element {i}, but got {type(each)}")
    if len(tensors) == 0:
        raise error(f"{name}(): expected a non-empty list of Tensors")


def _shapes(name: str, tensors: Any, error: type[Exception] = RuntimeError) -> list[Shape]:
    """The shape of each tensor.  Raises TypeError, or `error`, unless there are tensors alone."""
    try:
        shapes = [t.array.shape for t in tensors]
    except AttributeError:  # which is looked into only now: calls that succeed are not to pay
        shapes = []
    if not shapes or isinstance(tensors, Value):
        _require_tensors(name, tensors, error)
    return shapes


def _promoted(tensors: Sequence[V]) -> Sequence[Any]:
    first = tensors[0].array.dtype
    for t in tensors:
        if t.array.dtype is not first and t.array.dtype != first:
            dtype = common_dtype(*tensors)
            return [t.to(dtype) for t in tensors]
    return tensors


def _joined(operation: Operation, tensors: Any, dim: int, alike: bool) -> Any:
    """The join of tensors of which nothing is recorded; None if it may be, or cannot be made.

    A batch is joined of many tensors: the general call takes longer to look at them than to copy.
    alike: their shapes have to be equal.
    """
    if type(tensors) not in (list, tuple) or not tensors or type(dim) is not int:
        return None
    arrays = []
    for t in tensors:
        if not isinstance(t, Value) or t._requires_grad or (t._needs_check and not t.is_current()):
            return None
        arrays.append(t.array)
    first = arrays[0]
    dtype, shape = first.dtype, first.shape
    for array in arrays:
        if array.dtype is not dtype or (alike and array.shape != shape):
            return None
    if alike and not -len(shape) - 1 <= dim <= len(shape):
        return None
    try:
        run = thread.mode.ignore_fp_errors
        axis = dim + len(shape) + 1 if alike and dim < 0 else dim
        return wrap_like(tensors[0], run(operation.op.forward, *arrays, dim=axis))
    except (ValueError, MemoryError, RuntimeError, IndexError):
        return None


@composed
def cat(tensors: Sequence[V], dim: int = 0) -> V:
    """The tensors joined along `dim`, the only dimension in which their sizes may differ.

    Among tensors of more dimensions those of shape (0,) are left out, as in torch.  Raises
    ValueError if there are no tensors.
    """
    if (made := _joined(copies.concatenate, tensors, dim, alike=False)) is not None:
        return made
    shapes = _shapes("cat", tensors, ValueError)
    joined = _promoted(tensors)
    if (0,) in shapes and max(map(len, shapes)) > 1:
        joined = [t for t in joined if t.array.shape != (0,)]
    out: V = copies.concatenate(*joined, dim=dim)
    return out


@composed
def stack(tensors: Sequence[V], dim: int = 0) -> V:
    """Tensors of one shape joined along a new dimension."""
    if (made := _joined(copies.stacked, tensors, dim, alike=True)) is not None:
        return made
    shapes = _shapes("stack", tensors)
    shape = shapes[0]
    if shapes.count(shape) != len(shapes):
        i, other = next((i, other) for i, other in enumerate(shapes) if other != shape)
        raise RuntimeError(
            f"stack expects each tensor to be equal size, but got {list(shape)} at entry 0 and "
            f"{list(other)} at entry {i}; pad them to one size (for a DataLoader, in its "
            f"collate_fn)"
        )
    out: V = copies.stacked(*_promoted(tensors), dim=wrap_dim(dim, len(shape) + 1))
    return out


@composed
def hstack(tensors: Sequence[V]) -> V:
    """The tensors joined along the second dimension; vectors along their only dimension."""
    _require_tensors("hstack", tensors)
    given = atleast_1d(list(tensors))
    return cat(given, 0 if given[0].ndim == 1 else 1)


@composed
def vstack(tensors: Sequence[V]) -> V:
    """The tensors joined along the first dimension; vectors count as rows."""
    _require_tensors("vstack", tensors)
    return cat(atleast_2d(list(tensors)))


@composed
def dstack(tensors: Sequence[V]) -> V:
    """The tensors joined along the third dimension."""
    _require_tensors("dstack", tensors)
    return cat(atleast_3d(list(tensors)), 2)


@composed
def column_stack(tensors: Sequence[V]) -> V:
    """The tensors side by side; vectors count as columns."""
    _require_tensors("column_stack", tensors)
    return hstack([t if t.ndim > 1 else t.reshape(t.numel(), 1) for t in tensors])


@overridable
def block_diag(*tensors: V) -> V:
    """The matrices along the diagonal of one matrix, zero elsewhere; vectors count as rows."""
    _require_tensors("block_diag", tensors)
    for i, each in enumerate(tensors):
        if each.ndim > 2:
            raise RuntimeError(
                f"block_diag: tensors must have 2 or fewer dimensions, but tensor {i} has shape "
                f"{list(each.shape)}"
            )
    blocks = [atleast_2d(t) for t in _promoted(tensors)]
    columns = sum(b.shape[1] for b in blocks)
    rows, start = [], 0
    for block in blocks:
        end = start + block.shape[1]
        rows.append(copies.pad_constant(block, padding=((0, 0), (start, columns - end))))
        start = end
    out: V = copies.concatenate(*rows, dim=0)
    return out


@overridable
def broadcast_tensors(*tensors: V) -> tuple[V, ...]:
    """Views of the tensors, expanded to the shape that they broadcast to."""
    given = tensors[0] if len(tensors) == 1 and isinstance(tensors[0], list | tuple) else tensors
    if not given:
        return ()
    found = broadcast_shapes(*(t.shape for t in given))
    return tuple(t.expand(found) for t in given)


# --- repetition -----------------------------------------------------------------------------


@composed(node="RepeatBackward0")
def repeat(input: V, repeats: Sequence[int]) -> V:
    """The tensor repeated so many times in each dimension; further counts add leading dimensions.

    Raises RuntimeError for negative counts, and for fewer counts than dimensions.
    """
    lead = len(repeats) - input.ndim
    if lead < 0 or any(n < 0 for n in repeats):
        raise RuntimeError(
            f"repeat: a tensor of shape {list(input.shape)} needs at least {input.ndim} counts, "
            f"none of them negative, got {list(repeats)}"
        )
    sizes = (1,) * lead + input.shape
    interleaved = input.reshape([n for size in sizes for n in (1, size)])
    expanded = interleaved.expand([n for pair in zip(repeats, sizes, strict=True) for n in pair])
    out = expanded.reshape([count * size for count, size in zip(repeats, sizes, strict=True)])
    return out.clone() if np.may_share_memory(out.array, input.array) else out


@composed
def tile(input: V, dims: Sequence[int]) -> V:
    """The tensor repeated so many times in each dimension; missing leading counts are 1."""
    return repeat(input, (1,) * (input.ndim - len(dims)) + tuple(dims))


@composed
def repeat_interleave(
    input: V,
    repeats: V | int | None = None,
    dim: int | None = None,
    *,
    output_size: int | None = None,
) -> V:
    """Each position of `dim` (of the flattened tensor if dim is None) so many times in a row.

    `repeats` is a number, or a tensor with a number for each position.  A tensor alone is taken as
    the counts of the positions 0, 1, ...  Raises RuntimeError if the counts do not fit.
    """
    if repeats is None:
        positions = np.arange(input.numel())
        return input.new_tensor(np.repeat(positions, _counts(input.array, input.numel())))
    if dim is None:
        input, dim = input.reshape(-1), 0
    axis = wrap_dim(dim, input.ndim)
    if input.ndim == 0:
        input = input.reshape(1)
    size = input.shape[axis]
    counts = _counts(getattr(repeats, "array", np.asarray(repeats)), size)
    if output_size is not None and counts.sum() != output_size:
        raise RuntimeError(
            f"repeat_interleave: output_size is {output_size}, but the repeats sum to "
            f"{counts.sum()}"
        )
    return getitem(input, index=along(axis, np.repeat(np.arange(size), counts)))


def _counts(repeats: Array, size: int) -> Array:
    if repeats.dtype not in (np.int32, np.int64):
        raise NotImplementedError(
            f"repeat_interleave: repeats must be int32 or int64, got {repeats.dtype}"
        )
    if repeats.ndim > 1 or repeats.size not in (1, size):
        raise RuntimeError(
            f"repeat_interleave: repeats must be one number or {size} of them, as many as the "
            f"dimension has positions, got shape {list(repeats.shape)}"
        )
    if (repeats < 0).any():
        raise RuntimeError(f"repeat_interleave: repeats can not be negative, got {repeats.min()}")
    return np.broadcast_to(repeats, (size,))


# --- combinations ---------------------------------------------------------------------


@overridable
def meshgrid(*tensors: V, indexing: str | None = None) -> tuple[V, ...]:
    """Coordinate grids of 1-d tensors, as views.

    indexing is "ij" or "xy"; without it a warning, as in torch, and "ij".  Raises RuntimeError for
    others, and for tensors of 2 dimensions.
    """
    if indexing is None:
        warn_caller(
            "torch.meshgrid: in an upcoming release, it will be required to pass the indexing "
            "argument; 'ij' is what is taken without it."
        )
        indexing = "ij"
    if indexing not in {"ij", "xy"}:
        raise RuntimeError(f'indexing must be one of "xy" or "ij", got {indexing!r}')
    given = tensors[0] if len(tensors) == 1 and isinstance(tensors[0], list | tuple) else tensors
    _require_tensors("meshgrid", given)
    for each in given:
        if each.ndim > 1 or each.dtype != given[0].dtype:
            raise RuntimeError(
                f"meshgrid expects 0-d and 1-d tensors of one dtype, got a tensor of shape "
                f"{list(each.shape)} and {each.dtype} among those of {given[0].dtype}"
            )
    order = list(range(len(given)))
    if indexing == "xy" and len(given) > 1:
        order[:2] = [1, 0]
    sizes = [given[i].numel() for i in order]
    return tuple(
        each.reshape([-1 if source == i else 1 for source in order]).expand(sizes)
        for i, each in enumerate(given)
    )


@overridable
def cartesian_prod(*tensors: V) -> V:
    """The Cartesian product of vectors, a row for each tuple; a single vector stays as it is."""
    _require_tensors("cartesian_prod", tensors)
    for each in tensors:
        if each.ndim != 1:
            raise RuntimeError(f"Expect a 1D vector, but got shape {list(each.shape)}")
    if len(tensors) == 1:
        return tensors[0]
    return stack([grid.reshape(-1) for grid in meshgrid(*tensors, indexing="ij")], 1)


@composed
def combinations(input: V, r: int = 2, with_replacement: bool = False) -> V:
    """The combinations of r elements of a vector, a row for each."""
    if input.ndim != 1:
        raise RuntimeError(f"Expect a 1D vector, but got shape {list(input.shape)}")
    if r < 0:
        raise RuntimeError(f"Expect a non-negative number, but got {r}")
    if r == 0:
        return input.new_empty(0)
    choose = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    positions = np.array(list(choose(range(input.numel()), r)), np.int64).reshape(-1, r)
    return getitem(input, index=along(0, positions))
