"""autograd.functional: against torch, nested, and its errors."""

import hypothesis.extra.numpy as hnp
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from tests.support.against_torch import compare, outcome
from tests.support.nested_functions import energy, nested, numbers, strip

# torch's forward mode compiles parts of itself.
pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit.script`:DeprecationWarning")


def F(m):  # noqa: N802  as torch.autograd.functional is usually imported
    return m.autograd.functional


def pair(x, y):
    """Two outputs, of which the second does not depend on y."""
    return (x[:, None] * y).sin(), x.exp()


ONE = {
    "vjp": lambda m, x, v: F(m).vjp(lambda x: x.sin() * x, x, v),
    "vjp of one element": lambda m, x, v: F(m).vjp(lambda x: (x * x).sum(), x),
    "jvp": lambda m, x, v: F(m).jvp(lambda x: x.sin() * x, x, v),
    "jvp to fewer": lambda m, x, v: F(m).jvp(lambda x: (x * x).sum(0), x, v),
    "jacobian": lambda m, x, v: F(m).jacobian(lambda x: x.sin() * x.sum(0), x),
    "vectorized": lambda m, x, v: F(m).jacobian(lambda x: x.sin() * x.sum(0), x, vectorize=True),
    "forward": lambda m, x, v: F(m).jacobian(
        lambda x: x.sin() * x.sum(0), x, vectorize=True, strategy="forward-mode"
    ),
    "jacobian of a constant": lambda m, x, v: F(m).jacobian(m.ones_like, x),
    "jacobian of one element": lambda m, x, v: F(m).jacobian(lambda x: x.sum(), x),
    "hessian": lambda m, x, v: F(m).hessian(lambda x: (x**3).sum() * x.sum(), x),
    "hessian of a line": lambda m, x, v: F(m).hessian(lambda x: x.sum(), x),
    "hessian, vectorized": lambda m, x, v: F(m).hessian(lambda x: (x**3).sum(), x, vectorize=True),
    "hessian, forward": lambda m, x, v: F(m).hessian(
        lambda x: (x**3).sum(), x, vectorize=True, outer_jacobian_strategy="forward-mode"
    ),
    "vhp": lambda m, x, v: F(m).vhp(lambda x: (x**3).sum() * x.sum(), x, v),
    "hvp": lambda m, x, v: F(m).hvp(lambda x: (x**3).sum() * x.sum(), x, v),
    "hvp of a line": lambda m, x, v: F(m).hvp(lambda x: x.sum(), x, v),
}

SEVERAL = {
    "vjp": lambda m, x, y: F(m).vjp(pair, (x, y), (y * 2, x + 1)),
    "jvp": lambda m, x, y: F(m).jvp(pair, (x, y), (x + 1, y * 2)),
    "jacobian": lambda m, x, y: F(m).jacobian(pair, (x, y)),
    "jacobian, forward": lambda m, x, y: F(m).jacobian(
        pair, (x, y), strategy="forward-mode", vectorize=True
    ),
    "jacobian, vectorized": lambda m, x, y: F(m).jacobian(pair, (x, y), vectorize=True),
    "hessian": lambda m, x, y: F(m).hessian(energy, (x, y)),
    "vhp": lambda m, x, y: F(m).vhp(energy, (x, y), (x + 1, y * 2)),
    "hvp": lambda m, x, y: F(m).hvp(energy, (x, y), (x + 1, y * 2)),
    "tuple of one": lambda m, x, y: F(m).jacobian(lambda x: (x * 2,), (x,)),
}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("shape", [(3,), (2, 2), (1,)], ids=str)
@pytest.mark.parametrize("name", ONE)
def test_of_one_input(name, shape, dtype):
    def function(m, x, v):
        results = ONE[name](m, x, v)
        if m is mg:  # torch's forward mode leaves histories
            assert not any(t.requires_grad for t in nested(results))
        return strip(results)

    arrays = [numbers(shape, seed).astype(dtype) for seed in (0, 1)]
    if name == "jvp to fewer" and len(shape) == 1:
        arrays = [a[None] for a in arrays]
    compare(function, *arrays, gradients=False)


@pytest.mark.parametrize("name", SEVERAL)
def test_of_several(name):
    def structure(results):
        if isinstance(results, tuple | list):
            return tuple(map(structure, results))
        return tuple(results.shape)

    arrays = numbers((3,)), numbers((3, 2), 1)
    compare(lambda m, x, y: strip(SEVERAL[name](m, x, y)), *arrays, gradients=False)
    ours = SEVERAL[name](mg, *map(mg.tensor, arrays))
    theirs = SEVERAL[name](torch, *map(torch.tensor, arrays))
    assert structure(ours) == structure(theirs)


RECORDED = {
    "vjp": lambda m, x: F(m).vjp(lambda x: x.sin() * x, x, x * 2, create_graph=True),
    "jvp": lambda m, x: F(m).jvp(lambda x: x.sin() * x, x, x * 2, create_graph=True),
    "jacobian": lambda m, x: F(m).jacobian(lambda x: x.sin() * x.sum(0), x, create_graph=True),
    "hessian": lambda m, x: F(m).hessian(lambda x: (x**4).sum(), x, create_graph=True),
    "vhp": lambda m, x: F(m).vhp(lambda x: (x**4).sum(), x, x * 2, create_graph=True),
    "hvp": lambda m, x: F(m).hvp(lambda x: (x**4).sum(), x, x * 2, create_graph=True),
}


@pytest.mark.parametrize("name", RECORDED)
def test_results_that_can_be_differentiated(name):
    compare(RECORDED[name], numbers((3,)))
    compare(lambda m, x: RECORDED[name](m, x * x), numbers((3,)))


@settings(max_examples=20)
@given(hnp.array_shapes(min_dims=0, max_dims=2, min_side=0, max_side=3), st.booleans())
def test_drawn_shapes(shape, forward):
    def function(m, x):
        strategy = "forward-mode" if forward else "reverse-mode"
        return F(m).jacobian(lambda x: (x.sin(), x.sum()), x, vectorize=forward, strategy=strategy)

    if 0 not in shape:
        compare(lambda m, x: strip(function(m, x)), numbers(shape), gradients=False)
    found = function(mg, mg.tensor(numbers(shape)))
    assert [tuple(t.shape) for t in found] == [shape + shape, shape]


def test_a_captured_input_is_another_tensor():
    def function(m, x):
        return F(m).vjp(lambda y: (x * y).sum(), x)

    compare(function, numbers((3,)), gradients=False)


STRICT = {
    "vjp": lambda m, x: F(m).vjp(lambda x: m.ones(3), x, m.ones(3), strict=True),
    "vjp of one": lambda m, x: F(m).vjp(lambda x, y: x * 2, (x, x), m.ones(3), strict=True),
    "vjp recorded": lambda m, x: F(m).vjp(
        lambda x: x * 2, x, m.ones(3), strict=True, create_graph=True
    ),
    "jvp": lambda m, x: F(m).jvp(lambda x: m.ones(3), x, m.ones(3), strict=True),
    "jvp of one": lambda m, x: F(m).jvp(lambda x, y: x * 2, (x, x), (x, x), strict=True),
    "jacobian": lambda m, x: F(m).jacobian(lambda x: m.ones(3), x, strict=True),
    "jacobian of one": lambda m, x: F(m).jacobian(lambda x, y: x * 2, (x, x), strict=True),
    "jacobian recorded": lambda m, x: F(m).jacobian(
        lambda x: x * 2, x, strict=True, create_graph=True
    ),
    "hessian": lambda m, x: F(m).hessian(lambda x: x.sum(), x, strict=True),
    "vhp": lambda m, x: F(m).vhp(lambda x: x.sum(), x, x, strict=True),
    "hvp": lambda m, x: F(m).hvp(lambda x: x.sum(), x, x, strict=True),
    "strict and vectorize": lambda m, x: F(m).jacobian(m.sin, x, strict=True, vectorize=True),
    "strict and forward": lambda m, x: F(m).jacobian(
        m.sin, x, strict=True, strategy="forward-mode", vectorize=True
    ),
}

BAD = {
    "no tensor": lambda m, x: F(m).vjp(m.sin, [1.0]),
    "no tensors": lambda m, x: F(m).jacobian(m.sin, (x, 1.0)),
    "no output": lambda m, x: F(m).jacobian(lambda x: 1.0, x),
    "v missing": lambda m, x: F(m).vjp(m.sin, x),
    "v missing for jvp": lambda m, x: F(m).jvp(m.sin, x),
    "v missing for hvp": lambda m, x: F(m).hvp(m.sum, x),
    "v of another shape": lambda m, x: F(m).vjp(m.sin, x, m.ones(2)),
    "too many v": lambda m, x: F(m).vjp(m.sin, x, (x, x)),
    "too few v": lambda m, x: F(m).jvp(lambda x, y: x * y, (x, x), (x,)),
    "entry of v": lambda m, x: F(m).jvp(lambda x, y: x * y, (x, x), (x, m.ones(2))),
    "hessian of several": lambda m, x: F(m).hessian(m.sin, x),
    "hessian of tuples": lambda m, x: F(m).hessian(lambda x: (x.sum(),), x),
    "vhp of several": lambda m, x: F(m).vhp(m.sin, x, x),
    "hvp of tuples": lambda m, x: F(m).hvp(lambda x: (x.sum(),), x, x),
    "integers": lambda m, x: F(m).jacobian(m.sum, x.long()),
}


@pytest.mark.parametrize("name", [*STRICT, *BAD])
def test_refusals(name):
    function = {**STRICT, **BAD}[name]
    ours = outcome(mg, function, mg.ones(3, requires_grad=True))
    theirs = outcome(torch, function, torch.ones(3, requires_grad=True))
    assert isinstance(theirs, type), theirs
    assert isinstance(ours, type), ours
    assert issubclass(theirs, ours), f"{ours} instead of {theirs}"


def test_an_unknown_strategy():
    for m in (mg, torch):
        with pytest.raises(AssertionError, match="strategy"):
            F(m).jacobian(m.sin, m.ones(3), strategy="sideways")
