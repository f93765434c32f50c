"""The loss along a direction, and a line search for the strong Wolfe conditions."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from minigrad.core.types import Array
from minigrad.optim.optimizer.array_optimizer import dot
from minigrad.tensor import Tensor

Real = Any  # float or numpy.float64: a division by zero must give inf, not an error


class Point(NamedTuple):
    """A point on the line: the step `t` to it, its loss `f`, its gradient `g`, its slope."""

    t: Real
    f: Real
    g: Array
    slope: Real


class Line:
    """All parameters as one vector, and the loss along a direction from the present point."""

    def __init__(self, closure: Callable[[], float | Tensor], params: list[Tensor]) -> None:
        self.closure = closure
        self.params = params

    def gradient(self) -> Array:
        return np.concatenate(
            [
                np.zeros(p.array.size, p.array.dtype) if p.grad is None else p.grad.array.ravel()
                for p in self.params
            ]
        )

    def move(self, t: Real, d: Array) -> None:
        offset = 0
        for p in self.params:
            part = d[offset : offset + p.array.size].reshape(p.array.shape)
            p.array[...] += (t * part).astype(p.array.dtype)
            p.bump_version()
            offset += p.array.size

    def along(self, d: Array) -> Callable[[Real], "Point"]:
        """A function that evaluates the loss at a step `t` along `d` and moves back."""

        def at(t: Real) -> Point:
            arrays = [p.array.copy() for p in self.params]
            self.move(t, d)
            loss = np.float64(self.closure())
            g = self.gradient()
            for p, array in zip(self.params, arrays, strict=True):
                p.array[...] = array
                p.bump_version()
            return Point(t, loss, g, dot(g, d))

        return at


def strong_wolfe(
    at: Callable[[Real], Point],
    start: Point,
    t: Real,
    size: float,
    max_trials: int,
    *,
    c1: float = 1e-4,
    c2: float = 0.9,
    tolerance_change: float = 1e-9,
) -> tuple[Point, int]:
    """A point that satisfies the strong Wolfe conditions, and the number of calls of `at`.

    `at(t)` evaluates the loss, `start` is at t = 0, `t` is the first guess, `size` the largest
    component of the direction.  After `max_trials` trials the best point so far is the result.
    Paper: Nocedal & Wright 2006, Algorithms 3.5 and 3.6, with torch's choices where they are open.
    """

    def is_too_high(p: Point) -> bool:
        return bool(p.f > start.f + c1 * p.t * start.slope)

    def is_flat(p: Point) -> bool:
        return bool(abs(p.slope) <= -c2 * start.slope)

    previous, new, trials = start, at(t), 0
    while trials < max_trials:
        if is_too_high(new) or (trials > 1 and new.f >= previous.f):
            break
        if is_flat(new):
            return new, trials + 1
        if new.slope >= 0:
            break
        t = _cubic_minimum(previous, new, new.t + 0.01 * (new.t - previous.t), new.t * 10)
        previous, new, trials = new, at(t), trials + 1
    if trials == max_trials:
        previous = start
    low, high = (previous, new) if previous.f <= new.f else (new, previous)
    first, last = previous, new  # the bracket in the order in which torch keeps it
    is_slow = False
    while trials < max_trials and abs(last.t - first.t) * size >= tolerance_change:
        t, is_slow = _trial_inside(first, last, is_slow)
        new, trials = at(t), trials + 1
        low_is_first = low is first
        if is_too_high(new) or new.f >= low.f:
            first, last = (first, new) if low_is_first else (new, last)
            low, high = (first, last) if first.f <= last.f else (last, first)
            continue
        is_done = is_flat(new)
        if not is_done and new.slope * (high.t - low.t) >= 0:
            high = low
        low = new
        first, last = (low, high) if low_is_first else (high, low)
        if is_done:
            break
    return low, trials + 1


def _cubic_minimum(a: Point, b: Point, low: Real, high: Real) -> Real:
    """The minimum in [low, high] of the cubic through both points with their slopes."""
    d1 = a.slope + b.slope - 3 * (a.f - b.f) / np.float64(a.t - b.t)
    square = d1**2 - a.slope * b.slope
    if not square >= 0:
        return (low + high) / 2.0
    d2 = np.sqrt(square)
    left, right = (a, b) if a.t <= b.t else (b, a)
    fraction = (right.slope + d2 - d1) / (right.slope - left.slope + 2 * d2)
    return min(max(right.t - (right.t - left.t) * fraction, low), high)


def _trial_inside(first: Point, last: Point, was_slow: bool) -> tuple[Real, bool]:
    """The next trial in the bracket, and whether the bracket shrinks slowly.

    It may do so once: the second time the trial moves away from the end.
    """
    left, right = min(first.t, last.t), max(first.t, last.t)
    t = _cubic_minimum(first, last, left, right)
    margin = 0.1 * (right - left)
    if not min(right - t, t - left) < margin:
        return t, False
    if was_slow or t >= right or t <= left:
        return (right - margin if abs(t - right) < abs(t - left) else left + margin), False
    return t, True
