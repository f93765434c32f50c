"""The JSON that airspeed velocity keeps of a commit on a machine (version 2 of the format)."""

import json
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np

from minigrad.bench.record import Entry, Run

VERSION = 2
COLUMNS = (
    "result", "params", "version", "started_at", "duration", "stats_ci_99_a", "stats_ci_99_b",
    "stats_q_25", "stats_q_75", "number", "repeat",
)  # fmt: skip


def asv(runs: Sequence[Run]) -> str:
    """Each case at each number of threads is a benchmark, its libraries are the parameter's values.

    asv looks for the file as `RESULTS/MACHINE/COMMIT-ENVIRONMENT.json`.
    """
    machine = runs[0].machine
    when = _milliseconds(machine.get("when"))
    python = ".".join(str(machine.get("python", "")).split(".")[:2])
    found = {
        "version": VERSION,
        "commit_hash": (machine.get("commit") or "unknown").rstrip("+"),
        "env_name": f"existing-py{python}",
        "date": when,
        "params": {
            "machine": machine.get("cpu", ""),
            "cpu": machine.get("cpu", ""),
            "num_cpu": str(machine.get("cores", "")),
            "os": machine.get("system", ""),
            "python": python,
            "arch": "",
            "ram": "",
        },
        "python": python,
        "requirements": {},
        "env_vars": {},
        "result_columns": COLUMNS,
        "results": {
            _name(run, entry): _result(run, entry, when)
            for run in runs
            for entry in run.entries
            if entry.timings
        },
        "durations": {},
    }
    return json.dumps(found, indent=1) + "\n"


def _milliseconds(when: str | None) -> int:
    return 0 if when is None else int(1000 * datetime.fromisoformat(when).timestamp())


def _name(run: Run, entry: Entry) -> str:
    """A name as asv's own are: `bench.time_matmul_NN_M32_K32_N32_float32_1_thread`."""
    words = f"{entry.label} {run.dtype} {run.threads} thread{'s' if run.threads > 1 else ''}"
    return "bench.time_" + re.sub(r"\W+", "_", words.replace("/", "stride").replace("+", "padding"))


def _result(run: Run, entry: Entry, when: int) -> list[Any]:
    libraries = [run.main if k == "minigrad" else k for k in entry.timings]
    timings = list(entry.timings.values())
    quarters = [np.quantile(t.times, (0.25, 0.75)).tolist() for t in timings]
    return [
        [t.median for t in timings],
        [[repr(name) for name in libraries]],
        f"{run.dtype}-{run.threads}",
        when,
        sum(t.first + t.number * sum(t.times) for t in timings),
        [None for _ in timings],  # intervals of the mean, which is not looked at
        [None for _ in timings],
        [low for low, _ in quarters],
        [high for _, high in quarters],
        [t.number for t in timings],
        [len(t.times) for t in timings],
    ]
