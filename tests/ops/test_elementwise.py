"""What the generated comparisons cannot reach: optional arguments, in-place forms, refusals."""

import numpy as np
import pytest

import minigrad as mg
from tests.support.against_torch import compare

X = np.array([[0.3, -0.7, 0.9], [-0.2, 0.5, 0.1]])
Y = np.array([0.4, -0.6, 0.8])

ARGUMENTS = {
    "div trunc": lambda m, x, y: m.div(x, y, rounding_mode="trunc"),
    "div floor": lambda m, x, y: x.div(y, rounding_mode="floor"),
    "div of integers": lambda m, x, y: [
        m.div(m.tensor([7, -7, 6]), m.tensor([2, 2, -4]), rounding_mode=mode)
        for mode in (None, "trunc", "floor")
    ],
    "round": lambda m, x, y: (m.round(x * 100, decimals=-1), x.round(decimals=1)),
    "clamp": lambda m, x, y: (m.clamp(x, y - 0.5, y), x.clamp(max=y), m.clamp(x, -0.1, 0.4)),
    "logit": lambda m, x, y: m.logit(x, eps=0.15),
    "nan_to_num": lambda m, x, y: m.nan_to_num(x / 0.0 * y, 1.0, posinf=2.0, neginf=-3.0),
    "float_power": lambda m, x, y: (m.float_power(x, 2), x.abs().float_power(y)),
    "isclose": lambda m, x, y: (m.isclose(x, x + 1e-9), x.isclose(y)),
    "polygamma": lambda m, x, y: (
        m.polygamma(0, x.detach().abs() + 1),
        y.detach().abs().polygamma(1).float(),
    ),
    "shifts": lambda m, x, y: (
        m.bitwise_left_shift(m.tensor([1, 2]), m.tensor([3, 1])),
        m.tensor([-9, 8]).bitwise_right_shift(m.tensor([1, 2])),
    ),
    "other names": lambda m, x, y: (x.arcsin(), x.arctan(), x.arctan2(y), x.fix()),
}

IN_PLACE = [
    "acos", "asin", "atan", "cosh", "digamma", "erfc", "erfinv", "exp2", "expm1",
    "frac", "lgamma", "log10", "log1p", "log2", "logit", "nan_to_num", "sinc", "sinh", "tan",
    "trunc",
]  # fmt: skip


@pytest.mark.parametrize("name", ARGUMENTS)
def test_arguments(name):
    compare(ARGUMENTS[name], X, Y)


@pytest.mark.parametrize("name", IN_PLACE)
def test_in_place(name):
    def function(m, x):
        return getattr(x * 1, f"{name}_")()

    compare(function, np.array([0.2, 0.5, 0.9]), gradients=name != "digamma")


@pytest.mark.parametrize("name", ["atan2", "copysign", "fmod", "hypot", "xlogy"])
def test_in_place_of_two(name):
    compare(lambda m, x, y: getattr(x * 1, f"{name}_")(y), np.abs(X), np.abs(Y))


def _updates(m, x, y):
    """What a training loop written by hand does to its parameters, where nothing is recorded."""
    with m.no_grad():
        x, y = x * 1, y * 1
        before = x._version
        x -= 0.1 * y
        x *= y
        x /= 3
        x += y[0]
        x.add_(y, alpha=-0.5).sub_(y, alpha=2).mul_(1.5).div_(y).sub_(1)
        row = x[1]
        row += row
        x[:, 1:] -= y[:, :-1]
        x.t().mul_(y.t())
        return x, row, x._version > before


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "int64"])
def test_updates_without_a_record(dtype):
    floating = dtype.startswith("float")

    def function(m, x, y):
        given = [(4 * v).abs().add(1).to(getattr(m, dtype)) for v in (x, y)]
        if floating:
            return _updates(m, *given)
        with m.no_grad():
            given[0] += given[1]
            return given[0].mul_(2).sub_(given[1], alpha=3)

    compare(function, X, X[::-1].copy(), gradients=False)


def test_an_update_that_overlaps_reads_what_was_there():
    x = mg.arange(6.0)
    with mg.no_grad():
        x[1:] += x[:-1]
        x.reshape(2, 3)[:, :2].sub_(1)
    assert x.tolist() == [-1, 0, 3, 4, 6, 9]


def test_an_update_without_a_record_refuses_what_a_recorded_one_does():
    x, y = mg.ones(2, 3), mg.ones(3)
    with mg.no_grad():
        with pytest.raises(RuntimeError, match="doesn't match the broadcast shape"):
            y += x
        with pytest.raises(RuntimeError, match="memory"):
            y.expand(2, 3).__iadd__(x)
        with pytest.raises(RuntimeError, match="can't be cast"):
            mg.tensor([1, 2]).add_(1.5)
    w = mg.ones(3, requires_grad=True)
    loss = (w * w).sum()
    with mg.no_grad():
        w -= 0.1 * y
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


def test_refusals():
    x = mg.tensor([1.0])
    with pytest.raises(RuntimeError, match="rounding_mode"):
        mg.div(x, x, rounding_mode="up")
    with pytest.raises(RuntimeError, match="at least one"):
        mg.clamp(x)
    with pytest.raises(RuntimeError, match="division of integers by zero"):
        mg.fmod(mg.tensor([1]), mg.tensor([0]))
    with pytest.raises(RuntimeError, match="negative n"):
        mg.polygamma(-1, x)
    with pytest.raises(RuntimeError, match="floating"):
        mg.bitwise_left_shift(x, x)
