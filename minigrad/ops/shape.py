"""Operations that move elements without changing them: views, copies, casts, joins."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad import dtypes
from minigrad.op import arr, op, sample
from minigrad.ops.dims import axes, infer_shape, wrap_dim

Array = Any


@op(
    vjp=(lambda g, out, x: g.clone(),),
    degree=1,
    samples=[sample(arr.of(3, 4)), sample(arr.of()), sample(arr.of(0, 2))],
)
def clone(input: Array) -> Array:
    """A copy."""
    return np.array(input, order="K")


@op(
    vjp=(lambda g, out, x, *, dtype: g.to(x.dtype),),
    degree=1,
    samples=[sample(arr.of(3, 4), dtype=dtypes.float64)],
)
def cast(input: Array, *, dtype: dtypes.dtype) -> Array:
    """The elements as another dtype."""
    return input.astype(dtype.numpy)


@op(vjp=(lambda g, out, x: g,), degree=1, views=True, samples=[sample(arr.of(3, 4))])
def contiguous(input: Array) -> Array:
    """The same elements in C order; the tensor itself if they are."""
    return np.asarray(input, order="C")


@op(
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
    """The same elements in another shape, one size of which may be -1; a view where possible."""
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
            f"view shape {list(found)} is not compatible with a tensor of shape "
            f"{list(input.shape)} and strides {[s // input.itemsize for s in input.strides]}: at "
            f"least one dimension spans two contiguous subspaces. Use .reshape(...) instead."
        ) from None


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
    if len(dims) != input.ndim or len(set(axes(dims, input.ndim))) != input.ndim:
        raise RuntimeError(
            f"permute: a tensor of {input.ndim} dimensions needs each of them once, "
            f"got dims={list(dims)}"
        )
    return input.transpose(dims)


@op(
    vjp=(lambda g, out, x, *, dim0, dim1: g.transpose(dim0, dim1),),
    degree=1,
    views=True,
    samples=[sample(arr.of(2, 3, 4), dim0=0, dim1=-1), sample(arr.of(3, 4), dim0=0, dim1=1)],
)
def transpose(input: Array, *, dim0: int, dim1: int) -> Array:
    """A view with two dimensions exchanged."""
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
    """A view with dimensions of size 1 repeated, and new ones in front; -1 keeps a size."""
    lead = len(shape) - input.ndim
    if lead < 0:
        raise RuntimeError(
            f"expand: shape {list(shape)} has fewer dimensions than the tensor's "
            f"{list(input.shape)}"
        )
    found = tuple(
        input.shape[i - lead] if size == -1 and i >= lead else size for i, size in enumerate(shape)
    )
    for size, had in zip(found[lead:], input.shape, strict=True):
        if had not in (1, size) or size < 0:
            raise RuntimeError(
                f"expand: a tensor of shape {list(input.shape)} cannot be expanded to "
                f"{list(shape)}: sizes must be equal, or 1 before"
            )
    return np.broadcast_to(input, found)


@op(
    vjp=(lambda g, out, x, *, shape: g.expand(x.shape),),
    degree=1,
    samples=[sample(arr.of(2, 3, 4), shape=(3, 1)), sample(arr.of(3), shape=())],
)
def sum_to_size(input: Array, *, shape: Sequence[int]) -> Array:
    """Sums that undo a broadcast from `shape`; a shape that broadcasts to the tensor's."""
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
    return np.sum(input, axis=reduced, keepdims=True).reshape(wanted)


@op(
    vjp=(lambda g, out, x, *, dim: g.reshape(x.shape),),
    degree=1,
    views=True,
    samples=[
        sample(arr.of(2, 1, 3, 1)),
        sample(arr.of(2, 1, 3), dim=1),
        sample(arr.of(2, 3), dim=0),
        sample(arr.of(1, 2, 1), dim=(0, 2)),
    ],
)
def squeeze(input: Array, *, dim: int | Sequence[int] | None = None) -> Array:
    """A view without the dimensions of size 1, or without those of `dim` whose size is 1."""
    removed = tuple(i for i in axes(dim, input.ndim) if input.shape[i] == 1)
    return input.squeeze(removed)


@op(
    vjp=(lambda g, out, x, *, dim: g.reshape(x.shape),),
    degree=1,
    views=True,
    samples=[sample(arr.of(2, 3), dim=1), sample(arr.of(2), dim=-1), sample(arr.of(), dim=0)],
)
def unsqueeze(input: Array, *, dim: int) -> Array:
    """A view with a new dimension of size 1 at `dim`."""
    return np.expand_dims(input, wrap_dim(dim, input.ndim + 1))


@op(
    vjp=(lambda g, out, x, *, dims: g.flip(dims),),
    degree=1,
    samples=[sample(arr.of(2, 3), dims=(0,)), sample(arr.of(2, 3, 2), dims=(0, -1))],
)
def flip(input: Array, *, dims: Sequence[int] | int) -> Array:
    """The elements in reverse order along `dims`, as a copy."""
    return np.flip(input, axes(dims, input.ndim)).copy()


def _cat_rule(g: Any, out: Any, *tensors: Any, wanted: Sequence[int], dim: int) -> list[Any]:
    pieces: list[Any] = []
    start = 0
    for position, tensor in enumerate(tensors):
        size = tensor.shape[dim]
        pieces.append(g.narrow(dim, start, size) if position in wanted else None)
        start += size
    return pieces


@op(
    vjp=_cat_rule,
    degree=1,
    samples=[
        sample(arr.of(2, 3), arr.of(1, 3), dim=0),
        sample(arr.of(2, 3), arr.of(2, 0), arr.of(2, 2), dim=-1),
    ],
)
def concatenate(*tensors: Array, dim: int = 0) -> Array:
    """The tensors joined along `dim`, in which alone they may differ in size."""
    first = tensors[0]
    axis = wrap_dim(dim, first.ndim)
    for i, t in enumerate(tensors[1:], 1):
        same = [a for j, a in enumerate(t.shape) if j != axis]
        if t.ndim != first.ndim or same != [a for j, a in enumerate(first.shape) if j != axis]:
            raise RuntimeError(
                f"cat: sizes of tensors must match except in dimension {axis}, but tensor 0 has "
                f"shape {list(first.shape)} and tensor {i} has {list(t.shape)}"
            )
    return np.concatenate(tensors, axis=axis)


@op(
    vjp=(lambda g, out, x, *, diagonal: g.tril(diagonal),),
    degree=1,
    samples=[sample(arr.of(3, 4)), sample(arr.of(2, 3, 3), diagonal=-1)],
)
def tril(input: Array, *, diagonal: int = 0) -> Array:
    """The lower triangle of matrices (..., m, n); zero above `diagonal`."""
    return np.tril(input, diagonal)


@op(
    vjp=(lambda g, out, x, *, diagonal: g.triu(diagonal),),
    degree=1,
    samples=[sample(arr.of(3, 4)), sample(arr.of(2, 3, 3), diagonal=1)],
)
def triu(input: Array, *, diagonal: int = 0) -> Array:
    """The upper triangle of matrices (..., m, n); zero below `diagonal`."""
    return np.triu(input, diagonal)


@op(
    vjp=(
        lambda g, out, x, *, padding, value: g[
            tuple(
                slice(before, before + size)
                for (before, _), size in zip(padding, x.shape, strict=True)
            )
        ],
    ),
    samples=[
        sample(arr.of(2, 3), padding=((0, 0), (1, 2))),
        sample(arr.of(3), padding=((2, 0),), value=1.0),
    ],
)
def pad_constant(input: Array, *, padding: Sequence[tuple[int, int]], value: float = 0.0) -> Array:
    """The tensor with (before, after) elements of `value` added in every dimension."""
    return np.pad(input, padding, constant_values=value)
