"""Averages of weights: Lookahead, running means, and models that show them when they evaluate."""

from typing import Any

import numpy as np

from minigrad.nn.modules import Module
from minigrad.optim.optimizer import Optimizer
from minigrad.optim.wrappers.wrapper import Wrapper


class Lookahead(Wrapper):
    """Every `k` steps of `inner`, back to between the weights there and those `k` steps before.

    `alpha` is the part of the way that is kept.  The inner optimizer keeps its state.
    Paper: Zhang et al. 2019, Algorithm 1, arXiv:1907.08610.
    """

    numbers = ("k", "alpha", "taken")
    arrays = ("slow",)

    def __init__(self, inner: Optimizer, k: int = 6, alpha: float = 0.5) -> None:
        super().__init__(inner)
        if not isinstance(k, int) or k < 1:
            raise ValueError(f"Lookahead: k must be a whole number from 1 on, got {k!r}")
        if not 0 <= alpha <= 1:
            raise ValueError(f"Lookahead: alpha must be in [0, 1], got {alpha!r}")
        self.k, self.alpha, self.taken = k, alpha, 0

    def _update(self) -> None:
        for p in self._params():
            self._array("slow", p, p.array)
        self.inner.step()
        self.taken += 1
        if self.taken % self.k == 0:
            for p in self._params():
                slow = self._array("slow", p, p.array)
                slow += self.alpha * (p.array - slow)
                p.array[...] = slow
                p.bump_version()


class WeightEMA(Wrapper):
    """Running means of the weights after each step of `inner`.

    `eval()` puts the means into the parameters, `train()` the weights of training; a step in
    between raises RuntimeError.  `follow_mode(model, optimizer)` does both with the model.
    The mean starts as the weights before the first step.
    """

    numbers = ("decay", "is_evaluating")
    arrays = ("mean",)

    def __init__(self, inner: Optimizer, decay: float = 0.999) -> None:
        super().__init__(inner)
        if not 0 <= decay <= 1:
            raise ValueError(f"WeightEMA: decay must be in [0, 1], got {decay!r}")
        self.decay, self.is_evaluating = decay, False

    def _update(self) -> None:
        if self.is_evaluating:
            raise RuntimeError("WeightEMA.step() in evaluation mode: call train() before a step")
        for p in self._params():
            self._array("mean", p, p.array)
        self.inner.step()
        for p in self._params():
            mean = self._array("mean", p)
            mean += (1 - self.decay) * (p.array - mean)

    def train(self) -> None:
        """Put the weights of training into the parameters."""
        self._switch(False)

    def eval(self) -> None:
        """Put the means into the parameters."""
        self._switch(True)

    def _switch(self, is_evaluating: bool) -> None:
        if is_evaluating == self.is_evaluating:
            return
        for p in self._params():
            mean = self._array("mean", p, p.array)
            weights = p.array.copy()
            p.array[...] = mean
            np.copyto(mean, weights)
            p.bump_version()
        self.is_evaluating = is_evaluating


def follow_mode(model: Module, optimizer: Any) -> None:
    """Let `model.train()` and `model.eval()` switch the optimizer, too.

    For schedule-free optimizers and `WeightEMA`.  A model that evaluates has the averaged weights,
    and so has its `state_dict`, in either mode.  The optimizer cannot be left in the wrong mode.

    Raises TypeError if the optimizer has no modes.
    """
    if not (callable(getattr(optimizer, "eval", None)) and hasattr(optimizer, "train")):
        raise TypeError(f"{type(optimizer).__name__} has no train() and eval() to follow")
    train = model.train

    def follow(mode: bool = True) -> Module:
        (optimizer.train if mode else optimizer.eval)()
        return train(mode)

    def before(module: Module, *_: Any) -> None:
        optimizer.eval()

    def after(module: Module, state: dict[str, Any], *_: Any) -> None:
        if module.training:
            for name, value in list(state.items()):
                state[name] = value.detach().clone() if hasattr(value, "detach") else value
            optimizer.train()

    object.__setattr__(model, "train", follow)
    model.register_state_dict_pre_hook(before)
    model.register_state_dict_post_hook(after)
    follow(model.training)
