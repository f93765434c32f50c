"""Runs of `minigrad train` that are killed at random moments, resumed, and compared bit for bit.

    python -m benchmarks.kills [--kills 500] [--seed 0] [--state FILE] [--seconds N]

For each way to run (workers, threads, data, options) one run is left alone; others are killed with
SIGKILL again and again, each time some time after their start, until one comes to its end.  Weights
and history must then be those of the run that was left alone, but for times.  A server process has
imported minigrad; each run is a fork of it, so that kills fall into the run and not into imports.
With --state, what was counted is kept in a file after each run, and a later campaign goes on there.
"""

import argparse
import contextlib
import hashlib
import json
import math
import multiprocessing
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

from minigrad.cli import main as minigrad
from minigrad.core.files import write_atomically
from minigrad.training import run as run_module

MOMENTS = (
    "before the first checkpoint", "training or evaluating", "writing a checkpoint",
    "after training", "writing results",
)  # fmt: skip
_TIMES = ("images_per_second", "rows_per_second", "characters_per_second")


class Way(NamedTuple):
    """A way to run: the options of the first start, and of those that go on."""

    name: str
    options: list[str]
    later: list[str]


def ways(folder: Path) -> list[Way]:
    """Workers and threads, also changed on the way; all kinds of data; options with a state."""
    table = folder / "table.csv"
    draw = random.Random(1)
    lines = [[draw.gauss(0, 1) for _ in range(3)] for _ in range(60)]
    rows = [f"{a},{b},{c},{a + b * c > 0}" for a, b, c in lines]
    table.write_text("\n".join(["a,b,c,label", *rows]) + "\n")
    text = folder / "verse.txt"
    text.write_text("fix my bug\n" * 60)
    digits = ["--data", "digits", "--model", "linear", "--epochs", "3", "--batch-size", "128"]
    digits += ["--checkpoint-every", "2"]
    network = [*digits, "--model", "mlp", "--epochs", "2"]
    rows_of = ["--data", str(table), "--target", "label", "--epochs", "3", "--batch-size", "8"]
    verse = ["--data", str(text), "--model", "lstm", "--layers", "1", "--width", "8"]
    verse += ["--context", "8", "--epochs", "2", "--batch-size", "16", "--checkpoint-every", "2"]
    stateful = ["--schedule", "onecycle", "--ema", "0.9", "--clip", "1", "--accumulate", "2"]
    return [
        Way("digits, 0 workers, 1 thread", [*digits, "--threads", "1"], []),
        Way("digits, 2 workers, 2 threads", [*digits, "--workers", "2", "--threads", "2"], []),
        Way(
            "digits, 1 worker and 2 threads, then 0 and 1, augmented",
            [*digits, "--workers", "1", "--threads", "2", "--augment", "crop,erase"],
            ["--workers", "0", "--threads", "1"],
        ),
        Way("table, averages, one cycle, accumulation", [*rows_of, *stateful], []),
        Way("table, early stopping", [*rows_of, "--early-stop", "1", "--lr", "0.05"], []),
        Way("text, 2 workers", [*verse, "--workers", "2"], []),
        Way("compiled network, 1 thread", [*network, "--threads", "1", "--compile"], []),
        Way(
            "network, 2 workers and 2 threads, then compiled, 0 and 1",
            [*network, "--workers", "2", "--threads", "2"],
            ["--workers", "0", "--threads", "1", "--compile"],
        ),
        Way("compiled text, averages, 2 threads", [*verse, "--ema", "0.9", "--compile",
            "--threads", "2"], []),
    ]  # fmt: skip


def redirect(log: Path) -> None:
    """Let the output of this process go to a file, wherever Python's streams went before."""
    target = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for number, name in ((1, "stdout"), (2, "stderr")):
        os.dup2(target, number)
        setattr(sys, name, open(number, "w", buffering=1, closefd=False))  # noqa: SIM115


def _work(arguments: list[str], log: Path) -> None:
    """A run in a fork."""
    redirect(log)
    os._exit(minigrad(arguments))


def start(arguments: list[str], log: Path) -> Any:
    """Start a run."""
    process = multiprocessing.get_context("fork").Process(target=_work, args=(arguments, log))
    process.start()
    return process


def fingerprint(folder: Path) -> str:
    """The bits of weights, and of the history without times and settings that may change."""
    history = json.loads((folder / "history.json").read_text())
    for epoch in history["epochs"]:
        for name in _TIMES:
            epoch.pop(name, None)
    for name in ("settings", "threads"):
        history.pop(name)
    digest = hashlib.sha256((folder / "weights.safetensors").read_bytes())
    digest.update(json.dumps(history, sort_keys=True).encode())
    return digest.hexdigest()


def moment_of(folder: Path, log: Path) -> str:
    """What a run was doing when it was killed, as far as its folder and its output show."""
    names = os.listdir(folder) if folder.is_dir() else []
    checkpoints = os.listdir(folder / "checkpoints") if "checkpoints" in names else []
    if any(name.startswith(".results") for name in names):
        return "writing results"
    if any(name.startswith(".") for name in checkpoints):
        return "writing a checkpoint"
    if "accuracy per class" in log.read_text() or "history.json" in names:
        return "after training"
    return "training or evaluating" if checkpoints else "before the first checkpoint"


def killed_run(way: Way, folder: Path, length: float, draw: random.Random) -> Counter[str]:
    """Run to the end, with kills on the way; how often it was killed at what."""
    moments: Counter[str] = Counter()
    for attempt in range(1000):
        log = folder.with_suffix(f".{attempt}.log")
        options = [*way.options, *(way.later if attempt else [])]
        process = start(
            ["train", *options, "--quiet", "--out", str(folder), "--resume", "auto"], log
        )
        # Mostly late, because a run begins with loading its kernels.
        process.join(draw.random() ** 0.5 * length * (1.2 + attempt / 20))
        if process.exitcode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
            process.join()
        if process.exitcode == 0:
            return moments
        if process.exitcode != -signal.SIGKILL:
            sys.exit(f"{way.name}: status {process.exitcode}\n{log.read_text()}")
        moments[moment_of(folder, log)] += 1
    sys.exit(f"{way.name}: no end in 1000 starts")


class Counts:
    """What was counted for each way: runs, those that ended equal, and their kills by moment."""

    def __init__(self, state: Path | None = None) -> None:
        self._state = state
        self.rows: dict[str, dict[str, Any]] = {}
        if state is not None and state.exists():
            self.rows = json.loads(state.read_text())

    def add(self, way: str, moments: Mapping[str, int], equal: bool) -> None:
        """Count a run that has come to its end."""
        row = self.rows.setdefault(way, {"runs": 0, "equal": 0, "moments": {}})
        row["runs"] += 1
        row["equal"] += equal
        for moment, count in moments.items():
            cell = row["moments"].setdefault(moment, [0, 0])
            cell[0] += count
            cell[1] += count * equal
        if self._state is not None:
            text = json.dumps(self.rows, indent=1)
            write_atomically(self._state, lambda path: path.write_text(text))

    @property
    def kills(self) -> int:
        """All kills."""
        return sum(kills for row in self.rows.values() for kills, _ in row["moments"].values())

    @property
    def all_equal(self) -> bool:
        """Whether every run ended with the bits of one that was left alone."""
        return all(row["equal"] == row["runs"] for row in self.rows.values())

    def table(self) -> str:
        """Ways and moments: in each cell the kills, and after a slash those of equal runs."""
        lines = ["".join([f"{'way':58}", f"{'runs':>9}", *(f"{m:>28}" for m in MOMENTS)])]
        for name, row in self.rows.items():
            cells = [row["moments"].get(moment, (0, 0)) for moment in MOMENTS]
            both = [f"{row['runs']}/{row['equal']}", *(f"{n}/{equal}" for n, equal in cells)]
            lines.append(f"{name:58}{both[0]:>9}" + "".join(f"{cell:>28}" for cell in both[1:]))
        return "\n".join(lines)


def _without_pictures() -> bool:
    """Stands in for the question whether pictures can be drawn: they take seconds."""
    return False


def run_alone(way: Way, folder: Path) -> tuple[str, float]:
    """The bits of a run that nothing interrupts, and the seconds that it takes."""
    length = 0.0
    for _ in range(2):  # the first time compiles and fills caches
        began = time.perf_counter()
        options = ["train", *way.options, "--quiet", "--out", str(folder / "whole"), "--overwrite"]
        process = start(options, folder / "whole.log")
        process.join()
        length = time.perf_counter() - began
        if process.exitcode != 0:
            sys.exit(f"{way.name}: {(folder / 'whole.log').read_text()}")
    return fingerprint(folder / "whole"), length


@mock.patch.object(run_module, "plotting_available", _without_pictures)
def campaign(
    kills: int,
    seed: int,
    folder: Path,
    chosen: slice = slice(None),
    counts: Counts | None = None,
    seconds: float = math.inf,
) -> Counts:
    """Kill runs of the chosen ways by turns until there were so many kills, or the time is over."""
    counts = Counts() if counts is None else counts
    began = time.perf_counter()
    draw = random.Random(f"{seed} after {counts.kills}")
    taken = ways(folder)[chosen]
    expected: dict[str, tuple[str, float]] = {}
    run = folder / "run"
    while counts.kills < kills:
        for way in sorted(taken, key=lambda way: counts.rows.get(way.name, {"runs": 0})["runs"]):
            if time.perf_counter() - began > seconds:
                return counts
            if way.name not in expected:
                expected[way.name] = run_alone(way, folder)
            bits, length = expected[way.name]
            moments = killed_run(way, run, length, draw)
            counts.add(way.name, moments, fingerprint(run) == bits)
            shutil.rmtree(run)
            for log in folder.glob("run.*.log"):
                log.unlink()
    return counts


def main() -> int:
    """Run the campaign and print a table, after Ctrl-C, too; status 1 if bits differed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--state", type=Path, help="a file that counts are kept in")
    parser.add_argument("--seconds", type=float, default=math.inf, help="end after so long")
    options = parser.parse_args()
    counts = Counts(options.state)
    with tempfile.TemporaryDirectory() as name, contextlib.suppress(KeyboardInterrupt):
        campaign(options.kills, options.seed, Path(name), counts=counts, seconds=options.seconds)
    print(counts.table())
    print(f"{counts.kills} kills; {'all equal' if counts.all_equal else 'NOT ALL EQUAL'}")
    return int(not counts.all_equal)


if __name__ == "__main__":
    sys.exit(main())
