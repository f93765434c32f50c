"""Looking ahead: one trace for many steps gives the scalars of each step."""

import numpy as np
import pytest
from numpy import maximum, sqrt

from minigrad import optim
from minigrad.optim import RuleOptimizer
from minigrad.optim.fused.rule import rule
from minigrad.tensor.creation import from_numpy
from tests.support.optim.rules import parameter, stepped


def test_a_branch_on_the_step_count_is_taken_when_its_time_comes():
    @rule
    def warm(theta, g, t, *, lr=1.0):
        return theta - lr * g if t > 2 else theta

    class Warm(RuleOptimizer, rule=warm):
        """Waits two steps."""

    assert stepped(Warm, np.zeros(1), [np.ones(1)] * 5).tolist() == [-3.0]


@rule
def counting(theta, g, m, t, *, lr=0.1, beta=0.9, turn=70, warm=20):
    rate = lr * min(1, t / warm)
    if t > turn:
        rate = -rate * sqrt(t - turn)
    m = beta * m + (1 - beta) * maximum(g, 1 / t) ** (1 + t % 2)
    return theta - rate * m / (1 - beta**t), m


class Counting(RuleOptimizer, rule=counting):
    """Asks much of the step count: Adam's correction, a branch, a power that comes and goes."""


@pytest.mark.parametrize("scheduled", [(), (30, 31, 32, 100), range(150)])
def test_looking_ahead_gives_the_scalars_that_each_step_would_have_found(scheduled):
    rng = np.random.default_rng(0)
    theta, m, lr = rng.standard_normal(5), np.zeros(5), 0.1
    x = parameter(theta)
    optimizer = Counting([x], lr=lr)
    for t in range(1, 151):
        if t in scheduled:
            lr = optimizer.param_groups[0]["lr"] = lr * 0.99
        g = rng.standard_normal(5)
        x.grad = from_numpy(g)
        optimizer.step()
        theta, m = counting(theta, g, m, t, lr=lr)
        np.testing.assert_allclose(x.detach().numpy(), theta, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("cls", "most"), [(optim.Adam, 4), (optim.Ranger, 16)])
def test_most_steps_do_not_run_the_text(cls, most, monkeypatch):
    runs, text = [], cls.rule.text
    monkeypatch.setattr(cls.rule, "text", lambda *a, **h: runs.append(1) or text(*a, **h))
    stepped(cls, np.zeros(3), [np.ones(3)] * 130)
    assert len(runs) <= most


def test_a_text_of_more_branches_than_can_be_kept_is_right():
    @rule
    def many(theta, g, t, *, lr=1.0):
        for k in range(7):
            if t >> k & 1:
                g = g + 1
        return theta - lr * g

    class Many(RuleOptimizer, rule=many):
        """A program for every number of bits of the step count."""

    right = -sum(1 + step.bit_count() for step in range(1, 91))
    assert stepped(Many, np.zeros(1), [np.ones(1)] * 90).tolist() == [right]
