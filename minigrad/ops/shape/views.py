"""Views of the same memory with other shapes or strides, and the adjoints of some of them."""

import math
from collections.abc import Sequence

import numpy as np

from minigrad.core.types import Array
from minigrad.engine.graph import Node
from minigrad.engine.op import arr, op, sample
from minigrad.kernels.reduction import reduce as kernels
from minigrad.ops.dims import axes, broadcast_view, each_dim, infer_shape, wrap_dim


@op(
    node="CloneBackward0",
    vjp=(lambda g, out, x: g,),
    degree=1,
    views=True,
    samples=[sample(arr.of(3, 4))],
)
def contiguous(input: Array) -> Array:
    """The same elements in C order in memory; no copy if they are in it already."""
    return np.asarray(input, order="C")


@op(
    node="ViewBackward0",
    vjp=(lambda g, out, x, *, shape: g.reshape(x.shape),),
    degree=1,
    views=True,
    samples=[
        sample(arr.of(3, 4), shape=(2, 6)),
        sample(arr.of(2, 3, 2), shape=(-1,)),
        sample(arr.of(0, 3), shape=(3, 0)),
        sample(arr.of(), shape=(1, 1)),
    ],
)
def reshape(input: Array, *, shape: Sequence[int]) -> Array:
    """The same elements in another shape, one size of which may be -1; a view where possible.

    Raises RuntimeError if the shape does not have as many elements.
    """
    return input.reshape(infer_shape(shape, input.size, input.shape))


@op(
    vjp=(lambda g, out, x, *, shape: g.reshape(x.shape),),
    degree=1,
    views=True,
    samples=[sample(arr.of(3, 4), shape=(3, 2, -1)), sample(arr.of(2, 3), shape=(2, 1, 3))],
)
def view(input: Array, *, shape: Sequence[int]) -> Array:
    """The same memory in another shape.  Raises RuntimeError if that would need a copy."""
    found = infer_shape(shape, input.size, input.shape)
    try:
        return np.reshape(input, found, copy=False)
    except ValueError:
        raise RuntimeError(
            f"view size is not compatible with input tensor's size and stride (at least one "
            f"dimension spans across two contiguous subspaces). Use .reshape(...) instead: "
            f"{list(found)} of a tensor of shape {list(input.shape)} and strides "
            f"{[s // input.itemsize for s in input.strides]}"
        ) from None


def _unfit_size(wanted: Sequence[int], shape: Sequence[int]) -> str:
    """torch's words for the first size that does not fit, counted from the last; "" if all do."""
    for back in range(1, len(shape) + 1):
        if shape[-back] not in (1, wanted[-back]):
            return (
                f"The expanded size of the tensor ({wanted[-back]}) must match the existing size "
                f"({shape[-back]}) at non-singleton dimension {len(wanted) - back}. "
            )
    return ""


def _inverse(dims: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(int(i) for i in np.argsort([d % len(dims) for d in dims]))


@op(
    vjp=(lambda g, out, x, *, dims: g.permute(_inverse(dims)),),
    degree=1,
    views=True,
    samples=[sample(arr.of(2, 3, 4), dims=(2, 0, 1)), sample(arr.of(2, 3), dims=(-1, 0))],
)
def permute(input: Array, *, dims: tuple[int, ...]) -> Array:
    """A view with the dimensions in another order."""
    try:
        if len(dims) == input.ndim:
            return input.transpose(dims)
    except ValueError:
        each_dim(dims, input.ndim)  # raises for a dimension out of range or repeated
    raise RuntimeError(
        f"permute: a tensor of {input.ndim} dimensions needs each of them once, "
        f"got dims={list(dims)}"
    )


@op(
    vjp=(lambda g, out, x, *, dim0, dim1: g.transpose(dim0, dim1),),
    degree=1,
    views=True,
    samples=[sample(arr.of(2, 3, 4), dim0=0, dim1=-1), sample(arr.of(3, 4), dim0=0, dim1=1)],
)
def transpose(input: Array, *, dim0: int, dim1: int) -> Array:
    """A view with two dimensions swapped."""
    if type(dim0) is type(dim1) is int and input.ndim:
        try:
            return input.swapaxes(dim0, dim1)
        except ValueError:
            pass  # said in torch's words below
    first, second = wrap_dim(dim0, input.ndim), wrap_dim(dim1, input.ndim)
    return input.swapaxes(first, second) if input.ndim else input


@op(
    vjp=(lambda g, out, x, *, shape: g.sum_to_size(x.shape),),
    degree=1,
    views=True,
    samples=[
        sample(arr.of(3, 1), shape=(2, 3, 4)),
        sample(arr.of(1, 4), shape=(3, -1)),
        sample(arr.of(), shape=(2, 2)),
    ],
)
def expand(input: Array, *, shape: tuple[int, ...]) -> Array:
    """A view with dimensions of size 1 repeated, and new leading ones; -1 keeps a size.

    Raises RuntimeError if the tensor does not broadcast to the shape.
    """
    lead = len(shape) - input.ndim
    if lead < 0:
        raise RuntimeError(
            f"expand: shape {list(shape)} has fewer dimensions than the tensor's "
            f"{list(input.shape)}"
        )
    found = tuple(
        input.shape[i - lead] if size == -1 and i >= lead else size for i, size in enumerate(shape)
    )
    fits = all(own in (1, size) for size, own in zip(found[lead:], input.shape, strict=True))
    if not fits or min(found, default=0) < 0:
        raise RuntimeError(
            f"{_unfit_size(found, input.shape)}expand: a tensor of shape {list(input.shape)} "
            f"cannot be expanded to {list(shape)}: sizes must be equal, or 1 before, and only "
            f"theirs may be -1"
        )
    if input.size and math.prod(found) == input.size:
        return input.reshape(found)  # no element is repeated, so the view can be writable
    return broadcast_view(input, found)


@op(
    node="SumBackward1",
    vjp=(lambda g, out, x, *, shape: g.expand(x.shape),),
    degree=1,
    samples=[sample(arr.of(2, 3, 4), shape=(3, 1)), sample(arr.of(3), shape=())],
)
def sum_to_size(input: Array, *, shape: Sequence[int]) -> Array:
    """The tensor summed to `shape`, which must broadcast to its own: the adjoint of expand."""
    wanted = tuple(shape)
    lead = input.ndim - len(wanted)
    fits = lead >= 0 and all(
        size in (1, have) for size, have in zip(wanted, input.shape[lead:], strict=True)
    )
    if not fits:
        raise RuntimeError(f"sum_to_size: {list(wanted)} does not broadcast to {list(input.shape)}")
    reduced = tuple(range(lead)) + tuple(
        i + lead for i, size in enumerate(wanted) if size == 1 and input.shape[i + lead] != 1
    )
    summed = kernels.sum(input, reduced, True) if reduced else input.copy()
    return summed.reshape(wanted)


def _squeeze_node(node: Node) -> str:
    dim = node.settings["dim"]
    return f"SqueezeBackward{0 if dim is None else 1 if isinstance(dim, int) else 2}"


@op(
    node=_squeeze_node,
    vjp=(lambda g, out, x, *, dim: g.reshape(x.shape),),
    degree=1,
    views=True,
    samples=[
        sample(arr.of(2, 1, 3, 1)),
        sample(arr.of(2, 1, 3), dim=1),
        sample(arr.of(2, 3), dim=0),
        sample(arr.of(1, 2, 1), dim=(0, 2)),
        sample(arr.of(1, 2), dim=()),
    ],
)
def squeeze(input: Array, *, dim: int | Sequence[int] | None = None) -> Array:
    """A view without the dimensions of size 1, or without those of `dim` whose size is 1."""
    wanted = axes(dim, input.ndim) if dim is None else each_dim(dim, input.ndim)
    return input.squeeze(tuple(i for i in wanted if input.shape[i] == 1))


@op(
    vjp=(lambda g, out, x, *, dim: g.reshape(x.shape),),
    degree=1,
    views=True,
    samples=[sample(arr.of(2, 3), dim=1), sample(arr.of(2), dim=-1), sample(arr.of(), dim=0)],
)
def unsqueeze(input: Array, *, dim: int) -> Array:
    """A view with a new dimension of size 1 at `dim`."""
    view: Array = input[(slice(None),) * wrap_dim(dim, input.ndim + 1) + (None,)]
    return view


@op(
    vjp=(
        lambda g, out, x, *, dim, size, step: unfold_backward(g, dim=dim, step=step, shape=x.shape),
    ),
    degree=1,
    views=True,
    samples=[
        sample(arr.of(2, 5), dim=1, size=3, step=1),
        sample(arr.of(5, 2), dim=0, size=2, step=3),
        sample(arr.of(4), dim=-1, size=4, step=2),
    ],
)
def unfold(input: Array, *, dim: int, size: int, step: int) -> Array:
    """A view of every window of `size` along `dim`, `step` apart: (..., count, ..., size).

    It is read-only if windows overlap.  Raises RuntimeError for windows larger than the dimension,
    or a step below 1.
    """
    axis = wrap_dim(dim, input.ndim)
    extent = input.shape[axis] if input.ndim else 1
    if not 0 <= size <= extent:
        raise RuntimeError(
            f"maximum size for tensor at dimension {axis} is {extent} but size is {size}: unfold "
            f"of a tensor of shape {list(input.shape)}"
        )
    if step <= 0:
        raise RuntimeError(f"unfold: step is {step} but must be > 0")
    whole = input if input.ndim else input.reshape(1)
    if size == 0:
        count = extent // step + 1
        return np.empty((*whole.shape[:axis], count, *whole.shape[axis + 1 :], 0), input.dtype)
    windows = np.lib.stride_tricks.sliding_window_view(whole, size, axis, writeable=step >= size)
    every = windows[(slice(None),) * axis + (slice(None, None, step),)]
    return every if input.ndim else every[0]


@op(
    node="UnfoldBackwardBackward0",
    vjp=(lambda g, out, c, *, dim, step, shape: unfold(g, dim=dim, size=c.shape[-1], step=step),),
    degree=1,
    samples=[sample(arr.of(2, 3, 3), dim=1, step=1, shape=(2, 5))],
)
def unfold_backward(cotangent: Array, *, dim: int, step: int, shape: tuple[int, ...]) -> Array:
    """Zeros of `shape` with each window added to the elements that `unfold` reads: its adjoint."""
    out = np.zeros(shape, cotangent.dtype)
    if not shape:
        return np.asarray(cotangent.sum(), cotangent.dtype)
    axis = wrap_dim(dim, len(shape))
    reach = step * cotangent.shape[axis]
    for offset in range(cotangent.shape[-1]):
        positions = (slice(None),) * axis + (slice(offset, offset + reach, step),)
        out[positions] += cotangent[..., offset]
    return out
