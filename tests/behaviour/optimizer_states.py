"""Optimizers: states, copies, subclasses and wrappers."""

import copy
import pickle

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


# --- states ---------------------------------------------------------------------------------------


def check_a_state_numbers_parameters(torch):
    o = stepped(torch, torch.optim.Adam([param(torch), param(torch)]))
    state = o.state_dict()
    assert sorted(state) == ["param_groups", "state"]
    assert list(state["state"]) == [0, 1]
    assert set(state["state"][0]) == {"step", "exp_avg", "exp_avg_sq"}
    assert state["param_groups"][0]["params"] == [0, 1]
    assert state["state"][0]["step"].item() == 1


def check_a_loaded_state_goes_on_equally(torch):
    for name, settings in (("SGD", {"lr": 0.1, "momentum": 0.9}), ("Adam", {}), ("RMSprop", {})):
        a, b = param(torch), param(torch)
        first = stepped(torch, getattr(torch.optim, name)([a], **settings), 3)
        with torch.no_grad():
            b.copy_(a)
        second = getattr(torch.optim, name)([b], **settings)
        second.load_state_dict(copy.deepcopy(first.state_dict()))
        stepped(torch, first, 2)
        stepped(torch, second, 2)
        assert torch.equal(a, b)


def check_loading_refuses_other_groups(torch):
    state = torch.optim.SGD([param(torch)], lr=1.0).state_dict()
    o = torch.optim.SGD([{"params": [param(torch)]}, {"params": [param(torch)]}], lr=1.0)
    with pytest.raises(
        ValueError, match="loaded state dict has a different number of parameter groups"
    ):
        o.load_state_dict(state)


def check_loading_refuses_groups_of_other_sizes(torch):
    state = torch.optim.SGD([param(torch)], lr=1.0).state_dict()
    o = torch.optim.SGD([param(torch), param(torch)], lr=1.0)
    with pytest.raises(
        ValueError,
        match="contains a parameter group that doesn't match the size of optimizer's group",
    ):
        o.load_state_dict(state)


def check_states_are_cast_to_their_parameter(torch):
    o = stepped(torch, torch.optim.Adam([param(torch)]))
    p = torch.nn.Parameter(torch.ones(2, dtype=torch.float64))
    twin = torch.optim.Adam([p])
    twin.load_state_dict(o.state_dict())
    assert twin.state[p]["exp_avg"].dtype == torch.float64
    assert twin.state[p]["step"].dtype == torch.float32


def check_keys_of_users_in_a_state_are_saved_and_loaded(torch):
    p = param(torch)
    o = stepped(torch, torch.optim.Adam([p]))
    o.state[p]["mine"] = torch.ones(3)
    o.state[p]["count"] = 3
    state = copy.deepcopy(o.state_dict())
    o.load_state_dict(state)
    assert o.state[p]["mine"].tolist() == [1, 1, 1]
    assert o.state[p]["count"] == 3
    stepped(torch, o)
    assert o.state[p]["step"].item() == 2


def check_keys_of_users_beside_parameters_are_kept(torch):
    o = stepped(torch, torch.optim.Adam([param(torch)]))
    o.state["global"]["count"] = 3
    twin = torch.optim.Adam([param(torch)])
    twin.load_state_dict(o.state_dict())
    assert twin.state["global"] == {"count": 3}


def check_settings_of_a_loaded_state_win(torch):
    o = torch.optim.Adam([param(torch)], lr=0.5)
    twin = torch.optim.Adam([param(torch)], lr=0.1)
    twin.load_state_dict(o.state_dict())
    assert twin.param_groups[0]["lr"] == 0.5


# --- copies ---------------------------------------------------------------------------------------


def check_optimizers_are_copied_with_their_module(torch):
    layer = torch.nn.Linear(2, 1)
    o = stepped(torch, torch.optim.Adam(layer.parameters()))
    twin_layer, twin = copy.deepcopy((layer, o))
    assert twin.param_groups[0]["params"][0] is twin_layer.weight
    assert twin.state[twin_layer.weight]["step"].item() == 1
    stepped(torch, twin)
    assert o.state[layer.weight]["step"].item() == 1


def check_optimizers_are_pickled(torch):
    o = stepped(torch, torch.optim.Adam([param(torch)], lr=0.25), 2)
    twin = pickle.loads(pickle.dumps(o))
    p = twin.param_groups[0]["params"][0]
    assert twin.param_groups[0]["lr"] == 0.25
    assert twin.state[p]["step"].item() == 2
    stepped(torch, twin)
    assert twin.state[p]["step"].item() == 3


def check_a_copied_optimizer_has_its_own_state_dict_hooks(torch):
    o = torch.optim.SGD([param(torch)], lr=1.0)
    o.register_step_post_hook(lambda *a: None)
    twin = copy.deepcopy(o)
    twin.step()
    assert repr(twin) == repr(o)


# --- subclasses and wrappers ----------------------------------------------------------------------


def check_a_subclass_passes_all_arguments_on(torch):
    for name in ("SGD", "Adam", "LBFGS", "Adafactor"):

        class Mine(getattr(torch.optim, name)):
            def __init__(self, *args, extra=3, **kwargs):
                super().__init__(*args, **kwargs)
                self.extra = extra

        o = Mine([param(torch)], lr=0.5, extra=4)
        assert o.extra == 4
        assert o.param_groups[0]["lr"] == 0.5


def check_a_subclass_adds_a_setting_to_its_groups(torch):
    class Scaled(torch.optim.SGD):
        def __init__(self, params, lr=0.1, scale=2.0):
            super().__init__(params, lr=lr)
            self.defaults["scale"] = scale
            for group in self.param_groups:
                group.setdefault("scale", scale)

        def step(self, closure=None):
            for group in self.param_groups:
                for p in group["params"]:
                    p.grad.mul_(group["scale"])
            return super().step(closure)

    p = param(torch, 1.0)
    o = stepped(torch, Scaled([p], lr=0.25))
    assert p.item() == 0.5
    twin = Scaled([p])
    twin.load_state_dict(o.state_dict())
    assert twin.param_groups[0]["scale"] == 2


def check_a_subclass_of_lbfgs_has_a_step_of_its_own(torch):
    class Counting(torch.optim.LBFGS):
        def __init__(self, params, *args, **kwargs):
            super().__init__(params, *args, **kwargs)
            self.steps = 0

        def step(self, closure):
            self.steps += 1
            return super().step(closure)

    p = param(torch, 3.0)
    o = Counting([p], 0.5, max_iter=4)

    def closure():
        o.zero_grad()
        loss = (p * p).sum()
        loss.backward()
        return loss

    o.step(closure)
    assert o.steps == 1
    assert abs(p.item()) < 3


def check_an_optimizer_from_scratch(torch):
    class Plain(torch.optim.Optimizer):
        def __init__(self, params, lr=0.5):
            super().__init__(params, {"lr": lr})

        @torch.no_grad()
        def step(self, closure=None):
            for group in self.param_groups:
                for p in group["params"]:
                    state = self.state[p]
                    state["step"] = state.get("step", 0) + 1
                    p.add_(p.grad, alpha=-group["lr"])

    p = param(torch, 1.0)
    o = stepped(torch, Plain([p]))
    assert p.item() == 0.5
    assert o.state_dict()["state"] == {0: {"step": 1}}
    twin = Plain([p])
    twin.load_state_dict(o.state_dict())
    assert twin.state[p] == {"step": 1}


def check_the_base_class_does_not_step(torch):
    with pytest.raises(NotImplementedError):
        torch.optim.Optimizer([param(torch)], {}).step()


def check_setstate_of_a_subclass_is_called_when_a_state_is_loaded(torch):
    class Newer(torch.optim.SGD):
        def __setstate__(self, state):
            super().__setstate__(state)
            for group in self.param_groups:
                group.setdefault("added", True)

    o = Newer([param(torch)], lr=0.1)
    o.load_state_dict(o.state_dict())
    assert o.param_groups[0]["added"]


def check_wrapped_optimizers_share_their_groups(torch):
    p = param(torch, 1.0)
    base = torch.optim.SGD([p], lr=0.5)
    wrapper = torch.optim.Optimizer(base.param_groups, {"k": 5})
    assert wrapper.param_groups[0] is base.param_groups[0]
    wrapper.param_groups[0]["lr"] = 0.25
    stepped(torch, base)
    assert p.item() == 0.75


def lookahead(torch):
    class Lookahead(torch.optim.Optimizer):
        """As published: it does not call the constructor of its base class."""

        def __init__(self, base, k=2, alpha=0.5):
            self.base, self.k, self.alpha = base, k, alpha
            self.param_groups = base.param_groups
            self.defaults = base.defaults
            self.state = base.state
            self.count = 0
            self.slow = [[p.detach().clone() for p in g["params"]] for g in self.param_groups]

        def step(self, closure=None):
            loss = self.base.step(closure)
            self.count += 1
            if self.count % self.k == 0:
                for group, slow in zip(self.param_groups, self.slow, strict=True):
                    for p, q in zip(group["params"], slow, strict=True):
                        q.add_(p.detach() - q, alpha=self.alpha)
                        p.data.copy_(q)
            return loss

    return Lookahead


def check_lookahead_steps_around_another_optimizer(torch):
    p = param(torch, 1.0)
    o = lookahead(torch)(torch.optim.SGD([p], lr=0.25))
    stepped(torch, o, 2)
    assert p.item() == 0.75
    o.zero_grad()
    assert p.grad is None
    assert repr(o).startswith("Lookahead (")


def check_a_scheduler_takes_a_wrapper(torch):
    base = torch.optim.SGD([param(torch)], lr=1.0)
    o = lookahead(torch)(base)
    scheduler = torch.optim.lr_scheduler.StepLR(o, 1, gamma=0.5)
    stepped(torch, o)
    scheduler.step()
    assert base.param_groups[0]["lr"] == 0.5


def check_sharpness_aware_minimization_as_published(torch):
    class SAM(torch.optim.Optimizer):
        def __init__(self, params, base_optimizer, rho=0.05, **kwargs):
            super().__init__(params, {"rho": rho, **kwargs})
            self.base_optimizer = base_optimizer(self.param_groups, **kwargs)
            self.param_groups = self.base_optimizer.param_groups
            self.defaults.update(self.base_optimizer.defaults)

        @torch.no_grad()
        def first_step(self):
            for group in self.param_groups:
                for p in group["params"]:
                    self.state[p]["old_p"] = p.data.clone()
                    p.add_(p.grad, alpha=group["rho"])

        @torch.no_grad()
        def step(self, closure=None):
            closure = torch.enable_grad()(closure)
            self.first_step()
            closure()
            for group in self.param_groups:
                for p in group["params"]:
                    p.data = self.state[p]["old_p"]
            self.base_optimizer.step()

    p = param(torch, 2.0)
    o = SAM([p], torch.optim.SGD, rho=0.5, lr=0.25)

    def closure():
        o.zero_grad()
        loss = (p * p).sum()
        loss.backward()
        return loss

    closure()
    o.step(closure)
    assert p.item() == 2 - 0.25 * 2 * (2 + 0.5 * 4)
