"""LRScheduler: the base of all schedules, with their rates, their epoch, and their state."""

import types
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, TypeVar

from minigrad.engine.step_recorder import repeated_whole
from minigrad.optim.optimizer import Optimizer, ParamGroup
from minigrad.tensor import Tensor

T = TypeVar("T")

EPOCH_WARNING = (
    "The epoch parameter in `scheduler.step()` is deprecated: it takes the closed form of the "
    "schedule where there is one. Please use `scheduler.step()`."
)


class LRScheduler:
    """The base of all schedules; a subclass defines `get_lr()`, the rates at `self.last_epoch`.

    The initial rates are the current rates of `optimizer` if `last_epoch` is -1, else those that
    an earlier schedule has put into its groups as `initial_lr`.  `step()` advances by an epoch.
    Raises TypeError for what is not an optimizer, KeyError if `initial_lr` is missing.
    PyTorch differs: where a rate is a tensor, `get_last_lr()` gives numbers all the same.
    """

    _unsaved: ClassVar[tuple[str, ...]] = ("optimizer",)
    is_repeated_whole: ClassVar[bool] = True
    """A compiled step calls `step` in each replay, so what is in here may change."""

    def __init_subclass__(cls, **settings: Any) -> None:
        super().__init_subclass__(**settings)
        if "step" in cls.__dict__:
            cls.step = repeated_whole(cls.step)  # type: ignore[method-assign]

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        self.optimizer = checked(optimizer)
        for number, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", float(group["lr"]))
            elif "initial_lr" not in group:
                raise KeyError(
                    f"param 'initial_lr' is not specified in param_groups[{number}] when resuming "
                    f"a schedule with last_epoch={last_epoch}; load the optimizer's state first"
                )
        self.base_lrs = [float(group["initial_lr"]) for group in optimizer.param_groups]
        self.last_epoch = last_epoch
        self._initial_step()

    def _initial_step(self) -> None:
        self._step_count = 0
        self._is_initial = True
        try:
            self.step()
        finally:
            self._is_initial = False

    def get_lr(self) -> list[float]:
        """The rates at `last_epoch`, one per group, given those of the epoch before."""
        raise NotImplementedError(f"{type(self).__name__} does not define get_lr()")

    def get_last_lr(self) -> list[float]:
        """The rates that the last step has set."""
        return self._last_lr

    @repeated_whole
    def step(self, epoch: int | None = None) -> None:
        """Advance by an epoch, or to `epoch`, and set the rates."""
        if self._step_count == 1 and not self.optimizer.has_stepped:
            warnings.warn(
                "Detected call of `lr_scheduler.step()` before `optimizer.step()`: call them in "
                "the opposite order, or the first value of the schedule is skipped.",
                stacklevel=2,
            )
        self._step_count += 1
        if epoch is not None:
            warnings.warn(EPOCH_WARNING, stacklevel=2)
        self._update_lr(epoch)

    def _update_lr(self, epoch: int | None = None) -> None:
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        closed = None if epoch is None else getattr(self, "_get_closed_form_lr", None)
        self._set_lrs((closed or self.get_lr)())

    def _set_lrs(self, lrs: Sequence[float]) -> None:
        for group, lr in zip(self.optimizer.param_groups, lrs, strict=True):
            set_value(group, "lr", lr)
        self._last_lr = self._lrs()

    def _lrs(self) -> list[float]:
        return [float(group["lr"]) for group in self.optimizer.param_groups]

    def _scaled(self, factor: float) -> list[float]:
        return [lr * factor for lr in self._lrs()]

    def state_dict(self) -> dict[str, Any]:
        """Everything but the optimizer; of callable objects the fields, of functions nothing."""
        return {key: value for key, value in self.__dict__.items() if key not in self._unsaved}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over the result of `state_dict()`.  The optimizer's state is loaded separately."""
        self.__dict__.update(state_dict)


def checked(optimizer: object) -> Optimizer:
    """The argument.  Raises TypeError if it is not an optimizer."""
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")
    return optimizer


def set_value(group: ParamGroup, key: str, value: float) -> None:
    """Set a number of a group; a tensor keeps its identity and gets the value."""
    if isinstance(group[key], Tensor):
        group[key].fill_(value)
    else:
        group[key] = value


def per_group(name: str, optimizer: Optimizer, value: T | Sequence[T]) -> list[T]:
    """A setting for each group.  Raises ValueError if a list has another length."""
    groups = len(optimizer.param_groups)
    if not isinstance(value, list | tuple):
        return [value] * groups  # type: ignore[list-item]
    if len(value) != groups:
        raise ValueError(
            f"{name} must have the same length as optimizer.param_groups: it has {len(value)} "
            f"values, there are {groups} groups"
        )
    return list(value)


def fields_of(function: Callable[..., Any] | None) -> dict[str, Any] | None:
    """The part of a function that can be saved: the fields of a callable object, or None."""
    if function is None or isinstance(function, types.FunctionType):
        return None
    return dict(vars(function))


def require_positive_int(name: str, value: object) -> None:
    """Raise ValueError if a number of steps is not a positive integer."""
    if not isinstance(value, int) or value <= 0:
        raise ValueError(f"Expected positive integer {name}, but got {value}")
