"""float16 is computed in float32 and rounded once: against float64, forward and backward."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from minigrad.nn.utils import clip_grad_norm_

Array = np.ndarray[Any, Any]

_rng = np.random.default_rng(0)


def drawn(*shape: int, scale: float = 1.0) -> Array:
    return (_rng.standard_normal(shape) * scale).astype(np.float16)


def equal(value: float, *shape: int) -> Array:
    return np.full(shape, value, np.float16)


LABELS = mg.tensor([0, 4, 2, 2, 1, 0])
FIRST = mg.zeros(3000, dtype=mg.int64)
ONE_LARGE = np.array([300, *[0] * 9], np.float16)
SHARES = _rng.uniform(0.1, 0.9, 3000).astype(np.float16)

# Sums above 65504, the largest float16, or squares above it, or squares below the smallest.
CASES: dict[str, tuple[Callable[..., Any], list[Array]]] = {
    "mean": (mg.mean, [equal(100, 2000)]),
    "sum": (lambda x: x.sum(0), [drawn(3000, 2)]),
    "nanmean": (mg.nanmean, [equal(100, 3000)]),
    "prod": (mg.prod, [np.array([300, 300, 0.01, 0.01], np.float16)]),
    "norm": (mg.norm, [drawn(1000, scale=300)]),
    "norm of small ones": (mg.norm, [equal(1e-4, 50)]),
    "norm of order 3": (lambda x: mg.linalg.vector_norm(x, 3), [drawn(100, scale=100)]),
    "dist": (mg.dist, [drawn(100, scale=300), drawn(100, scale=300)]),
    "cdist": (mg.cdist, [drawn(10, 50, scale=100), drawn(10, 50, scale=100)]),
    "var": (mg.var, [drawn(1000, scale=100)]),
    "std": (mg.std, [drawn(1000, scale=300)]),
    "cov": (mg.cov, [drawn(2, 1000, scale=100)]),
    "corrcoef": (mg.corrcoef, [drawn(2, 1000, scale=300)]),
    "cumsum": (lambda x: x.cumsum(0), [np.abs(drawn(3000)) * np.float16(0.1)]),
    "logsumexp": (lambda x: x.logsumexp(0), [drawn(3000)]),
    "logcumsumexp": (lambda x: x.logcumsumexp(0), [drawn(3000)]),
    "trapezoid": (lambda x: mg.trapezoid(x, dim=0), [equal(20, 3000)]),
    "mse_loss": (F.mse_loss, [ONE_LARGE, equal(0, 10)]),
    "l1_loss": (F.l1_loss, [equal(100, 1000), equal(0, 1000)]),
    "huber_loss": (lambda x, y: F.huber_loss(x, y, delta=300.0), [ONE_LARGE, equal(0, 10)]),
    "smooth_l1_loss": (F.smooth_l1_loss, [drawn(1000, scale=100), drawn(1000)]),
    "binary_cross_entropy": (F.binary_cross_entropy, [SHARES, SHARES[::-1].copy()]),
    "with logits": (F.binary_cross_entropy_with_logits, [drawn(3000), SHARES]),
    "cross_entropy": (lambda x: F.cross_entropy(x, LABELS), [drawn(6, 5)]),
    "nll_loss": (lambda x: F.nll_loss(x, LABELS), [drawn(6, 5)]),
    "triplet_margin_loss": (F.triplet_margin_loss, [drawn(30, 50, scale=100) for _ in range(3)]),
    "rms_norm": (lambda x, w: F.rms_norm(x, (8,), w, 1e-5), [drawn(4, 8, scale=300), drawn(8)]),
    "normalize": (F.normalize, [drawn(4, 100, scale=300)]),
    "normalize small ones": (F.normalize, [drawn(4, 100, scale=1e-4)]),
    "cosine_similarity": (
        F.cosine_similarity,
        [drawn(4, 100, scale=300), drawn(4, 100, scale=300)],
    ),
    "pairwise_distance": (
        F.pairwise_distance,
        [drawn(4, 100, scale=300), drawn(4, 100, scale=300)],
    ),
    "layer_norm": (
        lambda x, w, b: F.layer_norm(x, (30,), w, b),
        [drawn(4, 30, scale=300), drawn(30), drawn(30)],
    ),
    "batch_norm": (
        lambda x, w, b: F.batch_norm(x, None, None, w, b, True),
        [drawn(40, 3, 4, scale=300), drawn(3), drawn(3)],
    ),
    "group_norm": (
        lambda x, w, b: F.group_norm(x, 2, w, b),
        [drawn(4, 4, 5, scale=300), drawn(4), drawn(4)],
    ),
    "instance_norm": (F.instance_norm, [drawn(4, 4, 50, scale=300)]),
    "local_response_norm": (lambda x: F.local_response_norm(x, 3), [drawn(2, 6, 5, scale=100)]),
    "softmax": (lambda x: F.softmax(x, 1), [drawn(4, 3000)]),
    "log_softmax": (lambda x: F.log_softmax(x, 1), [drawn(4, 3000)]),
    "max_pool2d": (lambda x: F.max_pool2d(x, 2), [drawn(2, 3, 6, 6)]),
    "max_pool1d": (lambda x: F.max_pool1d(x, 2, 1), [drawn(2, 3, 6)]),
    "adaptive_max_pool2d": (lambda x: F.adaptive_max_pool2d(x, 2), [drawn(2, 3, 6, 6)]),
    "avg_pool2d": (lambda x: F.avg_pool2d(x, 2), [drawn(2, 3, 6, 6)]),
    "adaptive_avg_pool2d": (lambda x: F.adaptive_avg_pool2d(x, 1), [drawn(2, 3, 60, 60)]),
    "lp_pool2d": (lambda x: F.lp_pool2d(x, 2, 2), [np.abs(drawn(2, 3, 6, 6, scale=200))]),
    "conv1d": (F.conv1d, [drawn(2, 3, 80), drawn(4, 3, 3)]),
    "conv2d": (F.conv2d, [drawn(2, 3, 8, 8), drawn(4, 3, 3, 3), drawn(4)]),
    "conv3d": (F.conv3d, [drawn(2, 3, 4, 5, 5), drawn(4, 3, 2, 3, 3), drawn(4)]),
    "conv_transpose2d": (F.conv_transpose2d, [drawn(2, 3, 8, 8), drawn(3, 4, 3, 3)]),
    "mm": (mg.mm, [drawn(20, 2000), drawn(2000, 3)]),
    "bmm": (mg.bmm, [drawn(3, 2, 200), drawn(3, 200, 3)]),
    "dot": (mg.dot, [drawn(20000), drawn(20000)]),
    "linear": (F.linear, [drawn(300, 200), drawn(30, 200), drawn(30)]),
    "bilinear": (F.bilinear, [drawn(30, 4), drawn(30, 5), drawn(3, 4, 5)]),
    "interpolate": (lambda x: F.interpolate(x, size=50, mode="linear"), [drawn(1, 1, 3)]),
    "prelu": (F.prelu, [drawn(3000), drawn(1)]),
    "add a bias": (lambda b: b + mg.zeros(5000, 2, dtype=mg.float16), [drawn(2)]),
    "embedding": (lambda w: F.embedding(FIRST, w), [drawn(3, 4)]),
    "embedding_bag": (lambda w: F.embedding_bag(FIRST.reshape(2, -1), w), [equal(100, 3, 4)]),
    "index_add": (lambda x, y: x.index_add(0, FIRST, y), [drawn(2), equal(0.1, 3000)]),
    "scatter_add": (lambda x, y: x.scatter_add(0, FIRST, y), [drawn(2), equal(0.1, 3000)]),
    "scatter_reduce": (
        lambda x, y: x.scatter_reduce(0, FIRST, y, "mean"),
        [drawn(2), equal(100, 3000)],
    ),
}


def _require_rounded(found: mg.Tensor, exact: mg.Tensor) -> None:
    """float16 of `exact` to its last two bits: gradients are of rounded operands."""
    assert found.dtype == mg.float16
    right = exact.detach().numpy()
    assert np.isfinite(right.astype(np.float16)).all()
    size = np.maximum(np.abs(right), 1e-2 * np.abs(right).max(initial=0))
    error = np.abs(found.detach().numpy().astype(np.float64) - right)
    assert np.all(error <= 2e-3 * size + 6e-8)


@pytest.mark.parametrize("name", CASES)
def test_float16(name: str) -> None:
    function, arrays = CASES[name]
    half = [mg.tensor(a, requires_grad=True) for a in arrays]
    double = [mg.tensor(a.astype(np.float64), requires_grad=True) for a in arrays]
    found, exact = function(*half), function(*double)
    _require_rounded(found, exact)
    cotangent = np.random.default_rng(1).uniform(0.5, 1, found.shape).astype(np.float16)
    found.backward(mg.tensor(cotangent))
    exact.backward(mg.tensor(cotangent).to(exact.dtype))
    for one, other in zip(half, double, strict=True):
        assert one.grad is not None
        assert other.grad is not None
        _require_rounded(one.grad, other.grad)


def test_the_node_is_called_what_it_is_called_in_float32() -> None:
    x = mg.ones(2, 3, dtype=mg.float16, requires_grad=True)
    assert repr(F.softmax(x, 1).grad_fn) == "<SoftmaxBackward0>"
    assert repr(F.mse_loss(x, x).grad_fn) == "<MseLossBackward0>"


def test_a_dtype_that_is_asked_for_stays() -> None:
    x = mg.ones(70_000, dtype=mg.float16)
    assert x.mean(dtype=mg.float32).dtype == mg.float32
    assert x.sum(dtype=mg.float32).item() == 70_000


def test_float16_with_float32_gives_float32() -> None:
    x, y = mg.ones(3, dtype=mg.float16), mg.zeros(3)
    assert F.mse_loss(x, y).dtype == mg.float32


@pytest.mark.parametrize(("value", "bound"), [(3e4, 1.0), (1e-4, 1e-4)])
def test_clip_grad_norm_of_float16_neither_erases_nor_keeps(value: float, bound: float) -> None:
    p = mg.nn.Parameter(mg.zeros(100, dtype=mg.float16))
    p.grad = mg.full((100,), value, dtype=mg.float16)
    total = clip_grad_norm_([p], bound)
    assert total.item() == pytest.approx(10 * value, rel=1e-3)
    assert p.grad is not None
    assert p.grad.float().norm().item() == pytest.approx(bound, rel=2e-2)
