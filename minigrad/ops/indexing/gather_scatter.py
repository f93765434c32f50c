"""Declared gathers and scatters along one dimension, by an index for every element.

Indices are int64 arrays.  Forwards raise RuntimeError for one that is negative or too large.
`along_dim.py` has torch's functions, which check its dtype and shape.
"""

from collections.abc import Sequence

import numpy as np

from minigrad.core.types import Array, Shape
from minigrad.engine.graph import V
from minigrad.engine.op import arr, op, sample
from minigrad.kernels.gather import (
    add_along,
    coordinates,
    coordinates_within,
    put_along,
    take_along,
)
from minigrad.ops.dims import wrap_dim
from minigrad.ops.elementwise.elementary import where
from minigrad.ops.indexing.getitem import (
    Index,
    getitem,
    getitem_backward,
    index_put_scalar,
    written_cotangent,
)  # fmt: skip


def index_of(index: Array, dim: int) -> Index:
    """The coordinates in the input that each element of the index stands for."""
    return Index(coordinates(index, wrap_dim(dim, index.ndim)))


def index_within(input: Array, dim: int, index: Array) -> Index:
    """As `index_of`.  Raises RuntimeError for an index that is out of the bounds of `input`."""
    axis = wrap_dim(dim, index.ndim)
    return Index(coordinates_within(index, axis, input.shape[axis]))


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


def _added_into_zeros(cotangent: Array, shape: Shape, dim: int, index: Array) -> Array:
    out = np.zeros(shape, cotangent.dtype)
    add_along(out, index, cotangent, wrap_dim(dim, len(shape)))
    return out


@op(
    vjp=(lambda g, out, x, *, dim, index: gather_backward(g, dim=dim, index=index, shape=x.shape),),
    array_vjp=(lambda g, out, x, *, dim, index: _added_into_zeros(g, x.shape, dim, index),),
    degree=1,
    samples=[
        sample(arr.of(3, 4), dim=0, index=INDICES),
        sample(arr.of(2, 4), dim=1, index=INDICES),
    ],
)
def gather(input: Array, *, dim: int, index: Array) -> Array:
    """out[i][j] = input[index[i][j]][j] for dim=0, input[i][index[i][j]] for dim=1, and so on."""
    return take_along(input, index, wrap_dim(dim, input.ndim))


@op(
    node="ScatterAddBackward0",
    vjp=(lambda g, out, c, *, dim, index, shape: gather(g, dim=dim, index=index),),
    degree=1,
    samples=[
        sample(arr.of(2, 3), dim=0, index=INDICES, shape=(3, 4)),
        sample(arr.of(2, 3), dim=-1, index=INDICES, shape=(2, 4)),
    ],
)
def gather_backward(cotangent: Array, *, dim: int, index: Array, shape: Shape) -> Array:
    """Zeros of `shape` with the cotangent added where gather read: the adjoint of gather."""
    return _added_into_zeros(cotangent, shape, dim, index)


def _source_rule(g: V, shape: Shape, dim: int, index: Array) -> V:
    """The cotangent of src, of which a scatter reads the first elements, each once."""
    return _padded(gather(g, dim=dim, index=index), shape, index)


def _padded(taken: V, shape: Shape, index: Array) -> V:
    """The cotangent of src from that of its elements that a scatter reads: zeros elsewhere."""
    if shape == index.shape:
        return taken
    return getitem_backward(taken, index=source_index(index), shape=shape)


def _scatter_rule(g: V, shape: Shape, dim: int, index: Array) -> V:
    """The cotangent of src, of whose elements for one position the last stays."""
    taken = gather(g, dim=dim, index=index)
    return _padded(written_cotangent(taken, index_of(index, dim), g.shape), shape, index)


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
        lambda g, out, x, src, *, dim, index: _scatter_rule(g, src.shape, dim, index),
    ),
    degree=1,
    samples=[
        sample(arr.of(3, 4), arr.of(2, 3), dim=0, index=UNIQUE),
        sample(arr.of(3, 4), arr.of(4, 3), dim=0, index=UNIQUE),
        sample(arr.of(3, 4), arr.of(4, 3), dim=0, index=INDICES),
        sample(arr.of(2, 4), arr.of(2, 3), dim=1, index=INDICES),
    ],
)
def scatter(input: Array, src: Array, *, dim: int, index: Array) -> Array:
    """A copy of input with src in place of the elements that gather would read.

    Of several elements of src for one position the last stays.
    PyTorch differs: it gives a gradient to all of them, not only to the one that stays.
    """
    out = input.copy()
    put_along(out, index, src[source_index(index)], wrap_dim(dim, input.ndim))
    return out


def _factors(x: V, src: V, dim: int, index: Array) -> tuple[V, V, V]:
    """The product with ones in the place of zeros, the number of zeros, and their sum."""
    zero_x, zero_src = x.eq(0), src.eq(0)
    nonzero = where(zero_x, 1.0, x), where(zero_src, 1.0, src)
    zeros = where(zero_x, x, 0.0), where(zero_src, src, 0.0)
    return (
        scatter_prod(*nonzero, dim=dim, index=index),
        scatter_add(zero_x.to(x.dtype), zero_src.to(x.dtype), dim=dim, index=index),
        scatter_add(*zeros, dim=dim, index=index),
    )


def _product_of_others(own: V, product: V, zeros: V, sum_of_zeros: V) -> V:
    """The product of all factors but `own`, which can be differentiated through zeros too.

    If one other factor is zero, that factor is the sum of the zeros less `own`.
    """
    is_zero = own.eq(0)
    others = zeros - is_zero.to(own.dtype)
    other_zero = sum_of_zeros - where(is_zero, own, 0.0)
    rest = where(others.eq(0), 1.0, where(others.eq(1), other_zero, 0.0))
    return product / where(is_zero, 1.0, own) * rest


def _prod_rule_input(g: V, out: V, x: V, src: V, *, dim: int, index: Array) -> V:
    return g * _product_of_others(x, *_factors(x, src, dim, index))


def _prod_rule_src(g: V, out: V, x: V, src: V, *, dim: int, index: Array) -> V:
    g_taken, *taken = (
        gather(each, dim=dim, index=index) for each in (g, *_factors(x, src, dim, index))
    )
    slope = g_taken * _product_of_others(getitem(src, index=source_index(index)), *taken)
    return getitem_backward(slope, index=source_index(index), shape=src.shape)


@op(node="ScatterReduceBackward0", vjp=(_prod_rule_input, _prod_rule_src), samples=SCATTERS)
def scatter_prod(input: Array, src: Array, *, dim: int, index: Array) -> Array:
    """A copy of input with the elements that gather would read multiplied by src."""
    out = input.copy()
    np.multiply.at(out, index_within(input, dim, index), src[source_index(index)])
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
    choose.at(out, index_within(input, dim, index), src[source_index(index)])
    return out
