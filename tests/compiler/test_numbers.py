"""Numbers that change from call to call are inputs of a native step: settings, scales, limits."""

import pytest

import minigrad as mg
from minigrad import nn, optim
from minigrad.optim import lr_scheduler
from tests.compiler.test_kinds_of_steps import Program, batch, compare, is_whole


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


def test_the_scale_of_a_scaler_is_looked_at():
    scaler = mg.amp.GradScaler("cpu", init_scale=2.0)
    compiled = mg.compile(lambda x: scaler.scale(x.exp()))
    x = mg.ones(3)
    for scale in (2.0, 4.0, 2.0):
        scaler.update(scale)
        for _ in range(5):
            assert mg.equal(compiled(x), x.exp() * scale)
    assert compiled.replays > 8


def test_settings_of_another_kind_run_as_they_are_written():
    program = Program()

    def step(x, y):
        program.group["note"] = object()
        return program.train(x, y)

    compiled = mg.compile(step)
    with pytest.warns(UserWarning, match="it changes the groups of an optimizer"):
        compiled(*batch(0))
    for call in range(5):
        compiled(*batch(call))
    assert compiled.replays == 0
