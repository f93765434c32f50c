"""Several tensors made one, and one repeated."""

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.engine.graph import Value
from minigrad.engine.op import composed
from minigrad.ops.dims import wrap_dim
from minigrad.ops.elementwise.arithmetic import common_dtype
from minigrad.ops.indexing.getitem import along, getitem
from minigrad.ops.shape import copies
from minigrad.ops.shape.axes import atleast_1d, atleast_2d, atleast_3d


def _require_tensors(name: str, tensors: Any, error: type[Exception] = RuntimeError) -> None:
    if isinstance(tensors, Value):
        raise TypeError(f"{name}(): argument 'tensors' must be a sequence of Tensors, not a Tensor")
    for i, each in enumerate(tensors):
        if not isinstance(each, Value):
            raise TypeError(f"{name}(): expected Tensor as element {i}, but got {type(each)}")
    if len(tensors) == 0:
        raise error(f"{name}(): expected a non-empty list of Tensors")


def _promoted(tensors: Sequence[Any]) -> Sequence[Any]:
    if all(t.array.dtype == tensors[0].array.dtype for t in tensors):
        return tensors
    dtype = common_dtype(*tensors)
    return [t.to(dtype) for t in tensors]


@composed
def cat(tensors: Sequence[Any], dim: int = 0) -> Any:
    """The tensors joined along `dim`, in which alone they may differ in size.

    Among tensors of more dimensions those of shape (0,) are left out, as in torch.  Raises
    ValueError if there are none.
    """
    _require_tensors("cat", tensors, ValueError)
    joined = _promoted(tensors)
    if any(t.ndim > 1 for t in joined):
        joined = [t for t in joined if t.shape != (0,)]
    return copies.concatenate(*joined, dim=dim)


@composed
def stack(tensors: Sequence[Any], dim: int = 0) -> Any:
    """Tensors of one shape joined along a new dimension."""
    _require_tensors("stack", tensors)
    for i, each in enumerate(tensors):
        if each.shape != tensors[0].shape:
            raise RuntimeError(
                f"stack expects each tensor to be equal size, but got {list(tensors[0].shape)} at "
                f"entry 0 and {list(each.shape)} at entry {i}"
            )
    axis = wrap_dim(dim, tensors[0].ndim + 1)
    return copies.concatenate(*(t.unsqueeze(axis) for t in _promoted(tensors)), dim=axis)


def hstack(tensors: Sequence[Any]) -> Any:
    """The tensors joined along the second dimension; vectors along their only one."""
    _require_tensors("hstack", tensors)
    given = atleast_1d(list(tensors))
    return cat(given, 0 if given[0].ndim == 1 else 1)


def vstack(tensors: Sequence[Any]) -> Any:
    """The tensors joined along the first dimension; vectors count as rows."""
    _require_tensors("vstack", tensors)
    return cat(atleast_2d(list(tensors)))


def dstack(tensors: Sequence[Any]) -> Any:
    """The tensors joined along the third dimension."""
    _require_tensors("dstack", tensors)
    return cat(atleast_3d(list(tensors)), 2)


def column_stack(tensors: Sequence[Any]) -> Any:
    """The tensors side by side; vectors count as columns."""
    _require_tensors("column_stack", tensors)
    return hstack([t if t.ndim > 1 else t.reshape(t.numel(), 1) for t in tensors])


def block_diag(*tensors: Any) -> Any:
    """The matrices along the diagonal of one matrix, zero elsewhere; vectors count as rows."""
    _require_tensors("block_diag", tensors)
    for i, each in enumerate(tensors):
        if each.ndim > 2:
            raise RuntimeError(
                f"block_diag: tensors must have 2 or fewer dimensions, but tensor {i} has shape "
                f"{list(each.shape)}"
            )
    blocks = [atleast_2d(t) for t in _promoted(tensors)]
    width = sum(b.shape[1] for b in blocks)
    rows, before = [], 0
    for block in blocks:
        own = block.shape[1]
        after = width - before - own
        rows.append(copies.pad_constant(block, padding=((0, 0), (before, after))))
        before += own
    return copies.concatenate(*rows, dim=0)


def broadcast_tensors(*tensors: Any) -> tuple[Any, ...]:
    """Views of the tensors, expanded to the shape in which they meet."""
    given = tensors[0] if len(tensors) == 1 and isinstance(tensors[0], list | tuple) else tensors
    if not given:
        return ()
    found = broadcast_shapes(*(t.shape for t in given))
    return tuple(t.expand(found) for t in given)


def broadcast_shapes(*shapes: Any) -> tuple[int, ...]:
    """The shape in which shapes meet.  Raises RuntimeError if they do not broadcast."""
    wanted = [(s,) if isinstance(s, int) else tuple(s) for s in shapes]
    try:
        return tuple(np.broadcast_shapes(*wanted))
    except ValueError:
        given = " and ".join(str(list(s)) for s in wanted)
        raise RuntimeError(
            f"the shapes {given} do not broadcast: counted from the last dimension, sizes must be "
            f"equal or 1"
        ) from None


# --- repetition -----------------------------------------------------------------------------


@composed
def repeat(input: Any, repeats: Sequence[int]) -> Any:
    """The tensor laid out so many times in each dimension, new ones in front.

    Raises RuntimeError for negative counts, and for fewer counts than dimensions.
    """
    lead = len(repeats) - input.ndim
    if lead < 0 or any(n < 0 for n in repeats):
        raise RuntimeError(
            f"repeat: a tensor of shape {list(input.shape)} needs at least {input.ndim} counts, "
            f"none of them negative, got {list(repeats)}"
        )
    sizes = (1,) * lead + input.shape
    apart = input.reshape([n for size in sizes for n in (1, size)])
    laid = apart.expand([n for pair in zip(repeats, sizes, strict=True) for n in pair])
    whole = [count * size for count, size in zip(repeats, sizes, strict=True)]
    return laid.reshape(whole) if math.prod(repeats) != 1 else laid.reshape(whole).clone()


@composed
def tile(input: Any, dims: Sequence[int]) -> Any:
    """The tensor laid out so many times; counts that are missing in front are 1."""
    return repeat(input, (1,) * (input.ndim - len(dims)) + tuple(dims))


@composed
def repeat_interleave(
    input: Any, repeats: Any = None, dim: int | None = None, *, output_size: int | None = None
) -> Any:
    """Every place of `dim` (of the flattened tensor, if None) so many times in a row.

    `repeats` is a number, or a tensor of one for each place; given alone, it stands for
    arange(len(repeats)) repeated.  Raises RuntimeError if the counts do not fit.
    """
    if repeats is None:
        places = np.arange(input.numel())
        return input.new_tensor(np.repeat(places, _counts(input.array, input.numel())))
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


def _counts(repeats: np.ndarray[Any, Any], size: int) -> np.ndarray[Any, Any]:
    if repeats.dtype not in (np.int32, np.int64):
        raise NotImplementedError(
            f"repeat_interleave: repeats must be int32 or int64, got {repeats.dtype}"
        )
    if repeats.ndim > 1 or repeats.size not in (1, size):
        raise RuntimeError(
            f"repeat_interleave: repeats must be one number or {size} of them, as many as the "
            f"dimension has places, got shape {list(repeats.shape)}"
        )
    if (repeats < 0).any():
        raise RuntimeError(f"repeat_interleave: repeats can not be negative, got {repeats.min()}")
    return np.broadcast_to(repeats, (size,))


# --- products of places ---------------------------------------------------------------------


def meshgrid(*tensors: Any, indexing: str = "ij") -> tuple[Any, ...]:
    """Coordinate grids of 1-d tensors, as views.

    Raises RuntimeError for other indexing than "ij" and "xy", and for tensors of 2 dimensions.
    """
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


def cartesian_prod(*tensors: Any) -> Any:
    """Every choice of one element from each vector, one row each; a single vector as it is."""
    _require_tensors("cartesian_prod", tensors)
    for each in tensors:
        if each.ndim != 1:
            raise RuntimeError(f"Expect a 1D vector, but got shape {list(each.shape)}")
    if len(tensors) == 1:
        return tensors[0]
    return stack([grid.reshape(-1) for grid in meshgrid(*tensors)], 1)


@composed
def combinations(input: Any, r: int = 2, with_replacement: bool = False) -> Any:
    """Every choice of r elements of a vector in their order, one row each."""
    if input.ndim != 1:
        raise RuntimeError(f"Expect a 1D vector, but got shape {list(input.shape)}")
    if r < 0:
        raise RuntimeError(f"Expect a non-negative number, but got {r}")
    if r == 0:
        return input.new_empty(0)
    choose = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    places = np.array(list(choose(range(input.numel()), r)), np.int64).reshape(-1, r)
    return getitem(input, index=along(0, places))
