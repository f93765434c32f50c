"""Losses with class indices against PyTorch."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from minigrad.kernels.compiler import kernel
from minigrad.kernels.reduction import cross_entropy, softmax

Array = np.ndarray[Any, Any]
DTYPES = [np.float32, np.float64]
REDUCTIONS = ["none", "sum", "mean"]


def tolerance(dtype: Any) -> dict[str, Any]:
    return {"rtol": 1e-5, "atol": 2e-6} if dtype == np.float32 else {"rtol": 1e-12, "atol": 1e-13}


def labels_and_logits(
    seed: int, shape: tuple[int, ...], dtype: Any, ignore_index: int
) -> tuple[Array, Array, Array, Array]:
    n, c, *rest = shape
    rng = np.random.default_rng(seed)
    x = (3 * rng.standard_normal(shape)).astype(dtype)
    target = rng.integers(0, c, (n, *rest))
    target[rng.random(target.shape) < 0.2] = ignore_index
    return x, target, rng.standard_normal(target.shape).astype(dtype), rng.random(c).astype(dtype)


def compare_with_torch(
    shape: tuple[int, ...], dtype: Any, *, seed: int = 0, smoothing: float | None = None,
    weighted: bool = False, ignore_index: int = -100, reduction: str = "mean",
) -> None:  # fmt: skip
    """Cross-entropy, or the negative log-likelihood where there is no smoothing."""
    x, target, g, weight = labels_and_logits(seed, shape, dtype, ignore_index)
    if reduction != "none":
        g = np.asarray(1.7, dtype)
    given = weight if weighted else None
    theirs = torch.tensor(x, requires_grad=True)
    options = {"ignore_index": ignore_index, "reduction": reduction}
    loss_of = F.nll_loss if smoothing is None else F.cross_entropy
    if smoothing is not None:
        options["label_smoothing"] = smoothing
    expected = loss_of(
        theirs, torch.tensor(target), torch.tensor(weight) if weighted else None, **options
    )
    expected.backward(torch.tensor(g))
    with np.errstate(invalid="ignore", divide="ignore"):  # the mean of no labels
        if smoothing is None:
            loss = cross_entropy.nll_loss(x, target, given, ignore_index, reduction)
            dx = cross_entropy.nll_loss_backward(g, shape, target, given, ignore_index, reduction)
        else:
            settings_ = (target, given, ignore_index, smoothing, reduction)
            loss, slopes = cross_entropy.cross_entropy(x, *settings_)
            dx = cross_entropy.cross_entropy_backward(g, slopes, shape, target, ignore_index)
    assert loss.dtype == dx.dtype == dtype
    assert loss.shape == tuple(expected.shape)
    np.testing.assert_allclose(loss, expected.detach().numpy(), **tolerance(dtype))
    assert theirs.grad is not None
    if not math.isnan(expected.detach().sum().item()):
        np.testing.assert_allclose(dx, theirs.grad.numpy(), **tolerance(dtype))


@given(
    shape=st.tuples(st.integers(0, 9), st.integers(1, 11), st.integers(0, 5)),
    flat=st.booleans(),
    smoothing=st.sampled_from([None, 0.0, 0.1, 1.0]),
    weighted=st.booleans(),
    ignore_index=st.sampled_from([-100, 0]),
    reduction=st.sampled_from(REDUCTIONS),
    dtype=st.sampled_from(DTYPES),
)
@settings(deadline=None, max_examples=200)
def test_losses_and_gradients_as_torch(
    shape: tuple[int, ...], flat: bool, dtype: Any, **options: Any
) -> None:
    compare_with_torch(shape[:2] if flat else shape, dtype, **options)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("shape", [(257, 131), (5, 3, 3001), (4099, 3)])
def test_large_losses_as_torch(shape: tuple[int, ...], reduction: str) -> None:
    for smoothing in (None, 0.1):
        compare_with_torch(
            shape, np.float64, seed=5, smoothing=smoothing, weighted=True, reduction=reduction
        )


def test_ignored_rows_may_hold_any_values() -> None:
    x = np.full((2, 3, 1), np.nan)
    x[0] = 1.0
    given = (np.array([[2], [-100]]), None, -100, 0.1, "mean")
    loss, slopes = cross_entropy.cross_entropy(x, *given)
    np.testing.assert_allclose(loss, math.log(3))
    for g in (1.0, np.inf):
        dx = cross_entropy.cross_entropy_backward(np.array(g), slopes, x.shape, given[0], given[2])
        np.testing.assert_array_equal(dx[1], np.zeros((3, 1)))


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.int64])
@pytest.mark.parametrize("target", [[], [0, 4, 2], [4, 4]])
def test_class_indices_in_bounds(target: list[int], dtype: Any) -> None:
    x = np.zeros((len(target), 5))
    cross_entropy.nll_loss(x, np.array(target, dtype), None, -100, "sum")


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ([[1, 5], [9, 0]], r"Target 5 is out of bounds: at position \[0, 1\].*0 to 4"),
        ([[-100, 0], [-1, 7]], r"Target -1 is out of bounds: at position \[1, 0\]"),
    ],
)
def test_class_indices_out_of_bounds(target: list[list[int]], message: str) -> None:
    x = np.zeros((2, 5, 2))
    with pytest.raises(IndexError, match=message):
        cross_entropy.nll_loss(x, np.array(target), None, -100, "mean")
    with pytest.raises(IndexError, match=message):
        cross_entropy.cross_entropy(x, np.array(target), None, -100, 0.1, "mean")


@pytest.mark.parametrize("shape", [(257, 131), (5, 3, 3001)])
def test_bit_identical_on_one_thread_and_two(shape: tuple[int, ...]) -> None:
    x, target, _, weight = labels_and_logits(4, shape, np.float32, -100)
    given = (target, weight, -100, 0.1, "mean")
    results, before = [], kernel.get_num_threads()
    try:
        for threads in (1, before):
            kernel.set_num_threads(threads)
            loss, slopes = cross_entropy.cross_entropy(x, *given)
            dx = cross_entropy.cross_entropy_backward(
                np.ones((), np.float32), slopes, shape, target, -100
            )
            results.append((loss, dx, slopes))
    finally:
        kernel.set_num_threads(before)
    for one, two in zip(*results, strict=True):
        np.testing.assert_array_equal(one, two)


def test_losses_and_gradients_follow_from_the_softmax() -> None:
    x, target, _, _ = labels_and_logits(6, (7, 4, 3), np.float32, -1)
    known = target != -1
    losses, slopes = cross_entropy.cross_entropy(x, target, None, -1, 0.0, "none")
    rows = softmax.as_rows(softmax.softmax(x.astype(np.float64), 1), 1)[known.reshape(-1)]
    labels = target[known]
    of_labels = rows[np.arange(labels.size), labels]
    np.testing.assert_allclose(losses[known], -np.log(of_labels), **tolerance(np.float32))
    rows[np.arange(labels.size), labels] -= 1
    np.testing.assert_allclose(slopes[known.reshape(-1)], rows, **tolerance(np.float32))
