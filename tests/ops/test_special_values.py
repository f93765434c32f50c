"""nan, infinities, signed zeros and ties through operations, against torch."""

import numpy as np
import pytest
import torch

import minigrad as mg
from minigrad.ops import table
from minigrad.ops.elementwise import arithmetic, binary, comparison, special
from minigrad.ops.nn import activation
from tests.support.against_torch import compare

SPECIAL = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0, 2.5, -2.5, 0.5, 1e-30, -1e30])


def of_tensors(*families, count):
    """Names of the families' operations of so many tensors that torch has under the same name."""
    return [
        name
        for family in families
        for name, call in table.declared_in(family).items()
        if len(call.op.tensors) == count and hasattr(torch, name) and name in dir(mg)
    ]


UNARY = of_tensors(arithmetic, special, activation, comparison, count=1)
BINARY = of_tensors(arithmetic, binary, comparison, count=2)
INTEGERS = {name for name in UNARY + BINARY if name.startswith("bitwise")}
UNARY = [name for name in UNARY if name not in INTEGERS | {"clamp", "polygamma"}]
BINARY = [name for name in BINARY if name not in INTEGERS]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", UNARY)
def test_special_values_of_one(name, dtype):
    # At poles torch's trigamma is finite, and logit's slope at -0.0 has the sign of no limit.
    smooth = name not in {"digamma", "logit"}
    compare(lambda m, x: getattr(m, name)(x), SPECIAL.astype(dtype), gradients=smooth)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", BINARY)
def test_special_values_of_two(name, dtype):
    left, right = (a.ravel() for a in np.meshgrid(SPECIAL[:10], SPECIAL[:10]))
    differentiable = name not in {"floor_divide"}
    compare(
        lambda m, x, y: getattr(m, name)(x, y),
        left.astype(dtype),
        right.astype(dtype),
        gradients=differentiable,
    )


@pytest.mark.parametrize("low_high", [(-1.0, 1.0), (None, 0.5), (0.5, None), (1.0, -1.0)])
def test_special_values_of_clamp(low_high):
    compare(lambda m, x: m.clamp(x, *low_high), SPECIAL)


def test_infinite_cotangents_stay_where_they_belong():
    def function(m, x, y):
        return (m.maximum(x, y) * m.tensor([float("inf"), 1.0])).sum() + m.clamp(x, 0.0, 1.0).sum()

    compare(function, np.array([1.0, 2.0]), np.array([3.0, 2.0]))


@pytest.mark.parametrize("name", ["sum", "mean", "var", "std", "amax", "amin", "logsumexp"])
def test_special_values_in_reductions(name):
    rows = np.array(
        [
            [1.0, np.nan, 2.0],
            [np.inf, 1.0, 0.0],
            [-np.inf, -np.inf, -np.inf],
            [3.0, 3.0, 3.0],
            [1e30, 1.0, -1e30],
        ]
    )
    compare(lambda m, x: getattr(m, name)(x, dim=1), rows, gradients=name != "logsumexp")
    if name != "logsumexp":  # torch has no gradient at -inf there either, but other nans
        compare(lambda m, x: getattr(m, name)(x, dim=1), rows[3:])


def test_norms_at_the_origin():
    for p in (2, 1, float("inf"), 3):
        compare(lambda m, x, p=p: x.norm(p, dim=1), np.array([[0.0, 0.0], [3.0, -4.0]]))
    compare(lambda m, x: x.norm(), np.zeros((2, 2)))
    compare(lambda m, x: x.std(), np.full(3, 2.0))
