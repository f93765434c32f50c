"""Which steps of a program are recorded."""

import enum
from collections.abc import Callable

from minigrad.core.warn import warn_caller


class ProfilerAction(enum.Enum):
    """What a profiler does in one step."""

    NONE = 0
    WARMUP = 1
    RECORD = 2
    RECORD_AND_SAVE = 3


def schedule(
    *, wait: int, warmup: int, active: int, repeat: int = 0, skip_first: int = 0,
    skip_first_wait: int = 0,
) -> Callable[[int], ProfilerAction]:  # fmt: skip
    """Cycles of steps: `wait` of nothing, `warmup` whose events are dropped, `active` recorded.

    repeat: cycles, 0 for any number; skip_first: steps before the first cycle; skip_first_wait: if
    not 0 the first cycle does not wait.  Raises AssertionError unless active > 0 and no number is
    negative.
    """
    if min(wait, warmup, repeat, skip_first, skip_first_wait) < 0 or active <= 0:
        raise AssertionError(
            f"Invalid profiler schedule arguments: active must be positive and no other number "
            f"negative, got {wait=}, {warmup=}, {active=}, {repeat=}, {skip_first=}"
        )
    if warmup == 0:
        warn_caller("Profiler won't be using warmup, this can skew profiler results")
    cycle = wait + warmup + active

    def action(step: int) -> ProfilerAction:
        if step < 0:
            raise AssertionError(f"Step must be non-negative, got {step}")
        if step < skip_first:
            return ProfilerAction.NONE
        step -= skip_first
        if skip_first_wait != 0:
            step += wait
        if repeat > 0 and step / cycle >= repeat:
            return ProfilerAction.NONE
        place = step % cycle
        if place < wait:
            return ProfilerAction.NONE
        if place < wait + warmup:
            return ProfilerAction.WARMUP
        last = place == cycle - 1
        return ProfilerAction.RECORD_AND_SAVE if last else ProfilerAction.RECORD

    return action
