"""Linear algebra: against torch, on drawn shapes, at the edges, and where it must refuse."""

import math

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from tests.support.against_torch import compare, outcome

quick = settings(max_examples=25)


def numbers(shape, seed=0):
    return np.random.default_rng(seed).uniform(-2, 2, shape)


def regular(shape, seed=0):
    """Square matrices far from singular."""
    return numbers(shape, seed) / 2 + 4 * np.eye(shape[-1])


def definite(m, x):
    """A symmetric positive definite matrix of any square one."""
    return x @ x.mT + m.eye(x.shape[-1], dtype=x.dtype)


def symmetric(m, x):
    return x + x.mT


def turned(x):
    """The same matrices, from memory that holds them transposed."""
    return x.mT.contiguous().mT


# --- products -------------------------------------------------------------------------------

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
        compare(lambda m, *given: function(m, *map(turned, given)), *arrays)


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


def test_a_fraction_of_integers_is_refused():
    for alpha, beta in ((0.5, 1), (1, 0.5)):  # torch takes both for 0 in addmm
        with pytest.raises(RuntimeError, match="must not be floating"):
            mg.addmm(*[mg.eye(2, dtype=mg.int64)] * 3, alpha=alpha, beta=beta)


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


# --- solving and factors --------------------------------------------------------------------

MATRICES = [(3, 3), (2, 3, 3), (1, 1), (2, 1, 4, 4), (0, 0), (2, 0, 0), (0, 3, 3), (12, 12)]
EITHER = [(3, 3), (4, 2), (2, 4), (2, 3, 2), (2, 2, 3), (1, 1), (3, 0), (0, 2, 3)]


def cubed(u, s, vh):
    return (u * s.unsqueeze(-2) ** 3) @ vh


OF_SQUARES = {
    "inv": lambda m, x: (m.linalg.inv(x), m.inverse(x), x.inverse()),
    "inv_ex": lambda m, x: (m.linalg.inv_ex(x).inverse, m.linalg.inv_ex(x).info),
    "det": lambda m, x: (m.linalg.det(x), m.det(x), x.det()),
    "slogdet": lambda m, x: (*m.linalg.slogdet(x), x.slogdet().logabsdet),
    "logdet": lambda m, x: m.logdet(x @ x),
    "solve": lambda m, x: m.linalg.solve(x, x * 2 + 1),
    "solve from the right": lambda m, x: m.linalg.solve(x, x[..., :2, :] + 1, left=False),
    "cholesky": lambda m, x: m.linalg.cholesky(definite(m, x)),
    "upper cholesky": lambda m, x: m.linalg.cholesky(definite(m, x), upper=True),
    "cholesky_ex": lambda m, x: m.linalg.cholesky_ex(definite(m, x)),
    "cholesky_solve": lambda m, x: m.cholesky_solve(x, x.tril()),
    "upper cholesky_solve": lambda m, x: m.cholesky_solve(x, x.triu(), upper=True),
    "cholesky_inverse": lambda m, x: m.cholesky_inverse(x.tril()),
    "triangular": lambda m, x: m.linalg.solve_triangular(x, x + 1, upper=True),
    "lower triangular": lambda m, x: m.linalg.solve_triangular(x, x + 1, upper=False, left=False),
    "unit triangular": lambda m, x: m.linalg.solve_triangular(
        x / 4, x, upper=True, left=False, unitriangular=True
    ),
    "matrix_power": lambda m, x: [m.linalg.matrix_power(x, n) for n in (0, 1, 2, 5, -3)],
    "matrix_exp": lambda m, x: (m.matrix_exp(x * 0.3), m.linalg.matrix_exp(x * 0.01)),
    "eigvalsh": lambda m, x: m.linalg.eigvalsh(symmetric(m, x)),
    "eigh": lambda m, x: (
        m.linalg.eigh(symmetric(m, x)).eigenvalues,
        m.linalg.eigh(symmetric(m, x)).eigenvectors ** 2,
        m.linalg.eigh(symmetric(m, x), UPLO="U")[1].abs(),
    ),
    "hermitian pinv": lambda m, x: m.linalg.pinv(symmetric(m, x), hermitian=True),
}  # fmt: skip

OF_ANY = {
    "pinv": lambda m, x: (m.linalg.pinv(x), m.pinverse(x)),
    "pinv with a bound": lambda m, x: m.linalg.pinv(x, atol=0.4, rtol=0.01),
    "svdvals": lambda m, x: m.linalg.svdvals(x),
    "svd": lambda m, x: [t.abs() for t in m.linalg.svd(x, full_matrices=False)],
    "svd with V": lambda m, x: [t.abs() for t in m.svd(x)],
    "product of svd": lambda m, x: cubed(*m.linalg.svd(x, full_matrices=False)),
    "qr": lambda m, x: [t.abs() for t in m.linalg.qr(x)],
    "product of qr": lambda m, x: m.linalg.qr(x).Q @ m.linalg.qr(x).R ** 2,
    "rank": lambda m, x: m.linalg.matrix_rank(x),
    "fro": lambda m, x: m.linalg.matrix_norm(x),
    "norms of columns": lambda m, x: m.linalg.vector_norm(x, 3, dim=-2),
}


def well_apart(function, array, name):
    """Compared as leaf, as view, and in float32."""
    compare(function, array, note=name)
    compare(lambda m, x: function(m, turned(x)), array, note=name)
    if array.shape[-1] < 10:  # beyond, float32 and the order of sums part
        compare(function, array.astype(np.float32), note=name)


@pytest.mark.parametrize("shape", MATRICES, ids=str)
@pytest.mark.parametrize("name", OF_SQUARES)
def test_square(name, shape):
    well_apart(OF_SQUARES[name], regular(shape), name)


@pytest.mark.parametrize("shape", EITHER, ids=str)
@pytest.mark.parametrize("name", OF_ANY)
def test_any(name, shape):
    well_apart(OF_ANY[name], numbers(shape), name)


@quick
@given(
    hnp.mutually_broadcastable_shapes(
        signature="(n,n),(n,k)->(n,k)", max_dims=2, min_side=0, max_side=3
    ),
    st.booleans(),
)
def test_drawn_systems(drawn, turn):
    a, b = drawn.input_shapes
    matrices, right = regular(a), numbers(b, 1)
    see = turned if turn else (lambda x: x)
    compare(lambda m, x, y: m.linalg.solve(see(x), see(y)), matrices, right)
    compare(lambda m, x, y: m.linalg.solve_triangular(see(x), see(y), upper=turn), matrices, right)
    if right.mT.shape != matrices.shape[:-1]:  # which would be taken for vectors
        compare(lambda m, x, y: m.linalg.solve(see(x), y.mT, left=False), matrices, right)


@pytest.mark.parametrize(
    ("a", "b"), [((3, 3), (3,)), ((2, 3, 3), (2, 3)), ((2, 3, 3), (3,)), ((2, 0, 0), (2, 0))]
)
def test_solve_for_vectors(a, b):
    compare(lambda m, x, y: m.linalg.solve(x, y), regular(a), numbers(b))


@pytest.mark.parametrize("driver", [None, "gels", "gelsy", "gelsd", "gelss"])
@pytest.mark.parametrize("shape", [(3, 3), (4, 2), (2, 4, 2), (2, 2, 3, 2), (2, 4)], ids=str)
def test_least_squares(shape, driver):
    def function(m, x, y):
        return m.linalg.lstsq(x, y, driver=driver)

    def solution(m, x, y):
        found = function(m, x, y)
        return found.solution, *([found.residuals] if found.residuals.numel() else [])

    a, b = numbers(shape), numbers((*shape[:-1], 2), 1)
    compare(function, a, b, gradients=False)
    compare(solution, a, b)
    if len(shape) > 2:
        compare(lambda m, x, y: function(m, x, y).solution, a, b[..., 0])


def test_least_norm_of_many_solutions():
    a = np.outer([1.0, 2.0, 3.0], [1.0, -1.0])
    ours = mg.linalg.lstsq(mg.tensor(a), mg.ones(3, 1, dtype=mg.float64))
    np.testing.assert_allclose(ours.solution.numpy(), np.linalg.pinv(a) @ np.ones((3, 1)))
    assert (ours.rank.item(), ours.residuals.shape) == (1, (0,))


@pytest.mark.parametrize("p", [None, 2, -2, "fro", "nuc", 1, -1, math.inf, -math.inf])
def test_condition_numbers(p):
    compare(lambda m, x: m.linalg.cond(x, p), regular((2, 3, 3)), gradients=False)
    both = np.stack([np.zeros((3, 3)), regular((3, 3))])
    if p == "nuc":  # of a singular matrix torch's is nan
        assert mg.linalg.cond(mg.tensor(both), p).isinf().tolist() == [True, False]
    else:
        compare(lambda m, x: m.linalg.cond(x, p), both, gradients=False)
    x = mg.tensor(regular((3, 3)), requires_grad=True)
    assert mg.autograd.gradcheck(lambda x: mg.linalg.cond(x, p), x)


# --- norms ----------------------------------------------------------------------------------

VECTOR_ORDERS = [2, 1, 0, 3, 0.5, 1.5, -1, -2.5, math.inf, -math.inf]
MATRIX_ORDERS = ["fro", "nuc", 1, -1, 2, -2, math.inf, -math.inf]


@pytest.mark.parametrize("ord", VECTOR_ORDERS)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_vector_norms(ord, dtype):
    x = numbers((3, 4, 2)).astype(dtype)
    for dim in (None, 0, (0, -1), [1]):
        compare(lambda m, x: m.linalg.vector_norm(x, ord, dim), x, note=str(dim))  # noqa: B023
        compare(lambda m, x: m.linalg.vector_norm(turned(x), ord, dim, True), x)  # noqa: B023
    compare(lambda m, x: m.linalg.vector_norm(x, ord, dtype=m.float64), x)
    compare(lambda m, x: m.linalg.norm(x, ord), x[:, 0, 0])
    compare(lambda m, x: m.linalg.vector_norm(x, ord), x[0, 0, 0])


@pytest.mark.parametrize("ord", VECTOR_ORDERS)
def test_vector_norms_at_zero(ord):
    with_zeros = numbers((3, 4))
    with_zeros[0], with_zeros[1, 2] = 0, 0
    if ord >= 0:
        compare(lambda m, x: m.linalg.vector_norm(x, ord, 1), with_zeros)
    else:
        compare(lambda m, x: m.linalg.vector_norm(x, ord, 1), with_zeros, gradients=False)
    special = np.array([[math.nan, 1.0], [math.inf, 2.0], [-math.inf, math.inf]])
    compare(lambda m, x: m.linalg.vector_norm(x, ord, 1), special, gradients=False)


@pytest.mark.parametrize("ord", VECTOR_ORDERS)
@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0)], ids=str)
def test_vector_norms_of_nothing(ord, shape):
    for dim in (None, 0, -1):
        ours, theirs = (
            outcome(m, lambda m: m.linalg.vector_norm(m.zeros(shape), ord, dim))  # noqa: B023
            for m in (mg, torch)
        )
        if isinstance(theirs, type):
            assert issubclass(ours, theirs), dim
        else:
            assert (ours.tolist(), tuple(ours.shape)) == (theirs.tolist(), tuple(theirs.shape))


@pytest.mark.parametrize("ord", MATRIX_ORDERS)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_matrix_norms(ord, dtype):
    x = numbers((2, 4, 3)).astype(dtype)
    compare(lambda m, x: m.linalg.matrix_norm(x, ord), x)
    for dim in ((0, 1), (-1, 0), (2, 1)):
        compare(lambda m, x: m.linalg.matrix_norm(x, ord, dim, True), x, note=str(dim))  # noqa: B023
        compare(lambda m, x: m.linalg.norm(x, ord, dim), x, note=str(dim))  # noqa: B023
    compare(lambda m, x: m.linalg.norm(turned(x), ord), x[0])


def test_diagonals():
    compare(lambda m, x: m.linalg.diagonal(x, offset=1), numbers((2, 3, 4)))
    compare(lambda m, x: m.linalg.diagonal(x, dim1=0), numbers((2, 3, 4)))


def test_norm_without_order():
    x = numbers((2, 4, 3))
    compare(lambda m, x: (m.linalg.norm(x), m.linalg.norm(x, dim=(0, 1))), x)
    compare(lambda m, x: m.linalg.norm(x, dim=1, keepdim=True, dtype=m.float64), x.astype("f4"))


# --- what is drawn at ties, and higher derivatives ------------------------------------------


def test_derivatives_of_determinants_of_singular_matrices():
    rank_two = numbers((3, 2)) @ numbers((2, 3), 1)
    rank_two[2] = 0
    x = mg.tensor(np.stack([rank_two, regular((3, 3))]), requires_grad=True)
    assert mg.det(x)[0] == 0
    assert mg.autograd.gradcheck(mg.det, x)
    assert mg.autograd.gradgradcheck(mg.det, x)


def test_eigenvalues_that_are_equal():
    compare(lambda m, x: m.linalg.eigvalsh(x).sum(-1) * 2, np.eye(3))
    compare(lambda m, x: m.linalg.svdvals(x).sum(-1) * 2, np.eye(3))
    x = mg.eye(3, requires_grad=True)
    (slope,) = mg.autograd.grad((mg.linalg.eigh(x)[1] * mg.arange(3.0)).sum(), x)
    assert not slope.isfinite().all()


SECOND_ORDER = {
    "inv": lambda m, x: m.linalg.inv(x),
    "det": lambda m, x: m.linalg.det(x),
    "slogdet": lambda m, x: m.linalg.slogdet(x)[1],
    "solve": lambda m, x: m.linalg.solve(x, x * x),
    "triangular": lambda m, x: m.linalg.solve_triangular(x, x * x, upper=True),
    "cholesky": lambda m, x: m.linalg.cholesky(definite(m, x)),
    "eigh": lambda m, x: m.linalg.eigh(symmetric(m, x))[1] ** 2,
    "eigvalsh": lambda m, x: m.linalg.eigvalsh(symmetric(m, x)),
    "svd": lambda m, x: m.linalg.svd(x)[0] ** 2,
    "svdvals": lambda m, x: m.linalg.svdvals(x),
    "qr": lambda m, x: m.linalg.qr(x)[0] ** 2,
    "pinv": lambda m, x: m.linalg.pinv(x),
    "matrix_exp": lambda m, x: m.matrix_exp(x * 0.2),
    "matrix_power": lambda m, x: m.linalg.matrix_power(x, -2),
    "norm": lambda m, x: m.linalg.vector_norm(x, 3),
    "nuclear": lambda m, x: m.linalg.matrix_norm(x, "nuc"),
}


@pytest.mark.parametrize("name", SECOND_ORDER)
def test_second_derivatives(name):
    def slope(m, x):
        y = SECOND_ORDER[name](m, x)
        weights = m.arange(y.numel(), dtype=y.dtype).reshape(y.shape) + 1
        return m.autograd.grad((y * weights).sum(), x, create_graph=True)[0]

    x = regular((3, 3)) if name != "matrix_exp" else numbers((3, 3))
    compare(lambda m, x: slope(m, x * 1), x, note=name)


def test_derivatives_of_tall_and_wide_factors():
    for shape in [(4, 2), (2, 4)]:
        x = mg.tensor(numbers(shape), requires_grad=True)
        for function in (mg.linalg.qr, lambda x: mg.linalg.svd(x, full_matrices=False)):
            assert mg.autograd.gradcheck(function, x)
            assert mg.autograd.gradgradcheck(function, x)
    x = mg.tensor(numbers((4, 2)), requires_grad=True)
    with pytest.raises(RuntimeError, match="complete"):
        mg.linalg.qr(x, mode="complete").Q.sum().backward()


def test_full_factors():
    for shape in [(4, 2), (2, 4), (2, 3, 3)]:
        a = mg.tensor(numbers(shape))
        u, s, vh = mg.linalg.svd(a)
        k = s.shape[-1]
        assert (u.shape[-2:], vh.shape[-2:]) == ((shape[-2],) * 2, (shape[-1],) * 2)
        rebuilt = (u[..., :k] * s[..., None, :]) @ vh[..., :k, :]
        assert mg.allclose(rebuilt, a)
        q, r = mg.linalg.qr(a, mode="complete")
        assert mg.allclose(q @ r, a)
        assert mg.allclose(q.mT @ q, mg.eye(shape[-2], dtype=mg.float64))
        assert mg.linalg.qr(a, mode="r").Q.numel() == 0


def test_one_triangle_is_read():
    full = regular((3, 3))
    positive = full @ full.T
    for upper in (False, True):
        half = np.triu(positive) if upper else np.tril(positive)
        compare(lambda m, x: m.linalg.cholesky(x, upper=upper), half)  # noqa: B023
        compare(lambda m, x: m.linalg.eigvalsh(x, "U" if upper else "L"), half)  # noqa: B023


def test_exponential_of_large_and_small():
    for scale in (1e-9, 1.0, 30.0):
        a = numbers((3, 3)) * scale
        theirs = torch.matrix_exp(torch.tensor(a)).numpy()
        np.testing.assert_allclose(mg.matrix_exp(mg.tensor(a)).numpy(), theirs, rtol=1e-9)


# --- refusals -------------------------------------------------------------------------------

REFUSED = {
    "inv of a rectangle": lambda m: m.linalg.inv(m.zeros(2, 3)),
    "inv of a vector": lambda m: m.linalg.inv(m.zeros(2)),
    "inv of integers": lambda m: m.linalg.inv(m.eye(2, dtype=m.int64)),
    "inv of halves": lambda m: m.linalg.inv(m.eye(2).half()),
    "inv of a singular one": lambda m: m.linalg.inv(m.zeros(3, 2, 2)),
    "inv_ex with check": lambda m: m.linalg.inv_ex(m.zeros(2, 2), check_errors=True),
    "cholesky": lambda m: m.linalg.cholesky(-m.eye(3)),
    "cholesky_ex with check": lambda m: m.linalg.cholesky_ex(-m.eye(3), check_errors=True),
    "solve, singular": lambda m: m.linalg.solve(m.zeros(2, 2), m.zeros(2)),
    "solve, sizes": lambda m: m.linalg.solve(m.eye(2), m.zeros(3, 2)),
    "solve, vector": lambda m: m.linalg.solve(m.eye(2), m.zeros(3)),
    "solve, batches": lambda m: m.linalg.solve(m.zeros(2, 3, 3), m.zeros(4, 3, 3)),
    "solve, dtypes": lambda m: m.linalg.solve(m.eye(3), m.zeros(3, 3, dtype=m.float64)),
    "triangular": lambda m: m.linalg.solve_triangular(m.eye(2), m.eye(3), upper=True),
    "triangular, no upper": lambda m: m.linalg.solve_triangular(m.eye(2), m.eye(2)),
    "qr mode": lambda m: m.linalg.qr(m.eye(2), mode="x"),
    "UPLO": lambda m: m.linalg.eigh(m.eye(2), UPLO="x"),
    "eigh of a rectangle": lambda m: m.linalg.eigh(m.zeros(2, 3)),
    "svd of a vector": lambda m: m.linalg.svd(m.zeros(2)),
    "svd of nan": lambda m: m.linalg.svd(m.full((2, 2), math.nan)),
    "svd driver": lambda m: m.linalg.svd(m.eye(2), driver="gesvd"),
    "lstsq sizes": lambda m: m.linalg.lstsq(m.eye(2), m.eye(3)),
    "lstsq driver": lambda m: m.linalg.lstsq(m.eye(2), m.eye(2), driver="x"),
    "pinv of a vector": lambda m: m.linalg.pinv(m.zeros(2)),
    "rank of a vector": lambda m: m.linalg.matrix_rank(m.zeros(2)),
    "power of a rectangle": lambda m: m.linalg.matrix_power(m.zeros(3, 2), 2),
    "multi_dot of one": lambda m: m.linalg.multi_dot([m.eye(2)]),
    "multi_dot of 3-d": lambda m: m.linalg.multi_dot([m.eye(2), m.zeros(2, 2, 2), m.eye(2)]),
    "det of a rectangle": lambda m: m.linalg.det(m.zeros(3, 2)),
    "matrix_norm of a vector": lambda m: m.linalg.matrix_norm(m.zeros(3)),
    "matrix_norm of one dim": lambda m: m.linalg.matrix_norm(m.eye(3), dim=(0, 0)),
    "matrix_norm order": lambda m: m.linalg.matrix_norm(m.eye(3), 3),
    "norm of 3-d": lambda m: m.linalg.norm(m.zeros(2, 2, 2), ord=2),
    "norm order": lambda m: m.linalg.norm(m.eye(2), ord="x"),
    "norm dims": lambda m: m.linalg.norm(m.zeros(2, 2, 2), dim=(0, 1, 2)),
    "norm dim": lambda m: m.linalg.norm(m.eye(2), dim=5),
    "norm of integers": lambda m: m.linalg.vector_norm(m.ones(2, dtype=m.int64)),
    "mm of a vector": lambda m: m.mm(m.eye(2), m.ones(2)),
    "mm of bools": lambda m: m.mm(m.eye(2).bool(), m.eye(2).bool()),
    "dot sizes": lambda m: m.dot(m.ones(2), m.ones(3)),
    "inner sizes": lambda m: m.inner(m.ones(2), m.ones(2, 3)),
    "addmm shape": lambda m: m.addmm(m.ones(5), m.eye(2), m.eye(2)),
    "addmm dtypes": lambda m: m.addmm(m.eye(2, dtype=m.float64), m.eye(2), m.eye(2)),
    "narrowing norm": lambda m: m.linalg.norm(m.ones(2, dtype=m.float64), dtype=m.float32),
    "solve from the right, vector": lambda m: m.linalg.solve(m.eye(2), m.ones(2), left=False),
    "addmm_ grows": lambda m: m.ones(2).addmm_(m.eye(2), m.eye(2)),
    "addmm_ on a leaf": lambda m: m.eye(2, requires_grad=True).addmm_(m.eye(2), m.eye(2)),
    "addbmm batches": lambda m: m.addbmm(m.ones(2), m.zeros(2, 2, 2), m.zeros(3, 2, 2)),
    "cross of two": lambda m: m.linalg.cross(m.ones(2), m.ones(2)),
    "cross of dims": lambda m: m.linalg.cross(m.ones(3), m.ones(2, 3)),
    "trace of a vector": lambda m: m.trace(m.ones(2)),
    "cdist of vectors": lambda m: m.cdist(m.ones(2), m.ones(2)),
    "cdist columns": lambda m: m.cdist(m.ones(2, 3), m.ones(2, 4)),
    "cdist p": lambda m: m.cdist(m.ones(2, 3), m.ones(2, 3), p=-1),
    "cdist mode": lambda m: m.cdist(m.ones(2, 3), m.ones(2, 3), compute_mode="x"),
    "tensordot sizes": lambda m: m.tensordot(m.eye(2), m.eye(3), 1),
    "tensordot dims": lambda m: m.tensordot(m.eye(2), m.eye(2), ([0], [0, 1])),
    "tensordot count": lambda m: m.tensordot(m.eye(2), m.eye(2), -1),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refusals(name):
    ours, theirs = outcome(mg, REFUSED[name]), outcome(torch, REFUSED[name])
    assert isinstance(theirs, type), theirs
    assert isinstance(ours, type), ours
    if theirs is torch.linalg.LinAlgError:
        assert ours is mg.linalg.LinAlgError
    else:
        assert issubclass(theirs, ours), f"{ours} instead of {theirs}"


def test_the_failing_matrix_is_named():
    batch = np.stack([np.eye(2), np.zeros((2, 2))])
    for function in (mg.linalg.inv, lambda a: mg.linalg.solve(a, a), mg.linalg.cholesky):
        with pytest.raises(mg.linalg.LinAlgError, match=r"Batch element 1.*\[2, 2, 2\]"):
            function(mg.tensor(batch))


def test_complex_results_are_refused_in_words():
    for function in (mg.linalg.eig, mg.linalg.eigvals):
        with pytest.raises(RuntimeError, match=r"complex numbers.*eigh"):
            function(mg.eye(2))
