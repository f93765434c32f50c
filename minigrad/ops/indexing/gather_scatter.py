"""Gathers and scatters along one dimension: element i of the index says where element i goes.

Indices are int64 arrays without negative entries, checked in `lookup`, which has torch's functions.
"""

from typing import Any

import numpy as np

from minigrad.engine.op import arr, op, sample
from minigrad.kernels.gather import add_along, coordinates, take_along
from minigrad.ops.dims import wrap_dim
from minigrad.ops.elementwise.arithmetic import select_where
from minigrad.ops.indexing.getitem import Index, getitem, index_adjoint, index_filled

Array = Any


def places(index: Array, dim: int) -> Index:
    """For every element of index, the coordinates it speaks of."""
    return Index(coordinates(index, wrap_dim(dim, index.ndim)))


def corner(index: Array) -> Index:
    """The elements of src that an index speaks of: as many in each dimension."""
    return Index(slice(size) for size in index.shape)


INDICES = np.array([[0, 2, 0], [1, 1, 0]])
ONCE = np.array([[0, 2, 1], [1, 0, 0]])  # no place twice
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


def _source_rule(g: Any, shape: tuple[int, ...], dim: int, index: Array) -> Any:
    """The cotangent of a source of which a scatter reads a corner, each element once."""
    taken = gather(g, dim=dim, index=index)
    return taken if shape == index.shape else index_adjoint(taken, index=corner(index), shape=shape)


@op(
    vjp=(
        lambda g, out, x, src, *, dim, index: g,
        lambda g, out, x, src, *, dim, index: _source_rule(g, src.shape, dim, index),
    ),
    degree=1,
    samples=SCATTERS,
)
def scatter_add(input: Array, src: Array, *, dim: int, index: Array) -> Array:
    """A copy of input with src added where gather would read: the adjoint of gather."""
    out = input.copy()
    add_along(out, index, src[corner(index)], wrap_dim(dim, input.ndim))
    return out


@op(
    vjp=(
        lambda g, out, x, src, *, dim, index: index_filled(g, index=places(index, dim)),
        lambda g, out, x, src, *, dim, index: _source_rule(g, src.shape, dim, index),
    ),
    degree=1,
    samples=[
        sample(arr.of(3, 4), arr.of(2, 3), dim=0, index=ONCE),
        sample(arr.of(3, 4), arr.of(4, 3), dim=0, index=ONCE),
    ],
)
def scatter(input: Array, src: Array, *, dim: int, index: Array) -> Array:
    """A copy of input with src written where gather would read; of several the last one stays."""
    out = input.copy()
    out[places(index, dim)] = src[corner(index)]
    return out


def _nonzero_product(x: Any, src: Any, dim: int, index: Array) -> tuple[Any, Any, Any, Any]:
    """The product with ones for zeros; how many zeros it met; and what it is a product of."""
    zero_x, zero_src = x == 0, src == 0
    zeros = scatter_add(zero_x.to(x.dtype), zero_src.to(x.dtype), dim=dim, index=index)
    full_x, full_src = select_where(zero_x, 1.0, x), select_where(zero_src, 1.0, src)
    return scatter_prod(full_x, full_src, dim=dim, index=index), zeros, full_x, full_src


def _prod_rule_input(g: Any, out: Any, x: Any, src: Any, *, dim: int, index: Array) -> Any:
    product, zeros, full_x, _ = _nonzero_product(x, src, dim, index)
    others_zero = zeros - (x == 0).to(x.dtype)
    return select_where(others_zero == 0, g * product / full_x, 0.0)


def _prod_rule_src(g: Any, out: Any, x: Any, src: Any, *, dim: int, index: Array) -> Any:
    product, zeros, _, full_src = _nonzero_product(x, src, dim, index)
    read = getitem(src, index=corner(index))
    others_zero = gather(zeros, dim=dim, index=index) - (read == 0).to(read.dtype)
    slope = gather(g * product, dim=dim, index=index) / getitem(full_src, index=corner(index))
    slope = select_where(others_zero == 0, slope, 0.0)
    return index_adjoint(slope, index=corner(index), shape=src.shape)


@op(node="ScatterReduceBackward0", vjp=(_prod_rule_input, _prod_rule_src), samples=SCATTERS)
def scatter_prod(input: Array, src: Array, *, dim: int, index: Array) -> Array:
    """A copy of input multiplied by src where gather would read."""
    out = input.copy()
    np.multiply.at(out, places(index, dim), src[corner(index)])
    return out


def _shared_rule(
    g: Any, out: Any, x: Any, src: Any, *, wanted: Any, dim: int, index: Array, largest: bool
) -> list[Any]:
    """Those that hold the extreme share the cotangent equally, as torch has it."""
    read = getitem(src, index=corner(index))
    holds = (x == out).to(x.dtype)
    holds_src = (read == gather(out, dim=dim, index=index)).to(x.dtype)
    share = g / scatter_add(holds, holds_src, dim=dim, index=index)
    cotangents: list[Any] = [None, None]
    if 0 in wanted:
        cotangents[0] = holds * share
    if 1 in wanted:
        taken = holds_src * gather(share, dim=dim, index=index)
        cotangents[1] = index_adjoint(taken, index=corner(index), shape=src.shape)
    return cotangents


@op(
    node="ScatterReduceBackward0",
    vjp=_shared_rule,
    samples=[
        sample(*case.args, **case.settings, largest=largest)
        for case in SCATTERS
        for largest in (True, False)
    ],
)
def scatter_extreme(input: Array, src: Array, *, dim: int, index: Array, largest: bool) -> Array:
    """A copy of input, where gather would read the largest (or smallest) of it and src."""
    out = input.copy()
    choose = np.maximum if largest else np.minimum
    choose.at(out, places(index, dim), src[corner(index)])
    return out
