"""A schedule that follows a metric of the training."""

import math
import warnings

from minigrad.optim.lr_scheduler.scheduler import EPOCH_WARNING, LRScheduler, checked, set_value
from minigrad.optim.optimizer import Optimizer
from minigrad.tensor import Tensor


class ReduceLROnPlateau(LRScheduler):
    """The rate is multiplied by `factor` after `patience` epochs without progress of the metric.

    Progress is a metric below the best (above it, if `mode` is "max") by more than `threshold`, a
    fraction of the best or, if `threshold_mode` is "abs", a difference.  The `cooldown` epochs
    after a reduction do not count.  Rates stay above `min_lr`, and changes of less than `eps` are
    not made.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        min_lr: list[float] | float = 0,
        eps: float = 1e-8,
    ) -> None:
        if factor >= 1.0:
            raise ValueError(f"Factor should be < 1.0, got {factor}")
        if mode not in {"min", "max"}:
            raise ValueError(f"mode {mode} is unknown: it is 'min' or 'max'")
        if threshold_mode not in {"rel", "abs"}:
            raise ValueError(f"threshold mode {threshold_mode} is unknown: it is 'rel' or 'abs'")
        self.optimizer = checked(optimizer)
        groups = len(optimizer.param_groups)
        if isinstance(min_lr, list | tuple) and len(min_lr) != groups:
            raise ValueError(f"expected {groups} min_lrs, got {len(min_lr)}")
        self.default_min_lr = None if isinstance(min_lr, list | tuple) else min_lr
        self.min_lrs = list(min_lr) if isinstance(min_lr, list | tuple) else [min_lr] * groups
        self.factor = factor
        self.patience = patience
        self.cooldown = cooldown
        self.eps = eps
        self.mode = mode
        self.threshold = threshold
        self.threshold_mode = threshold_mode
        self.mode_worse = math.inf if mode == "min" else -math.inf
        self.last_epoch = 0
        self.best = self.mode_worse
        self.cooldown_counter = 0
        self.num_bad_epochs = 0
        self._last_lr = self._lrs()

    def step(self, metrics: float | Tensor, epoch: int | None = None) -> None:  # type: ignore[override]
        """Advance by an epoch with its metric, a number or a tensor of one element."""
        current = float(metrics)
        if epoch is not None:
            warnings.warn(EPOCH_WARNING, stacklevel=2)
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        if self._is_better(current):
            self.best = current
            self.num_bad_epochs = 0
        else:
            self.num_bad_epochs += 1
        if self.in_cooldown:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            self._reduce_lr()
            self.cooldown_counter = self.cooldown
            self.num_bad_epochs = 0
        self._last_lr = self._lrs()

    def _reduce_lr(self) -> None:
        groups = self.optimizer.param_groups
        if len(groups) != len(self.min_lrs):
            if self.default_min_lr is None:
                raise RuntimeError(
                    f"the optimizer has {len(groups)} parameter groups, but there are "
                    f"{len(self.min_lrs)} min_lrs; a group was added since: set `min_lrs` anew"
                )
            self.min_lrs = [self.default_min_lr] * len(groups)
        for group, least in zip(groups, self.min_lrs, strict=True):
            old = float(group["lr"])
            new = max(old * self.factor, least)
            if old - new > self.eps:
                set_value(group, "lr", new)

    @property
    def in_cooldown(self) -> bool:
        return self.cooldown_counter > 0

    def _is_better(self, current: float) -> bool:
        sign = 1 if self.mode == "max" else -1
        if self.threshold_mode == "rel":
            threshold = self.best * (1.0 + sign * self.threshold)
        else:
            threshold = self.best + sign * self.threshold
        return current > threshold if self.mode == "max" else current < threshold
