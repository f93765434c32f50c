"""`Module.compile`: the module itself replays its forward."""

import copy
import pickle

import pytest

import minigrad as mg
from minigrad import nn
from tests.compiler.twins import bits


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Linear(3, 4), nn.Linear(4, 2)

    def forward(self, x, scale=1.0):
        return self.last(self.first(x).tanh()) * scale


def twins():
    mg.manual_seed(0)
    net = Net()
    return net, copy.deepcopy(net)


def test_forward_and_backward_are_those_of_the_module():
    eager, compiled = twins()
    assert compiled.compile() is None
    assert list(compiled.state_dict()) == list(eager.state_dict())
    for call in range(6):
        x = mg.randn(5, 3)
        results = [net(x, scale=2.0) for net in (eager, compiled)]
        for out in results:
            out.sum().backward()
        assert bits(results[0]) == bits(results[1]), call
        for p, q in zip(eager.parameters(), compiled.parameters(), strict=True):
            assert bits(p.grad) == bits(q.grad), call
    assert compiled.forward.replays >= 2
    assert compiled.forward.name == "Net"


def test_hooks_run_around_the_replay():
    _, net = twins()
    net.compile()
    seen = []
    net.register_forward_hook(lambda module, args, out: seen.append(out.shape))
    with mg.no_grad():
        for _ in range(5):
            net(mg.ones(5, 3))
    assert seen == [(5, 2)] * 5
    assert net.forward.replays


def test_copies_and_files_compile_their_own_forward():
    eager, net = twins()
    net.compile()
    x = mg.ones(5, 3)
    with mg.no_grad():
        for other in (net, copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
            other.last.bias.add_(1.0)
            for _ in range(4):
                out = other(x)
            assert other.forward.replays
            assert other is net or other.forward is not net.forward
            assert mg.allclose(out, eager(x) + 1.0)


def test_settings():
    _, net = twins()
    net.compile(disable=True)
    assert not hasattr(net.forward, "replays")
    net.compile(fullgraph=True, name="mine")
    net.compile(max_plans=3)
    assert net.forward.options.max_plans == 3
    assert not hasattr(net.forward._function, "replays")
    net.compile(backend="eager")
    assert not hasattr(net.forward, "replays")
    with pytest.raises(TypeError):
        net.compile(Net())
