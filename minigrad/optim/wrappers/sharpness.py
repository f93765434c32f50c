"""Sharpness-aware minimization."""

from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.engine.grad_mode import enable_grad
from minigrad.optim.optimizer import Optimizer
from minigrad.optim.wrappers.wrapper import Wrapper


class SAM(Wrapper):
    """Steps of the gradients at the worst place within `rho` of the parameters.

    `step` needs a closure, which computes loss and gradients anew; it is called twice, and the
    first loss is the result.  With `adaptive` distances are relative to the parameters: ASAM.
    Papers: Foret et al. 2021, arXiv:2010.01412; ASAM: Kwon et al. 2021, arXiv:2102.11600.
    """

    numbers = ("rho", "adaptive")

    def __init__(self, inner: Optimizer, rho: float = 0.05, adaptive: bool = False) -> None:
        super().__init__(inner)
        if not rho >= 0:
            raise ValueError(f"SAM: rho must be 0 or more, got {rho!r}")
        self.rho, self.adaptive = rho, adaptive

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take a step.  Raises RuntimeError without a closure."""
        if closure is None:
            raise RuntimeError("SAM.step() needs a closure, which it calls twice")
        with enable_grad():
            loss = closure()
        pairs = self._with_gradients()
        params = [p for p, _ in pairs]
        scales = [np.abs(p.array) if self.adaptive else 1.0 for p in params]
        slopes = [s * g for s, (_, g) in zip(scales, pairs, strict=True)]
        size = np.sqrt(sum(float((g * g).sum()) for g in slopes))
        before = [p.array.copy() for p in params]
        for p, scale, slope in zip(params, scales, slopes, strict=True):
            p.array[...] += (self.rho / (size + 1e-12) * scale * slope).astype(p.array.dtype)
            p.bump_version()
        try:
            with enable_grad():
                closure()
        finally:
            for p, array in zip(params, before, strict=True):
                p.array[...] = array
                p.bump_version()
        self.inner.step()
        return loss
