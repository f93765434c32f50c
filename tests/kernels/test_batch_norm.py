"""Batch normalisation against PyTorch."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from minigrad.kernels.compiler import kernel
from minigrad.kernels.reduction import batch_norm

Array = np.ndarray[Any, Any]
Pair = tuple[Array | None, Array | None]
DTYPES = [np.float32, np.float64]
EPS = 1e-5
shapes = st.tuples(st.integers(2, 6), st.integers(1, 7), st.sampled_from([1, 2, 15, 16, 17, 40]))


def tolerance(dtype: Any) -> dict[str, Any]:
    return {"rtol": 1e-4, "atol": 2e-5} if dtype == np.float32 else {"rtol": 1e-10, "atol": 1e-11}


def draw(
    shape: tuple[int, int, int], dtype: Any, order: Any = "C"
) -> tuple[Array, Array, Array, Array]:
    rng = np.random.default_rng(0)
    x = (3 + 2 * rng.standard_normal(shape)).astype(dtype, order=order)
    g = rng.standard_normal(shape).astype(dtype, order=order)
    return x, g, rng.standard_normal(shape[1]).astype(dtype), rng.random(shape[1]).astype(dtype)


def torch_batch_norm(training: bool, x: Array, g: Array, *vectors: Array | None) -> list[Array]:
    """y and the gradients of x, weight and bias, of float64 copies."""
    tensors = [None if v is None else torch.tensor(v, dtype=torch.float64) for v in (x, *vectors)]
    x_, mean, var, weight, bias = tensors
    assert x_ is not None
    wanted = [t.requires_grad_() for t in (x_, weight, bias) if t is not None]
    y = F.batch_norm(x_, mean, var, weight, bias, training, 0.0, EPS)
    y.backward(torch.tensor(g, dtype=torch.float64))
    return [y.detach().numpy(), *[t.grad.numpy() for t in wanted if t.grad is not None]]


@given(
    shape=shapes | st.just((8, 7, 701)),
    dtype=st.sampled_from(DTYPES),
    affine=st.booleans(),
    order=st.sampled_from("CF"),
)
@settings(deadline=None, max_examples=60)
def test_training_as_torch(
    shape: tuple[int, int, int], dtype: Any, affine: bool, order: str
) -> None:
    x, g, weight, bias = draw(shape, dtype, order)
    pair: Pair = (weight, bias) if affine else (None, None)
    y, mean, rstd = batch_norm.batch_norm_train(x, *pair, EPS)
    expected, *gradients = torch_batch_norm(True, x, g, None, None, *pair)
    assert y.dtype == mean.dtype == rstd.dtype == dtype
    np.testing.assert_allclose(y, expected, **tolerance(dtype))
    np.testing.assert_allclose(mean, x.mean(axis=(0, 2), dtype=np.float64), **tolerance(dtype))
    variance = x.var(axis=(0, 2), dtype=np.float64)
    np.testing.assert_allclose(rstd, (variance + EPS) ** -0.5, **tolerance(dtype))
    ours = batch_norm.batch_norm_train_backward(g, x, mean, rstd, pair[0])
    assert all(gradient.dtype == dtype for gradient in ours)
    for gradient, reference in zip(ours, gradients, strict=False):
        np.testing.assert_allclose(gradient, reference, **tolerance(dtype))


@given(
    shape=shapes | st.just((8, 7, 701)),
    dtype=st.sampled_from(DTYPES),
    affine=st.booleans(),
    order=st.sampled_from("CF"),
)
@settings(deadline=None, max_examples=60)
def test_evaluation_as_torch(
    shape: tuple[int, int, int], dtype: Any, affine: bool, order: str
) -> None:
    x, g, weight, bias = draw(shape, dtype, order)
    mean, var = bias - weight, np.abs(weight) + dtype(0.1)
    pair: Pair = (weight, bias) if affine else (None, None)
    y = batch_norm.batch_norm_eval(x, mean, var, *pair, EPS)
    expected, *_ = torch_batch_norm(False, x, g, mean, var, *pair)
    assert y.dtype == dtype
    np.testing.assert_allclose(y, expected, **tolerance(dtype))


def test_variance_survives_a_large_mean() -> None:
    rng = np.random.default_rng(1)
    x = (1e4 + rng.standard_normal((8, 3, 500))).astype(np.float32)
    y, _, rstd = batch_norm.batch_norm_train(x, None, None, EPS)
    variance = x.var(axis=(0, 2), dtype=np.float64)
    np.testing.assert_allclose(rstd, (variance + EPS) ** -0.5, rtol=1e-5)
    np.testing.assert_allclose(y.std(axis=(0, 2)), np.ones(3), rtol=1e-4)


@pytest.mark.parametrize("shape", [(0, 3, 5), (4, 3, 0), (4, 0, 5), (0, 3, 1)])
def test_empty_arrays(shape: tuple[int, int, int]) -> None:
    x = np.empty(shape, np.float32)
    y, mean, rstd = batch_norm.batch_norm_train(x, None, None, EPS)
    assert y.shape == shape
    assert mean.shape == rstd.shape == (shape[1],)
    assert np.isnan(mean).all()
    dx, dweight, dbias = batch_norm.batch_norm_train_backward(x, x, mean, rstd, None)
    assert dx.shape == shape
    assert dweight.shape == dbias.shape == (shape[1],)
    np.testing.assert_array_equal(dbias, np.zeros(shape[1]))


@pytest.mark.parametrize("shape", [(8, 7, 701), (1200, 31, 1)])
def test_bit_identical_on_one_thread_and_two(shape: tuple[int, int, int]) -> None:
    x, g, weight, bias = draw(shape, np.float32)
    results, before = [], kernel.get_num_threads()
    try:
        for threads in (1, before):
            kernel.set_num_threads(threads)
            y, mean, rstd = batch_norm.batch_norm_train(x, weight, bias, EPS)
            gradients = batch_norm.batch_norm_train_backward(g, x, mean, rstd, weight)
            results.append((y, mean, rstd, *gradients))
    finally:
        kernel.set_num_threads(before)
    for one, two in zip(*results, strict=True):
        np.testing.assert_array_equal(one, two)
