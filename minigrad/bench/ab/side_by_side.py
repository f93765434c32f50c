"""Two functions of one process in turns."""

import random
from collections.abc import Callable
from typing import Any

from minigrad.bench.ab.interval import MARGIN, UNRESOLVED, Verdict, verdict_of
from minigrad.bench.timer import calls_lasting, seconds_of

# Blocks of rounds: what one says is one number, the ratio of the best times.
FEWEST, MOST = 8, 40
ROUNDS = 5
SECONDS = 0.004


def compare_functions(
    old: Callable[[], Any], new: Callable[[], Any], margin: float = MARGIN, seed: int = 0
) -> Verdict:
    """The verdict on the time of `new` over that of `old`.

    Blocks are added while the ratio lies beyond the margin and the interval does not, up to 40.
    """
    rng = random.Random(seed)
    number = min(calls_lasting(SECONDS, function) for function in (old, new))
    ratios: list[float] = []
    while True:
        best = [float("inf")] * 2
        for side in (side for _ in range(ROUNDS) for side in rng.sample((0, 1), 2)):
            best[side] = min(best[side], seconds_of((old, new)[side], number))
        ratios.append(best[1] / best[0])
        if len(ratios) < FEWEST:
            continue
        found = verdict_of(ratios, margin)
        likely = max(found.ratio, 1 / found.ratio) > 1 + margin
        if found.verdict != UNRESOLVED or not likely or len(ratios) == MOST:
            return found
