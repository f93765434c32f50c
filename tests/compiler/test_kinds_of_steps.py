"""Steps of training scripts as one native call: schedules, numbers, accumulation, clipping, EMA.

Each is a program that runs eagerly and compiled, side by side: all bits are equal after each call.
"""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from minigrad.nn import functional as F
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
    return (
        step._recent.first is not None
        and step._recent.first.takes_step
        and not step._recent.first.is_stale
    )


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
    whole = step._recent.first
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


def test_views_follow_an_argument_that_moves():
    compiled = mg.compile(lambda a: a.reshape(2, 2).t().exp() + a.view(4, 1)[1:3])
    memory = mg.arange(40.0)
    for start in (0, 0, 0, 0, 4, 11, 2):
        a = memory[start : start + 4]
        assert mg.equal(compiled(a), a.reshape(2, 2).t().exp() + a.view(4, 1)[1:3])
    assert compiled.replays == 5
