"""Launches of two versions, recorded once, and the verdicts that launches drawn from them lead to.

A comparison takes half a minute, so a thousand of them are not measured anew.  Each takes a case at
random and draws its launches, with replacement, from those that were recorded of the case; old and
new stay together.  The procedure then decides on these as it does on measured ones.
"""

import random
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from minigrad.bench import ab
from minigrad.bench.ab.measure import AT_MOST
from minigrad.bench.case import load_suite

HERE = Path(__file__).parent
KINDS = {"identical code": "same.py", "a tenth more work": "slower.py"}

Launches = Mapping[str, Sequence[tuple[float, float]]]
"""The times of each launch, old and new, by the label of the case."""


def record(kind: str, every: int, launches: int, seed: int = 0) -> Launches:
    """Time each `every`-th case in so many launches of both versions."""
    file = HERE / KINDS[kind]
    found = ab.compare_versions(
        ab.version_of(HERE / "same.py", ()),
        ab.version_of(None, [file]),
        load_suite(HERE / "same.py")[::every],
        seed=seed,
        at_least=min(launches, AT_MOST),
        progress=lambda words: print(f"{kind}: {words}", file=sys.stderr),
    )
    for failed in (c for c in found if c.failure):
        print(f"failed: {failed.label}: {failed.failure}", file=sys.stderr)
    return {c.label: list(c.times) for c in found if c.failure is None}


def measured(launches: Launches) -> Counter[str]:
    """The verdicts on the cases themselves, from their launches as they came."""
    return Counter(ab.decided(map(_pair, times)).verdict for times in launches.values())


def resampled(launches: Launches, count: int, seed: int = 0) -> Counter[str]:
    """The verdicts of so many comparisons whose launches are drawn from the recorded ones."""
    rng = random.Random(seed)
    labels = sorted(launches)
    return Counter(
        ab.decided(_drawn(launches[rng.choice(labels)], rng)).verdict for _ in range(count)
    )


def _drawn(
    times: Sequence[tuple[float, float]], rng: random.Random
) -> Iterator[tuple[float, float]]:
    while True:
        yield _pair(rng.choice(times))


def _pair(times: Sequence[float]) -> tuple[float, float]:
    old, new = times
    return old, new


def campaign(every: int = 5, launches: int = AT_MOST, comparisons: int = 1000) -> dict[str, object]:
    """Record launches of both kinds; count verdicts on them, and on what is drawn of them."""
    found: dict[str, object] = {"comparisons": comparisons}
    for kind in KINDS:
        recorded = record(kind, every, launches)
        found[kind] = {
            "launches": recorded,
            "measured": measured(recorded),
            "resampled": resampled(recorded, comparisons),
        }
    return found
