"""Results of a run of the benchmark, and the file that holds them."""

import json
import os
import platform
import subprocess
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from minigrad.bench.peaks import Peaks
from minigrad.core.files import write_atomically
from minigrad.kernels import cpu_info
from minigrad.utils.benchmark import Measurement, TaskSpec

FORMAT = 1


@dataclass(frozen=True)
class Timing:
    """One library's times for a case.

    first: seconds of preparing it and of the first call, in which kernels are compiled, or read
    from the disk cache; number: calls in a turn; times: seconds of a call, one for each turn;
    error: the largest difference from the right result, relative to the size of that.
    """

    first: float
    number: int
    times: list[float]
    error: float

    @cached_property
    def measurement(self) -> Measurement:
        """The times with their statistics."""
        return Measurement(1, self.times, TaskSpec("", ""))

    @property
    def best(self) -> float:
        """The shortest time."""
        return min(self.times)

    @property
    def median(self) -> float:
        """The middle time."""
        return self.measurement.median

    @property
    def spread(self) -> float:
        """The interquartile range as a share of the median."""
        return self.measurement.iqr / self.median


@dataclass(frozen=True)
class Entry:
    """Results of one case by library: times, or the failure."""

    name: str
    label: str
    flops: float
    bytes: float
    timings: dict[str, Timing] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)

    def ratio(self, library: str) -> float | None:
        """The speed of minigrad over that of `library`; None if one of them was not timed."""
        if library not in self.timings or "minigrad" not in self.timings:
            return None
        return self.timings[library].best / self.timings["minigrad"].best

    def share_of_roof(self, library: str, peaks: Peaks) -> float | None:
        """The least time that the machine needs, as a share of the best one; None if unknown."""
        least = peaks.least_time(self.flops, self.bytes)
        return least / self.timings[library].best if library in self.timings and least else None


@dataclass(frozen=True)
class Run:
    """A whole run: on what machine, with which versions, and what was found for each case."""

    threads: int
    dtype: str
    libraries: dict[str, str]
    missing: list[str]
    peaks: Peaks
    machine: dict[str, Any]
    entries: list[Entry] = field(default_factory=list)
    main: str = "minigrad"  # or the implementation of a name of its own that is in its place

    @property
    def failed(self) -> bool:
        """Whether a library failed at a case or returned a wrong result."""
        return any(entry.failures for entry in self.entries)

    def save(self, path: str | Path) -> None:
        """Write the run as JSON.  Raises OSError if the file cannot be written."""
        text = json.dumps({"format": FORMAT, **asdict(self)}, indent=1) + "\n"
        write_atomically(path, lambda p: p.write_text(text))

    @staticmethod
    def load(path: str | Path) -> "Run":
        """Read what `save` wrote.  Raises OSError, or ValueError if it is something else."""
        try:
            found = json.loads(Path(path).read_text())
            if found.pop("format") != FORMAT:
                raise ValueError("another format")
            bandwidths = tuple((size, rate) for size, rate in found["peaks"]["bandwidths"])
            peaks = found["peaks"]
            found["peaks"] = Peaks(peaks["flops"], bandwidths, peaks.get("call", 0.0))
            found["entries"] = [
                Entry(**entry | {"timings": {k: Timing(**t) for k, t in entry["timings"].items()}})
                for entry in found["entries"]
            ]
            return Run(**found)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise ValueError(f"{path} is no result of minigrad bench --json: {error}") from error


def describe_machine() -> dict[str, Any]:
    """The machine and the versions that the times belong to."""
    return {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "cpu": cpu_info.cpu_name(),
        "vectors": cpu_info.vector_features(),
        "cores": os.cpu_count(),
        "system": platform.system(),
        "python": platform.python_version(),
        "numba": cpu_info.VERSIONS["numba"],
        "commit": _commit(),
    }


def _commit() -> str | None:
    """The commit that the package is checked out at, if it is; with a + if files were changed."""
    git = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--abbrev=12"]
    try:
        done = subprocess.run([*git, "--dirty=+"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()
