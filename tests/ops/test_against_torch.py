"""Every declared operation on its samples, against torch: values and gradients."""

import numpy as np
import pytest
import torch

import minigrad as mg
from minigrad.engine.op import arr
from minigrad.ops import table
from minigrad.testing.operations import describe, draw
from tests.support.against_torch import compare
from tests.support.torch_functions import FACTORIZATIONS, TORCH_FUNCTIONS

SAMPLES = [
    pytest.param(name, case, id=f"{name}-{i}")
    for name in sorted(TORCH_FUNCTIONS)
    if name in table.declared()
    for i, case in enumerate(table.declared()[name].op.samples)
]


@pytest.mark.parametrize(("name", "case"), SAMPLES)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_samples(name, case, dtype):
    operation = table.declared()[name]
    rng = np.random.default_rng(1)
    drawn = [draw(a, rng) if isinstance(a, arr) else a for a in case.args]
    arrays = [a for a in drawn if isinstance(a, np.ndarray)]
    arrays = [a.astype(dtype) if a.dtype.kind == "f" else a for a in arrays]

    def on_both(module, *tensors):
        given = iter(tensors)
        args = [next(given) if isinstance(a, np.ndarray) else a for a in drawn]
        function = TORCH_FUNCTIONS[name] if module is torch else operation
        result = function(*args, **case.settings)
        return result[0] if isinstance(result, tuple) else result

    if name in {"digamma", "polygamma"} and dtype == "float64":
        return test_trigamma()  # torch's is good to 1e-9 only
    # Where a position repeats, torch gives gradients to values that were written over.
    smooth = name not in {"index_put", "scatter"}  # see test_repeated_indices.py
    # It takes lgamma of integers in float32; see test_special_functions.py.
    smooth = smooth and name not in {"gammainc", "gammaincc"}
    compare(on_both, *arrays, gradients=smooth, note=f"{name}{describe(case)}")


def test_trigamma():
    x = mg.tensor([0.5, 1.0, 2.0, -0.5], dtype=mg.float64)
    exact = np.pi**2 * np.array([1 / 2, 1 / 6, 1 / 6, 1 / 2]) + [0, 0, -1, 4]
    np.testing.assert_allclose(mg.polygamma(1, x).numpy(), exact, rtol=1e-13)
    for n in (1, 2, 3):  # the functional equation, from poles to the far ends
        x = mg.tensor([0.2, 3.7, 40.0, -3.3, -41.6], dtype=mg.float64)
        step = (-1.0) ** n * float(np.prod(np.arange(1, n + 1))) * x ** (-n - 1)
        ahead, here = mg.polygamma(n, x + 1), mg.polygamma(n, x)
        np.testing.assert_allclose((here + step).numpy(), ahead.numpy(), rtol=1e-11)


def test_every_operation_is_compared():
    compared_elsewhere = {"binary_cross_entropy", "binary_cross_entropy_with_logits"}
    compared_elsewhere |= {"log_sigmoid", "nll_loss", "nll_loss_backward"}
    compared_elsewhere |= {"matrix_rank", "activation_backward", *FACTORIZATIONS}
    assert set(table.declared()) - set(TORCH_FUNCTIONS) <= compared_elsewhere
