"""Two versions of the same cases in turns, and a verdict about each case that holds.

`versions` starts a fresh process of each version, `measure` decides how often and times the cases,
`interval` makes of what was measured a verdict, `tables` prints it.
"""

from minigrad.bench.ab.interval import (
    FASTER,
    MARGIN,
    SLOWER,
    UNRESOLVED,
    Verdict,
    verdict_of,
)
from minigrad.bench.ab.measure import Comparison, compare_versions, decided
from minigrad.bench.ab.tables import markdown, table
from minigrad.bench.ab.versions import Version, version_of

__all__ = [
    "FASTER",
    "MARGIN",
    "SLOWER",
    "UNRESOLVED",
    "Comparison",
    "Verdict",
    "Version",
    "compare_versions",
    "decided",
    "markdown",
    "table",
    "verdict_of",
    "version_of",
]
