"""Gradients with noise, and gradients of which parts are dropped."""

import numpy as np

from minigrad.core.types import Array
from minigrad.engine.graph import wrap
from minigrad.optim.optimizer import Optimizer
from minigrad.optim.wrappers.wrapper import Wrapper
from minigrad.tensor import Tensor


class _ChangedGradients(Wrapper):
    """Steps of changed gradients; the change follows from the seed and the step count alone."""

    seed: int
    taken: int

    def _update(self) -> None:
        rng = np.random.default_rng((self.seed, self.taken))
        self.taken += 1
        before = [(p, p.grad) for p in self._params()]
        for p, g in self._with_gradients():
            p.grad = wrap(Tensor, self._changed(g, rng).astype(g.dtype))
        try:
            self.inner.step()
        finally:
            for p, grad in before:
                p.grad = grad

    def _changed(self, g: Array, rng: np.random.Generator) -> Array:
        raise NotImplementedError


class GradientNoise(_ChangedGradients):
    """Steps of gradients plus normal noise of the variance `eta / (1 + t) ** gamma`.

    Paper: Neelakantan et al. 2015, arXiv:1511.06807.
    """

    numbers = ("eta", "gamma", "seed", "taken")

    def __init__(
        self, inner: Optimizer, eta: float = 0.01, gamma: float = 0.55, seed: int = 0
    ) -> None:
        super().__init__(inner)
        if not eta >= 0:
            raise ValueError(f"GradientNoise: eta must be 0 or more, got {eta!r}")
        self.eta, self.gamma, self.seed, self.taken = eta, gamma, seed, 0

    def _changed(self, g: Array, rng: np.random.Generator) -> Array:
        deviation = (self.eta / (1 + self.taken) ** self.gamma) ** 0.5
        noisy: Array = g + deviation * rng.standard_normal(g.shape)
        return noisy


class GradientDropout(_ChangedGradients):
    """Steps of gradients whose elements are zero with probability `p`; the others are scaled up."""

    numbers = ("p", "seed", "taken")

    def __init__(self, inner: Optimizer, p: float = 0.1, seed: int = 0) -> None:
        super().__init__(inner)
        if not 0 <= p < 1:
            raise ValueError(f"GradientDropout: p must be in [0, 1), got {p!r}")
        self.p, self.seed, self.taken = p, seed, 0

    def _changed(self, g: Array, rng: np.random.Generator) -> Array:
        dropped: Array = np.where(rng.random(g.shape) < self.p, 0, g / (1 - self.p))
        return dropped
