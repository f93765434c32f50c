"""Views of parts of a tensor along a dimension, and copies with such a part replaced."""

import itertools
import operator
from collections.abc import Iterable, Sequence
from typing import Any, SupportsIndex

import numpy as np

from minigrad.engine.grad_mode import thread
from minigrad.engine.graph import V, Value, wrap
from minigrad.engine.memory import view_mode
from minigrad.engine.op import composed, label_node
from minigrad.ops.dims import wrap_dim
from minigrad.ops.indexing.getitem import Index, along, getitem, index_put

IndicesOrSections = int | Sequence[int] | Value
"""A number of sections, or the indices at which they begin, as ints or in a tensor."""


def _require_dimension(name: str, input: Value, error: type[Exception]) -> None:
    if input.ndim == 0:
        raise error(f"{name}: a tensor of at least 1 dimension is expected, got a 0-d one")


def _start(start: SupportsIndex) -> int:
    """An int, or that in a tensor without dimensions."""
    if isinstance(start, Value):
        if start.ndim or start.array.dtype.kind not in "iu":
            raise RuntimeError(
                f"narrow(): start must be an 0-dim integral Tensor, got shape {list(start.shape)} "
                f"of {start.dtype}"
            )
    elif isinstance(start, bool):
        raise TypeError("narrow(): argument 'start' must be int, not bool")
    return operator.index(start)


@composed
def narrow(input: V, dim: int, start: SupportsIndex, length: int) -> V:
    """A view of `length` positions of `dim`, from `start` on.

    Raises IndexError if start is out of range, RuntimeError if the length does not fit, TypeError
    or RuntimeError if start is no integer.
    """
    _require_dimension("narrow", input, RuntimeError)
    axis = wrap_dim(dim, input.ndim)
    size, first = input.shape[axis], _start(start)
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


def _index_at(name: str, input: Value, dim: int, index: SupportsIndex) -> Index:
    _require_dimension(name, input, IndexError)
    axis = wrap_dim(dim, input.ndim)
    position, size = int(index), input.shape[axis]
    if not -size <= position < size:
        raise IndexError(
            f"{name}(): index {position} out of range for tensor of size {list(input.shape)} at "
            f"dimension {axis}"
        )
    return along(axis, position)


@composed
def select(input: V, dim: int, index: SupportsIndex) -> V:
    """A view of one position of `dim`, without that dimension.

    Raises IndexError if the index is out of range.
    """
    return getitem(input, index=_index_at("select", input, dim, index))


@composed(node="UnbindBackward0")
def unbind(input: V, dim: int = 0) -> tuple[V, ...]:
    """Views of each position of `dim`, without that dimension."""
    _require_dimension("unbind", input, IndexError)
    axis = wrap_dim(dim, input.ndim)
    return _parts(input, axis, range(input.shape[axis]))


def _parts(input: V, axis: int, parts: Iterable[int | slice]) -> tuple[V, ...]:
    """Views of parts of a dimension."""
    mode = thread.mode
    if (mode.grad and input._requires_grad) or (input._needs_check and not input.is_current()):
        return tuple([getitem(input, index=along(axis, part)) for part in parts])
    # Nothing is recorded: the views are made without the call of an operation for each.
    array, kind, untracked, views = input.array, input.kind, view_mode(), []
    lead = (slice(None),) * axis
    for part in parts:
        view: Any = wrap(kind, array[(*lead, part, ...)])
        view.become_view(input, untracked)
        views.append(view)
    return tuple(views)


# --- sections -----------------------------------------------------------------------------------


def _sections(input: V, axis: int, bounds: Iterable[tuple[int, int]]) -> tuple[V, ...]:
    return _parts(input, axis, [slice(*each) for each in bounds])


@composed
def split(input: V, split_size_or_sections: int | Sequence[int], dim: int = 0) -> tuple[V, ...]:
    """Views of `split_size` positions each (the last may have fewer), or of the listed sizes.

    Raises RuntimeError for negative sizes, and for listed ones that do not sum to the dimension's.
    """
    _require_dimension("split", input, RuntimeError)
    axis = wrap_dim(dim, input.ndim)
    size = input.shape[axis]
    if isinstance(split_size_or_sections, int | np.integer):
        step = int(split_size_or_sections)
        if step < 0 or (step == 0 and size):
            raise RuntimeError(
                f"split: split_size must be positive for a dimension of size {size}, got {step}"
            )
        starts = range(0, size, step) if size else (0,)
        pieces = _sections(input, axis, [(a, min(a + step, size)) for a in starts])
        return label_node(pieces, "SplitBackward0")
    sections = [int(n) for n in split_size_or_sections]
    if sum(sections) != size or any(n < 0 for n in sections):
        raise RuntimeError(
            f"split_with_sizes expects split_sizes to sum exactly to {size} (input tensor's size "
            f"at dimension {axis}), none of them negative, but got split_sizes={sections}"
        )
    ends = list(itertools.accumulate(sections))
    bounds = [(end - n, end) for end, n in zip(ends, sections, strict=True)]
    return label_node(_sections(input, axis, bounds), "SplitWithSizesBackward0")


@composed(node="SplitBackward0")
def chunk(input: V, chunks: int, dim: int = 0) -> tuple[V, ...]:
    """At most `chunks` views of equal size along `dim`; the last may be smaller."""
    _require_dimension("chunk", input, RuntimeError)
    if chunks <= 0:
        raise RuntimeError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    axis, chunks = wrap_dim(dim, input.ndim), operator.index(chunks)
    size = input.shape[axis]
    return split(input, -(-size // chunks), axis) if size else split(input, [0] * chunks, axis)


@composed
def tensor_split(input: V, indices_or_sections: IndicesOrSections, dim: int = 0) -> tuple[V, ...]:
    """Views of sections of `dim`: a number of them, as equal as can be, or one from each index on.

    Raises RuntimeError for a number of sections below 1.
    """
    _require_dimension("tensor_split", input, RuntimeError)
    axis = wrap_dim(dim, input.ndim)
    size = input.shape[axis]
    given: Any = indices_or_sections
    sections = given.tolist() if hasattr(given, "tolist") else given
    if isinstance(sections, int):
        if sections <= 0:
            raise RuntimeError(f"number of sections must be larger than 0, got {sections}")
        each, more = divmod(size, sections)
        ends = [each * i + min(i, more) for i in range(sections + 1)]
    else:
        ends = [0, *(slice(index).indices(size)[1] for index in sections), size]
    return _sections(input, axis, [(a, max(a, b)) for a, b in itertools.pairwise(ends)])


def _split_along(
    name: str, input: V, given: IndicesOrSections, axis: int, least: int
) -> tuple[V, ...]:
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
def hsplit(input: V, indices_or_sections: IndicesOrSections) -> tuple[V, ...]:
    """Views of sections of the second dimension, or of the only one of a vector."""
    return _split_along("hsplit", input, indices_or_sections, 1 if input.ndim > 1 else 0, 1)


@composed
def vsplit(input: V, indices_or_sections: IndicesOrSections) -> tuple[V, ...]:
    """Views of sections of the first dimension."""
    return _split_along("vsplit", input, indices_or_sections, 0, 2)


@composed
def dsplit(input: V, indices_or_sections: IndicesOrSections) -> tuple[V, ...]:
    """Views of sections of the third dimension."""
    return _split_along("dsplit", input, indices_or_sections, 2, 3)


# --- parts replaced ------------------------------------------------------------------------


def _replaced(name: str, input: V, src: V, index: Index) -> V:
    found = input.array[tuple(index)].shape
    if src.shape != found:
        raise RuntimeError(
            f"{name}: src must have the shape {list(found)} of what it replaces, got "
            f"{list(src.shape)}"
        )
    return index_put(input, src.to(input.dtype), index=index)


@composed(node="SelectScatterBackward0")
def select_scatter(input: V, src: V, dim: int, index: int) -> V:
    """A copy of the tensor with `src` at one position of `dim`."""
    return _replaced("select_scatter", input, src, _index_at("select_scatter", input, dim, index))


@composed(node="SliceScatterBackward0")
def slice_scatter(
    input: V,
    src: V,
    dim: int = 0,
    start: int | None = None,
    end: int | None = None,
    step: int = 1,
) -> V:
    """A copy of the tensor with `src` at the positions start:end:step of `dim`."""
    if step <= 0:
        raise RuntimeError(f"slice_scatter: slice step must be positive, got {step}")
    axis = wrap_dim(dim, input.ndim)
    return _replaced("slice_scatter", input, src, along(axis, slice(start, end, step)))
