"""The error of float32 sums does not grow with their length, in whatever operation they are."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F

Array = np.ndarray[Any, Any]
Make = Callable[[Any, int], list[Any]]

# Blocks of up to 4096 are added in float32: far above what they lose, and far below what a sum of
# 300 000 loses that adds one by one (1e-4 of equal numbers, 1e-5 of others).
MOST = 4e-6
LENGTHS = [300, 5_000, 300_000]


def drawn(rng: np.random.Generator, *shape: int) -> Array:
    return rng.uniform(0.05, 0.15, shape)


def at(rng: np.random.Generator, *shape: int) -> Array:
    return rng.integers(0, 4, shape)


def broadcast(function: Callable[..., Any], *shape: int) -> tuple[Callable[..., Any], Make]:
    return function, lambda rng, n: [
        drawn(rng, *shape),
        drawn(rng, n, 2),
    ]


FORWARD: dict[str, tuple[Callable[..., Any], Make]] = {
    "sum down columns": (lambda x: x.sum(0), lambda rng, n: [drawn(rng, n, 2)]),
    "sum of equal numbers": (lambda x: x.sum(0), lambda rng, n: [np.full((n, 2), 0.1)]),
    "sum along rows": (lambda x: x.sum(1), lambda rng, n: [drawn(rng, 2, n)]),
    "sum of a transpose": (lambda x: x.T.sum(1), lambda rng, n: [drawn(rng, n, 2)]),
    "sum with steps": (lambda x: x[::2].sum(0), lambda rng, n: [drawn(rng, n, 2)]),
    "sum of some columns": (lambda x: x[:, 1:].sum(0), lambda rng, n: [drawn(rng, n, 3)]),
    "sum of a broadcast": (lambda x: x.expand(-1, 7).sum(0), lambda rng, n: [drawn(rng, n, 1)]),
    "sum of three groups": (
        lambda x: x.sum((0, 2, 4)),
        lambda rng, n: [drawn(rng, n // 12, 2, 2, 2, 3)],
    ),
    "sum_to_size": (lambda x: x.sum_to_size(3, 1), lambda rng, n: [drawn(rng, n // 6, 3, 2)]),
    "mean": (lambda x: x.mean(0), lambda rng, n: [drawn(rng, n, 2)]),
    "var": (lambda x: x.var(0), lambda rng, n: [drawn(rng, n, 2)]),
    "norm": (lambda x: x.norm(dim=0), lambda rng, n: [drawn(rng, n, 2)]),
    "norm of order 3": (
        lambda x: mg.linalg.vector_norm(x, 3, dim=0),
        lambda rng, n: [drawn(rng, n, 2)],
    ),
    "logsumexp": (lambda x: x.logsumexp(0), lambda rng, n: [drawn(rng, n, 2)]),
    "logcumsumexp": (lambda x: x.logcumsumexp(0)[-1], lambda rng, n: [drawn(rng, n, 2)]),
    "cumsum": (lambda x: x.cumsum(0)[-1], lambda rng, n: [drawn(rng, n, 2)]),
    "cov": (lambda x: mg.cov(x.T), lambda rng, n: [drawn(rng, n, 2)]),
    "mse_loss": (F.mse_loss, lambda rng, n: [drawn(rng, n), drawn(rng, n) * 2]),
    "dot": (mg.dot, lambda rng, n: [drawn(rng, n), drawn(rng, n)]),
    "row times column": (mg.mm, lambda rng, n: [drawn(rng, 1, n), drawn(rng, n, 1)]),
    "row times matrix": (mg.mm, lambda rng, n: [drawn(rng, 1, n), drawn(rng, n, 2)]),
    "matrix times vector": (lambda x, v: x.T @ v, lambda rng, n: [drawn(rng, n, 8), drawn(rng, n)]),
    "mm": (mg.mm, lambda rng, n: [drawn(rng, 5, n), drawn(rng, n, 7)]),
    "mm of transposes": (lambda x, y: x.T @ y, lambda rng, n: [drawn(rng, n, 3), drawn(rng, n, 2)]),
    "bmm": (mg.bmm, lambda rng, n: [drawn(rng, 2, 3, n), drawn(rng, 2, n, 2)]),
    "scatter_add": (
        lambda x, i, s: x.scatter_add(0, i, s),
        lambda rng, n: [drawn(rng, 4, 2), at(rng, n, 2), drawn(rng, n, 2)],
    ),
    "index_add": (
        lambda x, i, s: x.index_add(0, i, s),
        lambda rng, n: [drawn(rng, 4, 2), at(rng, n), drawn(rng, n, 2)],
    ),
    "index_put": (
        lambda x, i, s: x.index_put((i,), s, accumulate=True),
        lambda rng, n: [drawn(rng, 4), at(rng, n), drawn(rng, n)],
    ),
    "avg_pool": (lambda x: F.avg_pool1d(x, x.shape[-1]), lambda rng, n: [drawn(rng, 1, 2, n)]),
    "adaptive_avg_pool": (
        lambda x: F.adaptive_avg_pool1d(x, 2),
        lambda rng, n: [drawn(rng, 1, 2, n)],
    ),
}

# The gradient of the first tensor.
BACKWARD: dict[str, tuple[Callable[..., Any], Make]] = {
    "add": broadcast(lambda b, x: x + b, 2),
    "sub": broadcast(lambda b, x: x - b, 2),
    "mul": broadcast(lambda b, x: x * b, 1, 2),
    "div": broadcast(lambda b, x: x / b, 2),
    "pow": broadcast(lambda b, x: x**b, 2),
    "maximum": broadcast(lambda b, x: mg.maximum(b, x * 0.3), 2),
    "lerp": broadcast(lambda b, x: mg.lerp(x, b, 0.3), 2),
    "where": broadcast(lambda b, x: mg.where(x > 0.01, b, x), 2),
    "of a number": broadcast(lambda b, x: b * x),
    "expand": broadcast(lambda b, x: b.expand_as(x), 2),
    "repeat": broadcast(lambda b, x: b.repeat(len(x), 1), 2),
    "tile": broadcast(lambda b, x: b.tile((len(x), 1)), 2),
    "repeat_interleave": broadcast(lambda b, x: b.repeat_interleave(len(x), 0), 2),
    "prelu": broadcast(lambda w, x: F.prelu(-x, w), 2),
    "layer_norm's bias": broadcast(lambda b, x: F.layer_norm(x, (2,), None, b), 2),
    "batch_norm's bias": broadcast(lambda b, x: F.batch_norm(x, None, None, b, b, True), 2),
    "linear's bias": broadcast(lambda b, x: F.linear(x, x[:2], b), 2),
    "linear's weight": broadcast(lambda w, x: F.linear(x, w), 3, 2),
    "convolution's weight": broadcast(lambda w, x: F.conv1d(x.T[:, None], w), 1, 1, 3),
    "interpolate": broadcast(lambda w, x: F.interpolate(w, size=len(x), mode="linear"), 1, 1, 4),
    "pad": broadcast(lambda w, x: F.pad(w, (len(x), 0), mode="replicate"), 1, 1, 4),
    "as_strided": broadcast(lambda w, x: w.as_strided((len(x),), (0,)), 4),
    "embedding": (
        lambda w, i: F.embedding(i, w),
        lambda rng, n: [drawn(rng, 40, 3), at(rng, n)],
    ),
    "embedding of few of many": (
        lambda w, i: F.embedding(i, w),
        lambda rng, n: [drawn(rng, 20 * n, 1), at(rng, n)],
    ),
    "getitem": (lambda x, i: x[:, i], lambda rng, n: [drawn(rng, 2, 4), at(rng, n)]),
    "getitem apart": (lambda x, i: x[i, :, i], lambda rng, n: [drawn(rng, 4, 2, 4), at(rng, n)]),
    "gather": (lambda x, i: x.gather(1, i), lambda rng, n: [drawn(rng, 2, 4), at(rng, 2, n)]),
    "gather of a part": (
        lambda x, i: x.gather(1, i),
        lambda rng, n: [drawn(rng, 3, 4), at(rng, 2, n)],
    ),
    "logcumsumexp": (lambda x: x.logcumsumexp(0), lambda rng, n: [drawn(rng, n, 2)]),
    "cumprod": (
        lambda x: mg.cumprod(x * 0 + x / x.detach(), 0),
        lambda rng, n: [drawn(rng, n)],
    ),
}


def _rounded(arrays: list[Any]) -> list[Any]:
    return [a.astype(np.float32) if a.dtype.kind == "f" else a for a in arrays]


def _as(dtype: Any, arrays: list[Any]) -> list[mg.Tensor]:
    return [mg.tensor(a.astype(dtype) if a.dtype.kind == "f" else a) for a in arrays]


def _gradient(function: Callable[..., Any], tensors: list[mg.Tensor]) -> Array:
    first = tensors[0].requires_grad_()
    out = function(*tensors)
    cotangent = np.random.default_rng(5).uniform(0.05, 0.15, out.shape)
    out.backward(mg.tensor(cotangent).to(out.dtype))
    assert first.grad is not None
    return first.grad.numpy()


def _relative_error(found: Array, exact: Array) -> float:
    return float(np.max(np.abs(found.astype(np.float64) - exact) / np.abs(exact)))


@pytest.mark.parametrize("n", LENGTHS)
@pytest.mark.parametrize("name", FORWARD)
def test_sums(name: str, n: int) -> None:
    function, make = FORWARD[name]
    arrays = _rounded(make(np.random.default_rng(n), n))
    found, exact = (function(*_as(dtype, arrays)).numpy() for dtype in (np.float32, np.float64))
    assert found.dtype == np.float32
    assert _relative_error(found, exact) < MOST


@pytest.mark.parametrize("n", LENGTHS)
@pytest.mark.parametrize("name", BACKWARD)
def test_gradients_that_are_sums(name: str, n: int) -> None:
    function, make = BACKWARD[name]
    arrays = _rounded(make(np.random.default_rng(n), n))
    found, exact = (_gradient(function, _as(dtype, arrays)) for dtype in (np.float32, np.float64))
    assert found.dtype == np.float32
    clear = np.abs(exact) > 1e-2 * np.abs(exact).max()
    assert _relative_error(found[clear], exact[clear]) < 4 * MOST


def test_gradient_of_a_bias_over_three_million_rows() -> None:
    b = mg.zeros(2, requires_grad=True)
    ((mg.zeros(3_000_000, 2) + b) * 0.1).sum().backward()
    assert b.grad is not None
    assert b.grad.tolist() == [300_000, 300_000]


@pytest.mark.parametrize("order", [1.0, 2.0, 3.0])
def test_the_norm_that_gradients_are_clipped_to(order: float) -> None:
    x = mg.full((3_000_000,), 0.1)
    found = mg.nn.utils.get_total_norm([x, x[:7]], order).item()
    assert found == pytest.approx(3_000_007 ** (1 / order) * 0.1, rel=MOST)
