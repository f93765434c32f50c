"""Factors as LAPACK packs them, few eigenvalues and singular values of large matrices."""

import numpy as np
import pytest
import torch

import minigrad as mg
from tests.support.against_torch import as_numpy, compare, outcome, same_outcome
from tests.support.matrices import definite, numbers, regular

EITHER = [(3, 3), (4, 2), (2, 5, 3), (2, 4), (2, 3, 5), (1, 1), (0, 0), (3, 0)]
INDEFINITE = [(1, 1), (3, 3), (2, 6, 6), (0, 0), (2, 0, 0), (30, 30), (80, 80)]


def symmetric(shape, kind):
    """A matrix with blocks of one or two rows in its D, or with zeros on its diagonal."""
    a = numbers(shape, seed=len(shape) + shape[-1])
    a = a + a.swapaxes(-1, -2)
    diagonal = np.eye(shape[-1])
    return {"any": a, "no diagonal": a * (1 - diagonal), "definite": a + 40 * diagonal}[kind]


@pytest.mark.parametrize("shape", EITHER, ids=str)
def test_reflections_are_torchs(shape):
    a = numbers(shape)
    compare(lambda m, a: m.geqrf(a), a, gradients=False)
    recorded = mg.geqrf(mg.tensor(a, requires_grad=True))
    packed, tau = (as_numpy(t) for t in torch.geqrf(torch.tensor(a)))
    np.testing.assert_allclose(as_numpy(recorded.a), packed, atol=1e-12)
    np.testing.assert_allclose(as_numpy(recorded.tau), tau, atol=1e-12)
    if a.size:
        x = mg.tensor(a, requires_grad=True)
        assert mg.autograd.gradcheck(lambda x: tuple(mg.geqrf(x)), x)
        assert mg.autograd.gradgradcheck(lambda x: mg.geqrf(x).a, x)


@pytest.mark.parametrize("shape", [(3, 3), (4, 2), (2, 5, 3), (1, 1), (3, 0)], ids=str)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_products_of_reflections_are_torchs(shape, dtype):
    packed, tau = (as_numpy(t) for t in torch.geqrf(torch.tensor(numbers(shape).astype(dtype))))
    other = numbers((*shape[:-1], 3), seed=1).astype(dtype)
    compare(lambda m, a, t: m.linalg.householder_product(a, t), packed, tau)
    compare(lambda m, a, t: a[..., :1].orgqr(t[..., :1]), packed, tau, gradients=False)
    for transpose in (False, True):
        compare(lambda m, a, t, o: m.ormqr(a, t, o, True, transpose), packed, tau, other)  # noqa: B023
        compare(
            lambda m, a, t, o: a.ormqr(t, o.mT, left=False, transpose=transpose),  # noqa: B023
            packed, tau, other,
        )  # fmt: skip


@pytest.mark.parametrize("kind", ["any", "no diagonal", "definite"])
@pytest.mark.parametrize("shape", INDEFINITE, ids=str)
def test_ldl_is_torchs(shape, kind):
    if shape == (1, 1) and kind == "no diagonal":
        return
    a, b = symmetric(shape, kind), numbers((*shape[:-1], 2), 1)
    compare(lambda m, a: m.linalg.ldl_factor(a), a, gradients=False)
    compare(lambda m, a: m.linalg.ldl_factor_ex(a), a, gradients=False)

    def solved(m, a, b):
        return m.linalg.ldl_solve(*m.linalg.ldl_factor(a), b)

    compare(solved, a, b, gradients=False)
    if 0 < shape[-1] < 10:
        x, y = (mg.tensor(t, requires_grad=True) for t in (a, b))
        assert mg.autograd.gradcheck(lambda x, y: solved(mg, x + x.mT, y), (x, y))
        assert mg.autograd.gradgradcheck(lambda x, y: solved(mg, x + x.mT, y), (x, y))


def test_ldl_of_singular_matrices_is_reported():
    zero = np.zeros((2, 2))
    compare(lambda m, a: m.linalg.ldl_factor_ex(a), zero, gradients=False)
    with pytest.raises(mg.linalg.LinAlgError, match=r"D\[1,1\] is zero"):
        mg.linalg.ldl_factor(mg.tensor(zero))


@pytest.mark.parametrize("shape", EITHER, ids=str)
def test_lu_unpack_is_torchs(shape):
    a = numbers(shape)
    compare(lambda m, a: m.lu_unpack(*m.linalg.lu_factor(a)), a)
    compare(lambda m, a: m.lu_unpack(*m.linalg.lu_factor(a), unpack_data=False).P, a)
    compare(lambda m, a: m.lu_unpack(*m.linalg.lu_factor(a), unpack_pivots=False)[1:], a)


@pytest.mark.filterwarnings("ignore:torch.*is deprecated")
def test_renamed_functions_are_torchs():
    a, b = regular((2, 3, 3)), numbers((2, 3, 2))
    compare(lambda m, a: m.lu(a), a)
    compare(lambda m, a: a.lu(get_infos=True), a)
    compare(lambda m, a, b: m.lu_solve(b, *m.linalg.lu_factor(a)), a, b)
    compare(lambda m, a, b: b.lu_solve(*a.lu()), a, b)
    compare(lambda m, a: m.qr(a[..., :2]), a)
    compare(lambda m, a: a.qr(some=False).R, a)
    for options in ({}, {"upper": False}, {"transpose": True}, {"unitriangular": True}):
        compare(lambda m, a, b: m.triangular_solve(b, a, **options), a, b)  # noqa: B023
        compare(lambda m, a, b: b.triangular_solve(a, **options), a, b)  # noqa: B023
    for old in (lambda: mg.lu(mg.eye(2)), lambda: mg.eye(2).qr()):
        with pytest.warns(UserWarning, match="deprecated in favor of torch.linalg"):
            old()


REFUSED = {
    "reflections, too many": lambda m: m.linalg.householder_product(m.ones(2, 1), m.ones(2)),
    "reflections, wide": lambda m: m.linalg.householder_product(m.ones(2, 3), m.ones(2)),
    "reflections, dtypes": lambda m: m.ormqr(m.eye(2), m.ones(2).double(), m.eye(2)),
    "reflections, rows": lambda m: m.ormqr(m.eye(2), m.ones(2), m.eye(3)),
    "ldl, not square": lambda m: m.linalg.ldl_factor(m.ones(2, 3)),
    "ldl, integers": lambda m: m.linalg.ldl_factor(m.ones(2, 2, dtype=m.int64)),
    "pivots, dtype": lambda m: m.lu_unpack(m.eye(2), m.tensor([1, 2])),
    "low rank, q": lambda m: m.pca_lowrank(m.ones(3, 2), q=3),
    "low rank, iterations": lambda m: m.pca_lowrank(m.ones(3, 2), niter=-1),
    "few rows": lambda m: m.lobpcg(m.eye(5), k=2),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refusals_are_torchs(name):
    theirs = outcome(torch, REFUSED[name])
    assert isinstance(theirs, type), theirs
    same_outcome(REFUSED[name])


# --- approximations -------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(20, 8), (8, 20), (2, 9, 12)], ids=str)
def test_low_rank_approximations_have_the_leading_singular_values(shape):
    """A matrix of rank 3 is its own approximation, whatever is drawn."""
    a = numbers((*shape[:-1], 3)) @ numbers((*shape[:-2], 3, shape[-1]), 1)
    mean = a.mean(-2, keepdims=True)
    for given, found in (
        (a, mg.svd_lowrank(mg.tensor(a), q=3)),
        (a - 1, mg.svd_lowrank(mg.tensor(a), q=4, M=mg.ones(1, 1, dtype=mg.float64))),
        (a - mean, mg.pca_lowrank(mg.tensor(a), q=3)),
        (a, mg.pca_lowrank(mg.tensor(a), center=False)),
    ):
        u, s, v = found
        np.testing.assert_allclose(((u * s.unsqueeze(-2)) @ v.mT).numpy(), given, atol=1e-10)
        exact = np.linalg.svd(given, compute_uv=False)[..., : s.shape[-1]]
        np.testing.assert_allclose(s.numpy(), exact, atol=1e-10)


def test_low_rank_approximations_have_gradients():
    a = mg.tensor(numbers((6, 3)) @ numbers((3, 5), 1), requires_grad=True)
    squares = mg.autograd.grad((mg.svd_lowrank(a, q=5)[1] ** 2).sum(), a)[0]
    np.testing.assert_allclose(squares.numpy(), 2 * as_numpy(a), atol=1e-9)


@pytest.mark.parametrize("largest", [True, False])
@pytest.mark.parametrize("shape", [(30, 30), (2, 12, 12)], ids=str)
def test_extreme_eigenvalues_are_those_of_eigh(shape, largest):
    a = numbers(shape)
    a = a + a.swapaxes(-1, -2)
    b = as_numpy(definite(torch, torch.tensor(numbers(shape, 2))))
    for other in (None, b):
        second = None if other is None else mg.tensor(other)
        values, vectors = mg.lobpcg(mg.tensor(a), 3, second, n=4, tol=1e-10, largest=largest)
        weighted = vectors.numpy() if other is None else other @ vectors.numpy()
        np.testing.assert_allclose(
            a @ vectors.numpy(), weighted * values.numpy()[..., None, :], atol=1e-7
        )
        left = np.linalg.inv(np.linalg.cholesky(np.eye(shape[-1]) if other is None else other))
        exact = np.linalg.eigvalsh(left @ a @ left.swapaxes(-1, -2))
        exact = exact[..., ::-1] if largest else exact
        np.testing.assert_allclose(values.numpy(), exact[..., :3], atol=1e-9)


def test_a_preconditioner_and_a_start_reach_the_same_pairs():
    rng = np.random.default_rng(4)
    a = np.diag(np.arange(1.0, 41.0)) + 0.1
    start, inverse = mg.tensor(rng.normal(size=(40, 2))), mg.tensor(np.linalg.inv(a))
    exact = np.linalg.eigvalsh(a)[:2]
    for options in ({"X": start}, {"X": start, "iK": inverse}, {"k": 2, "niter": -1}):
        values, _ = mg.lobpcg(mg.tensor(a), tol=1e-9, largest=False, **options)
        np.testing.assert_allclose(values.numpy(), exact, rtol=1e-9)


def test_gradients_of_few_eigenvalues_are_torchs():
    a, x = numbers((9, 9)), numbers((9, 2), 1)

    def pairs(m, a):
        values, vectors = m.lobpcg(a + a.mT, X=m.tensor(x), niter=500, tol=1e-12)
        return values, vectors**2

    compare(lambda m, a: pairs(m, a)[0], a)
    expected = mg.tensor(a, requires_grad=True)
    values, vectors = mg.linalg.eigh(expected + expected.mT)
    (values[-2:].sum() + (vectors[:, -2:] ** 4).sum()).backward()
    found = mg.tensor(a, requires_grad=True)
    values, squares = pairs(mg, found)
    (values.sum() + (squares**2).sum()).backward()
    np.testing.assert_allclose(found.grad.numpy(), expected.grad.numpy(), atol=1e-7)
