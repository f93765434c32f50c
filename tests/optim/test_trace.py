"""Rules that no kernel can run: the error has the line and the way out, and NumPy runs them."""

import inspect
import math
import warnings
from pathlib import Path

import numpy as np
import pytest

from minigrad import optim
from minigrad.optim import RuleOptimizer
from minigrad.optim.fused.lookahead import Settings
from minigrad.optim.fused.rule import rule
from minigrad.tensor.creation import from_numpy
from tests.support.optim.rules import parameter


@rule
def normalized(theta, g, m, *, lr=1.0):
    m = 0.5 * m + g
    return theta - lr * m / np.prod(m * m), m


@rule
def branching(theta, g, *, lr=1.0):
    if g.max() > 0:
        theta = theta - lr * g
    return theta


@rule
def bitwise(theta, g, *, lr=1.0):
    return theta - lr * np.fmod(g, 2)


@rule
def from_math(theta, g, *, lr=1.0):
    return theta - lr * g * math.sqrt(g.size)


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        (normalized, "return theta - lr * m / np.prod(m * m), m", "numpy.prod|prod"),
        (branching, "if g.max() > 0:", "max"),
        (bitwise, "return theta - lr * np.fmod(g, 2)", "fmod is not among"),
        (from_math, "return theta - lr * g * math.sqrt(g.size)", "size"),
    ],
)
def test_an_uncompilable_rule_says_which_line_and_runs_as_numpy(text, line, why):
    class Slow(RuleOptimizer, rule=text):
        """Runs as NumPy."""

    p = parameter(np.array([3.0, 4.0]))
    optimizer = Slow([p], lr=0.5)
    expected, states = np.array([3.0, 4.0]), [np.zeros(2)] * len(text.states)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for g in ([1.0, 2.0], [-1.0, 1.0]):
            p.grad = from_numpy(np.array(g))
            optimizer.step()
            result = text(expected, np.array(g), *states, lr=0.5)
            expected, *states = result if isinstance(result, tuple) else (result,)
    np.testing.assert_array_equal(p.detach().numpy(), expected)
    assert len(caught) == 1
    message = str(caught[0].message)
    assert f"`{line}`" in message
    assert f"{Path(__file__).name}, line {_line_of(text, line)}" in message
    assert any(word in message for word in why.split("|"))


def _line_of(text, line):
    lines, first = inspect.getsourcelines(text.text)
    return first + next(k for k, written in enumerate(lines) if written.strip() == line)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (lambda theta, g: theta if g > 0 else g, "numpy.where"),
        (lambda theta, g: theta - math.sqrt(g), "numpy, not from math"),
        (lambda theta, g: theta - max(theta, g), "numpy.maximum"),
        (lambda theta, g: theta - g[0], "one element at a time"),
        (lambda theta, g: theta - sum(g), "one element at a time"),
        (lambda theta, g: theta - g * "a", "neither a number"),
        (lambda theta, g: theta - g * ((g > 0) & 1), "join comparisons"),
        (lambda theta, g: theta - np.add.reduce(g), "add is not among"),
    ],
)
def test_the_message_names_the_way_out(body, why):
    with pytest.raises(optim.RuleError, match=why):
        rule(body).trace([], Settings(1, {}, False, {}))
