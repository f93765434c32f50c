"""Pieces of a tensor, as views: one place, a range, or the whole cut along a dimension."""

import itertools
from collections.abc import Sequence
from typing import Any

from minigrad.engine.op import composed
from minigrad.ops.dims import wrap_dim
from minigrad.ops.indexing.getitem import Index, along, getitem, index_put


def _require_dimension(name: str, input: Any, error: type[Exception]) -> None:
    if input.ndim == 0:
        raise error(f"{name}: a tensor of at least 1 dimension is expected, got a 0-d one")


@composed
def narrow(input: Any, dim: int, start: Any, length: int) -> Any:
    """A view of `length` places of `dim`, from `start` on.

    Raises IndexError if start is no place of the dimension, RuntimeError if the length does not
    fit.
    """
    _require_dimension("narrow", input, RuntimeError)
    axis = wrap_dim(dim, input.ndim)
    size, first = input.shape[axis], int(start)
    if length < 0:
        raise RuntimeError(f"narrow(): length must be non-negative, got {length}")
    if not -size <= first <= size:
        raise IndexError(
            f"narrow(): start out of range (expected to be in range of [{-size}, {size}], but got "
            f"{first})"
        )
    first += size if first < 0 else 0
    if first + length > size:
        raise RuntimeError(
            f"narrow(): start ({first}) + length ({length}) exceeds dimension size ({size})"
        )
    return getitem(input, index=along(axis, slice(first, first + length)))


def _place(name: str, input: Any, dim: int, index: Any) -> Index:
    _require_dimension(name, input, IndexError)
    axis = wrap_dim(dim, input.ndim)
    place, size = int(index), input.shape[axis]
    if not -size <= place < size:
        raise IndexError(
            f"{name}(): index {place} out of range for tensor of size {list(input.shape)} at "
            f"dimension {axis}"
        )
    return along(axis, place)


@composed
def select(input: Any, dim: int, index: Any) -> Any:
    """A view of one place of `dim`, without that dimension.  Raises IndexError if out of range."""
    return getitem(input, index=_place("select", input, dim, index))


@composed
def unbind(input: Any, dim: int = 0) -> tuple[Any, ...]:
    """Views of every place of `dim`, without that dimension."""
    _require_dimension("unbind", input, IndexError)
    axis = wrap_dim(dim, input.ndim)
    return tuple(getitem(input, index=along(axis, i)) for i in range(input.shape[axis]))


# --- cuts -----------------------------------------------------------------------------------


def _cut(input: Any, axis: int, bounds: Sequence[tuple[int, int]]) -> tuple[Any, ...]:
    return tuple(getitem(input, index=along(axis, slice(a, b))) for a, b in bounds)


@composed
def split(input: Any, split_size_or_sections: int | Sequence[int], dim: int = 0) -> Any:
    """Views of `split_size` places each (the last may have fewer), or of the sizes listed.

    Raises RuntimeError for negative sizes, and for listed ones that do not sum to the dimension's.
    """
    _require_dimension("split", input, RuntimeError)
    axis = wrap_dim(dim, input.ndim)
    size = input.shape[axis]
    if isinstance(split_size_or_sections, int):
        step = split_size_or_sections
        if step < 0 or (step == 0 and size):
            raise RuntimeError(
                f"split: split_size must be positive for a dimension of size {size}, got {step}"
            )
        starts = range(0, size, step) if size else (0,)
        return _cut(input, axis, [(a, min(a + step, size)) for a in starts])
    sections = [int(n) for n in split_size_or_sections]
    if sum(sections) != size or any(n < 0 for n in sections):
        raise RuntimeError(
            f"split_with_sizes expects split_sizes to be non-negative and to sum exactly to {size} "
            f"(input tensor's size at dimension {axis}), but got split_sizes={sections}"
        )
    ends = list(itertools.accumulate(sections))
    return _cut(input, axis, [(end - n, end) for end, n in zip(ends, sections, strict=True)])


@composed
def chunk(input: Any, chunks: int, dim: int = 0) -> Any:
    """At most `chunks` views of equal size along `dim`; the last may be smaller."""
    _require_dimension("chunk", input, RuntimeError)
    if chunks <= 0:
        raise RuntimeError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    axis = wrap_dim(dim, input.ndim)
    size = input.shape[axis]
    return split(input, -(-size // chunks), axis) if size else split(input, [0] * chunks, axis)


@composed
def tensor_split(input: Any, indices_or_sections: Any, dim: int = 0) -> Any:
    """Views of so many sections of `dim`, as equal as can be, or cut before the places listed."""
    _require_dimension("tensor_split", input, RuntimeError)
    axis = wrap_dim(dim, input.ndim)
    size = input.shape[axis]
    given = indices_or_sections
    places = given.tolist() if hasattr(given, "tolist") else given
    if isinstance(places, int):
        if places <= 0:
            raise RuntimeError(f"number of sections must be larger than 0, got {places}")
        each, more = divmod(size, places)
        ends = [each * i + min(i, more) for i in range(places + 1)]
    else:
        ends = [0, *(slice(place).indices(size)[1] for place in places), size]
    return _cut(input, axis, [(a, max(a, b)) for a, b in itertools.pairwise(ends)])


def _split_along(name: str, input: Any, given: Any, axis: int, least: int) -> Any:
    if input.ndim < least:
        raise RuntimeError(
            f"{name} requires a tensor with at least {least} dimension(s), got one of shape "
            f"{list(input.shape)}"
        )
    if isinstance(given, int) and (given <= 0 or input.shape[axis] % given):
        raise RuntimeError(
            f"{name}: dimension {axis}, of size {input.shape[axis]}, is not divisible by {given}"
        )
    return tensor_split(input, given, axis)


@composed
def hsplit(input: Any, indices_or_sections: Any) -> Any:
    """Views cut along the second dimension, or along the only one of a vector."""
    return _split_along("hsplit", input, indices_or_sections, 1 if input.ndim > 1 else 0, 1)


@composed
def vsplit(input: Any, indices_or_sections: Any) -> Any:
    """Views cut along the first dimension."""
    return _split_along("vsplit", input, indices_or_sections, 0, 2)


@composed
def dsplit(input: Any, indices_or_sections: Any) -> Any:
    """Views cut along the third dimension."""
    return _split_along("dsplit", input, indices_or_sections, 2, 3)


# --- pieces put back ------------------------------------------------------------------------


def _replaced(name: str, input: Any, src: Any, index: Index) -> Any:
    found = input.array[tuple(index)].shape
    if src.shape != found:
        raise RuntimeError(
            f"{name}: src must have the shape {list(found)} of what it replaces, got "
            f"{list(src.shape)}"
        )
    return index_put(input, src.to(input.dtype), index=index)


@composed
def select_scatter(input: Any, src: Any, dim: int, index: int) -> Any:
    """A copy with `src` at one place of `dim`."""
    return _replaced("select_scatter", input, src, _place("select_scatter", input, dim, index))


@composed
def slice_scatter(
    input: Any,
    src: Any,
    dim: int = 0,
    start: int | None = None,
    end: int | None = None,
    step: int = 1,
) -> Any:
    """A copy with `src` at the places start:end:step of `dim`."""
    if step <= 0:
        raise RuntimeError(f"slice_scatter: slice step must be positive, got {step}")
    axis = wrap_dim(dim, input.ndim)
    return _replaced("slice_scatter", input, src, along(axis, slice(start, end, step)))
