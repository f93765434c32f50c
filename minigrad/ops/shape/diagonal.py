"""Diagonals of matrices as views, written into matrices, and matrices made of diagonals."""

import numpy as np

from minigrad.core.types import Array
from minigrad.engine.graph import V
from minigrad.engine.op import arr, composed, op, sample
from minigrad.ops.dims import wrap_dim

DIAGONALS: list[tuple[tuple[int, ...], dict[str, int]]] = [
    ((3, 4), {}),
    ((3, 4), {"offset": 1}),
    ((4, 3), {"offset": -2}),
    ((2, 3, 4), {"dim1": 0, "dim2": -1}),
    ((2, 3), {"offset": 5}),
]


def _diagonal_view(array: Array, offset: int, dim1: int, dim2: int) -> Array:
    """A view of the diagonal."""
    first, second = wrap_dim(dim1, array.ndim), wrap_dim(dim2, array.ndim)
    if first == second:
        raise RuntimeError(f"diagonal dimensions cannot be identical: {dim1}, {dim2}")
    view = np.diagonal(array, offset, first, second)
    view.flags.writeable = array.flags.writeable  # NumPy makes it read-only
    return view


def _sample_source(shape: tuple[int, ...], dims: dict[str, int]) -> tuple[int, ...]:
    defaults = {"offset": 0, "dim1": 0, "dim2": 1}
    return tuple(_diagonal_view(np.empty(shape), **defaults | dims).shape)


@op(
    vjp=(
        lambda g, out, x, *, offset, dim1, dim2: diagonal_scatter(
            g.new_zeros(x.shape), g, offset=offset, dim1=dim1, dim2=dim2
        ),
    ),
    degree=1,
    views=True,
    samples=[sample(arr(shape), **dims) for shape, dims in DIAGONALS],
)
def diagonal(input: Array, *, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Array:
    """A view of a diagonal of the matrices that dim1 and dim2 span, as the last dimension.

    Raises RuntimeError if dim1 and dim2 are the same.
    """
    return _diagonal_view(input, offset, dim1, dim2)


@op(
    vjp=(
        lambda g, out, x, src, *, offset, dim1, dim2: diagonal_scatter(
            g, g.new_zeros(src.shape), offset=offset, dim1=dim1, dim2=dim2
        ),
        lambda g, out, x, src, *, offset, dim1, dim2: diagonal(
            g, offset=offset, dim1=dim1, dim2=dim2
        ),
    ),
    degree=1,
    samples=[
        sample(arr(shape), arr(_sample_source(shape, dims)), **dims) for shape, dims in DIAGONALS
    ],
)
def diagonal_scatter(
    input: Array, src: Array, *, offset: int = 0, dim1: int = 0, dim2: int = 1
) -> Array:
    """A copy of the tensor with `src` on the diagonal.  Raises RuntimeError if it does not fit."""
    out = input.copy()
    view = _diagonal_view(out, offset, dim1, dim2)
    if src.shape != view.shape:
        raise RuntimeError(
            f"diagonal_scatter: src must have the diagonal's shape {list(view.shape)}, got "
            f"{list(src.shape)}"
        )
    view[...] = src
    return out


@composed(node="DiagEmbedBackward0")
def diag_embed(input: V, offset: int = 0, dim1: int = -2, dim2: int = -1) -> V:
    """Matrices (..., n, n) with the last dimension of the input (..., n) on their diagonal."""
    ndim = input.ndim + 1
    if input.ndim == 0:
        raise IndexError("diag_embed: a tensor of at least 1 dimension is expected, got a 0-d one")
    first, second = wrap_dim(dim1, ndim), wrap_dim(dim2, ndim)
    if first == second:
        raise RuntimeError(f"diagonal dimensions cannot be identical: {dim1}, {dim2}")
    shape = list(input.shape[:-1])
    for position in sorted((first, second)):
        shape.insert(position, input.shape[-1] + abs(offset))
    zeros = input.new_zeros(shape)
    return diagonal_scatter(zeros, input, offset=offset, dim1=first, dim2=second)


@composed
def diag(input: V, diagonal: int = 0) -> V:
    """The diagonal of a matrix as a copy; of a vector, the matrix with it on the diagonal."""
    if input.ndim == 1:
        return diag_embed(input, diagonal)
    if input.ndim != 2:
        raise RuntimeError(
            f"diag: a tensor of 1 or 2 dimensions is expected, got shape {list(input.shape)}"
        )
    return _diagonal(input, offset=diagonal).clone()


_diagonal = diagonal


@composed
def diagflat(input: V, offset: int = 0) -> V:
    """The matrix with the elements of the tensor, flattened, on the diagonal."""
    return diag_embed(input.reshape(-1), offset)
