"""Euclidean distances of many rows against PyTorch, and the memory of their gradient."""

import tracemalloc

import numpy as np
import pytest
import torch

import minigrad as mg
from minigrad.kernels.compiler import kernel as build
from tests.support.against_torch import compare

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("shapes", [((30, 5), (41, 5)), ((2, 3, 27, 4), (2, 3, 9, 4)),
                                    ((2, 1, 27, 4), (3, 9, 4)), ((0, 4), (30, 4)),
                                    ((30, 0), (26, 0))], ids=str)  # fmt: skip
def test_distances_as_in_torch(shapes):
    compare(lambda m, a, b: m.cdist(a, b), *(RNG.standard_normal(shape) for shape in shapes))


def test_equal_rows_have_distance_and_slope_0():
    x = RNG.standard_normal((40, 3)).astype(np.float32)
    a, b = mg.tensor(x, requires_grad=True), mg.tensor(x[:30])
    with mg.no_grad():
        b[:] = a[:30]
    out = mg.cdist(a, b)
    right = torch.cdist(torch.from_numpy(x), torch.from_numpy(x[:30]))
    np.testing.assert_allclose(out.detach().numpy(), right.numpy(), atol=2e-3)
    out.sum().backward()
    assert np.isfinite(a.grad.numpy()).all()


def test_the_gradient_makes_one_array_of_the_distances_size():
    a, b = mg.randn(400, 8).requires_grad_(), mg.randn(500, 8)
    out = mg.cdist(a, b)
    g = mg.ones(400, 500)
    mg.autograd.grad(out, a, g, retain_graph=True)
    tracemalloc.start()
    mg.autograd.grad(out, a, g)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1.5 * 400 * 500 * 4


def test_bit_identical_for_any_number_of_threads():
    x, before, results = mg.randn(300, 20).requires_grad_(), build.get_num_threads(), set()
    y = mg.randn(250, 20)
    try:
        for threads in {1, before}:
            build.set_num_threads(threads)
            out = mg.cdist(x, y)
            (grad,) = mg.autograd.grad(out.sum(), x)
            results.add(out.detach().numpy().tobytes() + grad.numpy().tobytes())
    finally:
        build.set_num_threads(before)
    assert len(results) == 1
