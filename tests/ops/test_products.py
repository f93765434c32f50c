"""Products of vectors, matrices and batches, and distances, compared with torch."""

import math

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given, settings

import minigrad as mg
from tests.support.against_torch import compare
from tests.support.matrices import numbers, transposed_in_memory

quick = settings(max_examples=25)

PRODUCTS = {
    "mm": (lambda m, a, b: m.mm(a, b), (3, 4), (4, 2)),
    "mm of nothing": (lambda m, a, b: m.mm(a, b), (3, 0), (0, 2)),
    "bmm": (lambda m, a, b: m.bmm(a, b), (2, 3, 4), (2, 4, 2)),
    "mv": (lambda m, a, b: m.mv(a, b), (3, 4), (4,)),
    "dot": (lambda m, a, b: m.dot(a, b) + m.vdot(a, b), (4,), (4,)),
    "inner": (lambda m, a, b: m.inner(a, b), (2, 3, 4), (5, 4)),
    "inner of a number": (lambda m, a, b: m.inner(a, b), (), (5, 4)),
    "inner of vectors": (lambda m, a, b: a.inner(b), (4,), (4,)),
    "outer": (lambda m, a, b: m.outer(a, b) + m.ger(a, b), (3,), (2,)),
    "vecdot": (lambda m, a, b: m.linalg.vecdot(a, b, dim=0), (3, 4), (3, 1)),
    "kron": (lambda m, a, b: m.kron(a, b), (2, 3), (3, 2)),
    "kron of other dims": (lambda m, a, b: m.kron(a, b), (2,), (3, 1, 2)),
    "kron of a number": (lambda m, a, b: m.kron(a, b), (), (3, 2)),
    "cross": (lambda m, a, b: m.linalg.cross(a, b), (4, 3), (1, 3)),
    "cross along 0": (lambda m, a, b: m.linalg.cross(a, b, dim=0), (3, 2), (3, 2)),
    "cross of a found dim": (lambda m, a, b: m.cross(a, b, dim=1), (2, 3, 3), (2, 3, 3)),
    "tensordot": (lambda m, a, b: m.tensordot(a, b), (2, 3, 4), (3, 4, 5)),
    "tensordot of lists": (
        lambda m, a, b: m.tensordot(a, b, dims=([2, 0], [-1, 0])),
        (2, 3, 4),
        (2, 3, 4),
    ),
    "tensordot of none": (lambda m, a, b: m.tensordot(a, b, dims=0), (2, 3), (4,)),
    "tensordot with ones": (lambda m, a, b: m.tensordot(a, b, 1), (2, 1), (3, 4)),
    "addmm": (lambda m, a, b: m.addmm(b[0], a, b, beta=0.5, alpha=2.0), (3, 4), (4, 2)),
    "addmv": (lambda m, a, b: m.addmv(a[:, 0], a, b, beta=0.5), (3, 4), (4,)),
    "addr": (lambda m, a, b: m.addr(a[:, None], a, b, alpha=3), (3,), (4,)),
    "baddbmm": (lambda m, a, b: m.baddbmm(b[:, :1], a, b, beta=2), (2, 3, 4), (2, 4, 2)),
    "addbmm": (lambda m, a, b: m.addbmm(b[0, :3], a, b, alpha=0.5), (2, 3, 4), (2, 4, 2)),
    "multi_dot": (lambda m, a, b: m.linalg.multi_dot([a, b, a, b]), (2, 5), (5, 2)),
    "multi_dot with vectors": (lambda m, a, b: m.linalg.multi_dot([b, a, a.T, b]), (3, 4), (3,)),
    "cdist": (lambda m, a, b: m.cdist(a, b), (2, 3, 4), (2, 5, 4)),
    "cdist of broadcast": (lambda m, a, b: m.cdist(a, b, p=1), (3, 4), (2, 5, 4)),
    "cdist p=3": (lambda m, a, b: m.cdist(a, b, 3.0), (3, 4), (5, 4)),
    "cdist p=inf": (lambda m, a, b: m.cdist(a, b, math.inf), (3, 4), (5, 4)),
    "cdist by product": (
        lambda m, a, b: m.cdist(a, b, compute_mode="use_mm_for_euclid_dist"),
        (3, 4),
        (5, 4),
    ),
    "cdist of many": (lambda m, a, b: m.cdist(a, b), (30, 4), (5, 4)),
    "pdist": (lambda m, a, b: m.pdist(a) + m.pdist(a, 1.5).sum(), (4, 3), ()),
    "dist": (lambda m, a, b: m.dist(a, b) + a.dist(b, 1), (4, 3), (3,)),
    "trace": (lambda m, a, b: m.trace(a) + b.trace(), (4, 3), (2, 3)),
}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", PRODUCTS)
def test_products(name, dtype):
    function, *shapes = PRODUCTS[name]
    arrays = [numbers(shape, i).astype(dtype) for i, shape in enumerate(shapes)]
    compare(function, *arrays)
    matrices = [a for a in arrays if a.ndim > 1]
    if len(matrices) == len(arrays):
        compare(lambda m, *given: function(m, *map(transposed_in_memory, given)), *arrays)


INTEGERS = ["mm", "bmm", "mv", "dot", "inner", "outer", "kron", "cross", "tensordot", "addr",
            "trace", "multi_dot"]  # fmt: skip


@pytest.mark.parametrize("name", INTEGERS)
def test_products_of_integers(name):
    function, *shapes = PRODUCTS[name]
    compare(function, *(np.rint(numbers(s, i) * 5).astype(np.int64) for i, s in enumerate(shapes)))


ADDING = {
    "addmm": [(3, 2), (3, 4), (4, 2)],
    "addmv": [(3,), (3, 4), (4,)],
    "addr": [(3, 2), (3,), (2,)],
    "addbmm": [(3, 2), (5, 3, 4), (5, 4, 2)],
    "baddbmm": [(5, 3, 2), (5, 3, 4), (5, 4, 2)],
}


@pytest.mark.parametrize("name", ADDING)
def test_beta_zero_hides_the_input(name):
    x, a, b = (numbers(shape, i) for i, shape in enumerate(ADDING[name]))
    hidden = x * math.nan
    compare(lambda m, a, b: getattr(m, name)(m.tensor(hidden), a, b, beta=0), a, b)


@pytest.mark.parametrize("name", ADDING)
def test_added_in_place(name):
    def in_place(m, x, a, b):
        return getattr(x * 1, f"{name}_")(a, b, beta=0.5, alpha=2)

    compare(in_place, *(numbers(shape, i) for i, shape in enumerate(ADDING[name])))


@quick
@given(
    hnp.mutually_broadcastable_shapes(
        signature="(m,k),(k,n)->(m,n)", max_dims=2, min_side=0, max_side=3
    )
)
def test_drawn_distances_and_products(drawn):
    a, b = (numbers(shape, i) for i, shape in enumerate(drawn.input_shapes))
    compare(lambda m, x, y: m.tensordot(x, y, dims=([-1], [-2])), a, b)
    compare(lambda m, x, y: m.kron(x, y), a, b)
    compare(lambda m, x, y: m.inner(x, y.mT), a, b)
    if b.shape[-2] and a.size and b.size:
        compare(lambda m, x, y: m.cdist(x, y.mT, compute_mode="donot_use_mm_for_euclid_dist"), a, b)


def test_distances_of_equal_points_have_gradient_zero():
    x = numbers((3, 2))
    compare(lambda m, a: (m.cdist(a, a), m.pdist(a[[0, 0, 1]])), x)
    compare(lambda m, a: m.cdist(a * 1, a, compute_mode="use_mm_for_euclid_dist") * 0, x)


def test_distances_that_count():
    a, b = numbers((3, 4)).round(), numbers((5, 4), 1).round()
    compare(lambda m, x, y: m.cdist(x, y, p=0), a, b, gradients=False)
    x = mg.tensor(numbers((3, 4)), requires_grad=True)
    y = mg.tensor(numbers((5, 4), 1), requires_grad=True)
    for p in (1.0, 2.0, 3.0):
        assert mg.autograd.gradgradcheck(lambda x, y: mg.cdist(x, y, p), (x, y))  # noqa: B023


def test_chain_matmul_and_order():
    shapes = [(10, 100), (100, 5), (5, 50), (50, 1)]
    arrays = [numbers(shape, i) for i, shape in enumerate(shapes)]
    ours = mg.chain_matmul(*map(mg.tensor, arrays))
    np.testing.assert_allclose(ours.numpy(), np.linalg.multi_dot(arrays), rtol=1e-10)
    assert mg.chain_matmul(ours) is ours
