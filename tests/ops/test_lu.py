"""LU factorizations, equations of tensors, covariances and slopes, beside torch."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from tests.support.against_torch import compare, same_outcome

RNG = np.random.default_rng(0)
SHAPES = [(3, 3), (2, 4, 4), (4, 2), (2, 5, 3), (2, 4), (3, 2, 5), (1, 1)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_lu_and_its_gradient_are_torchs(shape, dtype):
    compare(lambda m, a: m.linalg.lu(a), RNG.normal(size=shape).astype(dtype))


@pytest.mark.parametrize("shape", [(0, 0), (0, 3, 3), (3, 0)])
def test_empty_matrices_have_factors(shape):
    compare(lambda m, a: m.linalg.lu(a), np.zeros(shape), gradients=False)


@pytest.mark.parametrize("shape", [(3, 3), (2, 4, 4), (3, 5), (5, 3)])
def test_without_exchanges_the_factors_give_the_matrix(shape):
    a = RNG.normal(size=shape) + 4 * np.eye(*shape[-2:])
    p, lower, upper = mg.linalg.lu(mg.tensor(a), pivot=False)
    assert p.numel() == 0
    np.testing.assert_allclose((lower @ upper).numpy(), a, atol=1e-12)


@pytest.mark.parametrize("shape", SHAPES)
def test_lu_factor_is_torchs(shape):
    a = RNG.normal(size=shape)
    compare(lambda m, a: m.linalg.lu_factor(a), a)
    compare(lambda m, a: m.linalg.lu_factor_ex(a), a, gradients=False)


@pytest.mark.parametrize("left", [True, False])
@pytest.mark.parametrize("adjoint", [True, False])
def test_lu_solve_is_torchs(left, adjoint):
    a, b = RNG.normal(size=(2, 4, 4)), RNG.normal(size=(2, 4, 3) if left else (2, 3, 4))

    def solved(m, a, b):
        return m.linalg.lu_solve(*m.linalg.lu_factor(a), b, left=left, adjoint=adjoint)

    compare(solved, a, b)


def test_singular_matrices_are_reported():
    a = np.array([[1.0, 2.0], [2.0, 4.0]])
    x = mg.tensor(a)
    with pytest.raises(mg.linalg.LinAlgError, match=r"U\[2,2\] is zero"):
        mg.linalg.lu_factor(x)
    with pytest.raises(mg.linalg.LinAlgError, match="zero"):
        mg.linalg.solve_ex(x, x, check_errors=True)
    ours, theirs = (m.linalg.solve_ex(m.tensor(a), m.tensor(a)) for m in (mg, torch))
    assert ours.info.item() == theirs.info.item() == 2
    assert not mg.isfinite(ours.result).all()


@pytest.mark.parametrize("shape", [(3,), (3, 2), (2, 3)])
def test_solve_ex_solves_what_can_be_solved(shape):
    a, b = RNG.normal(size=(3, 3)), RNG.normal(size=shape)
    same_outcome(lambda m, a, b: m.linalg.solve_ex(a, b), a, b)


def test_equations_of_tensors_are_torchs():
    a = RNG.normal(size=(2, 3, 6))
    compare(lambda m, a: m.linalg.tensorinv(a), a)
    compare(lambda m, a, b: m.linalg.tensorsolve(a, b), a, RNG.normal(size=(2, 3)))
    b = RNG.normal(size=(3, 6, 2))
    compare(lambda m, a, b: m.linalg.tensorsolve(a, b, dims=(0,)), b, RNG.normal(size=(6,)))
    same_outcome(lambda m, a: m.linalg.tensorinv(a, 1), a)
    same_outcome(lambda m, a: m.linalg.tensorinv(a, 0), a)
    same_outcome(lambda m, a: m.linalg.tensorsolve(a, a), a)


def test_powers_are_torchs():
    x = RNG.normal(size=(2, 3))
    for call in (
        lambda m, x: m.linalg.vander(x),
        lambda m, x: m.linalg.vander(x, N=5),
        lambda m, x: m.vander(x[0]),
        lambda m, x: m.vander(x[0], 4, increasing=True),
    ):
        compare(call, x, gradients=False)  # torch fails at its own gradient of some
    compare(lambda m, x: m.vander(x), np.array([1, 2, 3]), gradients=False)
    same_outcome(lambda m, x: m.vander(x), x)
    same_outcome(lambda m, x: m.linalg.vander(x, N=1), x)


# --- covariances and slopes -----------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(3, 5), (1, 4), (6,)])
@pytest.mark.parametrize("correction", [0, 1])
def test_covariances_are_torchs(shape, correction):
    x = RNG.normal(size=shape)
    compare(lambda m, x: m.cov(x, correction=correction), x)
    compare(lambda m, x: x.corrcoef(), x)
    counts, shares = np.arange(1, shape[-1] + 1), RNG.random(shape[-1])
    for given_counts, given_shares in ((counts, None), (None, shares), (counts, shares)):

        def weighted(m, x, counts=given_counts, shares=given_shares):
            return x.cov(
                correction=correction,
                fweights=None if counts is None else m.tensor(counts),
                aweights=None if shares is None else m.tensor(shares),
            )

        compare(weighted, x)


def test_weights_that_do_not_fit_are_refused():
    x = RNG.normal(size=(2, 3))
    same_outcome(lambda m, x: m.cov(x, fweights=m.tensor([1.0, 2, 3])), x)
    same_outcome(lambda m, x: m.cov(x, fweights=m.tensor([1, 2])), x)
    same_outcome(lambda m, x: m.cov(x, aweights=m.tensor([1.0, -2, 3])), x)
    same_outcome(lambda m, x: m.cov(x.expand(2, 2, 3)), x)


@given(st.sampled_from([1, 2]), st.sampled_from(["one", "number", "coordinates"]))
def test_slopes_are_torchs(edge_order, spacing):
    x = np.random.default_rng(1).normal(size=(4, 5))

    def slopes(m, x):
        places = [m.tensor(np.array(p)) for p in ([0.0, 1.0, 1.5, 4.0], [0.0, 0.5, 2.0, 2.5, 9.0])]
        between = {"one": 1, "number": [0.5, 2.0], "coordinates": places}[spacing]
        return m.gradient(x, spacing=between, edge_order=edge_order)

    compare(slopes, x)


def test_slopes_along_one_dimension_and_of_two_samples():
    compare(lambda m, x: m.gradient(x, dim=0), RNG.normal(size=(2, 3)))
    compare(lambda m, x: m.gradient(x, dim=(1,), spacing=0.3), RNG.normal(size=(2, 3)))
    same_outcome(lambda m, x: m.gradient(x), RNG.normal(size=(1,)))
    same_outcome(lambda m, x: m.gradient(x, edge_order=3), RNG.normal(size=(4,)))


# --- rows -----------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:index_reduce")
@pytest.mark.parametrize("reduce", ["prod", "mean", "amax", "amin"])
@pytest.mark.parametrize("include_self", [True, False])
def test_index_reduce_is_torchs(reduce, include_self):
    x, source = RNG.normal(size=(4, 3)), RNG.normal(size=(5, 3))

    def reduced(m, x, source):
        index = m.tensor([0, 2, 0, 1, 2])
        return m.index_reduce(x, 0, index, source, reduce, include_self=include_self)

    compare(reduced, x, source, gradients=include_self or reduce in ("prod", "mean"))
    same_outcome(lambda m, x: x.index_reduce(0, m.tensor([0]), x, reduce), x)


@pytest.mark.parametrize("p", [1, 2, 3.0])
@pytest.mark.parametrize("dim", [0, -1])
def test_renorm_is_torchs(p, dim):
    x = RNG.normal(size=(3, 4, 2))
    compare(lambda m, x: m.renorm(x, p, dim, 1.5), x)
    compare(lambda m, x: x.clone().renorm_(p, dim, 1.5), x)
    same_outcome(lambda m, x: m.renorm(x[0, 0], p, dim, 1.5), x)


def test_places_are_torchs():
    x = np.array([[0, 2, 0], [1, 0, 3]])
    for size in (2, 5):
        compare(lambda m, x, size=size: m.nonzero_static(x, size=size), x, gradients=False)
    compare(lambda m, x: m.unravel_index(x, (2, 3)), x, gradients=False)
    with pytest.raises(ValueError, match="out of bounds"):
        mg.unravel_index(mg.tensor(x), (2, 1))
    with pytest.raises(TypeError, match="integer"):
        mg.unravel_index(mg.tensor(x).double(), (2, 3))
