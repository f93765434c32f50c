"""Connectionist temporal classification against the sum over every alignment, and PyTorch."""

import itertools
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from minigrad.kernels.compiler import kernel
from minigrad.kernels.reduction import ctc

Array = np.ndarray[Any, Any]


def logarithms(rng: np.random.Generator, *shape: int) -> Array:
    """Logarithms of positive numbers, which need not be probabilities."""
    return rng.uniform(-3.0, 1.0, shape)


def collapsed(path: tuple[int, ...], blank: int) -> list[int]:
    """The labels of an alignment: repetitions count once, blanks do not."""
    return [label for label, _ in itertools.groupby(path) if label != blank]


def over_all_alignments(log_p: Array, labels: list[int], blank: int) -> tuple[float, Array]:
    """The log-likelihood of one sequence (T, C), and each label's probability at each time."""
    length, classes = log_p.shape
    total, shares = 0.0, np.zeros_like(log_p)
    for path in itertools.product(range(classes), repeat=length):
        if collapsed(path, blank) == labels:
            weight = np.exp(log_p[np.arange(length), path].sum())
            total += weight
            shares[np.arange(length), path] += weight
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.log(total)), shares / total


@settings(deadline=None, max_examples=60)
@given(
    st.integers(0, 6), st.integers(0, 2), st.integers(0, 2**32),
    st.lists(st.integers(0, 2), max_size=4), st.sampled_from([np.float32, np.float64]),
)  # fmt: skip
def test_the_sum_over_all_alignments(
    length: int, blank: int, seed: int, labels: list[int], dtype: Any
) -> None:
    labels = [label for label in labels if label != blank]
    log_p = logarithms(np.random.default_rng(seed), 6, 3).astype(dtype)
    expected, shares = over_all_alignments(log_p[:length].astype(float), labels, blank)
    targets = np.array([[*labels, 99, 99]])  # what is beyond the length may be anything
    paths = ctc.lattice(targets, np.array([length]), np.array([len(labels)]), blank)
    likelihood, log_alpha = ctc.ctc_loss(log_p[:, None], paths)
    np.testing.assert_allclose(likelihood, [expected], rtol=1e-12, atol=1e-12)
    dx = ctc.ctc_loss_backward(np.array([2.5], dtype), likelihood, log_alpha, log_p[:, None], paths)
    assert dx.dtype == dtype
    wanted = np.zeros((6, 3))
    if np.isfinite(expected):
        wanted[:length] = -2.5 * shares
    tolerance = 1e-12 if dtype == np.float64 else 1e-6
    np.testing.assert_allclose(dx[:, 0], wanted, rtol=0, atol=tolerance)


def drawn(seed: int, length: int, count: int, classes: int, longest: int) -> tuple[Any, ...]:
    rng = np.random.default_rng(seed)
    log_p = rng.normal(size=(length, count, classes))
    log_p -= np.log(np.exp(log_p).sum(-1, keepdims=True))
    sizes = rng.integers(0, longest + 1, count)
    times = rng.integers(2 * longest, length + 1, count)
    return log_p, rng.integers(1, classes, (count, longest)), times, sizes


@pytest.mark.parametrize("sizes", [(9, 1, 2, 3), (120, 5, 7, 25), (700, 3, 40, 200)])
def test_long_inputs_as_torch(sizes: tuple[int, ...]) -> None:
    log_p, targets, times, counts = drawn(1, *sizes)
    paths = ctc.lattice(targets, times, counts, 0)
    likelihood, log_alpha = ctc.ctc_loss(log_p, paths)
    g = np.random.default_rng(2).normal(size=len(times))
    dx = ctc.ctc_loss_backward(g, likelihood, log_alpha, log_p, paths)
    x = torch.tensor(log_p, requires_grad=True)
    loss = F.ctc_loss(x, *map(torch.tensor, (targets, times, counts)), reduction="none")
    np.testing.assert_allclose(-likelihood, loss.detach().numpy(), rtol=1e-12)
    loss.backward(torch.tensor(g))
    # torch's gradient has the probabilities added, which log_softmax would take away again.
    within = (np.arange(len(log_p))[:, None] < times)[..., None]
    assert x.grad is not None
    theirs = x.grad.numpy() - within * np.exp(log_p) * g[:, None]
    np.testing.assert_allclose(dx, theirs, rtol=0, atol=1e-10)


def test_very_small_probabilities_do_not_underflow() -> None:
    """An input just long enough, with labels e**-600 times as probable as others at each step."""
    log_p = np.zeros((8, 1, 9))
    targets = np.arange(1, 9)[None]
    log_p[np.arange(8), 0, targets[0]] = -600.0
    paths = ctc.lattice(targets, np.array([8]), np.array([8]), 0)
    likelihood, log_alpha = ctc.ctc_loss(log_p, paths)
    np.testing.assert_allclose(likelihood, [-4800.0], rtol=1e-14)
    dx = ctc.ctc_loss_backward(np.ones(1), likelihood, log_alpha, log_p, paths)
    np.testing.assert_allclose(dx[:, 0], -np.eye(9)[1:], rtol=0, atol=1e-12)


def test_nan_stays_nan() -> None:
    log_p = np.zeros((3, 2, 3))
    log_p[1, 0] = np.nan
    paths = ctc.lattice(np.array([[1], [1]]), np.array([3, 3]), np.array([1, 1]), 0)
    with np.errstate(invalid="ignore"):
        likelihood, _ = ctc.ctc_loss(log_p, paths)
    assert np.isnan(likelihood[0])
    np.testing.assert_allclose(likelihood[1], np.log(6))


def test_bit_identical_on_one_thread_and_two() -> None:
    log_p, targets, times, counts = drawn(3, 90, 16, 11, 20)
    paths = ctc.lattice(targets, times, counts, 0)
    results, before = [], kernel.get_num_threads()
    try:
        for threads in (1, before):
            kernel.set_num_threads(threads)
            likelihood, log_alpha = ctc.ctc_loss(log_p, paths)
            dx = ctc.ctc_loss_backward(np.ones(16), likelihood, log_alpha, log_p, paths)
            results.append((likelihood, log_alpha, dx))
    finally:
        kernel.set_num_threads(before)
    for one, two in zip(*results, strict=True):
        np.testing.assert_array_equal(one, two)
