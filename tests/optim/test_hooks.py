"""Hooks of an optimizer, and optimizers that users derive."""

import numpy as np

import minigrad as mg
from minigrad import optim
from minigrad.tensor.creation import from_numpy
from tests.support.optim.table import parameters


def test_hooks_run_in_torchs_order_and_can_be_removed():
    (p,) = parameters([np.ones(1)])
    p.grad = from_numpy(np.ones(1))
    optimizer, seen = optim.SGD([p]), []
    handles = [
        optimizer.register_step_pre_hook(lambda o, args, kwargs: seen.append("before")),
        optimizer.register_step_post_hook(lambda o, args, kwargs: seen.append("after")),
        optimizer.register_state_dict_pre_hook(lambda o: seen.append("saving")),
        optimizer.register_state_dict_post_hook(lambda o, state: {**state, "extra": 1}),
        optimizer.register_load_state_dict_pre_hook(lambda o, state: seen.append("second")),
        optimizer.register_load_state_dict_pre_hook(
            lambda o, state: seen.append("first"), prepend=True
        ),
        optimizer.register_load_state_dict_post_hook(lambda o: seen.append("loaded")),
    ]
    optimizer.step()
    state = optimizer.state_dict()
    assert state["extra"] == 1
    optimizer.load_state_dict(state)
    assert seen == ["before", "after", "saving", "first", "second", "loaded"]
    for handle in handles:
        handle.remove()
    optimizer.step()
    assert "extra" not in optimizer.state_dict()
    assert len(seen) == 6


def test_a_users_step_on_the_base_class():
    class Signed(optim.Optimizer):
        def __init__(self, params, lr=0.25):
            super().__init__(params, {"lr": lr})

        def step(self, closure=None):
            with mg.no_grad():
                for group in self.param_groups:
                    for p in group["params"]:
                        p.sub_(group["lr"] * p.grad.sign())

    (p,) = parameters([np.ones(2, np.float32)])
    p.grad = mg.tensor([3.0, -3.0])
    calls = []
    optimizer = Signed([p])
    optimizer.register_step_post_hook(lambda *_: calls.append(1))
    optimizer.step()
    assert p.tolist() == [0.75, 1.25]
    assert calls == [1]


def test_hooks_run_once_where_a_step_calls_the_step_it_replaces():
    class Counting(optim.SGD):
        def step(self, closure=None):
            return super().step(closure)

    (p,) = parameters([np.ones(1)])
    p.grad = from_numpy(np.ones(1))
    optimizer, calls = Counting([p], lr=0.5), []
    optimizer.register_step_pre_hook(lambda *_: calls.append("pre"))
    optimizer.register_step_post_hook(lambda *_: calls.append("post"))
    optimizer.step()
    assert calls == ["pre", "post"]
    assert p.item() == 0.5
