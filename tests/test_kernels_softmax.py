"""Softmax and the losses of labels against PyTorch."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from minigrad.kernels import build, softmax

Array = np.ndarray[Any, Any]
DTYPES = [np.float32, np.float64]
FORWARD = {"softmax": softmax.softmax, "log_softmax": softmax.log_softmax}
BACKWARD = {"softmax": softmax.softmax_backward, "log_softmax": softmax.log_softmax_backward}


def tolerance(dtype: Any) -> dict[str, Any]:
    return {"rtol": 1e-5, "atol": 2e-6} if dtype == np.float32 else {"rtol": 1e-12, "atol": 1e-13}


@given(
    shape=st.lists(st.integers(0, 9), max_size=4).map(tuple),
    name=st.sampled_from(sorted(FORWARD)),
    dtype=st.sampled_from(DTYPES),
    reverse=st.booleans(),
    data=st.data(),
)
@settings(deadline=None, max_examples=80)
def test_softmax_and_gradient_as_torch(
    shape: tuple[int, ...], name: str, dtype: Any, reverse: bool, data: st.DataObject
) -> None:
    rng = np.random.default_rng(0)
    axis = data.draw(st.integers(-max(len(shape), 1), max(len(shape), 1) - 1))
    x, g = (np.asarray(rng.standard_normal(shape), dtype) for _ in range(2))
    if reverse:
        x, g = x.T[..., ::-1] if shape else x, g.T if shape else g
    reference = torch.tensor(x.copy(), requires_grad=True)
    expected = getattr(F, name)(reference, axis)
    expected.backward(torch.tensor(g.copy()))
    out = FORWARD[name](x, axis)
    assert out.dtype == dtype
    np.testing.assert_allclose(out, expected.detach().numpy(), **tolerance(dtype))
    assert reference.grad is not None
    dx = BACKWARD[name](g, out, axis)
    np.testing.assert_allclose(dx, reference.grad.numpy(), **tolerance(dtype))


@pytest.mark.parametrize("name", FORWARD)
@pytest.mark.parametrize("dtype", DTYPES)
def test_extreme_logits_as_torch(name: str, dtype: Any) -> None:
    inf, nan = math.inf, math.nan
    x = np.array(
        [[-inf, -inf, -inf], [inf, 1, 2], [nan, 0, 1], [0, nan, 1], [1e4, 0, 1e4 - 0.5],
         [-inf, 1, 2], [-1e4, -1e4, -1e4]], dtype)  # fmt: skip
    expected = getattr(F, name)(torch.tensor(x), 1).numpy()
    np.testing.assert_allclose(FORWARD[name](x, 1), expected, **tolerance(dtype))


def labels_and_logits(
    seed: int, shape: tuple[int, int, int], dtype: Any, ignore_index: int
) -> tuple[Array, Array, Array, Array]:
    n, c, s = shape
    rng = np.random.default_rng(seed)
    x = (3 * rng.standard_normal(shape)).astype(dtype)
    target = rng.integers(0, c, (n, s))
    target[rng.random((n, s)) < 0.2] = ignore_index
    return x, target, rng.standard_normal((n, s)).astype(dtype), rng.random(c).astype(dtype)


@given(
    shape=st.tuples(st.integers(0, 9), st.integers(1, 11), st.integers(0, 5)),
    weighted=st.booleans(),
    ignore_index=st.sampled_from([-100, 0]),
    label_smoothing=st.sampled_from([0.0, 0.1, 1.0]),
    dtype=st.sampled_from(DTYPES),
)
@settings(deadline=None, max_examples=100)
def test_cross_entropy_and_gradient_as_torch(
    shape: tuple[int, int, int], weighted: bool, ignore_index: int, label_smoothing: float,
    dtype: Any,
) -> None:  # fmt: skip
    x, target, g, weight = labels_and_logits(1, shape, dtype, ignore_index)
    reference = torch.tensor(x, requires_grad=True)
    expected = F.cross_entropy(
        reference, torch.tensor(target), torch.tensor(weight) if weighted else None,
        ignore_index=ignore_index, reduction="none", label_smoothing=label_smoothing,
    )  # fmt: skip
    expected.backward(torch.tensor(g))
    settings_ = (target, weight if weighted else None, ignore_index, label_smoothing)
    loss, log_p = softmax.cross_entropy(x, *settings_)
    np.testing.assert_allclose(loss, expected.detach().numpy(), **tolerance(dtype))
    np.testing.assert_allclose(log_p, softmax.log_softmax(x, 1))
    dx = softmax.cross_entropy_backward(g, log_p, *settings_)
    assert loss.dtype == dx.dtype == dtype
    assert reference.grad is not None
    np.testing.assert_allclose(dx, reference.grad.numpy(), **tolerance(dtype))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_label_weights_divide_the_mean(weighted: bool, smoothing: float) -> None:
    x, target, _, weight = labels_and_logits(2, (20, 5, 3), np.float64, -100)
    given_weight = weight if weighted else None
    loss, _ = softmax.cross_entropy(x, target, given_weight, -100, smoothing)
    divisor = softmax.label_weights(target, given_weight, -100, x.dtype).sum()
    expected = F.cross_entropy(
        torch.tensor(x), torch.tensor(target), torch.tensor(weight) if weighted else None,
        label_smoothing=smoothing,
    )  # fmt: skip
    np.testing.assert_allclose(loss.sum() / divisor, expected.item(), rtol=1e-12)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("dtype", DTYPES)
def test_nll_and_gradient_as_torch(weighted: bool, dtype: Any) -> None:
    x, target, g, weight = labels_and_logits(3, (13, 7, 5), dtype, -100)
    reference = torch.tensor(x, requires_grad=True)
    expected = F.nll_loss(
        reference, torch.tensor(target), torch.tensor(weight) if weighted else None,
        reduction="none",
    )  # fmt: skip
    expected.backward(torch.tensor(g))
    settings_ = (target, weight if weighted else None, -100)
    loss = softmax.nll_loss(x, *settings_)
    np.testing.assert_allclose(loss, expected.detach().numpy(), **tolerance(dtype))
    dx = softmax.nll_loss_backward(g, x.shape, *settings_)
    assert loss.dtype == dx.dtype == dtype
    assert reference.grad is not None
    np.testing.assert_allclose(dx, reference.grad.numpy(), **tolerance(dtype))


def test_ignored_rows_hold_anything() -> None:
    x = np.full((2, 3, 1), np.nan)
    x[0] = 1.0
    target = np.array([[2], [-100]])
    loss, log_p = softmax.cross_entropy(x, target, None, -100, 0.1)
    np.testing.assert_allclose(loss, [[math.log(3)], [0]])
    dx = softmax.cross_entropy_backward(np.ones((2, 1)), log_p, target, None, -100, 0.1)
    np.testing.assert_array_equal(dx[1], np.zeros((3, 1)))


@pytest.mark.parametrize(
    ("target", "expected"),
    [([], None), ([0, 4, 2], None), ([0, -100], None), ([1, 5, 9], (1, 5)), ([-100, -1], (1, -1))],
)
def test_first_bad_label(target: list[int], expected: tuple[int, int] | None) -> None:
    assert softmax.first_bad_label(np.array(target, np.int64), 5, -100) == expected


@pytest.mark.parametrize("shape", [(257, 131, 1), (5, 3, 3001)])
def test_large_cross_entropy_as_torch(shape: tuple[int, int, int]) -> None:
    x, target, g, weight = labels_and_logits(5, shape, np.float64, -100)
    reference = torch.tensor(x, requires_grad=True)
    F.cross_entropy(
        reference, torch.tensor(target), torch.tensor(weight), reduction="none",
        label_smoothing=0.1,
    ).backward(torch.tensor(g))  # fmt: skip
    _, log_p = softmax.cross_entropy(x, target, weight, -100, 0.1)
    dx = softmax.cross_entropy_backward(g, log_p, target, weight, -100, 0.1)
    assert reference.grad is not None
    np.testing.assert_allclose(dx, reference.grad.numpy(), **tolerance(np.float64))


@pytest.mark.parametrize("shape", [(257, 131, 1), (5, 3, 3001)])
def test_bit_identical_on_one_thread_and_two(shape: tuple[int, int, int]) -> None:
    x, target, g, weight = labels_and_logits(4, shape, np.float32, -100)
    results, before = [], build.get_num_threads()
    try:
        for threads in (1, before):
            build.set_num_threads(threads)
            loss, log_p = softmax.cross_entropy(x, target, weight, -100, 0.1)
            dx = softmax.cross_entropy_backward(g, log_p, target, weight, -100, 0.1)
            results.append((loss, dx, softmax.softmax(x, 1), softmax.softmax_backward(x, x, 1)))
    finally:
        build.set_num_threads(before)
    for one, two in zip(*results, strict=True):
        np.testing.assert_array_equal(one, two)
