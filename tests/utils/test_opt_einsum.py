"""opt_einsum takes tensors: contractions agree with those of NumPy arrays and torch's tensors."""

import subprocess
import sys

import numpy as np
import pytest
import torch

import minigrad as mg

opt_einsum = pytest.importorskip(
    "opt_einsum", reason="opt_einsum is not installed: minigrad[test] has it"
)

RNG = np.random.default_rng(0)
A, B, C = (RNG.normal(size=shape) for shape in ((2, 3), (3, 4), (4, 5)))
CUBE = RNG.normal(size=(3, 4, 3))

CONTRACTIONS = {
    "a chain": ("ij,jk,kl->il", (A, B, C)),
    "a chain, transposed": ("ij,jk,kl->li", (A, B, C)),
    "a number": ("ij,jk,kl->", (A, B, C)),
    "a transposed product": ("ij,kj->ki", (A, B.T)),
    "element by element": ("ij,ij->ji", (A, A)),
    "a diagonal": ("iji->ij", (CUBE,)),
    "a transposition": ("ijk->kij", (CUBE,)),
    "an outer product": ("ij,kl->ljki", (A, C)),
    "two dimensions": ("ijk,kjl,lm->im", (CUBE, CUBE[:, :, :2], A)),
    "a batch": ("bij,bjk,kl->bil", (CUBE, CUBE.transpose(0, 2, 1), CUBE[0])),
    "dots": ("...ij,jk->...ik", (CUBE, CUBE[:, 0])),
}


@pytest.mark.parametrize("name", CONTRACTIONS)
def test_contractions_and_their_gradients_agree(name):
    equation, arrays = CONTRACTIONS[name]
    expected = np.einsum(equation, *arrays)
    gradients = []
    for m in (mg, torch):
        operands = [m.tensor(each, requires_grad=True) for each in arrays]
        out = opt_einsum.contract(equation, *operands)
        assert isinstance(out, m.Tensor)
        np.testing.assert_allclose(out.detach().numpy(), expected, rtol=1e-9, atol=1e-12)
        (out * out).sum().backward()
        gradients.append([each.grad.numpy() for each in operands])
    for ours, theirs in zip(*gradients, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12)


def test_expressions_take_tensors():
    expression = opt_einsum.contract_expression("ij,jk,kl->il", A.shape, B.shape, C.shape)
    found = expression(*(mg.tensor(each) for each in (A, B, C)))
    np.testing.assert_allclose(found.numpy(), A @ B @ C, rtol=1e-9)


@pytest.mark.parametrize("constant", [mg.tensor, np.asarray])
def test_constants_of_expressions_may_be_tensors_or_arrays(constant):
    expression = opt_einsum.contract_expression(
        "ij,jk,kl->il", A.shape, constant(B), constant(C), constants=[1, 2]
    )
    for _ in range(2):  # the product of the constants is kept
        np.testing.assert_allclose(expression(mg.tensor(A)).numpy(), A @ B @ C, rtol=1e-9)
    found = expression(A, backend="minigrad")
    assert isinstance(found, np.ndarray)
    np.testing.assert_allclose(found, A @ B @ C, rtol=1e-9)


def test_arrays_are_contracted_by_tensors():
    expression = opt_einsum.contract_expression("ij,jk,kl->il", A.shape, B.shape, C.shape)
    found = expression(A, B, C, backend="minigrad")
    assert isinstance(found, np.ndarray)
    np.testing.assert_allclose(found, A @ B @ C, rtol=1e-9)


def test_many_letters():
    """opt_einsum has more letters than the alphabet."""
    a, b, c = (opt_einsum.get_symbol(i) for i in range(51, 54))
    found = opt_einsum.contract(f"{a}{b},{b}{c}->{c}{a}", mg.tensor(A), mg.tensor(B))
    np.testing.assert_allclose(found.numpy(), (A @ B).T, rtol=1e-9)


@pytest.mark.parametrize(
    "first", ["import opt_einsum, minigrad as mg", "import minigrad as mg, opt_einsum"]
)
def test_either_may_be_imported_first(first):
    contraction = "opt_einsum.contract('ij,jk->ki', mg.ones(2, 3), mg.ones(3, 4))"
    done = subprocess.run(
        [sys.executable, "-c", f"{first}\nprint(tuple({contraction}.shape))"],
        capture_output=True, text=True, check=True, timeout=300,
    )  # fmt: skip
    assert done.stdout == "(4, 2)\n"
