"""Hooks of modules: the calls, their values and their order, compared with torch."""

import pytest
import torch

import minigrad as mg

LIBRARIES = (mg, torch)


def shown(value):
    """Tensors as lists, also within tuples."""
    if isinstance(value, tuple | list):
        return [shown(v) for v in value]
    return value.tolist() if hasattr(value, "tolist") else value


def linear(lib):
    layer = lib.nn.Linear(2, 2)
    with lib.no_grad():
        layer.weight.copy_(lib.tensor([[1.0, 2.0], [3.0, -1.0]]))
        layer.bias.zero_()
    return layer


def both(scenario):
    """The log of a scenario in each library."""
    logs = []
    for lib in LIBRARIES:
        log = []
        scenario(lib, log)
        logs.append(log)
    assert logs[0] == logs[1]
    assert logs[0]
    return logs[0]


def test_forward_hooks_and_pre_hooks():
    def scenario(lib, log):
        layer = linear(lib)
        layer.register_forward_pre_hook(lambda m, a: log.append(("pre", shown(a))))
        layer.register_forward_pre_hook(lambda m, a: a[0] * 2, prepend=True)
        layer.register_forward_hook(lambda m, a, out: log.append(("post", shown(a), shown(out))))
        layer.register_forward_hook(lambda m, a, out: out + 1, prepend=True)
        handle = layer.register_forward_hook(lambda m, a, out: (out, "seen"))
        log.append(shown(layer(lib.ones(1, 2))))
        handle.remove()
        log.append(shown(layer(lib.ones(1, 2))))

    both(scenario)


def test_hooks_with_keyword_arguments():
    def scenario(lib, log):
        class Scaled(lib.nn.Module):
            def forward(self, x, scale=1.0):
                return x * scale

        layer = Scaled()
        layer.register_forward_pre_hook(
            lambda m, a, k: (a, {"scale": k["scale"] + 1}), with_kwargs=True
        )
        layer.register_forward_hook(
            lambda m, a, k, out: log.append((shown(a), k, shown(out))), with_kwargs=True
        )
        log.append(shown(layer(lib.ones(2), scale=2.0)))
        layer.register_forward_pre_hook(lambda m, a, k: a, with_kwargs=True)
        with pytest.raises(RuntimeError, match="forward pre-hook must return None or a tuple"):
            layer(lib.ones(2), scale=2.0)

    both(scenario)


def test_always_called_hooks_run_when_forward_raises():
    def scenario(lib, log):
        layer = linear(lib)
        layer.register_forward_hook(lambda m, a, out: log.append("usual"))
        layer.register_forward_hook(lambda m, a, out: log.append(out), always_call=True)
        with pytest.raises(RuntimeError):
            layer(lib.ones(1, 3))

    assert both(scenario) == [None]


@pytest.mark.filterwarnings("ignore:Full backward hook is firing")  # torch's own
@pytest.mark.parametrize("input_requires_grad", [True, False])
def test_full_backward_hooks(input_requires_grad):
    def scenario(lib, log):
        layer = linear(lib)
        layer.register_full_backward_pre_hook(lambda m, g: log.append(("pre", shown(g))))
        layer.register_full_backward_hook(
            lambda m, gi, go: log.append(("hook", shown(gi), shown(go)))
        )
        x = lib.ones(1, 2, requires_grad=input_requires_grad)
        (layer(x) * lib.tensor([1.0, 3.0])).sum().backward()
        log.append(shown(layer.weight.grad))
        log.append(shown(x.grad))

    both(scenario)


def test_backward_hooks_may_replace_gradients():
    def scenario(lib, log):
        layer = linear(lib)
        layer.register_full_backward_pre_hook(lambda m, g: (g[0] * 10,))
        layer.register_full_backward_hook(lambda m, gi, go: (gi[0] + 1,))
        handle = layer.register_full_backward_hook(lambda m, gi, go: (gi[0] * 2,), prepend=True)
        for _ in range(2):
            x = lib.ones(1, 2, requires_grad=True)
            layer(x).sum().backward()
            log.append((shown(layer.weight.grad), shown(x.grad)))
            handle.remove()
        layer.register_full_backward_hook(lambda m, gi, go: (gi[0], gi[0]))
        with pytest.raises(RuntimeError, match="got 2, but expected 1"):
            layer(x).sum().backward()

    both(scenario)


def test_backward_hooks_of_several_inputs_and_outputs():
    def scenario(lib, log):
        class Pair(lib.nn.Module):
            def forward(self, a, factor, b):
                return a * b * factor, "text", a + b

        layer = Pair()
        layer.register_full_backward_hook(lambda m, gi, go: log.append((shown(gi), shown(go))))
        a = lib.tensor([2.0], requires_grad=True)
        b = lib.tensor([3.0], requires_grad=True)
        first, _, second = layer(a, 4, b)
        first.backward(retain_graph=True)
        (first + 2 * second).backward()
        log.append((shown(a.grad), shown(b.grad)))

    both(scenario)


def test_backward_hooks_are_silent_without_gradients():
    layer = linear(mg)
    seen = []
    layer.register_full_backward_hook(lambda m, gi, go: seen.append(gi))
    with mg.no_grad():
        assert not layer(mg.ones(1, 2)).requires_grad
    assert not seen


def test_a_gradient_through_a_hooked_module_can_be_differentiated_again():
    layer = mg.nn.Tanh()
    layer.register_full_backward_hook(lambda m, gi, go: None)
    x = mg.tensor([0.5], requires_grad=True)
    (first,) = mg.autograd.grad(layer(x).sum(), x, create_graph=True)
    first.sum().backward()
    expected = torch.tensor([0.5], requires_grad=True)
    (theirs,) = torch.autograd.grad(expected.tanh().sum(), expected, create_graph=True)
    theirs.sum().backward()
    assert x.grad.item() == pytest.approx(expected.grad.item(), rel=1e-5)


def test_global_backward_hooks_of_both_kinds():
    # torch keeps the kind that was registered first for the rest of the process.
    hooks, seen = mg.nn.modules.module, []
    x = mg.ones(2, requires_grad=True) * 1
    with hooks.register_module_backward_hook(lambda m, i, o: seen.append((type(m), i[0].tolist()))):
        mg.nn.ReLU()(x).sum().backward(retain_graph=True)
        with pytest.raises(RuntimeError, match="as a global Module hook"):
            hooks.register_module_full_backward_hook(lambda *given: None)
    assert seen == [(mg.nn.ReLU, [1, 1])]
    with (
        hooks.register_module_full_backward_hook(lambda *given: None),
        pytest.raises(RuntimeError, match="as a global Module hook"),
    ):
        hooks.register_module_backward_hook(lambda *given: None)


def test_a_backward_hook_of_several_operations_says_what_it_misses():
    net = mg.nn.Sequential(mg.nn.Linear(2, 2), mg.nn.ReLU())
    net.register_backward_hook(lambda m, i, o: None)
    with pytest.warns(FutureWarning, match="multiple autograd Nodes"):
        net(mg.ones(1, 2, requires_grad=True) * 1)
