"""Modules called as functions of their parameters: against torch, and its errors."""

import numpy as np
import pytest

import minigrad as mg
from tests.support.against_torch import compare
from tests.support.nested_functions import numbers

# torch's forward mode compiles parts of itself.
pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit.script`:DeprecationWarning")


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
