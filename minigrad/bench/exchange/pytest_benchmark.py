"""The JSON of pytest-benchmark (version 4.0.0 of the format): `py.test-benchmark compare FILE`."""

import json
import math
import statistics
from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.bench.record import Run, Timing

VERSION = "4.0.0"


def pytest_benchmark(runs: Sequence[Run]) -> str:
    """Each library at each case is a benchmark, in the group of the case."""
    machine = runs[0].machine
    commit = machine.get("commit") or "unknown"
    found = {
        "machine_info": {
            "node": "", "processor": machine.get("cpu", ""), "machine": machine.get("cpu", ""),
            "python_implementation": "CPython", "python_version": machine.get("python", ""),
            "system": machine.get("system", ""), "release": "",
            "cpu": {"brand_raw": machine.get("cpu", ""), "count": machine.get("cores")},
        },
        "commit_info": {
            "id": commit.rstrip("+"), "dirty": commit.endswith("+"), "project": "minigrad",
            "branch": "(unknown)", "time": machine.get("when"), "author_time": machine.get("when"),
        },
        "benchmarks": [
            _benchmark(run, label, library, timing)
            for run in runs
            for label, library, timing in _timings(run)
        ],
        "datetime": machine.get("when"),
        "version": VERSION,
    }  # fmt: skip
    return json.dumps(found, indent=1) + "\n"


def _timings(run: Run) -> list[tuple[str, str, Timing]]:
    return [(e.label, library, t) for e in run.entries for library, t in e.timings.items()]


def _benchmark(run: Run, label: str, library: str, timing: Timing) -> dict[str, Any]:
    library = run.main if library == "minigrad" else library
    params = {"library": library, "threads": run.threads, "dtype": run.dtype}
    name = f"{label}[{library}-{run.threads}-{run.dtype}]"
    return {
        "group": label,
        "name": name,
        "fullname": f"minigrad bench::{name}",
        "params": params,
        "param": "-".join(map(str, params.values())),
        "extra_info": {"first_call": timing.first, "error": timing.error},
        "options": {
            "disable_gc": True, "timer": "perf_counter", "min_rounds": len(timing.times),
            "max_time": 0, "min_time": 0, "warmup": True,
        },
        "stats": statistics_of(timing),
    }  # fmt: skip


def statistics_of(timing: Timing) -> dict[str, Any]:
    """The statistics under pytest-benchmark's names; outliers are counted as it does."""
    times = sorted(timing.times)
    mean = statistics.fmean(times)
    deviation = statistics.stdev(times) if len(times) > 1 else 0.0
    q1, median, q3 = map(float, np.quantile(times, (0.25, 0.5, 0.75)))
    iqr = q3 - q1
    within = [t for t in times if q1 - 1.5 * iqr <= t <= q3 + 1.5 * iqr]
    far = sum(not mean - deviation <= t <= mean + deviation for t in times)
    beyond = len(times) - len(within)
    return {
        "min": times[0], "max": times[-1], "mean": mean, "stddev": deviation,
        "rounds": len(times), "median": median, "iqr": iqr, "q1": q1, "q3": q3,
        "iqr_outliers": beyond, "stddev_outliers": far, "outliers": f"{far};{beyond}",
        "ld15iqr": min(within, default=times[0]), "hd15iqr": max(within, default=times[-1]),
        "ops": 1 / mean if mean else math.inf, "total": sum(times), "data": timing.times,
        "iterations": timing.number,
    }  # fmt: skip
