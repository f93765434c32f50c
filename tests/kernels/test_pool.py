"""Pooling against PyTorch."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from minigrad.kernels.compiler import kernel
from minigrad.kernels.pooling import avg_pool, max_pool

Array = np.ndarray[Any, Any]
Pair = tuple[int, int]
DTYPES = st.sampled_from([np.float32, np.float64])
pairs = st.tuples(st.integers(1, 4), st.integers(1, 4))
images = st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(1, 13), st.integers(1, 13))


def draw(shape: tuple[int, ...], dtype: Any, reverse: bool = False) -> Array:
    """Small integers, so that windows hold equal maxima."""
    x = np.random.default_rng(0).integers(-3, 4, shape).astype(dtype)
    return x[:, ::-1, :, ::-1] if reverse else x


@st.composite
def windows(draw_: st.DrawFn) -> tuple[Pair, Pair, Pair, bool]:
    size, stride = draw_(pairs), draw_(pairs)
    padding = tuple(draw_(st.integers(0, side // 2)) for side in size)
    return size, stride, (padding[0], padding[1]), draw_(st.booleans())


def assume_a_window(shape: tuple[int, ...], size: Pair, padding: Pair, dilation: Pair) -> None:
    for axis in (0, 1):
        reach = dilation[axis] * (size[axis] - 1) + 1
        assume(shape[axis + 2] + 2 * padding[axis] >= reach)


@given(
    shape=images, window=windows(), dilation=pairs, dtype=DTYPES, reverse=st.booleans(),
    special=st.sampled_from([None, np.nan, np.inf, -np.inf]),
)  # fmt: skip
@settings(deadline=None, max_examples=300)
def test_max_pool_and_gradient_as_torch(
    shape: tuple[int, ...], window: Any, dilation: Pair, dtype: Any, reverse: bool,
    special: float | None,
) -> None:  # fmt: skip
    size, stride, padding, ceil_mode = window
    assume_a_window(shape, size, padding, dilation)
    assume(shape[1] > 0)  # torch takes no image without channels
    for axis in (0, 1):  # torch's backward would write outside the array
        starts = range(-padding[axis], 0, stride[axis])
        taps = range(0, size[axis] * dilation[axis], dilation[axis])
        assume(all(any(0 <= s + t < shape[axis + 2] for t in taps) for s in starts))
    x = draw(shape, dtype, reverse)
    if special is not None:  # in most pixels, so that some windows hold nothing else
        x[np.random.default_rng(2).random(shape) < 0.6] = special
    reference = torch.tensor(x.copy(), requires_grad=True)
    expected, positions = F.max_pool2d(
        reference, size, stride, padding, dilation, ceil_mode, return_indices=True
    )
    out, indices = max_pool.max_pool2d(x, size, stride, padding, dilation, ceil_mode)
    assert out.dtype == dtype
    assert indices.dtype == np.int64
    np.testing.assert_array_equal(out, expected.detach().numpy())
    np.testing.assert_array_equal(indices, positions.numpy())
    g = np.random.default_rng(1).integers(-9, 9, out.shape).astype(dtype)
    expected.backward(torch.tensor(g))
    assert reference.grad is not None
    dx = max_pool.max_pool2d_backward(g, indices, shape)
    np.testing.assert_array_equal(dx, reference.grad.numpy())
    np.testing.assert_array_equal(max_pool.take_by_indices(x, indices), out)


def test_max_pool_refuses_a_window_without_pixels() -> None:
    x = np.ones((1, 1, 1, 5))
    with pytest.raises(ValueError, match=r"pixel in every window.*padding 1 and dilation 2"):
        max_pool.max_pool2d(x, (2, 2), (1, 1), (1, 1), (2, 1), False)


@pytest.mark.parametrize("shape", [(2, 3, 8, 6), (2, 3, 9, 7), (0, 3, 4, 4), (9, 8, 24, 24)])
@pytest.mark.parametrize("special", [None, np.nan, np.inf, -np.inf])
def test_max_pool_2x2_as_torch(shape: tuple[int, ...], special: float | None) -> None:
    x = draw(shape, np.float32)
    if special is not None:
        x[np.random.default_rng(2).random(shape) < 0.3] = special
    out, indices = max_pool.max_pool2d(x, (2, 2), (2, 2), (0, 0), (1, 1), False)
    expected, positions = F.max_pool2d(torch.tensor(x), 2, return_indices=True)
    np.testing.assert_array_equal(out, expected.numpy())
    np.testing.assert_array_equal(indices, positions.numpy())


@given(
    shape=images, window=windows(), include=st.booleans(),
    divisor=st.sampled_from([None, 1, 5]), dtype=DTYPES, reverse=st.booleans(),
)  # fmt: skip
@settings(deadline=None, max_examples=150)
def test_avg_pool_and_gradient_as_torch(
    shape: tuple[int, ...], window: Any, include: bool, divisor: int | None, dtype: Any,
    reverse: bool,
) -> None:  # fmt: skip
    size, stride, padding, ceil_mode = window
    assume_a_window(shape, size, padding, (1, 1))
    assume(shape[1] > 0)
    x = draw(shape, dtype, reverse)
    reference = torch.tensor(x.copy(), requires_grad=True)
    settings_ = (size, stride, padding, ceil_mode, include, divisor)
    expected = F.avg_pool2d(reference, *settings_)
    out = avg_pool.avg_pool2d(x, *settings_)
    assert out.dtype == dtype
    np.testing.assert_allclose(out, expected.detach().numpy(), rtol=1e-6, atol=1e-6)
    g = np.random.default_rng(1).standard_normal(out.shape).astype(dtype)
    expected.backward(torch.tensor(g))
    assert reference.grad is not None
    dx = avg_pool.avg_pool2d_backward(g, shape, *settings_)
    np.testing.assert_allclose(dx, reference.grad.numpy(), rtol=1e-5, atol=1e-6)


@given(shape=images, output_size=pairs, dtype=DTYPES, reverse=st.booleans())
@settings(deadline=None, max_examples=80)
def test_adaptive_avg_pool_and_gradient_as_torch(
    shape: tuple[int, ...], output_size: Pair, dtype: Any, reverse: bool
) -> None:
    assume(shape[1] > 0)
    x = draw(shape, dtype, reverse)
    reference = torch.tensor(x.copy(), requires_grad=True)
    expected = F.adaptive_avg_pool2d(reference, output_size)
    out = avg_pool.adaptive_avg_pool2d(x, output_size)
    np.testing.assert_allclose(out, expected.detach().numpy(), rtol=1e-6, atol=1e-6)
    g = np.random.default_rng(1).standard_normal(out.shape).astype(dtype)
    expected.backward(torch.tensor(g))
    assert reference.grad is not None
    dx = avg_pool.adaptive_avg_pool2d_backward(g, shape)
    np.testing.assert_allclose(dx, reference.grad.numpy(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("window", [((2, 2), (2, 2), (0, 0)), ((3, 3), (2, 2), (1, 1))])
def test_large_images_as_torch(window: tuple[Pair, Pair, Pair]) -> None:
    x = draw((5, 7, 46, 46), np.float64)
    for name in ("max_pool2d", "avg_pool2d"):
        reference = torch.tensor(x, requires_grad=True)
        expected = getattr(F, name)(reference, *window)
        g = np.random.default_rng(1).standard_normal(tuple(expected.shape))
        expected.backward(torch.tensor(g))
        if name == "max_pool2d":
            out, indices = max_pool.max_pool2d(x, *window, (1, 1), False)
            dx = max_pool.max_pool2d_backward(g, indices, x.shape)
        else:
            out = avg_pool.avg_pool2d(x, *window, False, True, None)
            dx = avg_pool.avg_pool2d_backward(g, x.shape, *window, False, True, None)
        assert reference.grad is not None
        np.testing.assert_allclose(out, expected.detach().numpy(), rtol=1e-12, atol=1e-13)
        np.testing.assert_allclose(dx, reference.grad.numpy(), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize(
    ("window", "ceil_mode", "include", "divisor"),
    [
        (((2, 2), (2, 2), (0, 0)), False, True, None),
        (((3, 2), (2, 1), (1, 0)), True, True, None),
        (((3, 3), (2, 2), (1, 1)), True, False, None),
        (((2, 3), (1, 2), (1, 1)), False, True, 5),
        (((4, 4), (4, 4), (0, 0)), True, True, None),
    ],
)
@pytest.mark.parametrize("special", [None, np.nan, np.inf])
def test_avg_pool_of_large_images_as_torch(
    window: tuple[Pair, Pair, Pair],
    ceil_mode: bool,
    include: bool,
    divisor: int | None,
    special: float | None,
) -> None:
    x = draw((5, 7, 47, 45), np.float64)
    if special is not None:
        x[np.random.default_rng(2).random(x.shape) < 0.01] = special
    reference = torch.tensor(x, requires_grad=True)
    expected = F.avg_pool2d(reference, *window, ceil_mode, include, divisor)
    out = avg_pool.avg_pool2d(x, *window, ceil_mode, include, divisor)
    np.testing.assert_allclose(out, expected.detach().numpy(), rtol=1e-12, atol=1e-13)
    g = draw(out.shape, np.float64)
    expected.backward(torch.tensor(g))
    dx = avg_pool.avg_pool2d_backward(g, x.shape, *window, ceil_mode, include, divisor)
    assert reference.grad is not None
    np.testing.assert_allclose(dx, reference.grad.numpy(), rtol=1e-12, atol=1e-13)


def test_bit_identical_on_one_thread_and_two() -> None:
    x = np.random.default_rng(3).standard_normal((5, 7, 46, 46)).astype(np.float32)
    window = ((3, 3), (2, 2), (1, 1))
    results, before = [], kernel.get_num_threads()
    try:
        for threads in (1, before):
            kernel.set_num_threads(threads)
            largest, indices = max_pool.max_pool2d(x, *window, (1, 1), False)
            mean = avg_pool.avg_pool2d(x, *window, False, True, None)
            spread = avg_pool.avg_pool2d_backward(mean, x.shape, *window, False, True, None)
            back = max_pool.max_pool2d_backward(largest, indices, x.shape)
            quick = max_pool.max_pool2d(x, (2, 2), (2, 2), (0, 0), (1, 1), False)
            results.append((largest, indices, mean, spread, back, *quick))
    finally:
        kernel.set_num_threads(before)
    for one, two in zip(*results, strict=True):
        np.testing.assert_array_equal(one, two)
