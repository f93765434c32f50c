"""What the watchdog knows of each process, and whether the job can still end.

A process that waits says for which exchange, and every process says how many it has begun.  So it
is certain, not guessed from times, when a process waits for another that will never come: the other
has ended, waits for the first itself, or waits at the same place for something else.  Whoever only
computes for long is left alone; the timeout of exchanges ends that.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["RankState", "process_state", "silent_rank", "verdict"]

_STANDSTILL = 4.0  # seconds for which all have to wait
_GRACE = 2.0  # seconds for which a wait has to last before it is judged


@dataclass
class RankState:
    """The last that is known of a process."""

    pid: int
    host: str
    heard: float  # when it last said something
    begun: Mapping[str, int] = field(default_factory=dict)
    waits: Mapping[str, Any] | None = None
    signatures: Mapping[str, Any] = field(default_factory=dict)  # of its last exchanges
    left: bool = False  # its script has ended
    gone: bool = False  # its connection has ended
    failure: str | None = None
    cpu: tuple[float, int] = (0.0, -1)  # when it last computed, and its ticks of CPU time then

    def waits_for(self, ranks: Mapping[int, "RankState"]) -> list[int]:
        """The ranks that have not yet begun what this one has waited for, for long enough."""
        place = self._place()
        if place is None:
            return []
        key, number = place["key"], place["number"]
        return [
            rank
            for rank in place["ranks"]
            if rank in ranks and ranks[rank].begun.get(key, 0) < number
        ]

    def _place(self) -> Mapping[str, Any] | None:
        if self.left or self.waits is None or self.waits["seconds"] < _GRACE:
            return None
        place: Mapping[str, Any] | None = self.waits["place"]
        return place

    def doing(self) -> str:
        """What it does, in words."""
        if self.left:
            return "has ended"
        if self.waits is None:
            return "computes"
        return f"waits for {self.waits['name']} since {self.waits['seconds']:.0f} s"


def verdict(ranks: Mapping[int, RankState]) -> str | None:
    """The reason why the job cannot end any more, or None."""
    return _mismatch(ranks) or _ended(ranks) or _circle(ranks)


def _mismatch(ranks: Mapping[int, RankState]) -> str | None:
    """Two ranks that have called different collectives as the same exchange of a group.

    Other functions are an error at once, other shapes once nobody gets further.
    """
    stuck = all(
        state.left or (state.waits is not None and state.waits["seconds"] > _STANDSTILL)
        for state in ranks.values()
    )
    first: dict[tuple[str, int], tuple[int, str]] = {}
    for rank, state in sorted(ranks.items()):
        for key, found in state.signatures.items():
            for number, signature in found:
                other, before = first.setdefault((key, number), (rank, signature))
                same_function = signature.split(" ")[0] == before.split(" ")[0]
                if signature != before and (stuck or not same_function):
                    return (
                        f"mismatch between collectives: rank {other} has called {before}, but rank "
                        f"{rank} has called {signature}, as exchange {number} of the group"
                    )
    return None


def _ended(ranks: Mapping[int, RankState]) -> str | None:
    for rank, state in sorted(ranks.items()):
        for other in state.waits_for(ranks):
            if ranks[other].left:
                return f"rank {other} has ended, and rank {rank} {state.doing()}"
    return None


def _circle(ranks: Mapping[int, RankState]) -> str | None:
    """Ranks of which each waits for the next."""
    for start in sorted(ranks):
        path = [start]
        seen = {start}
        while True:
            onward = ranks[path[-1]].waits_for(ranks)
            if start in onward and len(path) > 1:
                told = "; ".join(f"rank {rank} {ranks[rank].doing()}" for rank in path)
                return f"ranks wait for each other: {told}"
            onward = [rank for rank in onward if rank not in seen]
            if not onward:
                break
            path.append(onward[0])
            seen.add(onward[0])
    return None


def silent_rank(
    ranks: Mapping[int, RankState], now: float, silence: float, host: str
) -> tuple[int, str] | None:
    """A rank that is stopped, dead, or says nothing without computing; and what it is."""
    for rank, state in ranks.items():
        quiet = now - state.heard
        if state.failure or state.left or quiet < 1.5:
            continue
        if state.host == host:
            letter, ticks = process_state(state.pid)
            if ticks != state.cpu[1]:
                state.cpu = now, ticks
            if letter in "XZ":
                return rank, "was killed or ended without a word"
            computes = now - state.cpu[0] < silence  # and keeps its interpreter to itself
            if quiet >= silence and (letter in "Tt" or not computes) and letter not in "XZ":
                stopped = "is stopped" if letter in "Tt" else "does not answer"
                return rank, f"{stopped}, for {quiet:.0f} s"
        elif quiet >= silence:
            return rank, f"does not answer, for {quiet:.0f} s"
    return None


def process_state(pid: int) -> tuple[str, int]:
    """The state of a process here (R, S, T: stopped, Z, X: none such) and its ticks of CPU time."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return fields[0], int(fields[11]) + int(fields[12])
    except OSError:
        if Path("/proc/self/stat").exists():
            return "X", 0
    try:
        os.kill(pid, 0)  # asks only whether it is there
    except ProcessLookupError:
        return "X", 0
    return "S", 0
