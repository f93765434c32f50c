"""What the generated comparisons cannot reach: optional arguments, in-place forms, refusals."""

import numpy as np
import pytest
from against_torch import compare

import minigrad as mg

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
