"""Optimizers: groups, states, hooks, copies, subclasses and wrappers."""

import copy
import importlib

import pytest


def param(torch, *values):
    return torch.nn.Parameter(torch.tensor(values or (1.0, 2.0)))


def stepped(torch, optimizer, times=1):
    for _ in range(times):
        for group in optimizer.param_groups:
            for p in group["params"]:
                p.grad = torch.ones_like(p)
        optimizer.step()
    return optimizer


# --- construction ---------------------------------------------------------------------------------


def check_no_parameters_are_refused(torch):
    with pytest.raises(ValueError, match="optimizer got an empty parameter list"):
        torch.optim.SGD([], lr=1.0)


def check_a_single_tensor_is_refused(torch):
    with pytest.raises(
        TypeError, match="params argument given to the optimizer should be an iterable"
    ):
        torch.optim.SGD(param(torch), lr=1.0)


def check_numbers_are_refused(torch):
    with pytest.raises(TypeError, match="optimizer can only optimize Tensors"):
        torch.optim.SGD([1.0], lr=1.0)


def check_sets_are_refused(torch):
    with pytest.raises(TypeError, match=r"ordered collections|sets? ha[sd] no"):
        torch.optim.SGD([{"params": {param(torch)}}], lr=1.0)


def check_results_are_refused(torch):
    with pytest.raises(ValueError, match="can't optimize a non-leaf Tensor"):
        torch.optim.SGD([param(torch) * 2], lr=1.0)


def check_a_negative_rate_is_invalid(torch):
    for name in (
        "SGD",
        "Adam",
        "AdamW",
        "RMSprop",
        "Adagrad",
        "Adadelta",
        "Adamax",
        "NAdam",
        "RAdam",
    ):
        with pytest.raises(ValueError, match=r"Invalid learning rate: -1"):
            getattr(torch.optim, name)([param(torch)], lr=-1.0)


def check_invalid_settings_are_named(torch):
    p = [param(torch)]
    with pytest.raises(ValueError, match=r"Invalid momentum value: -1"):
        torch.optim.SGD(p, lr=1.0, momentum=-1.0)
    with pytest.raises(ValueError, match=r"Invalid weight_decay value: -1"):
        torch.optim.SGD(p, lr=1.0, weight_decay=-1.0)
    with pytest.raises(ValueError, match=r"Invalid beta parameter at index 0: 1.0"):
        torch.optim.Adam(p, betas=(1.0, 0.9))
    with pytest.raises(ValueError, match=r"Invalid beta parameter at index 1: -0.5"):
        torch.optim.Adam(p, betas=(0.9, -0.5))
    with pytest.raises(ValueError, match=r"Invalid epsilon value: -1"):
        torch.optim.Adam(p, eps=-1.0)
    with pytest.raises(ValueError, match=r"Invalid rho value: 2"):
        torch.optim.Adadelta(p, rho=2.0)


def check_nesterov_needs_momentum(torch):
    with pytest.raises(
        ValueError, match="Nesterov momentum requires a momentum and zero dampening"
    ):
        torch.optim.SGD([param(torch)], lr=1.0, nesterov=True)


def check_an_unknown_setting_is_a_type_error(torch):
    with pytest.raises(TypeError, match="unexpected keyword argument 'beta'"):
        torch.optim.Adam([param(torch)], beta=0.9)


def check_a_generator_of_parameters_is_taken(torch):
    layer = torch.nn.Linear(2, 1)
    assert len(torch.optim.SGD(layer.parameters(), lr=1.0).param_groups[0]["params"]) == 2


def check_settings_of_a_group_override_defaults(torch):
    a, b = param(torch), param(torch)
    o = torch.optim.SGD([{"params": [a]}, {"params": b, "lr": 0.5}], lr=0.1, momentum=0.9)
    assert [g["lr"] for g in o.param_groups] == [0.1, 0.5]
    assert [g["momentum"] for g in o.param_groups] == [0.9, 0.9]
    assert o.param_groups[1]["params"] == [b]


def check_groups_keep_keys_of_users(torch):
    o = torch.optim.SGD([{"params": [param(torch)], "name": "head"}], lr=0.1)
    assert o.param_groups[0]["name"] == "head"
    assert o.state_dict()["param_groups"][0]["name"] == "head"


def check_a_parameter_in_two_groups_is_refused(torch):
    p = param(torch)
    with pytest.raises(ValueError, match="some parameters appear in more than one parameter group"):
        torch.optim.SGD([{"params": [p]}, {"params": [p]}], lr=1.0)


def check_add_param_group_takes_dicts_only(torch):
    o = torch.optim.SGD([param(torch)], lr=1.0)
    with pytest.raises(TypeError):
        o.add_param_group([param(torch)])
    o.add_param_group({"params": param(torch), "lr": 3.0})
    assert o.param_groups[1]["lr"] == 3


def check_named_parameters_are_remembered(torch):
    layer = torch.nn.Linear(2, 1)
    o = torch.optim.SGD(layer.named_parameters(), lr=1.0)
    assert o.param_groups[0]["param_names"] == ["weight", "bias"]
    assert o.state_dict()["param_groups"][0]["param_names"] == ["weight", "bias"]
    with pytest.raises(ValueError, match="names"):
        o.add_param_group({"params": [param(torch)]})


def check_defaults_are_kept(torch):
    o = torch.optim.Adam([param(torch)], lr=0.5)
    assert o.defaults["lr"] == 0.5
    assert o.defaults["betas"] == (0.9, 0.999)
    assert "params" not in o.defaults


def check_repr_lists_the_groups(torch):
    text = repr(torch.optim.SGD([param(torch)], lr=0.5, momentum=0.25))
    assert text.startswith("SGD (\nParameter Group 0\n    dampening: 0\n")
    assert "\n    lr: 0.5\n" in text
    assert text.endswith("\n)")


# --- steps ----------------------------------------------------------------------------------------


def check_a_closure_gives_the_loss(torch):
    p = param(torch)
    o = torch.optim.SGD([p], lr=0.1)

    def closure():
        o.zero_grad()
        loss = (p * p).sum()
        loss.backward()
        return loss

    assert o.step(closure).item() == 5
    assert torch.is_grad_enabled()
    with torch.no_grad():
        assert o.step(closure).requires_grad


def check_parameters_without_gradient_are_left(torch):
    a, b = param(torch), param(torch)
    o = torch.optim.Adam([a, b])
    a.grad = torch.ones(2)
    o.step()
    assert torch.equal(b.detach(), torch.tensor([1.0, 2.0]))
    assert b not in o.state


def check_maximize_turns_the_step_around(torch):
    p = param(torch, 1.0)
    stepped(torch, torch.optim.SGD([p], lr=0.5, maximize=True))
    assert p.item() == 1.5


def check_a_rate_can_be_a_tensor(torch):
    p = param(torch, 1.0)
    lr = torch.tensor(0.5)
    o = torch.optim.SGD([p], lr=lr)
    stepped(torch, o)
    assert p.item() == 0.5
    lr.fill_(0.25)
    stepped(torch, o)
    assert p.item() == 0.25


def check_rates_change_between_steps(torch):
    p = param(torch, 1.0)
    o = stepped(torch, torch.optim.SGD([p], lr=0.5))
    o.param_groups[0]["lr"] = 0.25
    stepped(torch, o)
    assert p.item() == 0.25


def check_zero_grad_drops_or_zeroes(torch):
    p = param(torch)
    o = torch.optim.SGD([p], lr=1.0)
    p.grad = torch.ones(2)
    kept = p.grad
    o.zero_grad(set_to_none=False)
    assert p.grad is kept
    assert kept.sum().item() == 0
    o.zero_grad()
    assert p.grad is None


def check_a_step_changes_parameters_in_place(torch):
    p = param(torch)
    before, version = p.data_ptr(), p._version
    stepped(torch, torch.optim.Adam([p]))
    assert p.data_ptr() == before
    assert p._version > version


def check_a_parameter_changed_by_a_step_cannot_be_used_backward(torch):
    p = param(torch)
    loss = (p * p).sum()
    stepped(torch, torch.optim.SGD([p], lr=0.5))
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


# --- hooks ----------------------------------------------------------------------------------------


def check_step_hooks_run_around_a_step(torch):
    seen = []
    o = torch.optim.SGD([param(torch)], lr=1.0)
    first = o.register_step_pre_hook(lambda opt, args, kwargs: seen.append(("pre", opt is o)))
    o.register_step_post_hook(lambda opt, args, kwargs: seen.append(("post", args[1:])))
    o.step()
    assert seen == [("pre", True), ("post", ())]
    first.remove()
    o.step()
    assert len(seen) == 3


def check_step_pre_hooks_replace_arguments(torch):
    calls = []
    o = torch.optim.SGD([param(torch)], lr=1.0)
    o.register_step_pre_hook(lambda opt, args, kwargs: ((args[0], lambda: calls.append(1)), {}))
    o.step()
    assert calls == [1]


def check_step_pre_hooks_return_two_things_or_none(torch):
    o = torch.optim.SGD([param(torch)], lr=1.0)
    o.register_step_pre_hook(lambda opt, args, kwargs: 3)
    with pytest.raises(RuntimeError, match="new_args, new_kwargs"):
        o.step()


def check_global_step_hooks_see_every_optimizer(torch):
    seen = []
    hooks = importlib.import_module(f"{torch.__name__}.optim.optimizer")
    handles = [
        hooks.register_optimizer_step_pre_hook(lambda o, a, k: seen.append("pre")),
        hooks.register_optimizer_step_post_hook(lambda o, a, k: seen.append(type(o).__name__)),
    ]
    try:
        torch.optim.SGD([param(torch)], lr=1.0).step()
        torch.optim.Adam([param(torch)]).step()
    finally:
        for handle in handles:
            handle.remove()
    torch.optim.SGD([param(torch)], lr=1.0).step()
    assert seen == ["pre", "SGD", "pre", "Adam"]


def check_state_dict_hooks(torch):
    seen = []
    o = torch.optim.SGD([param(torch)], lr=1.0)
    o.register_state_dict_pre_hook(lambda opt: seen.append("pre"))
    o.register_state_dict_post_hook(lambda opt, state: {**state, "more": 1})
    assert o.state_dict()["more"] == 1
    assert seen == ["pre"]


def check_load_state_dict_hooks(torch):
    seen = []
    o = torch.optim.SGD([param(torch)], lr=1.0)

    def double(opt, state):
        state["param_groups"][0]["lr"] *= 2
        return state

    o.register_load_state_dict_pre_hook(double)
    o.register_load_state_dict_post_hook(lambda opt: seen.append(opt.param_groups[0]["lr"]))
    o.load_state_dict(copy.deepcopy(o.state_dict()))
    assert seen == [2]


def check_hooks_can_be_put_first(torch):
    seen = []
    o = torch.optim.SGD([param(torch)], lr=1.0)
    o.register_state_dict_pre_hook(lambda opt: seen.append(2))
    o.register_state_dict_pre_hook(lambda opt: seen.append(1), prepend=True)
    o.state_dict()
    assert seen == [1, 2]
