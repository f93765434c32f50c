"""Layer and group normalisation against PyTorch in float64."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from minigrad.kernels.compiler import kernel
from minigrad.kernels.reduction import layer_norm

Array = np.ndarray[Any, Any]
EPS = 1e-5
DTYPES = [np.float32, np.float64]


def tolerance(dtype: Any) -> dict[str, Any]:
    return {"rtol": 1e-4, "atol": 5e-5} if dtype == np.float32 else {"rtol": 1e-9, "atol": 1e-10}


def draw(shape: tuple[int, ...], weights: int, dtype: Any, order: Any = "C") -> list[Array]:
    """Neighbours in x differ clearly: the difference of equal ones would be rounding error only."""
    rng = np.random.default_rng(0)
    apart = 4 * (np.arange(shape[-1]) % 2)
    x = (3 + rng.uniform(-1, 1, shape) + apart).astype(dtype, order=order)
    g = rng.standard_normal(shape).astype(dtype, order=order)
    return [x, g, *(rng.standard_normal(weights).astype(dtype) for _ in range(2))]


def in_torch(function: Any, x: Array, g: Array, *vectors: Array | None) -> list[Array]:
    """y and the gradients of x, weight and bias, of float64 copies."""
    tensors = [
        None if v is None else torch.tensor(v, dtype=torch.float64, requires_grad=True)
        for v in (x, *vectors)
    ]
    y = function(*tensors)
    y.backward(torch.tensor(g, dtype=torch.float64))
    gradients = [t.grad.numpy() for t in tensors if t is not None and t.grad is not None]
    return [y.detach().numpy(), *gradients]


def assert_agree(ours: list[Array], expected: list[Array], dtype: Any) -> None:
    for mine, reference in zip(ours, expected, strict=False):  # weight and bias are optional
        assert mine.dtype == dtype
        np.testing.assert_allclose(mine, reference, **tolerance(dtype))


@given(
    rows=st.sampled_from([1, 2, 31, 32, 33, 97]),
    size=st.sampled_from([2, 3, 7, 8, 17, 64, 1031]),
    dtype=st.sampled_from(DTYPES),
    affine=st.booleans(),
    order=st.sampled_from("CF"),
)
@settings(deadline=None, max_examples=60)
def test_rows_as_torch(rows: int, size: int, dtype: Any, affine: bool, order: str) -> None:
    x, g, weight, bias = draw((rows, size), size, dtype, order)
    pair = (weight, bias) if affine else (None, None)
    y, mean, rstd = layer_norm.layer_norm(x, *pair, EPS)
    gradients = layer_norm.layer_norm_backward(g, x, mean, rstd, pair[0])
    expected = in_torch(lambda x, w, b: F.layer_norm(x, (size,), w, b, EPS), x, g, *pair)
    assert_agree([y, *gradients], expected, dtype)


@given(
    shape=st.tuples(st.integers(1, 5), st.integers(1, 4), st.sampled_from([2, 3, 8, 37, 300])),
    groups=st.integers(1, 4),
    dtype=st.sampled_from(DTYPES),
    affine=st.booleans(),
    order=st.sampled_from("CF"),
)
@settings(deadline=None, max_examples=60)
def test_groups_as_torch(
    shape: tuple[int, int, int], groups: int, dtype: Any, affine: bool, order: str
) -> None:
    n, each, s = shape
    x, g, weight, bias = draw((n, groups * each, s), groups * each, dtype, order)
    pair = (weight, bias) if affine else (None, None)
    y, mean, rstd = layer_norm.group_norm(x, groups, *pair, EPS)
    gradients = layer_norm.group_norm_backward(g, x, groups, mean, rstd, pair[0])
    expected = in_torch(lambda x, w, b: F.group_norm(x, groups, w, b, EPS), x, g, *pair)
    assert_agree([y, *gradients], expected, dtype)


def test_variance_survives_a_large_mean() -> None:
    x = (1e4 + np.random.default_rng(1).standard_normal((24, 500))).astype(np.float32)
    expected = (x.var(axis=1, dtype=np.float64) + EPS) ** -0.5
    np.testing.assert_allclose(layer_norm.layer_norm(x, None, None, EPS)[2], expected, rtol=1e-5)
    grouped = layer_norm.group_norm(x.reshape(24, 1, 500), 1, None, None, EPS)[2]
    np.testing.assert_allclose(grouped[:, 0], expected, rtol=1e-5)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_inf_and_nan_stay_in_their_row(value: float) -> None:
    x = np.random.default_rng(2).standard_normal((5, 40)).astype(np.float32)
    x[3, 17] = value
    y = layer_norm.layer_norm(x, None, None, EPS)[0]
    assert np.isnan(y[3]).all() or np.isnan(y[3, 17])
    assert np.isfinite(np.delete(y, 3, axis=0)).all()


@pytest.mark.parametrize("shape", [(0, 5), (5, 0)])
def test_empty_arrays(shape: tuple[int, int]) -> None:
    x = np.empty(shape, np.float32)
    y, mean, rstd = layer_norm.layer_norm(x, None, None, EPS)
    dx, dweight, dbias = layer_norm.layer_norm_backward(x, x, mean, rstd, None)
    assert y.shape == dx.shape == shape
    np.testing.assert_array_equal([dweight, dbias], np.zeros((2, shape[1])))


def test_bit_identical_on_one_thread_and_two() -> None:
    x, g, weight, bias = draw((301, 257), 257, np.float32)
    image, g_image = (v[:, :256].reshape(43, 7, 256) for v in (x, g))
    results, before = [], kernel.get_num_threads()
    try:
        for threads in (1, before):
            kernel.set_num_threads(threads)
            y, *statistics = layer_norm.layer_norm(x, weight, bias, EPS)
            z, *others = layer_norm.group_norm(image, 1, weight[:7], bias[:7], EPS)
            of_rows = layer_norm.layer_norm_backward(g, x, *statistics, weight)
            of_groups = layer_norm.group_norm_backward(g_image, image, 1, *others, weight[:7])
            results.append([y, z, *statistics, *others, *of_rows, *of_groups])
    finally:
        kernel.set_num_threads(before)
    for one, two in zip(*results, strict=True):
        np.testing.assert_array_equal(one, two)
