"""Ten problems on which optimizers differ: each a loss, a start, a number of steps, a target."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from minigrad import nn
from minigrad.core.types import Array
from minigrad.optim.visualize import SURFACES
from minigrad.random import fork_rng, manual_seed
from minigrad.tensor import Tensor
from minigrad.tensor.creation import from_numpy
from minigrad.vision.datasets import Digits

Losses = Callable[[int], Tensor]
"""The loss of a step, by its number."""


class Problem(NamedTuple):
    """What is minimized.

    `make` gives parameters and the loss at each step; it gives the same each time.  `target` is
    the loss that counts as solved, `steps` the number of steps.
    """

    make: Callable[[], tuple[Sequence[Tensor], Losses]]
    steps: int
    target: float
    what: str


def _parameter(values: Any) -> Tensor:
    return from_numpy(np.array(values, np.float64)).requires_grad_()


def _surface(name: str, start: tuple[float, float] | None = None) -> Any:
    def make() -> tuple[Sequence[Tensor], Losses]:
        surface = SURFACES[name]
        p = _parameter(start or surface.start)
        return [p], lambda step: surface.loss(p[0], p[1])

    return make


def _saddle() -> tuple[Sequence[Tensor], Losses]:
    p = _parameter([1.5, 1e-3])
    return [p], lambda step: p[0] ** 2 - p[1] ** 2 + p[1] ** 4 / 4 + 1


def _plateau() -> tuple[Sequence[Tensor], Losses]:
    p = _parameter([6.0, -5.0])
    return [p], lambda step: 1 - (-(p * p).sum() / 12).exp()


def _noisy_quadratic() -> tuple[Sequence[Tensor], Losses]:
    rng = np.random.default_rng(0)
    curvature = from_numpy(np.logspace(-1, 1, 20))
    noise = rng.standard_normal((1000, 20))
    p = _parameter(np.ones(20))

    def loss(step: int) -> Tensor:
        return (curvature * p * p).sum() / 2 + (from_numpy(noise[step]) * p).sum() * 0.3

    return [p], loss


def _sparse() -> tuple[Sequence[Tensor], Losses]:
    rng = np.random.default_rng(1)
    truth = rng.standard_normal(100)
    p = _parameter(np.zeros(100))
    # Features as rare as words: the tenth is seen a tenth as often as the first.
    odds = 1 / np.arange(1, 101)
    seen = rng.choice(100, (1000, 8), p=odds / odds.sum())

    def loss(step: int) -> Tensor:
        rows: Tensor = p[from_numpy(seen[step])]
        return ((rows - from_numpy(truth[seen[step]])) ** 2).mean()

    return [p], loss


def _logistic() -> tuple[Sequence[Tensor], Losses]:
    rng = np.random.default_rng(2)
    x = rng.standard_normal((64, 10)) * np.logspace(-1, 1, 10)
    y = (x @ (rng.standard_normal(10) / np.logspace(-1, 1, 10)) > 0).astype(np.float64)
    p, x_, y_ = _parameter(np.zeros(10)), from_numpy(x), from_numpy(y)
    return [p], lambda step: nn.functional.binary_cross_entropy_with_logits(x_ @ p, y_)


def _huge() -> tuple[Sequence[Tensor], Losses]:
    p = _parameter(np.linspace(-1, 1, 10))
    scale = from_numpy(np.logspace(0, 2, 10))
    return [p], lambda step: 1e6 * (scale * (p - 0.3) ** 2).mean()


@cache
def _digits() -> tuple[Array, Array]:
    data = Digits(train=True)
    images = np.stack([np.asarray(data[k][0], np.float32).reshape(8, 8) for k in range(640)])
    labels = np.array([data[k][1] for k in range(640)])
    return (images / max(1.0, float(images.max()))).astype(np.float32), labels


class _Cnn(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
            nn.Linear(128, 10),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        scores: Tensor = self.body(x.reshape(-1, 1, 8, 8))
        return scores


class _Lstm(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.rows = nn.LSTM(8, 16, batch_first=True)
        self.scores = nn.Linear(16, 10)

    def forward(self, x: Tensor) -> Tensor:
        scores: Tensor = self.scores(self.rows(x)[0][:, -1])
        return scores


def _network(cls: type[nn.Module]) -> Callable[[], tuple[Sequence[Tensor], Losses]]:
    def make() -> tuple[Sequence[Tensor], Losses]:
        with fork_rng():
            manual_seed(0)
            model = cls()
        images, labels = _digits()

        def loss(step: int) -> Tensor:
            part = slice(32 * (step % 20), 32 * (step % 20) + 32)
            x, y = from_numpy(images[part]), from_numpy(labels[part])
            return nn.functional.cross_entropy(model(x), y)

        return list(model.parameters()), loss

    return make


PROBLEMS = {
    "ravine": Problem(_surface("ravine"), 150, 1e-3, "two curvatures, 1 to 40"),
    "saddle": Problem(_saddle, 150, 1e-2, "a saddle, from nearly its ridge"),
    "plateau": Problem(_plateau, 150, 1e-2, "a gradient of 1e-2 far from the minimum"),
    "noisy": Problem(_noisy_quadratic, 150, 0.1, "20 curvatures, 1 to 100, gradients with noise"),
    "Rosenbrock": Problem(_surface("Rosenbrock"), 300, 0.1, "a curved valley"),
    "sparse": Problem(_sparse, 200, 0.1, "features as rare as words"),
    "logistic": Problem(_logistic, 150, 0.1, "regression, features of scales 0.1 to 10"),
    "huge": Problem(_huge, 150, 1.0, "gradients up to 1e8, beyond float16"),
    "CNN": Problem(_network(_Cnn), 60, 0.4, "convolutions on the embedded digits"),
    "LSTM": Problem(_network(_Lstm), 80, 1.0, "rows of the embedded digits as a sequence"),
}
