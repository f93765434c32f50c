"""Steps of training scripts as one native call: schedules, numbers, accumulation, clipping, EMA.

Each is a program that runs eagerly and compiled, side by side: all bits are equal after each call.
"""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from minigrad.nn import functional as F
from minigrad.optim import lr_scheduler
from tests.compiler.twins import bits


class Program:
    """A model, an optimizer, and what else the steps below use."""

    def __init__(self, make=optim.Adam, **settings):
        mg.manual_seed(3)
        self.model = nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 3))
        self.mean = nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 3))
        self.optimizer = make(self.model.parameters(), **{"lr": 0.01} | settings)
        self.other = optim.SGD(self.mean.parameters(), lr=0.1, momentum=0.5)
        self.group = self.optimizer.param_groups[0]
        self.after = lambda call: None

    def loss(self, x, y, model=None):
        return F.cross_entropy((model or self.model)(x), y)

    def train(self, x, y):
        self.optimizer.zero_grad()
        loss = self.loss(x, y)
        loss.backward()
        self.optimizer.step()
        return loss

    def left(self):
        """All that a step may change."""
        tensors = [*self.model.parameters(), *self.mean.parameters()]
        states = [s for o in (self.optimizer, self.other) for s in o._state.values()]
        numbers = [bits(v) for s in states for v in s.values() if isinstance(v, mg.Tensor)]
        settings = [[v for k, v in g.items() if k != "params"] for g in self.optimizer.param_groups]
        return [*map(bits, tensors), *[bits(t.grad) for t in tensors], numbers, repr(settings)]


def schedule(make, **settings):
    """A step with a schedule in it."""

    def build(program):
        scheduler = make(program.optimizer, **settings)

        def step(x, y):
            loss = program.train(x, y)
            scheduler.step()
            return loss

        return step

    return build


def schedule_after(make, **settings):
    """A step that a schedule follows."""

    def build(program):
        scheduler = make(program.optimizer, **settings)
        program.after = lambda call: scheduler.step()
        return program.train

    return build


def set_after(name, value):
    """A step after which a setting is changed."""

    def build(program):
        def change(call):
            program.group[name] = value(call)

        program.after = change
        return program.train

    return build


class Halving(lr_scheduler.LRScheduler):
    """A schedule of a user."""

    def get_lr(self):
        return [0.5 * lr if self.last_epoch % 7 == 3 else lr for lr in self._lrs()]


def tensor_rate(program):
    program.group["lr"] = mg.tensor(0.01)
    program.after = lambda call: program.group["lr"].fill_(0.01 / (1 + call))
    return program.train


SCHEDULES = {
    "exponential": schedule(lr_scheduler.ExponentialLR, gamma=0.97),
    "exponential after": schedule_after(lr_scheduler.ExponentialLR, gamma=0.97),
    "one cycle": schedule(lr_scheduler.OneCycleLR, max_lr=0.1, total_steps=60),
    "one cycle after": schedule_after(lr_scheduler.OneCycleLR, max_lr=0.1, total_steps=60),
    "step": schedule(lr_scheduler.StepLR, step_size=5),
    "warm restarts": schedule(lr_scheduler.CosineAnnealingWarmRestarts, T_0=6),
    "of a user": schedule(Halving),
    "betas": set_after("betas", lambda call: (0.5 + call / 200, 0.99)),
    "weight decay": set_after("weight_decay", lambda call: 0.001 * (1 + call)),
    "eps": set_after("eps", lambda call: 1e-8 * (1 + call % 3)),
    "rate as a tensor": tensor_rate,
}
OPTIMIZERS = {
    "AdamW": (optim.AdamW, {}),
    "SGD": (optim.SGD, {"momentum": 0.9, "weight_decay": 0.01}),
    "RAdam": (optim.RAdam, {}),
}


def batch(call, n=6):
    rng = np.random.default_rng(call)
    x, y = rng.standard_normal((n, 4)).astype(np.float32), rng.integers(0, 3, n)
    return mg.tensor(x), mg.tensor(y)


def compare(build, make=optim.Adam, calls=30, numbers=lambda call: (), **settings):
    """Run a step eagerly and compiled; the compiled one."""
    programs = [Program(make, **settings) for _ in range(2)]
    steps = [build(program) for program in programs]
    steps[1] = mg.compile(steps[1])
    for call in range(calls):
        found = []
        for program, step in zip(programs, steps, strict=True):
            out = step(*batch(call), *numbers(call))
            out = out if isinstance(out, tuple) else (out,)
            shown = [bits(o) if isinstance(o, mg.Tensor) else repr(o) for o in out]
            program.after(call)
            found.append([shown, program.left()])
        assert found[0] == found[1], call
    return steps[1]


def is_whole(step):
    """Whether the last call was one native one, with the optimizers' steps."""
    return step._whole is not None and step._whole.takes_step and not step._whole.is_stale


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedules_keep_the_step_native(name):
    step = compare(SCHEDULES[name])
    assert is_whole(step)
    assert step.recordings == 3


@pytest.mark.parametrize("kind", ["exponential", "one cycle", "step"])
@pytest.mark.parametrize("name", ["AdamW", "SGD", "RAdam"])
def test_optimizers_take_numbers_of_schedules(kind, name):
    make, settings = OPTIMIZERS[name]
    if kind == "one cycle" and name == "SGD":
        settings = settings | {"nesterov": True}
    assert is_whole(compare(SCHEDULES[kind], make, **settings))


def test_momentum_and_flags_may_change():
    """Another flag is another program: such a step is planned anew, and then native."""

    def build(program):
        def change(call):
            program.group["momentum"] = 0.5 + call / 100
            if call == 12:
                program.group["nesterov"] = True
            if call == 18:
                program.group["weight_decay"] = 0.1

        program.after = change
        return program.train

    step = compare(build, optim.SGD, 40, momentum=0.9)
    assert is_whole(step)
    assert step.recordings == 3


def plateau(program):
    scheduler = lr_scheduler.ReduceLROnPlateau(program.optimizer, patience=1)

    def step(x, y, metric):
        loss = program.train(x, y)
        scheduler.step(metric)
        return loss

    return step


def rate_given(program):
    def step(x, y, rate):
        for group in program.optimizer.param_groups:
            group["lr"] = rate
        return program.train(x, y)

    return step


def rate_written(program):
    def step(x, y):
        program.group["lr"] = 0.02
        loss = program.train(x, y)
        program.group["lr"] = 0.5
        return loss

    return step


def scaled(program):
    def step(x, y, scale, most):
        program.optimizer.zero_grad()
        (program.loss(x, y) * scale).backward()
        norm = nn.utils.clip_grad_norm_(program.model.parameters(), most)
        program.optimizer.step()
        return norm

    return step


NUMBERS = {
    "metric of a schedule": (plateau, lambda call: (1.0 + call % 4,), True),
    "rate that is given": (rate_given, lambda call: (0.01 / (1 + call),), False),
    "rate that is written": (rate_written, lambda call: (), False),
    "loss scale, norm": (scaled, lambda call: (2.0 + call, 0.1 + call / 9), True),
    "equal at first": (scaled, lambda call: (1.0 + (call > 9) * call, 1.0 + call % 7), True),
    "alike at first": (scaled, lambda call: (1.0 + call, 1.0 + call + (call > 9)), True),
}


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers_are_inputs(name):
    build, numbers, whole = NUMBERS[name]
    step = compare(build, numbers=numbers)
    assert step.replays > 12
    assert is_whole(step) or not whole


def item(program):
    return lambda x, y: program.train(x, y).item()


def several_items(program):
    def step(x, y):
        loss = program.train(x, y)
        return loss, loss.item(), loss.item()

    return step


def accumulated(program):
    def step(x, y):
        program.optimizer.zero_grad()
        for _ in range(2):
            loss = program.loss(x, y) / 2
            loss.backward()
        program.optimizer.step()
        return loss

    return step


def two_losses(program):
    def step(x, y):
        program.optimizer.zero_grad()
        first, second = program.loss(x, y), program.loss(x, y) / 3
        first.backward()
        second.backward()
        program.optimizer.step()
        return first, second

    return step


def zeroed(program):
    def step(x, y):
        program.optimizer.zero_grad(set_to_none=False)
        loss = program.loss(x, y)
        loss.backward()
        program.optimizer.step()
        return loss

    return step


def averaged(program):
    def step(x, y):
        loss = program.train(x, y)
        with mg.no_grad():
            pairs = zip(program.mean.parameters(), program.model.parameters(), strict=True)
            for mean, p in pairs:
                mean.mul_(0.9).add_(p, alpha=0.1)
        return loss.item()

    return step


def clipped(program):
    def step(x, y):
        program.optimizer.zero_grad()
        loss = program.loss(x, y)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(program.model.parameters(), 0.5)
        program.optimizer.step()
        return loss, norm

    return step


def two_optimizers(program):
    def step(x, y):
        program.optimizer.zero_grad()
        program.other.zero_grad()
        loss = program.loss(x, y) + program.loss(x, y, program.mean)
        loss.backward()
        program.optimizer.step()
        program.other.step()
        return loss

    return step


def in_turns(program):
    def step(x, y):
        losses = []
        for optimizer, model in (
            (program.optimizer, program.model), (program.other, program.mean),
        ):  # fmt: skip
            optimizer.zero_grad()
            loss = program.loss(x, y, model)
            loss.backward()
            optimizer.step()
            losses.append(loss)
        return losses[0], losses[1]

    return step


def added_up(program):
    """Gradients of four calls are added up; then the optimizer steps, outside."""

    def step(x, y):
        loss = program.loss(x, y) / 4
        loss.backward()
        return loss

    def after(call):
        if call % 4 == 3:
            program.optimizer.step()
            program.optimizer.zero_grad()

    program.after = after
    return step


KINDS = {
    "item": item, "several items": several_items, "accumulated": accumulated,
    "two losses": two_losses, "zeroed": zeroed, "averaged": averaged, "clipped": clipped,
    "two optimizers": two_optimizers, "in turns": in_turns,
}  # fmt: skip


@pytest.mark.parametrize("name", KINDS)
def test_common_steps_are_native(name):
    step = compare(KINDS[name])
    assert is_whole(step), step.explain()


def test_gradients_that_calls_add_up_are_native():
    step = compare(added_up, calls=60)
    whole = step._whole
    assert whole is not None
    assert not whole.is_stale


@pytest.mark.parametrize("size", [1, 7, 8191, 8192, 8200, 70_000, 150_001])
@pytest.mark.parametrize("dtype", [mg.float32, mg.float64])
def test_norms_of_gradients_are_those_of_eager(size, dtype):
    mg.manual_seed(0)
    tensors = [mg.randn(size, dtype=dtype), mg.randn(3, 5, dtype=dtype), mg.randn((), dtype=dtype)]
    norm = mg.compile(lambda *given: nn.utils.get_total_norm(given) * 1.0 + 0.0 - 0.0)
    for _ in range(4):
        found, expected = norm(*tensors), nn.utils.get_total_norm(tensors)
        assert bits(found) == bits(expected)
    assert norm.replays == 2
