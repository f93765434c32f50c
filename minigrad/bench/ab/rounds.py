"""Rounds of a case in two processes in turns: short ones, many, until both have run undisturbed.

On a busy machine a round of a millisecond is slowed by others nearly always, and its time says more
of them than of the code: there such times differ by a quarter.  Among hundreds of rounds of 0.2 ms
some pass undisturbed, and these agree to one per cent.  What counts of a process is therefore the
time that a fiftieth of its rounds stay below.
"""

import random
from collections.abc import Mapping
from typing import Any

import numpy as np

from minigrad.bench.process import Process, WorkerError

ROUND, IN_BATCH = 0.0002, 20
FEWEST, MOST = 6, 40  # batches
# So many batches must have come near the best time, before it counts as undisturbed.
SETTLED, NEAR = 5, 0.02
QUANTILE = 0.02
# A process whose best round took so much longer than it computed was waiting for something.
WAITING = 1.1


class Rounds:
    """The times of one process: seconds that have passed, and those that it computed."""

    def __init__(self, process: Process, number: int) -> None:
        self.process = process
        self.number = number
        self.batches: list[Mapping[str, list[float]]] = []
        self._one_by_one = False  # in an older version, whose process knows no batches

    def batch(self, count: int) -> None:
        """Time `count` rounds, one after another."""
        if not self._one_by_one:
            try:
                self.batches.append(self.process.ask("rounds", number=self.number, count=count))
                return
            except WorkerError as error:
                if "rounds" not in str(error):
                    raise
                self._one_by_one = True
        found = [self.process.ask("time", number=self.number) for _ in range(count)]
        self.batches.append({"seconds": [answer["seconds"] for answer in found]})

    def all(self, what: str) -> Any:
        """The times of all rounds."""
        return np.concatenate([batch[what] for batch in self.batches])

    @property
    def computes(self) -> bool:
        """True if the time of computing is known, and is what passes in undisturbed rounds."""
        if any("cpu" not in batch for batch in self.batches):
            return False
        return bool(self.all("seconds").min() < WAITING * max(self.all("cpu").min(), 1e-12))

    def is_settled(self, what: str) -> bool:
        """True if several batches have come near the best time."""
        best = sorted(min(batch[what]) for batch in self.batches)
        return len(best) >= FEWEST and best[SETTLED - 1] <= (1 + NEAR) * best[0]

    def undisturbed(self, what: str) -> float:
        """The time that a fiftieth of the rounds stay below."""
        return float(np.quantile(self.all(what), QUANTILE))


def time_by_turns(
    old: Process, new: Process, alone: bool, rng: random.Random
) -> tuple[float, float]:
    """Undisturbed times of the cases prepared in two processes.

    alone: on one thread, where what the process computed counts rather than what has passed,
    unless it waits for something.
    """
    number = min(each.ask("warm_up", seconds=ROUND)["number"] for each in (old, new))
    sides = Rounds(old, number), Rounds(new, number)
    count, what = IN_BATCH, "seconds"
    for batch in range(MOST):
        for side in rng.sample(sides, 2):
            side.batch(count)
        what = "cpu" if alone and all(side.computes for side in sides) else "seconds"
        if batch == 0:  # long calls come singly
            longest = number * max(side.undisturbed("seconds") for side in sides)
            count = max(1, min(IN_BATCH, round(IN_BATCH * ROUND / longest)))
        if all(side.is_settled(what) for side in sides):
            break
    first, second = (side.undisturbed(what) for side in sides)
    return first, second
