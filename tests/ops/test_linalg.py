"""Systems of equations, factorizations and determinants compared with torch, and refusals."""

import math

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from tests.support.against_torch import compare, outcome
from tests.support.matrices import definite, numbers, regular, symmetric, transposed_in_memory

quick = settings(max_examples=25)

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


def distinct_singular_values(function, array, name):
    """Compared as leaf, as view, and in float32."""
    compare(function, array, note=name)
    compare(lambda m, x: function(m, transposed_in_memory(x)), array, note=name)
    if array.shape[-1] < 10:  # beyond, float32 and the order of sums part
        compare(function, array.astype(np.float32), note=name)


@pytest.mark.parametrize("shape", MATRICES, ids=str)
@pytest.mark.parametrize("name", OF_SQUARES)
def test_square(name, shape):
    distinct_singular_values(OF_SQUARES[name], regular(shape), name)


@pytest.mark.parametrize("shape", EITHER, ids=str)
@pytest.mark.parametrize("name", OF_ANY)
def test_any(name, shape):
    distinct_singular_values(OF_ANY[name], numbers(shape), name)


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
    see = transposed_in_memory if turn else (lambda x: x)
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
