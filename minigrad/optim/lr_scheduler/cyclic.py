"""Schedules that go up and down, with the momentum in the opposite direction."""

import math
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, TypedDict

from minigrad.optim.lr_scheduler.scheduler import (
    LRScheduler,
    checked,
    fields_of,
    per_group,
    require_positive_int,
    set_value,
)
from minigrad.optim.optimizer import Optimizer, ParamGroup


class _WithMomentum(LRScheduler):
    """A schedule that also sets `momentum`, or the first of `betas`."""

    def _start_momentum(
        self,
        optimizer: Optimizer,
        base: float | list[float],
        largest: float | list[float],
        is_new: bool,
    ) -> None:
        if not {"momentum", "betas"} & optimizer.defaults.keys():
            raise ValueError(
                "optimizer must support momentum or beta1 with `cycle_momentum` option enabled"
            )
        self.use_beta1 = "betas" in optimizer.defaults
        self.base_momentums = per_group("base_momentum", optimizer, base)
        self.max_momentums = per_group("max_momentum", optimizer, largest)
        limits = zip(self.base_momentums, self.max_momentums, strict=True)
        for (low, high), group in zip(limits, optimizer.param_groups, strict=True):
            if is_new:
                self._set_momentum(group, high)
                group["max_momentum"], group["base_momentum"] = high, low

    def _set_momentum(self, group: ParamGroup, momentum: float) -> None:
        if self.use_beta1:
            group["betas"] = (momentum, *group["betas"][1:])
        else:
            group["momentum"] = momentum


class CyclicLR(_WithMomentum):
    """Up from `base_lr` to `max_lr` in `step_size_up` steps and down again, over and over.

    The height of a cycle stays ("triangular"), is halved each time ("triangular2") or multiplied
    by `gamma` in each step ("exp_range"); or it is `scale_fn` of the cycle's number or, if
    `scale_mode` is "iterations", of the step's.  `step()` is to be called after each batch.
    Paper: Smith 2017, arXiv:1506.01186.
    """

    _unsaved: ClassVar[tuple[str, ...]] = ("optimizer", "_scale_fn_custom")

    def __init__(
        self,
        optimizer: Optimizer,
        base_lr: float | list[float],
        max_lr: float | list[float],
        step_size_up: int = 2000,
        step_size_down: int | None = None,
        mode: str = "triangular",
        gamma: float = 1.0,
        scale_fn: Callable[[float], float] | None = None,
        scale_mode: str = "cycle",
        cycle_momentum: bool = True,
        base_momentum: float | list[float] = 0.8,
        max_momentum: float | list[float] = 0.9,
        last_epoch: int = -1,
    ) -> None:
        checked(optimizer)
        if scale_fn is None and mode not in {"triangular", "triangular2", "exp_range"}:
            raise ValueError(f"mode is invalid and scale_fn is None: got mode {mode!r}")
        base_lrs = per_group("base_lr", optimizer, base_lr)
        self.max_lrs = per_group("max_lr", optimizer, max_lr)
        step_size_down = step_size_up if step_size_down is None else step_size_down
        self.total_size = float(step_size_up + step_size_down)
        self.step_ratio = step_size_up / self.total_size
        self.mode = mode
        self.gamma = gamma
        self._scale_fn_custom = scale_fn
        by_mode = "iterations" if mode == "exp_range" else "cycle"
        self.scale_mode = by_mode if scale_fn is None else scale_mode
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self._start_momentum(optimizer, base_momentum, max_momentum, last_epoch == -1)
        if last_epoch == -1:
            for lr, group in zip(base_lrs, optimizer.param_groups, strict=True):
                set_value(group, "lr", lr)
        super().__init__(optimizer, last_epoch)
        self.base_lrs = base_lrs

    def scale_fn(self, x: float) -> float:
        """The height of a cycle, or of a step, relative to the first."""
        if self._scale_fn_custom is not None:
            return self._scale_fn_custom(x)
        if self.mode == "exp_range":
            return float(self.gamma**x)
        return 1.0 if self.mode == "triangular" else 1 / (2.0 ** (x - 1))

    def get_lr(self) -> list[float]:
        cycle = math.floor(1 + self.last_epoch / self.total_size)
        x = 1.0 + self.last_epoch / self.total_size - cycle
        rising = x <= self.step_ratio
        height = x / self.step_ratio if rising else (x - 1) / (self.step_ratio - 1)
        scale = self.scale_fn(cycle if self.scale_mode == "cycle" else self.last_epoch)
        if self.cycle_momentum:
            limits = zip(self.base_momentums, self.max_momentums, strict=True)
            for (low, high), group in zip(limits, self.optimizer.param_groups, strict=True):
                self._set_momentum(group, high - (high - low) * height * scale)
        return [
            low + (high - low) * height * scale
            for low, high in zip(self.base_lrs, self.max_lrs, strict=True)
        ]

    def state_dict(self) -> dict[str, Any]:
        return super().state_dict() | {"_scale_fn_custom": fields_of(self._scale_fn_custom)}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        saved = dict(state_dict)
        fields = saved.pop("_scale_fn_custom")
        super().load_state_dict(saved)
        if fields is not None:
            vars(self._scale_fn_custom).update(fields)


class _Phase(TypedDict):
    """A part of a cycle, as in torch: its last step, and a group's settings at its two ends."""

    end_step: float
    start_lr: str
    end_lr: str
    start_momentum: str
    end_momentum: str


class OneCycleLR(_WithMomentum):
    """Up from `max_lr / div_factor` to `max_lr`, then down to far below the initial rate.

    The rise takes the fraction `pct_start` of `total_steps` (or `epochs * steps_per_epoch`).  The
    fall ends at the initial rate over `final_div_factor`; with `three_phase` it passes the initial
    rate after as many steps as the rise took.  `step()` is to be called after each batch.
    Paper: Smith & Topin 2019, Super-convergence, arXiv:1708.07120.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float | list[float],
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        cycle_momentum: bool = True,
        base_momentum: float | list[float] = 0.85,
        max_momentum: float | list[float] = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ) -> None:
        checked(optimizer)
        self.total_steps = _total(total_steps, epochs, steps_per_epoch)
        if not isinstance(pct_start, float) or not 0 <= pct_start <= 1:
            raise ValueError(f"Expected float between 0 and 1 pct_start, but got {pct_start}")
        if anneal_strategy not in {"cos", "linear"}:
            raise ValueError(
                f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}"
            )
        self._anneal_func_type = anneal_strategy
        self._schedule_phases = _phases(pct_start * self.total_steps, self.total_steps, three_phase)
        peaks = per_group("max_lr", optimizer, max_lr)
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self._start_momentum(optimizer, base_momentum, max_momentum, last_epoch == -1)
        if last_epoch == -1:
            for peak, group in zip(peaks, optimizer.param_groups, strict=True):
                group["initial_lr"] = peak / div_factor
                group["max_lr"] = peak
                group["min_lr"] = group["initial_lr"] / final_div_factor
        super().__init__(optimizer, last_epoch)

    def _between(self, start: float, end: float, fraction: float) -> float:
        if self._anneal_func_type == "linear":
            return (end - start) * fraction + start
        return end + (start - end) / 2.0 * (math.cos(math.pi * fraction) + 1)

    def get_lr(self) -> list[float]:
        step = self.last_epoch
        if step > self.total_steps:
            raise ValueError(
                f"Tried to step {step} times. The specified number of total steps is "
                f"{self.total_steps}"
            )
        phases = self._schedule_phases
        current = next((k for k, p in enumerate(phases) if step <= p["end_step"]), len(phases) - 1)
        start = phases[current - 1]["end_step"] if current else 0.0
        phase = phases[current]
        fraction = (step - start) / (phase["end_step"] - start)
        lrs = []
        for group in self.optimizer.param_groups:
            lrs.append(self._between(group[phase["start_lr"]], group[phase["end_lr"]], fraction))
            if self.cycle_momentum:
                momenta = group[phase["start_momentum"]], group[phase["end_momentum"]]
                self._set_momentum(group, self._between(*momenta, fraction))
        return lrs


def _total(total_steps: int | None, epochs: int | None, steps_per_epoch: int | None) -> int:
    if total_steps is not None:
        require_positive_int("total_steps", total_steps)
        return total_steps
    if epochs is None or steps_per_epoch is None:
        raise ValueError("You must define either total_steps OR (epochs AND steps_per_epoch)")
    require_positive_int("epochs", epochs)
    require_positive_int("steps_per_epoch", steps_per_epoch)
    return epochs * steps_per_epoch


def _phases(rise: float, total: int, three_phase: bool) -> list[_Phase]:
    base, most = "base_momentum", "max_momentum"
    first = _phase(float(rise) - 1, ("initial_lr", "max_lr"), (most, base))
    if not three_phase:
        return [first, _phase(total - 1, ("max_lr", "min_lr"), (base, most))]
    return [
        first,
        _phase(float(2 * rise) - 2, ("max_lr", "initial_lr"), (base, most)),
        _phase(total - 1, ("initial_lr", "min_lr"), (most, most)),
    ]


def _phase(end_step: float, lrs: tuple[str, str], momenta: tuple[str, str]) -> _Phase:
    return {
        "end_step": end_step,
        "start_lr": lrs[0],
        "end_lr": lrs[1],
        "start_momentum": momenta[0],
        "end_momentum": momenta[1],
    }
