"""Steps that repeat the one before, against an optimizer that plans each step anew."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim


@optim.rule
def now_and_then(theta, g, m, c, t, *, lr=0.01, every=3):
    m = 0.9 * m + g
    if t % every == 1:
        c = c + m * m
    if t > 7:
        m = 0.5 * m
    return theta - lr * m / (1 + c), m, c


class NowAndThen(optim.RuleOptimizer, rule=now_and_then):
    """A state of which changes in every third step alone."""


Centralized = optim.chain(optim.centralize(), optim.scale_by_adam(), lr=0.01)

OPTIMIZERS = {
    "Adam": lambda params: optim.Adam(params, lr=0.01),
    "AdamW": lambda params: optim.AdamW(params, lr=0.01, amsgrad=True),
    "SGD": lambda params: optim.SGD(params, lr=0.01),
    "momentum": lambda params: optim.SGD(params, lr=0.01, momentum=0.9, nesterov=True),
    "Rprop": lambda params: optim.Rprop(params, lr=0.01),
    "LAMB": lambda params: optim.LAMB(params, lr=0.01),
    "NAdam": lambda params: optim.NAdam(params, lr=0.01),
    "ASGD": lambda params: optim.ASGD(params, lr=0.01, t0=3),
    "Ranger": lambda params: optim.Ranger(params, lr=0.01, k=2),
    "every third": NowAndThen,
    "centralized": Centralized,
    "schedule-free": lambda params: optim.AdamWScheduleFree(params, lr=0.01, warmup_steps=8),
}


def fill_gradients(params, seed):
    rng = np.random.default_rng(seed)
    for p in params:
        p.grad = mg.tensor(rng.standard_normal(p.shape), dtype=p.dtype)


class Pair:
    """An optimizer, and one that never repeats a step, over equal parameters."""

    def __init__(self, make):
        mg.manual_seed(0)
        self.params, self.others = (
            [nn.Parameter(mg.arange(12.0).reshape(3, 4)), nn.Parameter(mg.ones(5))] for _ in "ab"
        )
        self.optimizers = make(self.params), make(self.others)
        self.steps = 0

    def step(self, count=3):
        for _ in range(count):
            self.steps += 1
            for params, optimizer in zip((self.params, self.others), self.optimizers, strict=True):
                fill_gradients([p for p in params if p.requires_grad], self.steps)
                optimizer._repeated = optimizer._repeated if params is self.params else None
                optimizer.step()
            for p, q in zip(self.params, self.others, strict=True):
                assert p.array.tobytes() == q.array.tobytes(), f"step {self.steps}"
                assert p._version == q._version

    def change(self, change):
        for params, optimizer in zip((self.params, self.others), self.optimizers, strict=True):
            change(params, optimizer)


def set_setting(name, value):
    return lambda params, optimizer: optimizer.param_groups[0].update({name: value})


def change_memory(params, optimizer):
    params[0].data = mg.full((3, 4), 2.0)


def change_state(params, optimizer):
    for entry in optimizer.state.values():
        for name, value in entry.items():
            value.fill_(7.0 if name == "step" else 0.5)


def change_one_count(params, optimizer):
    entry = optimizer.state[params[0]]
    if "step" in entry:
        entry["step"] = mg.tensor(40.0)


def add_group(params, optimizer):
    params.append(nn.Parameter(mg.ones(2)))
    optimizer.add_param_group({"params": [params[-1]], "lr": 0.5})


def freeze(params, optimizer):
    params[1].requires_grad_(False)
    params[1].grad = None


def reload(params, optimizer):
    optimizer.load_state_dict(optimizer.state_dict())


def forget_parameter(params, optimizer):
    del optimizer.param_groups[0]["params"][1]


def move_parameter(params, optimizer):
    optimizer.add_param_group({"params": [nn.Parameter(mg.ones(2))], "lr": 0.5})
    params.append(optimizer.param_groups[1]["params"][0])
    for seed in range(3):
        fill_gradients(params, seed)
        optimizer.step()
    optimizer.param_groups[1]["params"].insert(0, optimizer.param_groups[0]["params"].pop())


CHANGES = {
    "nothing": lambda params, optimizer: None,
    "lr": set_setting("lr", 0.2), "maximize": set_setting("maximize", True),
    "lr tensor": set_setting("lr", mg.tensor(0.3)),
    "memory": change_memory, "state": change_state, "one count": change_one_count,
    "group": add_group, "frozen": freeze, "reloaded": reload, "removed": forget_parameter,
    "moved": move_parameter,
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_change_between_steps_counts(name, change):
    pair = Pair(OPTIMIZERS[name])
    pair.step(5)
    pair.change(CHANGES[change])
    pair.step(5)
    pair.change(CHANGES["lr"])
    pair.step()


def test_a_tensor_or_list_that_is_changed_in_place_counts():
    for name, value, change in (
        ("lr", mg.tensor(0.1), lambda lr: lr.fill_(0.5)),
        ("betas", [0.9, 0.99], lambda betas: betas.__setitem__(0, 0.1)),
    ):
        pair = Pair(OPTIMIZERS["Adam"])
        values = iter([value, value.clone() if name == "lr" else list(value)])
        both = []

        def give(params, optimizer, name=name, values=values, both=both):
            both.append(next(values))
            optimizer.param_groups[0][name] = both[-1]

        pair.change(give)
        pair.step()
        for each in both:
            change(each)
        pair.step()


def test_long_runs_go_beyond_what_was_traced_ahead():
    for name in ("Adam", "SGD"):
        Pair(OPTIMIZERS[name]).step(200)


@pytest.mark.parametrize("name", ["NAdam", "ASGD", "schedule-free"])
def test_numbers_that_follow_one_another_need_no_plan(name):
    pair = Pair(OPTIMIZERS[name])
    pair.step(20)
    optimizer = pair.optimizers[0]
    fill_gradients(pair.params, 0)
    assert optimizer._repeated.take(optimizer.param_groups, optimizer._state, False)


def test_a_gradient_that_does_not_fit_changes_nothing():
    params = [nn.Parameter(mg.ones(3)), nn.Parameter(mg.ones(2))]
    optimizer = optim.Adam(params)
    for seed in range(4):
        fill_gradients(params, seed)
        optimizer.step()
    assert optimizer._repeated is not None
    before = [p.array.copy() for p in params]
    params[1].grad.array = np.ones(3, np.float32)
    with pytest.raises(RuntimeError, match="does not fit"):
        optimizer.step()
    assert all(np.array_equal(p.array, b) for p, b in zip(params, before, strict=True))
    fill_gradients(params, 9)
    optimizer.step()


def test_hooks_are_called_around_repeated_steps():
    params = [nn.Parameter(mg.ones(3))]
    optimizer, calls = optim.SGD(params, lr=0.1), []
    for seed in range(3):
        fill_gradients(params, seed)
        optimizer.step()
    optimizer.register_step_pre_hook(lambda *_: calls.append("before"))
    optimizer.register_step_post_hook(lambda *_: calls.append("after"))
    optimizer.step()
    assert calls == ["before", "after"]
