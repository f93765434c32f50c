"""Declared gathers and scatters along one dimension, by an index for every element.

Indices are int64 arrays without negative entries; `along_dim.py` has torch's functions, which
check them.
"""

from collections.abc import Sequence

import numpy as np

from minigrad.core.types import Array, Shape
from minigrad.engine.graph import V
from minigrad.engine.op import arr, op, sample
from minigrad.kernels.gather import add_along, coordinates, take_along
from minigrad.ops.dims import wrap_dim
from minigrad.ops.elementwise.arithmetic import where
from minigrad.ops.indexing.getitem import Index, getitem, getitem_backward, index_put_scalar


def index_of(index: Array, dim: int) -> Index:
    """The coordinates in the input that each element of the index stands for."""
    return Index(coordinates(index, wrap_dim(dim, index.ndim)))


def source_index(index: Array) -> Index:
    """The part of src that an index reads: of the index's shape, from the first element on."""
    return Index(slice(size) for size in index.shape)


INDICES = np.array([[0, 2, 0], [1, 1, 0]])
UNIQUE = np.array([[0, 2, 1], [1, 0, 0]])  # no element of the input twice
SCATTERS = [
    sample(arr.of(3, 4, distinct=True), arr.of(2, 3, low=2.5, high=4.5, distinct=True),
           dim=0, index=INDICES),
    sample(arr.of(3, 4, distinct=True), arr.of(4, 3, low=-4.5, high=-2.5, distinct=True),
           dim=0, index=INDICES),
    sample(arr.of(2, 4, distinct=True), arr.of(2, 3, low=2.5, high=4.5, distinct=True),
           dim=-1, index=INDICES),
]  # fmt: skip


@op(
    vjp=(
        lambda g, out, x, *, dim, index: scatter_add(g.new_zeros(x.shape), g, dim=dim, index=index),
    ),
    degree=1,
    samples=[
        sample(arr.of(3, 4), dim=0, index=INDICES),
        sample(arr.of(2, 4), dim=1, index=INDICES),
    ],
)
def gather(input: Array, *, dim: int, index: Array) -> Array:
    """out[i][j] = input[index[i][j]][j] for dim=0, input[i][index[i][j]] for dim=1, and so on."""
    return take_along(input, index, wrap_dim(dim, input.ndim))


def _source_rule(g: V, shape: Shape, dim: int, index: Array) -> V:
    """The cotangent of src, of which a scatter reads the first elements, each once."""
    taken = gather(g, dim=dim, index=index)
    if shape == index.shape:
        return taken
    return getitem_backward(taken, index=source_index(index), shape=shape)


@op(
    vjp=(
        lambda g, out, x, src, *, dim, index: g,
        lambda g, out, x, src, *, dim, index: _source_rule(g, src.shape, dim, index),
    ),
    degree=1,
    samples=SCATTERS,
)
def scatter_add(input: Array, src: Array, *, dim: int, index: Array) -> Array:
    """A copy of input with src added to the elements that gather would read: its adjoint."""
    out = input.copy()
    add_along(out, index, src[source_index(index)], wrap_dim(dim, input.ndim))
    return out


@op(
    vjp=(
        lambda g, out, x, src, *, dim, index: index_put_scalar(g, index=index_of(index, dim)),
        lambda g, out, x, src, *, dim, index: _source_rule(g, src.shape, dim, index),
    ),
    degree=1,
    samples=[
        sample(arr.of(3, 4), arr.of(2, 3), dim=0, index=UNIQUE),
        sample(arr.of(3, 4), arr.of(4, 3), dim=0, index=UNIQUE),
    ],
)
def scatter(input: Array, src: Array, *, dim: int, index: Array) -> Array:
    """A copy of input with src in place of the elements that gather would read.

    Of several elements of src for one position the last stays.
    """
    out = input.copy()
    out[index_of(index, dim)] = src[source_index(index)]
    return out


def _nonzero_product(x: V, src: V, dim: int, index: Array) -> tuple[V, V, V, V]:
    """The product with ones for zeros, the number of zeros in it, and its two factors."""
    zero_x, zero_src = x.eq(0), src.eq(0)
    zeros = scatter_add(zero_x.to(x.dtype), zero_src.to(x.dtype), dim=dim, index=index)
    full_x, full_src = where(zero_x, 1.0, x), where(zero_src, 1.0, src)
    return scatter_prod(full_x, full_src, dim=dim, index=index), zeros, full_x, full_src


def _prod_rule_input(g: V, out: V, x: V, src: V, *, dim: int, index: Array) -> V:
    product, zeros, full_x, _ = _nonzero_product(x, src, dim, index)
    others_zero = zeros - x.eq(0).to(x.dtype)
    return where(others_zero.eq(0), g * product / full_x, 0.0)


def _prod_rule_src(g: V, out: V, x: V, src: V, *, dim: int, index: Array) -> V:
    product, zeros, _, full_src = _nonzero_product(x, src, dim, index)
    read = getitem(src, index=source_index(index))
    others_zero = gather(zeros, dim=dim, index=index) - read.eq(0).to(read.dtype)
    slope = gather(g * product, dim=dim, index=index) / getitem(full_src, index=source_index(index))
    slope = where(others_zero.eq(0), slope, 0.0)
    return getitem_backward(slope, index=source_index(index), shape=src.shape)


@op(node="ScatterReduceBackward0", vjp=(_prod_rule_input, _prod_rule_src), samples=SCATTERS)
def scatter_prod(input: Array, src: Array, *, dim: int, index: Array) -> Array:
    """A copy of input with the elements that gather would read multiplied by src."""
    out = input.copy()
    np.multiply.at(out, index_of(index, dim), src[source_index(index)])
    return out


def _extreme_rule(
    g: V,
    out: V,
    x: V,
    src: V,
    *,
    wanted: Sequence[int],
    dim: int,
    index: Array,
    largest: bool,
) -> list[V | None]:
    """Elements equal to the extreme get equal shares of the cotangent, as in torch."""
    read = getitem(src, index=source_index(index))
    chosen = x.eq(out).to(x.dtype)
    chosen_src = read.eq(gather(out, dim=dim, index=index)).to(x.dtype)
    share = g / scatter_add(chosen, chosen_src, dim=dim, index=index)
    cotangents: list[V | None] = [None, None]
    if 0 in wanted:
        cotangents[0] = chosen * share
    if 1 in wanted:
        taken = chosen_src * gather(share, dim=dim, index=index)
        cotangents[1] = getitem_backward(taken, index=source_index(index), shape=src.shape)
    return cotangents


@op(
    node="ScatterReduceBackward0",
    vjp=_extreme_rule,
    samples=[
        sample(*case.args, **case.settings, largest=largest)
        for case in SCATTERS
        for largest in (True, False)
    ],
)
def scatter_extreme(input: Array, src: Array, *, dim: int, index: Array, largest: bool) -> Array:
    """A copy of input with the larger (or smaller) of it and src where gather would read."""
    out = input.copy()
    choose = np.maximum if largest else np.minimum
    choose.at(out, index_of(index, dim), src[source_index(index)])
    return out
