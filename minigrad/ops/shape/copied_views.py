"""Functions of views that give copies: the names in `_copy`, `unsafe_` and `as_strided_scatter`."""

from collections.abc import Callable, Sequence
from typing import Any

from minigrad.engine.graph import V
from minigrad.engine.op import composed
from minigrad.engine.out_argument import write_into
from minigrad.ops.shape import axes, diagonal, split, strided, views
from minigrad.ops.shape.copies import clone
from minigrad.ops.shape.strided import memory_order


def _copied(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    """The function whose results share no memory with the tensor."""

    def call(input: V, *args: Any, out: Any = None, **settings: Any) -> Any:
        found = function(input, *args, **settings)
        copies = tuple(map(clone, found)) if isinstance(found, tuple) else clone(found)
        return copies if out is None else write_into(name, copies, out)

    call.__name__ = call.__qualname__ = name
    call.__doc__ = f"A copy of what `{function.__name__}` gives, or copies."
    return composed(call)


expand_copy = _copied(views.expand, "expand_copy")
permute_copy = _copied(views.permute, "permute_copy")
squeeze_copy = _copied(views.squeeze, "squeeze_copy")
transpose_copy = _copied(views.transpose, "transpose_copy")
unfold_copy = _copied(views.unfold, "unfold_copy")
unsqueeze_copy = _copied(views.unsqueeze, "unsqueeze_copy")
view_copy = _copied(views.view, "view_copy")
t_copy = _copied(axes.t, "t_copy")
as_strided_copy = _copied(strided.as_strided, "as_strided_copy")
diagonal_copy = _copied(diagonal.diagonal, "diagonal_copy")
narrow_copy = _copied(split.narrow, "narrow_copy")
select_copy = _copied(split.select, "select_copy")
split_copy = split_with_sizes_copy = _copied(split.split, "split_copy")
unbind_copy = _copied(split.unbind, "unbind_copy")
unsafe_chunk, unsafe_split = split.chunk, split.split
unsafe_split_with_sizes = split.split


@composed
def alias_copy(input: V) -> V:
    """A copy."""
    return clone(input)


@composed
def detach_copy(input: V) -> V:
    """A copy that is cut off from the graph."""
    copied: V = clone(input.detach())
    return copied


@composed
def slice_copy(
    input: V, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1
) -> V:
    """A copy of the positions start, start + step, ... below end of a dimension."""
    index = (slice(None),) * (dim % input.ndim) + (slice(start, end, step),)
    return clone(input[index])


@composed
def scatter_by_strides(
    input: V, src: V, size: Sequence[int], stride: Sequence[int], storage_offset: int | None = None
) -> V:
    """A copy of the tensor with `src` at the elements that `as_strided` of it would show.

    PyTorch differs: the tensor's gradient is 1 where `src` stands and 0 elsewhere, and it should be
    the other way around.
    """
    if tuple(src.shape) != tuple(size):
        raise RuntimeError(
            f"expected src to have a size equal to the slice of self. src size = "
            f"{list(src.shape)}, slice size = {list(size)}"
        )
    strided.as_strided(input, size, stride, storage_offset)  # which checks that it fits
    return strided.as_strided_scatter(
        input, src, shape=tuple(size), strides=tuple(stride), offset=storage_offset or 0,
        order=memory_order(input.array),
    )  # fmt: skip
