"""autograd.functional and func: against torch, nested, and where they must refuse."""

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from tests.support.against_torch import compare, outcome

# torch's forward mode compiles parts of itself.
pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit.script`:DeprecationWarning")


def numbers(shape, seed=0):
    return np.random.default_rng(seed).uniform(-2, 2, shape)


def F(m):  # noqa: N802  as torch.autograd.functional is usually imported
    return m.autograd.functional


def pair(x, y):
    """Two outputs, of which the second does not depend on y."""
    return (x[:, None] * y).sin(), x.exp()


def energy(x, y):
    return (x[:, None] * y**3).sum() + (x**3).sum()


def strip(results):
    """The tensors of nested tuples, without their histories."""
    if isinstance(results, tuple | list):
        return [t for item in results for t in strip(item)]
    return [results.detach()]


# --- autograd.functional --------------------------------------------------------------------

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
            assert not any(t.requires_grad for t in _nested(results))
        return strip(results)

    arrays = [numbers(shape, seed).astype(dtype) for seed in (0, 1)]
    if name == "jvp to fewer" and len(shape) == 1:
        arrays = [a[None] for a in arrays]
    compare(function, *arrays, gradients=False)


def _nested(results):
    if isinstance(results, tuple | list):
        return [t for item in results for t in _nested(item)]
    return [results]


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


# --- func -----------------------------------------------------------------------------------


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
    "grad, value and aux": lambda m, x, y: _flat(
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
    "hessian by numbers": lambda m, x, y: _flat(m.func.hessian(energy, (0, 1))(x, y)),
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


def _flat(results):
    return _nested(results)


def _leaves_of(tree):
    return [tree["a"], *tree["b"]]


@pytest.mark.parametrize("name", FUNC)
def test_transforms(name):
    arrays = numbers((3,)), numbers((3, 2), 1)
    compare(lambda m, x, y: _flat(FUNC[name](m, x, y)), *arrays, gradients=False)
    results = _flat(FUNC[name](mg, *map(mg.tensor, arrays)))
    assert not any(t.requires_grad for t in results)


DIFFERENTIABLE = [name for name in FUNC if name != "grad of a constant"]


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_transforms_inside_recorded_code(name):
    compare(lambda m, x, y: _flat(FUNC[name](m, x * 1, y)), numbers((3,)), numbers((3, 2), 1))


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
    whole = F(mg).hvp(energy, (x, y), (u, v))[1]
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


# --- functional_call ------------------------------------------------------------------------


def network(m):
    net = m.nn.Sequential(m.nn.Linear(2, 3), m.nn.Tanh(), m.nn.Linear(3, 1))
    return net.double()


def test_functional_call_against_torch():
    arrays = [numbers((3, 2)), numbers((3,), 1), numbers((1, 3), 2), numbers((1,), 3)]
    names = ["0.weight", "0.bias", "2.weight", "2.bias"]

    def function(m, x, *parameters):
        net = network(m)
        before = [p.detach().clone() for p in net.parameters()]
        given = dict(zip(names, parameters, strict=True))
        result = m.func.functional_call(net, given, (x,), strict=True)
        result = result + m.func.functional_call(net, (given, {}), x)
        assert all((a == b).all() for a, b in zip(before, net.parameters(), strict=True))
        assert all(p.grad is None for p in net.parameters())
        return result

    compare(function, numbers((5, 2), 4), *arrays)


def test_per_example_gradients_of_a_network():
    net = network(mg)
    x = mg.tensor(numbers((4, 2)))

    def loss(parameters, x):
        return mg.func.functional_call(net, parameters, x).square().sum()

    each = mg.vmap(mg.func.grad(loss), in_dims=(None, 0))(dict(net.named_parameters()), x)
    net(x).square().sum().backward()
    for name, parameter in net.named_parameters():
        assert each[name].shape == (4, *parameter.shape)
        np.testing.assert_allclose(each[name].sum(0).detach().numpy(), parameter.grad.numpy())


def test_tied_weights_are_replaced_together():
    class Tied(mg.nn.Module):
        def __init__(self):
            super().__init__()
            self.a = mg.nn.Parameter(mg.ones(()))
            self.b = self.a

        def forward(self, x):
            return self.a * x + self.b * x

    net, two, x = Tied(), mg.tensor(2.0), mg.tensor(3.0)
    assert mg.func.functional_call(net, {"a": two}, x).item() == 12
    assert mg.func.functional_call(net, {"a": two}, x, tie_weights=False).item() == 9
    with pytest.raises(ValueError, match="tied"):
        mg.func.functional_call(net, {"a": two, "b": x}, x)


def test_functional_call_restores_after_an_error_and_refuses_strangers():
    net = network(mg)
    weight = net[0].weight
    with pytest.raises(RuntimeError, match="multiplied"):
        mg.func.functional_call(net, {"0.weight": mg.ones(3, 5).double()}, mg.ones(1, 2).double())
    assert net[0].weight is weight
    x = mg.ones(1, 2).double()
    with pytest.raises(RuntimeError, match=r"missing keys.*2\.bias"):
        mg.func.functional_call(net, {"0.weight": weight}, x, strict=True)
    with pytest.raises(RuntimeError, match=r"unexpected keys.*stranger"):
        mg.func.functional_call(net, {"stranger": weight}, x)
    with pytest.raises(ValueError, match="multiple"):
        mg.func.functional_call(net, ({"0.weight": weight}, {"0.weight": weight}), x)
    with pytest.raises(ValueError, match="dict"):
        mg.func.functional_call(net, 3, x)


def test_buffers_are_replaced_too():
    norm = mg.nn.BatchNorm1d(2).eval()
    given = {"running_mean": mg.tensor([1.0, 2.0])}
    found = mg.func.functional_call(norm, given, mg.tensor([[1.0, 2.0]]))
    np.testing.assert_allclose(found.detach().numpy(), [[0.0, 0.0]])
    assert norm.running_mean.tolist() == [0.0, 0.0]
