"""Hooks of tensors, leaves and modules: when they run, what they see and what they may change."""

import pytest


def leaf(torch, *numbers):
    return torch.tensor(numbers or (1.0, 2.0, 3.0), requires_grad=True)


# --- leaves ---------------------------------------------------------------------------------------


def check_a_leaf_hook_runs_when_its_gradient_is_complete(torch):
    x, w = leaf(torch), leaf(torch)
    order = []
    hidden = x * 2
    hidden.register_hook(lambda g: order.append("hidden"))
    w.register_hook(lambda g: order.append("w"))
    (hidden * w).sum().backward()
    assert order == ["w", "hidden"]


def check_a_leaf_hook_runs_once_for_two_uses(torch):
    x, seen = leaf(torch), []
    x.register_hook(lambda g: seen.append(g.tolist()))
    ((x * x).sum() + x.sum() * 2).backward()
    assert seen == [[4, 6, 8]]


def check_a_leaf_hook_replaces_the_gradient(torch):
    x = leaf(torch)
    x.register_hook(lambda g: g * 10)
    x.sum().backward()
    assert x.grad.tolist() == [10, 10, 10]


def check_a_leaf_hook_runs_for_grad(torch):
    x = leaf(torch)
    x.register_hook(lambda g: g * 10)
    (g,) = torch.autograd.grad(x.sum(), x)
    assert g.tolist() == [10, 10, 10]
    assert x.grad is None


def check_leaf_hooks_run_in_order(torch):
    x = leaf(torch)
    x.register_hook(lambda g: g + 1)
    x.register_hook(lambda g: g * 10)
    x.sum().backward()
    assert x.grad.tolist() == [20, 20, 20]


def check_a_removed_hook_does_not_run(torch):
    x = leaf(torch)
    handle = x.register_hook(lambda g: g * 10)
    handle.remove()
    handle.remove()
    x.sum().backward()
    assert x.grad.tolist() == [1, 1, 1]


def check_a_hook_must_give_the_same_shape(torch):
    x = leaf(torch)
    x.register_hook(lambda g: g[:1])
    with pytest.raises(RuntimeError):
        x.sum().backward()


def check_a_hook_must_give_a_tensor(torch):
    x = leaf(torch)
    x.register_hook(lambda g: 3)
    with pytest.raises(TypeError):
        x.sum().backward()


def check_a_tensor_without_gradient_takes_no_hook(torch):
    with pytest.raises(RuntimeError, match="doesn't require gradient"):
        torch.ones(2).register_hook(lambda g: None)


def check_a_leaf_hook_does_not_run_for_other_inputs(torch):
    x, w, seen = leaf(torch), leaf(torch), []
    x.register_hook(seen.append)
    (x * w).sum().backward(inputs=[w])
    assert seen == []
    assert x.grad is None


# --- hooks after accumulation ---------------------------------------------------------------------


def check_a_post_accumulate_hook_sees_the_gradient(torch):
    x, seen = leaf(torch), []
    x.register_post_accumulate_grad_hook(lambda p: seen.append(p.grad.tolist()))
    x.sum().backward()
    x.sum().backward()
    assert seen == [[1, 1, 1], [2, 2, 2]]


def check_a_post_accumulate_hook_frees_the_gradient_before_the_next_leaf(torch):
    first, second, alive = leaf(torch), leaf(torch), []

    def step(p):
        alive.append(sum(q.grad is not None for q in (first, second)))
        p.grad = None

    for p in (first, second):
        p.register_post_accumulate_grad_hook(step)
    ((first * 2).exp() * second).sum().backward()
    assert alive == [1, 1]


def check_a_post_accumulate_hook_runs_before_earlier_layers(torch):
    x, w, order = leaf(torch), leaf(torch), []
    hidden = x * 2
    hidden.register_hook(lambda g: order.append("hidden"))
    w.register_post_accumulate_grad_hook(lambda p: order.append("w"))
    (hidden * w).sum().backward()
    assert order == ["w", "hidden"]


def check_a_tensor_hook_runs_before_a_post_accumulate_hook(torch):
    x, order = leaf(torch), []
    x.register_post_accumulate_grad_hook(lambda p: order.append("after"))
    x.register_hook(lambda g: order.append("before"))
    x.sum().backward()
    assert order == ["before", "after"]


def check_a_post_accumulate_hook_is_for_leaves(torch):
    with pytest.raises(RuntimeError, match="non-leaf"):
        (leaf(torch) * 1).register_post_accumulate_grad_hook(lambda p: None)


def check_a_post_accumulate_hook_does_not_run_for_grad(torch):
    x, seen = leaf(torch), []
    x.register_post_accumulate_grad_hook(seen.append)
    torch.autograd.grad(x.sum(), x)
    assert seen == []


def check_an_optimizer_steps_in_backward(torch):
    x, w = leaf(torch), leaf(torch)
    optimizers = {p: torch.optim.SGD([p], lr=0.5) for p in (x, w)}

    def step(p):
        optimizers[p].step()
        optimizers[p].zero_grad()

    for p in (x, w):
        p.register_post_accumulate_grad_hook(step)
    (x * 2 + w * 4).sum().backward()
    assert x.tolist() == [0, 1, 2]
    assert w.tolist() == [-1, 0, 1]
    assert x.grad is None
    assert w.grad is None


# --- tensors that are no leaves -------------------------------------------------------------------


def check_a_hook_of_a_result_changes_what_flows_on(torch):
    x = leaf(torch)
    y = x * 2
    y.register_hook(lambda g: g * 3)
    y.sum().backward()
    assert x.grad.tolist() == [6, 6, 6]


def check_retained_gradients_see_hooks(torch):
    x = leaf(torch)
    y = x * 2
    y.retain_grad()
    y.register_hook(lambda g: g * 3)
    y.sum().backward()
    assert y.grad.tolist() == [3, 3, 3]


def check_a_hook_within_create_graph_is_recorded(torch):
    x = leaf(torch)
    x.register_hook(lambda g: g * x)
    (g,) = torch.autograd.grad((x * x).sum(), x, create_graph=True)
    (h,) = torch.autograd.grad(g.sum(), x)
    assert h.requires_grad is False
    assert g.tolist() == [2, 8, 18]


# --- modules --------------------------------------------------------------------------------------


def linear(torch):
    layer = torch.nn.Linear(2, 2)
    with torch.no_grad():
        for p in layer.parameters():
            p.fill_(1.0)
    return layer


def check_an_always_called_hook_does_not_hide_the_error_of_forward(torch):
    class Failing(torch.nn.Module):
        def forward(self, x):
            raise ValueError("forward's own")

    def hook(module, args, output):
        raise KeyError("the hook's")

    module, seen = Failing(), []
    module.register_forward_hook(lambda m, a, o: seen.append(o), always_call=True)
    module.register_forward_hook(hook, always_call=True)
    with (
        pytest.warns(UserWarning, match="was silenced as another error was raised in forward"),
        pytest.raises(ValueError, match="forward's own"),
    ):
        module(torch.ones(1))
    assert seen == [None]


def check_an_always_called_hook_is_called_once(torch):
    module, seen = linear(torch), []
    module.register_forward_hook(lambda m, a, o: seen.append(1), always_call=True)
    module(torch.ones(1, 2))
    assert seen == [1]


def check_a_hook_that_fails_after_forward_is_reported(torch):
    def hook(module, args, output):
        raise KeyError("the hook's")

    module = linear(torch)
    module.register_forward_hook(hook)
    with pytest.raises(KeyError):
        module(torch.ones(1, 2))


def check_register_backward_hook_is_called(torch):
    module, seen = torch.nn.ReLU(), []
    module.register_backward_hook(lambda m, i, o: seen.append((len(i), o[0].tolist())))
    module(torch.ones(2, requires_grad=True) * 1).sum().backward()
    assert seen == [(1, [1, 1])]


def check_register_backward_hook_replaces_the_gradient(torch):
    module, x = torch.nn.ReLU(), leaf(torch)
    module.register_backward_hook(lambda m, i, o: (i[0] * 5,))
    module(x * 1).sum().backward()
    assert x.grad.tolist() == [5, 5, 5]


def check_both_kinds_of_backward_hooks_do_not_mix(torch):
    module = torch.nn.ReLU()
    module.register_backward_hook(lambda *given: None)
    with pytest.raises(RuntimeError, match="Cannot use both regular backward hooks and full"):
        module.register_full_backward_hook(lambda *given: None)


def check_the_order_of_both_kinds_of_backward_hooks_does_not_matter(torch):
    module = torch.nn.ReLU()
    module.register_full_backward_hook(lambda *given: None)
    with pytest.raises(RuntimeError, match="Cannot use both regular backward hooks and full"):
        module.register_backward_hook(lambda *given: None)


def check_full_backward_hooks_refuse_changes_of_the_input(torch):
    class InPlace(torch.nn.Module):
        def forward(self, x):
            return x.mul_(2)

    module = InPlace()
    module.register_full_backward_hook(lambda m, i, o: None)
    with pytest.raises(RuntimeError, match="is a view and is being modified inplace"):
        module(leaf(torch) * 1)


def check_full_backward_hooks_refuse_changes_of_the_output(torch):
    module = linear(torch)
    module.register_full_backward_hook(lambda m, i, o: None)
    output = module(torch.ones(1, 2, requires_grad=True))
    with pytest.raises(RuntimeError, match="is a view and is being modified inplace"):
        output.add_(1)


# --- hooks of all modules -------------------------------------------------------------------------


def check_a_global_forward_hook_runs_before_the_module_s_own(torch):
    order, module = [], linear(torch)
    module.register_forward_hook(lambda m, a, o: order.append("own"))
    register = torch.nn.modules.module.register_module_forward_hook
    with register(lambda m, a, o: order.append("global")):
        module(torch.ones(1, 2))
    module(torch.ones(1, 2))
    assert order == ["global", "own", "own"]


def check_a_global_forward_hook_replaces_the_output(torch):
    register = torch.nn.modules.module.register_module_forward_hook
    with register(lambda m, a, o: o * 2):
        assert linear(torch)(torch.ones(1, 2)).tolist() == [[6, 6]]
    assert linear(torch)(torch.ones(1, 2)).tolist() == [[3, 3]]


def check_a_global_forward_pre_hook_replaces_the_arguments(torch):
    register = torch.nn.modules.module.register_module_forward_pre_hook
    with register(lambda m, a: (a[0] * 2,)):
        assert linear(torch)(torch.ones(1, 2)).tolist() == [[5, 5]]


def check_a_global_full_backward_hook_sees_every_module(torch):
    seen = []
    net = torch.nn.Sequential(linear(torch), torch.nn.ReLU())
    register = torch.nn.modules.module.register_module_full_backward_hook
    with register(lambda m, i, o: seen.append(type(m).__name__)):
        net(torch.ones(1, 2, requires_grad=True)).sum().backward()
    assert seen == ["ReLU", "Linear", "Sequential"]


def check_a_global_full_backward_pre_hook_replaces_the_gradient(torch):
    x = torch.ones(1, 2, requires_grad=True)
    register = torch.nn.modules.module.register_module_full_backward_pre_hook
    with register(lambda m, o: (o[0] * 3,)):
        linear(torch)(x).sum().backward()
    assert x.grad.tolist() == [[6, 6]]


def check_a_global_always_called_hook_sees_the_failure(torch):
    seen = []
    register = torch.nn.modules.module.register_module_forward_hook
    with register(lambda m, a, o: seen.append(o), always_call=True), pytest.raises(RuntimeError):
        linear(torch)(torch.ones(1, 3))
    assert seen == [None]


def check_a_parameter_registration_hook_sees_names(torch):
    seen = []
    register = torch.nn.modules.module.register_module_parameter_registration_hook
    with register(lambda m, name, p: seen.append(name)):
        torch.nn.Linear(2, 2)
    assert seen == ["weight", "bias"]


def check_a_buffer_registration_hook_replaces_the_buffer(torch):
    register = torch.nn.modules.module.register_module_buffer_registration_hook
    module = torch.nn.Module()
    with register(lambda m, name, b: b + 1):
        module.register_buffer("total", torch.zeros(2))
    assert module.total.tolist() == [1, 1]


def check_a_module_registration_hook_sees_names(torch):
    seen = []
    register = torch.nn.modules.module.register_module_module_registration_hook
    with register(lambda m, name, child: seen.append(name)):
        module = torch.nn.Module()
        module.child = torch.nn.ReLU()
        module.add_module("other", torch.nn.ReLU())
    assert seen == ["child", "other"]
