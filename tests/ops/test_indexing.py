"""Functions of indices and masks against torch: gathers, scatters, fills; values and gradients."""

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad.testing import gradgradcheck
from minigrad.testing.operations import LAYOUTS
from tests.support.against_torch import assert_same, compare

pytestmark = [
    pytest.mark.filterwarnings(f"ignore:{start}")  # what torch would rather have us not do
    for start in ("Using a non-tuple sequence", "The given NumPy array", "indexing with")
]

LONG = np.array([[0, 2, 0], [1, 1, 0]])


def long(m, *numbers):
    return m.tensor(numbers, dtype=m.int64)


# Functions of x (3, 4), y (3, 4) and their module.
CASES = {
    "gather": lambda m, x, y: (
        m.gather(x, 1, m.tensor(LONG)),
        x.gather(0, m.tensor(LONG)),
        x.gather(-1, m.tensor(LONG).int()),
        x.gather(1, long(m)),
        x[0, 0].gather(0, m.tensor(0)),
        x[0].gather(0, long(m, 3, 3, 0)),
    ),
    "scatter": lambda m, x, y: (
        m.scatter(x, 1, m.tensor([[0, 3], [2, 1]]), y[:2, :2]),
        x.scatter(0, m.tensor([[0, 2, 1]]), y[1:2, 1:]),
        x.scatter(1, m.tensor([[0, 3], [2, 1]]), 5.0),
        x.scatter(1, m.tensor([[0, 3], [2, 1]]), value=5),
        x[0, 0].scatter(0, m.tensor(0), y[0, 0]),
    ),
    "scatter_add": lambda m, x, y: (
        m.scatter_add(x, 0, m.tensor(LONG), y[1:, :3]),
        x.scatter_add(1, m.tensor(LONG), y[:2, 1:]),
        x[0].scatter_add(0, long(m, 1, 1, 1), y[1, 1:]),
        x[0, 0].scatter_add(0, m.tensor(0), y[0, 0]),
    ),
    "scatter_reduce": lambda m, x, y: [
        m.scatter_reduce(x, dim, m.tensor(LONG), y[:2, :3], reduce)
        for reduce in ("sum", "prod", "mean", "amax", "amin")
        for own in (True, False)
        for dim in (0, 1)
    ],
    "index_select": lambda m, x, y: (
        m.index_select(x, 1, long(m, 3, 0, 0)),
        x.index_select(0, m.tensor(1)),
        x[0, 0].index_select(0, long(m, 0)),
        x.index_select(-1, long(m)),
    ),
    "index_add": lambda m, x, y: (
        m.index_add(x, 0, long(m, 2, 0, 2), y),
        x.index_add(1, long(m, 1, 1), y[:, :2], alpha=-2),
        x.index_add(1, m.tensor(2), y[:, 1:2]),
        x[0, 0].index_add(0, m.tensor(0), y[0, 0]),
    ),
    "index_copy": lambda m, x, y: (
        m.index_copy(x, 0, long(m, 2, 0), y[1:]),
        x.index_copy(1, long(m, 3), y[:, :1]),
    ),
    "index_fill": lambda m, x, y: (
        m.index_fill(x, 0, long(m, 2, 0), 7.0),
        x.index_fill(1, long(m, -1, 1), 3),
        x.index_fill(1, long(m, 1), y[0, 0]),
    ),
    "index_put": lambda m, x, y: (
        m.index_put(x, (long(m, 0, 2), long(m, 3, 1)), y[0, :2]),
        x.index_put([long(m, 0, 0)], y[0], accumulate=True),
        x.index_put((x > 3,), y[0, 0]),
        x.index_put((long(m, 1, 1), long(m, 1, 1)), y[0, 0], True),
    ),
    "masked_fill": lambda m, x, y: (
        m.masked_fill(x, x > 3, 9.0),
        x.masked_fill(y[0] > 3, -1),
        x[0].masked_fill(y > 3, 0.5),
        x.masked_fill(x > 3, y[0, 0]),
    ),
    "fill": lambda m, x, y: (
        m.fill(x, 9.0),
        m.fill(x[0], y[0, 0]),
        m.fill(x[:0], -1),
    ),
    "masked_select": lambda m, x, y: (
        m.masked_select(x, x > 3),
        x.masked_select(y[0] > 3),
        x[0].masked_select(y > 3),
        x.masked_select(x > 99),
    ),
    "masked_scatter": lambda m, x, y: (
        m.masked_scatter(x, x > 3, y),
        x.masked_scatter(x[0] > 3, y),
        x[0].masked_scatter(y > 3, y),
    ),
    "take": lambda m, x, y: (m.take(x, m.tensor(LONG)), x.take(long(m, -1)), x.T.take(long(m, 1))),
    "take_along_dim": lambda m, x, y: (
        m.take_along_dim(x, m.tensor([[0], [-1], [2]]), 1),
        x.take_along_dim(m.tensor([[0, 2, 1, 1]]), dim=0),
        x.contiguous().take_along_dim(m.tensor(LONG)),  # torch refuses other layouts
        x[:, None].take_along_dim(m.tensor([[[1, 0]]]), -1),
    ),
    "put": lambda m, x, y: (
        x.put(long(m, 0, -1), y[0, :2]),
        x.T.put(m.tensor([[0], [1]]), y[0, :2]),
        x.put(long(m, 1, 1, 1), y[0, :3], accumulate=True),
    ),
    "places": lambda m, x, y: (
        m.nonzero(x > 3),
        *x.nonzero(as_tuple=True),
        m.argwhere(x),
        *m.where(x > 3),
        x[0, 0].nonzero(),
        *x[0, 0].nonzero(as_tuple=True),
    ),
    "where": lambda m, x, y: (m.where(x > y, x, y), m.where(x > 3, x, 0.0), x.where(x > 3, y)),
}


def pair(dtype="float64"):
    x = np.arange(12).reshape(3, 4) * 5 % 7 + 0.25
    y = np.arange(12).reshape(3, 4) * 3 % 8 + 0.5
    return (x > 3, y > 3) if dtype == "bool" else (x.astype(dtype), y.astype(dtype))


@pytest.mark.parametrize("dtype", ["float64", "float32", "int64"])
@pytest.mark.parametrize("name", CASES)
def test_cases(name, dtype):
    compare(CASES[name], *pair(dtype), note=name)


@pytest.mark.parametrize("layout", ["strided", "broadcast"])
@pytest.mark.parametrize("name", CASES)
def test_cases_of_other_layouts(name, layout):
    chosen = LAYOUTS[layout]

    def function(m, *leaves):
        return CASES[name](m, *(chosen.view(leaf, (3, 4)) for leaf in leaves))

    compare(function, *(np.array(chosen.leaf(a), order="C") for a in pair()), note=name)


@pytest.mark.parametrize("name", sorted(set(CASES) - {"places"}))
def test_second_derivatives(name):
    def squared(x, y):
        results = CASES[name](mg, x, y)
        return sum((r * r).sum() for r in results)

    leaves = [mg.tensor(a, requires_grad=True) for a in pair()]
    assert gradgradcheck(squared, leaves)


def test_a_source_larger_than_the_index_gets_zeros_beyond_it():
    x, y = (mg.tensor(a, requires_grad=True) for a in pair())
    for out in (
        x.scatter_add(0, mg.tensor(LONG), y),
        x.scatter(1, mg.tensor([[0, 3, 1], [2, 1, 0]]), y),
        x.scatter_reduce(1, mg.tensor(LONG), y, "sum"),
    ):
        (g,) = mg.autograd.grad(out.sum(), y)
        assert g[:2, :3].tolist() == [[1] * 3] * 2
        assert g.sum() == 6


def test_scatter_with_a_reduction():
    theirs, ours = (
        [
            m.tensor(pair()[0]).scatter(1, m.tensor(LONG), 2.0, reduce=reduce)
            for reduce in ("add", "multiply")
        ]
        for m in (torch, mg)
    )
    assert_same(ours, theirs)
    y = mg.ones(2, 3, dtype=mg.float64, requires_grad=True)
    assert gradgradcheck(
        lambda y: mg.ones(3, 4, dtype=mg.float64).scatter(1, mg.tensor(LONG), y, reduce="multiply"),
        y,
    )


@pytest.mark.parametrize("zeros", range(4))
def test_products_with_zeros_have_the_right_gradient(zeros):
    y = pair()[1]
    y.flat[:zeros] = 0
    x = pair()[0]
    x.flat[1] = 0

    def function(m, x, y):
        return [x.scatter_reduce(d, m.tensor(LONG), y[:2, :3], "prod", include_self=own)
                for d in (0, 1) for own in (True, False)]  # fmt: skip

    compare(function, x, y)


def test_ties_share_the_gradient():
    def function(m, x, y):
        return [x.scatter_reduce(1, m.tensor(LONG), y[:2, :3], reduce)
                for reduce in ("amax", "amin")]  # fmt: skip

    compare(function, np.ones((3, 4)), np.ones((3, 4)))


def test_integers_are_reduced_in_integers():
    for reduce in ("sum", "prod", "mean", "amax", "amin"):
        for own in (True, False):
            compare(
                lambda m, x, y, r=reduce, own=own: x.scatter_reduce(
                    0, long(m, 0, 0, 2), y, r, include_self=own
                ),
                np.array([5, -7, 3]),
                np.array([-4, 2, 9]),
            )


@settings(max_examples=100)
@given(st.data())
def test_drawn_gathers_and_scatters(data):
    shape = data.draw(hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=4))
    dim = data.draw(st.integers(-len(shape), len(shape) - 1))
    sizes = tuple(data.draw(st.integers(1, n)) for n in shape)
    index = data.draw(hnp.arrays(np.int64, sizes, elements=st.integers(0, shape[dim] - 1)))
    rng = np.random.default_rng(0)
    x, src = rng.normal(size=shape), rng.normal(size=sizes)
    reduce = data.draw(st.sampled_from(["sum", "prod", "mean", "amax", "amin"]))
    # What torch gives an element left out of its extreme is not the derivative.
    own = reduce in {"amax", "amin"} or data.draw(st.booleans())
    compare(lambda m, x: m.gather(x, dim, m.tensor(index)), x)
    compare(lambda m, x, s: m.scatter_add(x, dim, m.tensor(index), s), x, src)
    compare(
        lambda m, x, s: m.scatter_reduce(x, dim, m.tensor(index), s, reduce, include_self=own),
        x,
        src,
    )


def test_one_hot():
    for given_classes in (-1, 5):
        compare(
            lambda m, i, n=given_classes: m.nn.functional.one_hot(i, n), np.array([[0, 2], [1, 1]])
        )


# --- in place -------------------------------------------------------------------------------

IN_PLACE = {
    "masked_fill_": lambda m, z, y: z.masked_fill_(y > 3, 7.0),
    "masked_scatter_": lambda m, z, y: z.masked_scatter_(y > 3, y),
    "scatter_": lambda m, z, y: z.scatter_(1, m.tensor([[0, 3], [2, 1]]), y[:2, :2]),
    "scatter_ a value": lambda m, z, y: z.scatter_(1, m.tensor(LONG), 2.0),
    "scatter_add_": lambda m, z, y: z.scatter_add_(0, m.tensor(LONG), y[:2, :3]),
    "scatter_reduce_": lambda m, z, y: z.scatter_reduce_(
        0, m.tensor(LONG), y[:2, :3], reduce="amax"
    ),
    "index_add_": lambda m, z, y: z.index_add_(1, long(m, 1, 1), y[:, :2], alpha=3),
    "index_copy_": lambda m, z, y: z.index_copy_(0, long(m, 2), y[:1]),
    "index_fill_": lambda m, z, y: z.index_fill_(1, long(m, 0, 2), 3.0),
    "index_put_": lambda m, z, y: z.index_put_((long(m, 0, 2),), y[0]),
    "put_": lambda m, z, y: z.put_(long(m, 0, 5), y[0, :2]),
    "tril_": lambda m, z, y: z.tril_().mul_(y),
    "triu_": lambda m, z, y: z.mul_(y).triu_(1),
    "fill_diagonal_": lambda m, z, y: z.fill_diagonal_(4.0),
    "squeeze_": lambda m, z, y: z[None].squeeze_(0).mul_(y),
    "unsqueeze_": lambda m, z, y: z.unsqueeze_(1).mul_(y[:, None]),
    "t_": lambda m, z, y: z.t_().mul_(y.T),
    "transpose_": lambda m, z, y: z.transpose_(0, 1).add_(y.T),
    "swapaxes_": lambda m, z, y: (z.swapaxes_(0, 1), z.swapdims_(0, 1)),
    "comparisons": lambda m, z, y: z.gt_(y).add_(y),
    "sign_": lambda m, z, y: z.sign_().mul_(y),
}


@pytest.mark.parametrize("name", IN_PLACE)
def test_in_place(name):
    def function(m, x, y):
        z = x * 1
        result = IN_PLACE[name](m, z, y)
        return z, result

    compare(function, *pair(), note=name)


def test_fill_diagonal_of_other_shapes():
    for shape, wrap in [((5, 2), False), ((7, 2), True), ((2, 5), True), ((3, 3, 3), False)]:
        compare(lambda m, x, w=wrap: (x * 1).fill_diagonal_(2.0, w), np.ones(shape))
