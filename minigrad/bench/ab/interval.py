"""A verdict from the ratios of several launches: slower, faster, or unresolved.

A launch is one fresh process of each version; what it says is one number, as memory lies the same
for all its rounds.  The interval is that of Wilcoxon's signed ranks (Hodges & Lehmann 1963): it
assumes no distribution, and a launch in a busy moment cannot carry it.
"""

import math
from collections.abc import Sequence
from functools import cache
from itertools import combinations_with_replacement
from typing import NamedTuple

import numpy as np

SLOWER, FASTER, UNRESOLVED = "slower", "faster", "unresolved"
# A difference below this share is not worth a word.
MARGIN = 0.05
# The probability that the interval leaves out the true ratio, on either side.
ERROR = 0.005


class Verdict(NamedTuple):
    """The time of the new version over that of the old, its interval, and what follows."""

    ratio: float
    low: float
    high: float
    verdict: str


def verdict_of(ratios: Sequence[float], margin: float = MARGIN) -> Verdict:
    """The verdict on the new version's times over the old one's, one ratio for each launch.

    Slower, if the whole interval is above 1 + margin; faster, if it is below 1 / (1 + margin);
    otherwise unresolved, as it is with so few launches that the interval would not hold.

    >>> from minigrad.bench.ab.interval import verdict_of
    >>> verdict_of([1.11, 1.09, 1.10, 1.12, 1.08, 1.10, 1.11, 1.09]).verdict
    'slower'
    >>> verdict_of([1.11, 1.09, 1.10]).verdict
    'unresolved'
    """
    logs = [math.log(ratio) for ratio in ratios]
    averages = np.sort([(a + b) / 2 for a, b in combinations_with_replacement(logs, 2)])
    left_out = _left_out(len(logs))
    middle = float(np.exp(np.median(averages)))
    if left_out is None:
        return Verdict(middle, float(min(ratios)), float(max(ratios)), UNRESOLVED)
    low, high = (float(np.exp(averages[i])) for i in (left_out, len(averages) - 1 - left_out))
    word = UNRESOLVED
    if low > 1 + margin:
        word = SLOWER
    elif high < 1 / (1 + margin):
        word = FASTER
    return Verdict(middle, low, high, word)


@cache
def _left_out(count: int) -> int | None:
    """How many averages of pairs the interval leaves out on each side; None if it cannot hold."""
    most = count * (count + 1) // 2
    ways = np.zeros(most + 1)
    ways[0] = 1
    for rank in range(1, count + 1):
        ways[rank:] += ways[: most + 1 - rank].copy()
    below = np.cumsum(ways) / 2.0**count
    fitting = np.nonzero(below <= ERROR)[0]
    return int(fitting[-1]) if fitting.size else None
