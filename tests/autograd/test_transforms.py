"""The transforms of torch.func: against torch, inside recorded code, and their errors."""

import numpy as np
import pytest
import torch

import minigrad as mg
from tests.support.against_torch import compare, outcome
from tests.support.nested_functions import energy, nested, numbers

# torch's forward mode compiles parts of itself.
pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit.script`:DeprecationWarning")


def cubes(x):
    return (x**3).sum()


def scaled(x, y=None):
    return x.sin() * x.sum() if y is None else (x[:, None] * y).sin()


def of_tree(tree):
    return (tree["a"] * tree["b"][0]).sum() + (tree["b"][1] ** 2).sum()


FUNC = {
    "grad": lambda m, x, y: m.func.grad(cubes)(x),
    "grad of grad": lambda m, x, y: m.func.grad(lambda x: m.func.grad(cubes)(x).sin().sum())(x),
    "grad of grad of grad": lambda m, x, y: m.func.grad(
        lambda x: m.func.grad(lambda x: m.func.grad(cubes)(x).sin().sum())(x).sum()
    )(x),
    "grad by number": lambda m, x, y: m.func.grad(energy, 1)(x, y),
    "grad by numbers": lambda m, x, y: m.func.grad(energy, (0, -1))(x, y),
    "grad by keyword": lambda m, x, y: m.func.grad(lambda x, *, y: energy(x, y))(x, y=y),
    "grad of an unused one": lambda m, x, y: m.func.grad(lambda x, y: cubes(x), (0, 1))(x, y),
    "grad of a constant": lambda m, x, y: m.func.grad(lambda x: m.tensor(1.0))(x),
    "grad with aux": lambda m, x, y: m.func.grad(lambda x: (cubes(x), x * 2), has_aux=True)(x),
    "grad and value": lambda m, x, y: m.func.grad_and_value(cubes)(x),
    "grad, value and aux": lambda m, x, y: nested(
        m.func.grad_and_value(lambda x: (cubes(x), x * 2), has_aux=True)(x)
    ),
    "grad of a tree": lambda m, x, y: _leaves_of(m.func.grad(of_tree)({"a": x, "b": [x, y]})),
    "perturbations kept apart": lambda m, x, y: m.func.grad(
        lambda x: (x * m.func.grad(lambda z: (x * z).sum())(x)).sum()
    )(x),
    "vjp": lambda m, x, y: (
        m.func.vjp(scaled, x)[0],
        *m.func.vjp(scaled, x)[1](x),
        *m.func.vjp(scaled, x, y)[1](y),
    ),
    "vjp with aux": lambda m, x, y: m.func.vjp(lambda x: (x.sin(), x * 2), x, has_aux=True)[::2],
    "vjp of a tuple": lambda m, x, y: m.func.vjp(lambda x: (x, {"b": x * x}), x)[1](
        (x, {"b": x + 1})
    ),
    "jvp": lambda m, x, y: m.func.jvp(scaled, (x, y), (x + 1, y * 2)),
    "jvp of a constant": lambda m, x, y: m.func.jvp(lambda x: m.ones_like(y), (x,), (x,)),
    "jvp with aux": lambda m, x, y: m.func.jvp(
        lambda x: (x.sin(), x * 2), (x,), (x + 1,), has_aux=True
    ),
    "jvp of jvp": lambda m, x, y: m.func.jvp(
        lambda x: m.func.jvp(m.sin, (x,), (x,))[1], (x,), (x + 1,)
    ),
    "jacrev": lambda m, x, y: m.func.jacrev(scaled)(x, y),
    "jacrev by numbers": lambda m, x, y: m.func.jacrev(scaled, argnums=(0, 1))(x, y),
    "jacrev with aux": lambda m, x, y: m.func.jacrev(lambda x: (x.sin(), x * 2), has_aux=True)(x),
    "jacrev of a tuple": lambda m, x, y: m.func.jacrev(lambda x: (x.sin(), x.sum()))(x),
    "jacrev of a chunk": lambda m, x, y: m.func.jacrev(scaled, chunk_size=2)(x),
    "jacfwd": lambda m, x, y: m.func.jacfwd(scaled)(x, y),
    "jacfwd by numbers": lambda m, x, y: m.func.jacfwd(scaled, argnums=(1, 0))(x, y),
    "jacfwd of a tuple": lambda m, x, y: m.func.jacfwd(lambda x: (x.sin(), x.sum()))(x),
    "jacfwd with aux": lambda m, x, y: m.func.jacfwd(lambda x: (x.sin(), x * 2), has_aux=True)(x),
    "hessian": lambda m, x, y: m.func.hessian(cubes)(x),
    "hessian by number": lambda m, x, y: m.func.hessian(energy, 1)(x, y),
    "hessian by numbers": lambda m, x, y: nested(m.func.hessian(energy, (0, 1))(x, y)),
    "jacrev of jacrev": lambda m, x, y: m.func.jacrev(m.func.jacrev(m.sin))(x),
    "jacrev of jacfwd": lambda m, x, y: m.func.jacrev(m.func.jacfwd(m.sin))(x),
    "vmap": lambda m, x, y: m.vmap(lambda r: r.sin().sum())(y),
    "vmap of columns": lambda m, x, y: m.func.vmap(lambda r, s: r * s, in_dims=(1, None))(y, x),
    "vmap to the end": lambda m, x, y: m.vmap(lambda r: r.sin(), 0, -1)(y),
    "vmap of a tree": lambda m, x, y: m.vmap(lambda d, s: d["x"] * s, ({"x": 0}, 0))({"x": x}, y),
    "vmap of several": lambda m, x, y: m.vmap(lambda r: (r * 2, r.sum()), out_dims=(1, 0))(y),
    "vmap with a keyword": lambda m, x, y: m.vmap(lambda r, *, s: r * s)(y, s=y[0]),
    "per-example gradients": lambda m, x, y: m.vmap(m.func.grad(cubes))(y),
    "vmap of vmap": lambda m, x, y: m.vmap(m.vmap(m.sin))(y),
}


def _leaves_of(tree):
    return [tree["a"], *tree["b"]]


@pytest.mark.parametrize("name", FUNC)
def test_transforms(name):
    arrays = numbers((3,)), numbers((3, 2), 1)
    compare(lambda m, x, y: nested(FUNC[name](m, x, y)), *arrays, gradients=False)
    results = nested(FUNC[name](mg, *map(mg.tensor, arrays)))
    assert not any(t.requires_grad for t in results)


DIFFERENTIABLE = [name for name in FUNC if name != "grad of a constant"]


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_transforms_inside_recorded_code(name):
    compare(lambda m, x, y: nested(FUNC[name](m, x * 1, y)), numbers((3,)), numbers((3, 2), 1))


def test_value_and_grad_is_grad_and_value_turned_round():
    x = mg.tensor([1.0, 2.0])
    value, found = mg.func.value_and_grad(cubes)(x)
    assert (value.item(), found.tolist()) == (9.0, [3.0, 12.0])
    (value, aux), found = mg.func.value_and_grad(lambda x: (cubes(x), x * 2), has_aux=True)(x)
    assert (value.item(), aux.tolist(), found.tolist()) == (9.0, [2.0, 4.0], [3.0, 12.0])


def test_hvp_is_the_hessian_times_the_vector():
    x, y = mg.tensor(numbers((3,))), mg.tensor(numbers((3, 2), 1))
    u, v = mg.tensor(numbers((3,), 2)), mg.tensor(numbers((3, 2), 3))
    found = mg.func.hvp(energy, (x, y), (u, v))
    whole = mg.autograd.functional.hvp(energy, (x, y), (u, v))[1]
    for a, b in zip(found, whole, strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-12)


def test_without_gradients_outside():
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    with mg.no_grad():
        found = mg.func.grad(cubes)(x)
    assert found.tolist() == [3.0, 12.0]
    assert not found.requires_grad
    assert mg.func.grad(cubes)(x).requires_grad


def test_gradients_reach_what_a_function_closes_over():
    weight = mg.tensor([2.0, 3.0], requires_grad=True)
    found = mg.func.grad(lambda x: (weight * x**2).sum())(mg.ones(2))
    found.sum().backward()
    assert weight.grad.tolist() == [2.0, 2.0]


def test_random_choices_under_vmap():
    x = mg.ones(4)
    mg.manual_seed(0)
    different = mg.vmap(lambda x: x * mg.rand(()), randomness="different")(x)
    same = mg.vmap(lambda x: x * mg.rand(()), randomness="same")(x)
    assert len(set(different.tolist())) == 4
    assert len(set(same.tolist())) == 1
    with pytest.raises(RuntimeError, match="random"):
        mg.vmap(lambda x: x * mg.rand(()))(x)


FUNC_BAD = {
    "grad of several": lambda m, x: m.func.grad(m.sin)(x),
    "grad of one in a vector": lambda m, x: m.func.grad(lambda x: x[:1])(x),
    "grad of a number": lambda m, x: m.func.grad(lambda x: 1.0)(x),
    "grad at a number": lambda m, x: m.func.grad(m.sin)(1.0),
    "grad at integers": lambda m, x: m.func.grad(lambda x: x.sum() * 1.0)(m.ones(3).long()),
    "argnums too large": lambda m, x: m.func.grad(m.sum, 1)(x),
    "argnums empty": lambda m, x: m.func.grad(m.sum, ())(x),
    "aux missing": lambda m, x: m.func.grad(m.sum, has_aux=True)(x),
    "cotangent structure": lambda m, x: m.func.vjp(m.sin, x)[1]((x, x)),
    "cotangent shape": lambda m, x: m.func.vjp(m.sin, x)[1](m.ones(2)),
    "primals no tuple": lambda m, x: m.func.jvp(m.sin, x, x),
    "tangent structure": lambda m, x: m.func.jvp(m.sin, (x,), (x, x)),
    "tangent shape": lambda m, x: m.func.jvp(m.sin, (x,), (m.ones(2),)),
    "strict": lambda m, x: m.func.jvp(lambda x: m.ones(2), (x,), (x,), strict=True),
    "chunk of nothing": lambda m, x: m.func.jacrev(m.sin, chunk_size=0)(x),
    "jacrev of a number": lambda m, x: m.func.jacrev(lambda x: 1.0)(x),
    "vmap of sizes": lambda m, x: m.vmap(m.mul)(x, m.ones(2)),
    "vmap of a number": lambda m, x: m.vmap(m.mul)(x, 2.0),
    "vmap dims": lambda m, x: m.vmap(m.sin, in_dims=1)(x),
    "vmap entries": lambda m, x: m.vmap(m.sin, in_dims=(0, 0))(x),
    "vmap of nothing": lambda m, x: m.vmap(m.sin, in_dims=(None,))(x),
    "vmap to a number": lambda m, x: m.vmap(lambda x: 1.0)(x),
    "vmap randomness": lambda m, x: m.vmap(m.sin, randomness="x")(x),
    "vmap out_dims": lambda m, x: m.vmap(m.sin, out_dims=(0, 0))(x),
}


@pytest.mark.parametrize("name", FUNC_BAD)
def test_transforms_refuse(name):
    ours = outcome(mg, FUNC_BAD[name], mg.ones(3))
    theirs = outcome(torch, FUNC_BAD[name], torch.ones(3))
    assert isinstance(theirs, type), theirs
    assert isinstance(ours, type), ours
    assert issubclass(theirs, ours), f"{ours} instead of {theirs}"
