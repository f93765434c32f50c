"""Copies of tensors: casts, reversed and rolled, concatenated, triangular and padded ones."""

from collections.abc import Sequence
from typing import Literal

import numpy as np

from minigrad.core import dtypes
from minigrad.core.types import Array, Shape
from minigrad.engine.graph import V
from minigrad.engine.op import arr, op, sample
from minigrad.engine.saved import ShapeDtype
from minigrad.kernels.elementary import halves
from minigrad.kernels.rearrange import rows
from minigrad.ops.dims import as_tuple, each_dim, wrap_dim


def _order(input: Array) -> Literal["C", "K"]:
    """The order of a copy in memory: the input's, but for repeated elements, which have none."""
    return "C" if 0 in input.strides else "K"


@op(
    vjp=(lambda g, out, x: g.clone(),),
    degree=1,
    samples=[sample(arr.of(3, 4)), sample(arr.of()), sample(arr.of(0, 2))],
)
def clone(input: Array) -> Array:
    """A copy with the same order of dimensions in memory."""
    return np.array(input, order=_order(input))


@op(
    node="ToCopyBackward0",
    vjp=(lambda g, out, x, *, dtype: g.to(x.dtype),),
    degree=1,
    samples=[sample(arr.of(3, 4), dtype=dtypes.float64)],
)
def cast(input: Array, *, dtype: dtypes.dtype) -> Array:
    """The elements cast to another dtype."""
    if halves.is_worth_it(input, dtype.numpy):
        return halves.cast(input)
    return input.astype(dtype.numpy, order=_order(input))


@op(
    vjp=(lambda g, out, x, *, dims: g.flip(dims),),
    degree=1,
    samples=[
        sample(arr.of(2, 3), dims=(0,)),
        sample(arr.of(2, 3, 2), dims=(0, -1)),
        sample(arr.of(3), dims=()),
    ],
)
def flip(input: Array, *, dims: Sequence[int] | int) -> Array:
    """The elements in reverse order along `dims`, as a copy."""
    axes = each_dim(dims, input.ndim)
    if input.ndim - 1 in axes and rows.is_worth_it(input):
        return rows.reverse_rows(np.flip(input, axes[:-1]))
    return np.flip(input, axes).copy()


def _negated(shifts: int | Sequence[int]) -> int | tuple[int, ...]:
    return -shifts if isinstance(shifts, int) else tuple(-s for s in as_tuple(shifts))


@op(
    vjp=(lambda g, out, x, *, shifts, dims: roll(g, shifts=_negated(shifts), dims=dims),),
    degree=1,
    samples=[
        sample(arr.of(2, 3), shifts=4),
        sample(arr.of(2, 3), shifts=-1, dims=1),
        sample(arr.of(3, 4), shifts=(1, 2), dims=(0, -1)),
        sample(arr.of(0, 2), shifts=1, dims=0),
    ],
)
def roll(
    input: Array, *, shifts: int | Sequence[int], dims: int | Sequence[int] | None = None
) -> Array:
    """The elements moved by `shifts` along `dims`; those that leave the end enter at the start.

    Without dims the tensor is rolled as if flattened.  Raises RuntimeError unless there is one
    shift for each dimension.
    """
    counts, listed = as_tuple(shifts), () if dims is None else as_tuple(dims)
    if len(counts) != len(listed) and not (dims is None and len(counts) == 1):
        raise RuntimeError(
            f"roll: shifts and dimensions must align, got shifts={shifts} and dims={dims}"
        )
    if not counts:
        raise RuntimeError("roll: at least one shift is required, got none")
    if not listed:
        return np.roll(input, counts[0])
    if not input.ndim:
        raise IndexError(f"roll: dimension specified as {listed[0]} but tensor has no dimensions")
    return np.roll(input, counts, tuple(wrap_dim(d, input.ndim) for d in listed))


def _cat_rule(
    g: V, out: V, *tensors: ShapeDtype, wanted: Sequence[int], dim: int
) -> list[V | None]:
    cotangents: list[V | None] = []
    start = 0
    for position, tensor in enumerate(tensors):
        size = tensor.shape[dim]
        cotangents.append(g.narrow(dim, start, size) if position in wanted else None)
        start += size
    return cotangents


@op(
    node="CatBackward0",
    vjp=_cat_rule,
    degree=1,
    samples=[
        sample(arr.of(2, 3), arr.of(1, 3), dim=0),
        sample(arr.of(2, 3), arr.of(2, 0), arr.of(2, 2), dim=-1),
    ],
)
def concatenate(*tensors: Array, dim: int = 0) -> Array:
    """The tensors joined along `dim`, the only dimension in which their sizes may differ."""
    first = tensors[0]
    axis = wrap_dim(dim, first.ndim) if first.ndim else 0
    try:
        return np.concatenate(tensors, axis=axis)
    except ValueError:  # NumPy looks at all sizes, and only then is it worth to look for words
        _require_one_shape(tensors, axis)
        raise


def _require_one_shape(tensors: Sequence[Array], axis: int) -> None:
    """Raise torch's RuntimeError for the first array that cannot be joined to the others."""
    first = tensors[0]
    for i, t in enumerate(tensors):
        if t.ndim == 0:
            raise RuntimeError(f"cat: a 0-d tensor (at position {i}) cannot be concatenated")
    for i, t in enumerate(tensors):
        if t.shape == first.shape:
            continue
        same = [a for j, a in enumerate(t.shape) if j != axis]
        if t.ndim != first.ndim or same != [a for j, a in enumerate(first.shape) if j != axis]:
            raise RuntimeError(
                f"Sizes of tensors must match except in dimension {axis}. "
                f"{_expected_size(first.shape, t.shape, axis)} for tensor number {i} in the list: "
                f"cat of shapes {list(first.shape)} and {list(t.shape)}"
            )


def _stack_rule(
    g: V, out: V, *tensors: ShapeDtype, wanted: Sequence[int], dim: int
) -> list[V | None]:
    return [g[(slice(None),) * dim + (i,)] if i in wanted else None for i in range(len(tensors))]


@op(
    node="StackBackward0",
    vjp=_stack_rule,
    degree=1,
    samples=[
        sample(arr.of(2, 3), arr.of(2, 3), dim=0),
        sample(arr.of(2, 3), arr.of(2, 3), arr.of(2, 3), dim=2),
        sample(arr.of(), arr.of(), dim=0),
        sample(arr.of(2, 0), dim=1),
    ],
)
def stacked(*tensors: Array, dim: int) -> Array:
    """The tensors, all of one shape, joined along a new dimension `dim`, which is not negative."""
    first = tensors[0]
    if dim == first.ndim:
        return np.concatenate([t[..., None] for t in tensors], axis=-1)
    joined = np.concatenate(tensors, axis=dim)  # which needs no view of each
    return joined.reshape(*first.shape[:dim], len(tensors), *first.shape[dim:])


def _expected_size(first: Shape, other: Shape, axis: int) -> str:
    """torch's words for the first size, or number of dimensions, in which two shapes differ."""
    pairs = enumerate(zip(first, other, strict=False))
    differing = [pair for i, pair in pairs if i != axis and pair[0] != pair[1]]
    if not differing:
        return f"Expected {len(first)} dimensions but got {len(other)}"
    expected, got = differing[0]
    return f"Expected size {expected} but got size {got}"


def _require_matrices(name: str, input: Array) -> None:
    if input.ndim < 2:
        raise RuntimeError(
            f"{name}: a tensor of at least 2 dimensions is expected, got shape {list(input.shape)}"
        )


@op(
    vjp=(lambda g, out, x, *, diagonal: g.tril(diagonal),),
    degree=1,
    samples=[sample(arr.of(3, 4)), sample(arr.of(2, 3, 3), diagonal=-1)],
)
def tril(input: Array, *, diagonal: int = 0) -> Array:
    """The lower triangle of matrices (..., m, n); zero above `diagonal`."""
    _require_matrices("tril", input)
    if rows.is_worth_it(input):
        return rows.triangle(input, diagonal, is_lower=True)
    return np.tril(input, diagonal)


@op(
    vjp=(lambda g, out, x, *, diagonal: g.triu(diagonal),),
    degree=1,
    samples=[sample(arr.of(3, 4)), sample(arr.of(2, 3, 3), diagonal=1)],
)
def triu(input: Array, *, diagonal: int = 0) -> Array:
    """The upper triangle of matrices (..., m, n); zero below `diagonal`."""
    _require_matrices("triu", input)
    if rows.is_worth_it(input):
        return rows.triangle(input, diagonal, is_lower=False)
    return np.triu(input, diagonal)


@op(
    node="ConstantPadNdBackward0",
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
    sizes = [
        before + size + after for (before, after), size in zip(padding, input.shape, strict=True)
    ]
    # np.pad takes four times as long.
    out = np.full(sizes, value, input.dtype) if value else np.zeros(sizes, input.dtype)
    inside = zip(padding, input.shape, strict=True)
    out[tuple(slice(before, before + size) for (before, _), size in inside)] = input
    return out
