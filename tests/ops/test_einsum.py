"""einsum against torch and NumPy: given equations, drawn ones, and those it must refuse."""

import importlib
import string

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from tests.support.against_torch import compare, outcome

# The function of the same name hides the module in its package.
einsum_module = importlib.import_module("minigrad.ops.linalg.einsum")


def numbers(shape, seed=0):
    return np.random.default_rng(seed).uniform(-2, 2, shape)


EQUATIONS = {
    "ij,jk->ik": [(2, 3), (3, 4)],
    "ij,jk": [(2, 3), (3, 4)],
    "ji,jk->ki": [(3, 2), (3, 4)],
    "bij,bjk->bik": [(2, 3, 4), (2, 4, 5)],
    "bhqd,bhkd->bhqk": [(2, 3, 4, 5), (2, 3, 6, 5)],
    "bqhd,bkhd->bhqk": [(2, 4, 3, 5), (2, 6, 3, 5)],
    "bij,jk->bik": [(2, 3, 4), (4, 5)],
    "ij,ij->": [(2, 3), (2, 3)],
    "ij,ij->i": [(2, 3), (2, 3)],
    "ij,ij->ij": [(2, 3), (2, 3)],
    "ij,ji->ji": [(2, 3), (3, 2)],
    "i,j->ij": [(2,), (3,)],
    "i,j->ji": [(2,), (3,)],
    "i,i": [(3,), (3,)],
    ",i->i": [(), (3,)],
    ",": [(), ()],
    "ij->ji": [(2, 3)],
    "ij->": [(2, 3)],
    "ij->j": [(2, 3)],
    "ba": [(2, 3)],
    "ii->i": [(3, 3)],
    "ii": [(3, 3)],
    "iij->j": [(3, 3, 2)],
    "iji,jk->k": [(3, 2, 3), (2, 4)],
    "iii->i": [(3, 3, 3)],
    "ii,ij->j": [(3, 3), (3, 2)],
    "...ij,...jk->...ik": [(2, 1, 3, 4), (5, 4, 2)],
    "...ij->...ji": [(2, 3, 4)],
    "...": [(2, 3)],
    "...i->...": [(2, 3)],
    "i...,i...->...": [(2, 3), (2, 3)],
    "i...->": [(2, 3)],
    "...,...": [(2, 3), (3,)],
    "i...j,j->i...": [(2, 5, 3), (3,)],
    "a...,b->...ab": [(2, 3), (4,)],
    "ij,kj->ik": [(2, 1), (4, 3)],
    "ij,ij->ij ": [(2, 1), (1, 3)],
    " i j , j k -> i k ": [(2, 3), (3, 4)],
    "ij,jk,kl->il": [(2, 3), (3, 4), (4, 5)],
    "i,ij,j->": [(2,), (2, 3), (3,)],
    "ij,ik,il->jkl": [(2, 3), (2, 2), (2, 4)],
    "ab,cd,bd,ac->": [(2, 3), (4, 5), (3, 5), (2, 4)],
    "aB,Bc->ca": [(2, 3), (3, 4)],
    "ij,jk->": [(2, 3), (3, 4)],
    "ij,k->ik": [(2, 3), (4,)],
    "ij,jk->ik ": [(2, 0), (0, 4)],
    "bij,bjk->ik": [(0, 2, 3), (0, 3, 2)],
    "i,i->i": [(0,), (0,)],
}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("equation", EQUATIONS)
def test_equations(equation, dtype):
    arrays = [numbers(shape, i).astype(dtype) for i, shape in enumerate(EQUATIONS[equation])]
    compare(lambda m, *tensors: m.einsum(equation, *tensors), *arrays)
    compare(lambda m, *tensors: m.einsum(equation, tensors), *arrays)
    if all(array.ndim > 1 for array in arrays):
        compare(
            lambda m, *tensors: m.einsum(equation, *(t.mT.contiguous().mT for t in tensors)),
            *arrays,
        )


@pytest.mark.parametrize("equation", ["ij,jk->ik", "ii->i", "ij,ij->i", "i,j->ij", "bij->"])
def test_second_derivatives(equation):
    shapes = [(3,) * len(part) for part in equation.split("->")[0].split(",")]
    leaves = [mg.tensor(numbers(s, i), requires_grad=True) for i, s in enumerate(shapes)]
    assert mg.autograd.gradgradcheck(lambda *t: mg.einsum(equation, *t) ** 2, leaves)


def test_integers():
    arrays = [np.rint(numbers(s, i) * 5).astype(np.int64) for i, s in enumerate([(2, 3), (3, 4)])]
    for equation in ("ij,jk->ik", "ij,jk->", "ij,jk->ijk"):
        compare(lambda m, a, b: m.einsum(equation, a, b), *arrays)  # noqa: B023


SUBLISTS = {
    "product": lambda m, a, b: m.einsum(a, [0, 1], b, [1, 2], [0, 2]),
    "without output": lambda m, a, b: m.einsum(a, [0, 51], b, [51, 2]),
    "ellipsis": lambda m, a, b: m.einsum(a, [..., 0], b, [0, 3], [3, ...]),
    "one": lambda m, a, b: m.einsum(a, [3, 1], [1]) + b.sum(),
}


@pytest.mark.parametrize("name", SUBLISTS)
def test_sublists(name):
    compare(SUBLISTS[name], numbers((2, 3)), numbers((3, 4), 1))


@st.composite
def equations(draw):
    """An equation over few letters, and shapes that fit it, some sizes 1."""
    sizes = {letter: draw(st.integers(0, 3)) for letter in "abcd"}
    terms = [draw(st.text("abcd", min_size=0, max_size=3)) for _ in range(draw(st.integers(1, 3)))]
    used = sorted(set("".join(terms)))
    output = draw(st.permutations(used).map("".join)) if used else ""
    output = output[: draw(st.integers(0, len(output)))]
    shapes = []
    for term in terms:
        ones = {letter for letter in set(term) if draw(st.integers(0, 5)) == 0}
        shapes.append(tuple(1 if letter in ones else sizes[letter] for letter in term))
    return ",".join(terms) + "->" + output, shapes


@settings(max_examples=150)
@given(equations())
def test_drawn_equations(drawn):
    equation, shapes = drawn
    arrays = [numbers(shape, i) for i, shape in enumerate(shapes)]
    compare(lambda m, *tensors: m.einsum(equation, *tensors), *arrays, note=equation)


@settings(max_examples=50)
@given(st.permutations(range(4)), st.integers(0, 4))
def test_the_order_of_operands_does_not_matter(order, kept):
    parts = ["ab", "bc", "cd", "da"]
    arrays = [numbers((2, 3), 0), numbers((3, 4), 1), numbers((4, 5), 2), numbers((5, 2), 3)]
    output = "abcd"[:kept]
    equation = ",".join(parts[i] for i in order) + "->" + output
    ours = mg.einsum(equation, *(mg.tensor(arrays[i]) for i in order))
    exact = np.einsum(",".join(parts) + "->" + output, *arrays)
    np.testing.assert_allclose(ours.numpy(), exact, rtol=1e-11)


def test_pairs_are_contracted_so_that_little_is_left(monkeypatch):
    """A chain that ends in a vector is multiplied from that end."""
    left = []

    def watched(a, b):
        product = mg.matmul(a, b)
        left.append(product.numel())
        return product

    monkeypatch.setattr(einsum_module, "matmul", watched)
    n = 20
    a, v = mg.ones(n, n), mg.ones(n)
    result = mg.einsum("ij,jk,kl,l->i", a, a, a, v)
    assert mg.allclose(result, mg.full((n,), float(n) ** 3))
    assert left == [n, n, n]


REFUSED = {
    "too few": lambda m: m.einsum("ij,jk", m.eye(2)),
    "too many": lambda m: m.einsum("ij", m.eye(2), m.eye(2)),
    "dims": lambda m: m.einsum("ij", m.ones(3)),
    "dims with ellipsis": lambda m: m.einsum("ijk...", m.eye(3)),
    "hidden dims": lambda m: m.einsum("i", m.eye(3)),
    "unknown output": lambda m: m.einsum("ij,jk->z", m.eye(2), m.eye(2)),
    "output twice": lambda m: m.einsum("ij->ii", m.eye(2)),
    "sizes": lambda m: m.einsum("ij,jk", m.eye(2), m.eye(3)),
    "diagonal": lambda m: m.einsum("ii", m.ones(2, 3)),
    "dot": lambda m: m.einsum("i.j", m.eye(2)),
    "two ellipses": lambda m: m.einsum("...i...", m.eye(2)),
    "digit": lambda m: m.einsum("i1", m.eye(2)),
    "two arrows": lambda m: m.einsum("ij->i->j", m.eye(2)),
    "nothing": lambda m: m.einsum("ij"),
    "no arguments": lambda m: m.einsum(),
    "dtypes": lambda m: m.einsum("ij,jk", m.eye(2), m.eye(2, dtype=m.float64)),
    "label too large": lambda m: m.einsum(m.eye(2), [0, 52]),
    "ellipses that do not broadcast": lambda m: m.einsum("...,...", m.ones(2), m.ones(3)),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refusals(name):
    ours, theirs = outcome(mg, REFUSED[name]), outcome(torch, REFUSED[name])
    assert isinstance(theirs, type), theirs
    assert isinstance(ours, type), ours
    assert issubclass(theirs, ours), f"{ours} instead of {theirs}"


def test_every_letter_names_a_dimension():
    letters = string.ascii_letters
    for letter in letters:
        x = mg.arange(3.0)
        assert mg.einsum(f"{letter},{letter}", x, x).item() == 5.0
