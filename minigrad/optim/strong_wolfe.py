"""A line search for steps that descend enough and end where the slope is small."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray[Any, Any]
Real = Any  # float or numpy.float64: a division by zero is to give inf, not an error


class Point(NamedTuple):
    """A place along the line: the step to it, and there the loss, its gradient, its slope."""

    t: Real
    f: Real
    g: Array
    slope: Real


def _cubic_minimum(a: Point, b: Point, low: Real, high: Real) -> Real:
    """Where the cubic through both points with their slopes is least, within [low, high]."""
    d1 = a.slope + b.slope - 3 * (a.f - b.f) / np.float64(a.t - b.t)
    square = d1**2 - a.slope * b.slope
    if not square >= 0:
        return (low + high) / 2.0
    d2 = np.sqrt(square)
    left, right = (a, b) if a.t <= b.t else (b, a)
    way = (right.slope + d2 - d1) / (right.slope - left.slope + 2 * d2)
    return min(max(right.t - (right.t - left.t) * way, low), high)


def strong_wolfe(
    at: Callable[[Real], Point],
    start: Point,
    t: Real,
    length: float,
    most: int,
    *,
    c1: float = 1e-4,
    c2: float = 0.9,
    tolerance_change: float = 1e-9,
) -> tuple[Point, int]:
    """A point that satisfies the strong Wolfe conditions, and how often `at` was called.

    `at(t)` evaluates the loss, `start` is at t = 0, `t` is the first guess, `length` the largest
    component of the direction.  After `most` trials the best point so far is taken.
    Nocedal & Wright 2006, Algorithms 3.5 and 3.6, with torch's choices where they leave any.
    """

    def too_high(p: Point) -> bool:
        return bool(p.f > start.f + c1 * p.t * start.slope)

    def is_flat(p: Point) -> bool:
        return bool(abs(p.slope) <= -c2 * start.slope)

    before, new, trials = start, at(t), 0
    while trials < most:
        if too_high(new) or (trials > 1 and new.f >= before.f):
            break
        if is_flat(new):
            return new, trials + 1
        if new.slope >= 0:
            break
        t = _cubic_minimum(before, new, new.t + 0.01 * (new.t - before.t), new.t * 10)
        before, new, trials = new, at(t), trials + 1
    if trials == most:
        before = start
    low, high = (before, new) if before.f <= new.f else (new, before)
    first, last = before, new  # the bracket in the order in which torch keeps it
    slow = False
    while trials < most and abs(last.t - first.t) * length >= tolerance_change:
        t, slow = _inside(first, last, slow)
        new, trials = at(t), trials + 1
        low_is_first = low is first
        if too_high(new) or new.f >= low.f:
            first, last = (first, new) if low_is_first else (new, last)
            low, high = (first, last) if first.f <= last.f else (last, first)
            continue
        done = is_flat(new)
        if not done and new.slope * (high.t - low.t) >= 0:
            high = low
        low = new
        first, last = (low, high) if low_is_first else (high, low)
        if done:
            break
    return low, trials + 1


def _inside(first: Point, last: Point, slow: bool) -> tuple[Real, bool]:
    """The next place to try, and whether the bracket shrinks slowly: twice so is not allowed."""
    left, right = min(first.t, last.t), max(first.t, last.t)
    t = _cubic_minimum(first, last, left, right)
    margin = 0.1 * (right - left)
    if not min(right - t, t - left) < margin:
        return t, False
    if slow or t >= right or t <= left:
        return (right - margin if abs(t - right) < abs(t - left) else left + margin), False
    return t, True
