"""Gradients of everything written or read at places that are named repeatedly.

Checked against differences of function values, first and second order: where several values are
written to one place, torch gives gradients to all of them, though only the last is there.
"""

import numpy as np
import pytest

import minigrad as mg
from minigrad.testing import gradcheck, gradgradcheck

ROWS = [1, 3, 1, 1]
GRID = [[1, 0, 1], [1, 0, 2]]
SHAPES = {"matrix": (5, 3), "rows": (4, 3), "grid": (2, 3), "row": (3,), "four": (4,), "number": ()}


def at(*parts):
    return tuple(mg.tensor(part) if isinstance(part, list) else part for part in parts)


def changed(x, method, *args):
    """A copy of x after an in-place method."""
    y = x.clone()
    getattr(y, method)(*args)
    return y


def assigned(x, value, *parts):
    y = x.clone()
    y[at(*parts)] = value
    return y


def assigned_in_view(x, value):
    y = x.clone()
    y[1:4][mg.tensor([0, 0, 1, 0])] = value
    return y


WRITES = {
    "index_fill": (lambda x, v: x.index_fill(0, *at(ROWS), v), "number"),
    "index_fill along 1": (lambda x, v: x.index_fill(1, *at([0, 2, 0]), v), "number"),
    "index_fill_": (lambda x, v: changed(x, "index_fill_", 0, *at(ROWS), v), "number"),
    "index_copy": (lambda x, v: x.index_copy(0, *at(ROWS), v), "rows"),
    "index_copy_": (lambda x, v: changed(x, "index_copy_", 0, *at(ROWS), v), "rows"),
    "index_put": (lambda x, v: x.index_put(at(ROWS), v), "rows"),
    "index_put from the end": (lambda x, v: x.index_put(at([1, -4, 1, 1]), v), "rows"),
    "index_put of a row": (lambda x, v: x.index_put(at(ROWS), v), "row"),
    "index_put of a number": (lambda x, v: x.index_put(at(ROWS), v), "number"),
    "index_put at points": (lambda x, v: x.index_put(at(ROWS, [0, 1, 0, 2]), v), "four"),
    "index_put_": (lambda x, v: changed(x, "index_put_", at(ROWS), v), "rows"),
    "index_put, adding": (lambda x, v: x.index_put(at(ROWS), v, True), "row"),
    "assignment": (lambda x, v: assigned(x, v, ROWS), "rows"),
    "assignment of a number": (lambda x, v: assigned(x, v, ROWS), "number"),
    "assignment beside a slice": (lambda x, v: assigned(x, v, [1, 1], slice(0, 3)), "grid"),
    "assignment in a view": (assigned_in_view, "rows"),
    "scatter": (lambda x, v: x.scatter(0, *at(GRID), v), "grid"),
    "scatter along 1": (lambda x, v: x.scatter(1, *at([[1, 1, 1], [1, 0, 2]]), v), "grid"),
    "scatter of a corner": (lambda x, v: x.scatter(0, *at([[1, 1], [1, 1]]), v), "rows"),
    "scatter_": (lambda x, v: changed(x, "scatter_", 0, *at(GRID), v), "grid"),
    "scatter_add": (lambda x, v: x.scatter_add(0, *at(GRID), v), "grid"),
    "put": (lambda x, v: x.put(*at([0, 3, 0, -15]), v), "four"),
    "put, adding": (lambda x, v: x.put(*at([0, 3, 0, -15]), v, True), "four"),
    "index_add": (lambda x, v: x.index_add(0, *at(ROWS), v), "rows"),
    "masked_scatter": (lambda x, v: x.masked_scatter(*at([True, False, True]), v), "matrix"),
    "masked_fill": (lambda x, v: x.masked_fill(*at([True, False, True]), v), "number"),
} | {
    f"{name} {reduce} {include_self}": (
        lambda x, v, name=name, index=index, reduce=reduce, include_self=include_self: getattr(
            x, name
        )(0, *at(index), v, reduce, include_self=include_self),
        source,
    )
    for name, index, source in (("scatter_reduce", GRID, "grid"), ("index_reduce", ROWS, "rows"))
    for reduce in ("prod", "mean", "amax", "amin")
    for include_self in (True, False)
}  # fmt: skip

READS = {
    "index": lambda x: x[mg.tensor(ROWS)],
    "index_select": lambda x: x.index_select(0, *at(ROWS)),
    "gather": lambda x: x.gather(0, *at(GRID)),
    "take": lambda x: x.take(*at(ROWS)),
    "take_along_dim": lambda x: x.take_along_dim(*at([[0, 0, 3]]), 0),
    "embedding": lambda x: mg.nn.functional.embedding(*at(ROWS), x),
    "expand": lambda x: x.unsqueeze(0).expand(4, 5, 3),
}


def drawn(shape, seed):
    values = np.random.default_rng(seed).permutation(60)[: int(np.prod(shape))] / 20 - 1.5
    return mg.tensor(values.reshape(shape), requires_grad=True)


@pytest.mark.parametrize("name", WRITES)
def test_written(name):
    function, source = WRITES[name]
    arguments = drawn(SHAPES["matrix"], 0), drawn(SHAPES[source], 1)
    gradcheck(function, arguments)
    gradgradcheck(function, arguments)


@pytest.mark.parametrize("name", READS)
def test_read(name):
    gradcheck(READS[name], (drawn(SHAPES["matrix"], 0),))
    gradgradcheck(READS[name], (drawn(SHAPES["matrix"], 0),))


def test_of_many_values_the_last_gets_the_gradient():
    rng = np.random.default_rng(0)
    places = rng.integers(0, 50, 3000)
    last = np.zeros(3000)
    last[[np.flatnonzero(places == place)[-1] for place in range(50)]] = 1
    values = mg.zeros(3000, requires_grad=True)
    mg.zeros(50).index_put((mg.from_numpy(places),), values).sum().backward()
    np.testing.assert_array_equal(values.grad.numpy(), last)


PRODUCTS = {
    "scatter_reduce": lambda x, i: x[:1].scatter_reduce(0, i, x[1:], "prod"),
    "scatter_reduce of src alone": lambda x, i: mg.full((1,), 7.0, dtype=mg.float64).scatter_reduce(
        0, mg.tensor([0, 0, 0]), x, "prod", include_self=False
    ),
    "index_reduce": lambda x, i: x[:1].index_reduce(0, i, x[1:], "prod"),
    "scatter": lambda x, i: x[:1].scatter(0, i, x[1:], reduce="multiply"),
    "prod": lambda x, i: x.prod(),
    "prod along 0": lambda x, i: x.prod(0),
    "cumprod": lambda x, i: x.cumprod(0)[2],
}


@pytest.mark.parametrize("values", [[2, 0, 5], [0, 3, 5], [0, 0, 5], [0, 0, 0], [2, 3, 5]])
@pytest.mark.parametrize("name", PRODUCTS)
def test_products_through_zeros(name, values):
    a, b, c = values
    x = mg.tensor(values, dtype=mg.float64, requires_grad=True)
    out = PRODUCTS[name](x, mg.tensor([0, 0])).sum()
    (slope,) = mg.autograd.grad(out, x, create_graph=True)
    assert slope.tolist() == pytest.approx([b * c, a * c, a * b])
    for k, row in enumerate([[0, c, b], [c, 0, a], [b, a, 0]]):
        (second,) = mg.autograd.grad(slope[k], x, retain_graph=True)
        assert second.tolist() == pytest.approx(row)
