"""Gradients less the means of their rows, against NumPy in float64."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from minigrad.kernels.centralization.rows import CentralizedRows

SHAPES = [(3, 4), (7,), (), (2, 3, 5), (0, 3), (3, 0), (1, 1), (5, 900), (70, 130), (4, 2, 3, 3)]


def right(g):
    wide = g.astype(np.float64 if g.dtype.kind == "f" else np.complex128)
    if g.ndim > 1 and g.size:
        wide = wide - wide.mean(axis=tuple(range(1, g.ndim)), keepdims=True)
    return wide.astype(g.dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rows_less_their_means(dtype):
    rng = np.random.default_rng(0)
    arrays = [np.asarray(rng.standard_normal(shape), dtype) for shape in SHAPES]
    centralized = CentralizedRows(arrays)
    for _ in range(2):
        given = tuple(np.asarray(3 + rng.standard_normal(shape), dtype) for shape in SHAPES)
        before = [g.copy() for g in given]
        for g, kept, found in zip(given, before, centralized(given), strict=True):
            assert (g == kept).all()
            np.testing.assert_allclose(found, right(g), rtol=0, atol=8 * np.finfo(dtype).eps)


def test_what_the_kernel_does_not_take_is_left_to_numpy():
    whole, vector = np.ones((4, 6), np.float32), np.ones(3, np.float32)
    centralized = CentralizedRows([whole, vector])
    for other in (np.ones((6, 4), np.float32).T, np.ones((4, 6)), np.ones((2, 6), np.float32)):
        assert centralized((other, vector)) is None
    for dtype in (np.float16, np.complex64, ">f4"):
        assert CentralizedRows([whole.astype(dtype)])((whole.astype(dtype),)) is None
    assert CentralizedRows([vector])((vector,))[0] is vector


@pytest.mark.parametrize("dtype", [mg.float16, mg.float32, mg.complex64, mg.complex128])
def test_steps_of_centralized_gradients(dtype):
    """Also of complex vectors, whose parts are not the elements of a row."""
    rng = np.random.default_rng(0)
    Plain = optim.chain(optim.centralize(), lr=1.0)
    params = [nn.Parameter(mg.zeros(*shape, dtype=dtype)) for shape in ((3, 4), (5,), (2, 3, 2))]
    optimizer, total = Plain(params), [0.0] * 3
    for step in range(4):
        for k, p in enumerate(params):
            g = rng.standard_normal(p.shape) + 1j * rng.standard_normal(p.shape) * dtype.is_complex
            g = (g if dtype.is_complex else g.real).astype(p.detach().numpy().dtype)
            if step % 2 and p.ndim == 2:
                g = np.asfortranarray(g)
            p.grad = mg.from_numpy(g)
            total[k] = total[k] - right(g)
        optimizer.step()
    tolerance = 1e-2 if dtype == mg.float16 else 1e-5
    for p, expected in zip(params, total, strict=True):
        np.testing.assert_allclose(p.detach().numpy(), expected, rtol=0, atol=tolerance)


def test_the_number_of_threads_changes_no_bit():
    rng = np.random.default_rng(0)
    given = tuple(rng.standard_normal(shape).astype(np.float32) for shape in ((300, 500), (3, 9)))
    found = []
    for threads in (1, 2):
        before = mg.get_num_threads()
        mg.set_num_threads(threads)
        try:
            found.append([a.copy() for a in CentralizedRows(given)(given)])
        finally:
            mg.set_num_threads(before)
    assert all((a == b).all() for a, b in zip(*found, strict=True))
