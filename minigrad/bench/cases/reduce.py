"""Sums, and functions that have sums inside: softmax, cross-entropy, normalisations."""

from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.bench.case import Array, Case, Draw, both
from minigrad.bench.cases.elementwise import COUNTS, with_numpy
from minigrad.bench.cases.timing_modes import forward, gradient

ROW = 100  # elements of a row, and of a channel of an image
CHANNELS = 10


def _log_softmax(x: Array) -> Array:
    x = x - x.max(axis=1, keepdims=True)
    logs: Array = x - np.log(np.exp(x).sum(axis=1, keepdims=True))
    return logs


# In minigrad's and torch's words, in NumPy's, and the shape of the result for n elements.
REDUCTIONS: dict[str, tuple[Callable[..., Any], Callable[..., Any], Callable[[int], Any]]] = {
    "sum": (lambda lib, x: x.sum(), np.sum, lambda n: ()),
    "mean": (lambda lib, x: x.mean(), np.mean, lambda n: ()),
    "var": (lambda lib, x: x.var(), lambda x: np.var(x, ddof=1), lambda n: ()),
    "sum of rows": (lambda lib, x: x.sum(1), lambda x: np.sum(x, 1), lambda n: (n // ROW,)),
    "sum of columns": (lambda lib, x: x.sum(0), lambda x: np.sum(x, 0), lambda n: (ROW,)),
    "softmax": (
        lambda lib, x: lib.softmax(x, 1),
        lambda x: np.exp(_log_softmax(x)),
        lambda n: (n // ROW, ROW),
    ),
    "log_softmax": (lambda lib, x: lib.log_softmax(x, 1), _log_softmax, lambda n: (n // ROW, ROW)),
}


def reduction(name: str, n: int) -> list[Case]:
    """A function of n elements in rows (n / ROW, ROW), and its gradient."""
    call, in_numpy, shape = REDUCTIONS[name]
    out = shape(n)
    shared: dict[str, Any] = {
        "sizes": {"n": n},
        "flops": n,
        "elements": n + float(np.prod(out)),
    }
    return [
        Case(
            name=f"{name} forward",
            inputs=lambda draw: [draw(n // ROW, ROW)],
            implementations=with_numpy(call, in_numpy),
            reference=in_numpy,
            **shared,
        ),
        Case(
            name=f"{name} gradient",
            inputs=lambda draw: [draw(n // ROW, ROW), draw(*out)],
            implementations=both(gradient(call, 0)),
            **shared,
        ),
    ]


def cross_entropy(n: int) -> list[Case]:
    """Cross-entropy of n scores in rows of ROW classes, and its gradient."""

    def call(library: Any, scores: Any, labels: Any) -> Any:
        return library.nn.functional.cross_entropy(scores, labels)

    def inputs(draw: Draw) -> list[Array]:
        return [draw(n // ROW, ROW), draw.integers(ROW, n // ROW)]

    def right(scores: Array, labels: Array) -> Any:
        return -_log_softmax(scores)[np.arange(len(labels)), labels].mean()

    return [
        Case(
            name="cross_entropy forward",
            sizes={"n": n},
            inputs=inputs,
            implementations=both(forward(call)),
            reference=right,
            flops=n,
            elements=n,
        ),
        Case(
            name="cross_entropy gradient",
            sizes={"n": n},
            inputs=lambda draw: [*inputs(draw), draw()],
            implementations=both(gradient(call, 0)),
            flops=n,
            elements=2 * n,
        ),
    ]


def normalisation(
    name: str, n: int, shape: tuple[int, ...], size: int, call: Callable[..., Any],
    in_numpy: Callable[..., Array],
) -> list[Case]:  # fmt: skip
    """A normalisation of n elements with `size` weights and biases, and its three gradients."""

    def inputs(draw: Draw) -> list[Array]:
        return [draw(*shape), draw(size), draw(size)]

    shared: dict[str, Any] = {"sizes": {"n": n}, "flops": n}
    return [
        Case(
            name=f"{name} forward",
            inputs=inputs,
            implementations=both(forward(call)),
            reference=in_numpy,
            elements=2 * n,
            **shared,
        ),
        Case(
            name=f"{name} gradient",
            inputs=lambda draw: [*inputs(draw), draw(*shape)],
            implementations=both(gradient(call, 0, 1, 2)),
            elements=3 * n,
            **shared,
        ),
    ]


def batch_norm(n: int) -> list[Case]:
    """Batch normalisation of n elements of images while training."""
    shape = (n // (CHANNELS * ROW), CHANNELS, 10, ROW // 10)

    def call(library: Any, x: Any, weight: Any, bias: Any) -> Any:
        return library.nn.functional.batch_norm(x, None, None, weight, bias, training=True)

    def in_numpy(x: Array, weight: Array, bias: Array) -> Array:
        mean, var = x.mean(axis=(0, 2, 3)), x.var(axis=(0, 2, 3))
        weight, bias, mean, var = (v[:, None, None] for v in (weight, bias, mean, var))
        scaled: Array = (x - mean) / np.sqrt(var + 1e-5) * weight + bias
        return scaled

    return normalisation("batch_norm", n, shape, CHANNELS, call, in_numpy)


def layer_norm(n: int) -> list[Case]:
    """Layer normalisation of n elements in rows of ROW."""

    def call(library: Any, x: Any, weight: Any, bias: Any) -> Any:
        return library.nn.functional.layer_norm(x, (ROW,), weight, bias)

    def in_numpy(x: Array, weight: Array, bias: Array) -> Array:
        mean, var = x.mean(axis=1, keepdims=True), x.var(axis=1, keepdims=True)
        scaled: Array = (x - mean) / np.sqrt(var + 1e-5) * weight + bias
        return scaled

    return normalisation("layer_norm", n, (n // ROW, ROW), ROW, call, in_numpy)


CASES = [
    *(case for name in REDUCTIONS for n in COUNTS for case in reduction(name, n)),
    *(case for n in COUNTS for case in cross_entropy(n)),
    *(case for n in COUNTS for case in batch_norm(n)),
    *(case for n in COUNTS for case in layer_norm(n)),
]
