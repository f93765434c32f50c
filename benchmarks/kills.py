"""Runs of `minigrad train` that are killed at random moments, resumed, and compared bit for bit.

    python -m benchmarks.kills [--kills 500] [--seed 0] [--state FILE] [--seconds N]

For each way to run (workers, threads, data, options) one run is left alone; others are killed with
SIGKILL again and again, until one comes to its end.  Weights and history must then be those of the
run that was left alone, but for times.  What a run is to be killed in is drawn first (starting,
training, evaluating, writing a checkpoint, after training, writing results), then which time it
does that, then a moment in it, so that all get their share.  This process has imported minigrad;
each run is a fork of it, so that kills fall into the run and not into imports.
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
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

from benchmarks.page import add_page, publish
from benchmarks.run_moments import MOMENTS, Moments, Stretch
from minigrad.cli import main as minigrad
from minigrad.core.files import write_atomically
from minigrad.training import run as run_module

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


def _work(arguments: list[str], log: Path, moments: Moments | None) -> None:
    """A run in a fork."""
    if moments is not None:
        moments.watch_this_process()
    redirect(log)
    os._exit(minigrad(arguments))


def start(arguments: list[str], log: Path, moments: Moments | None = None) -> Any:
    """Start a run, which notes in `moments` what it does."""
    if moments is not None:
        moments.begin()
    fork = multiprocessing.get_context("fork")
    process = fork.Process(target=_work, args=(arguments, log, moments))
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


def drawn(whole: list[Stretch], draw: random.Random) -> Stretch:
    """One of the stretches of a run: each of the moments is as likely."""
    moment = draw.choice(sorted({stretch.moment for stretch in whole}))
    return draw.choice([stretch for stretch in whole if stretch.moment == moment])


def killed_run(
    way: Way, folder: Path, whole: list[Stretch], moments: Moments, draw: random.Random
) -> Counter[str]:
    """Run to the end, with kills on the way; how often it was killed at what."""
    found: Counter[str] = Counter()
    for attempt in range(1000):
        log = folder.with_suffix(f".{attempt}.log")
        options = [*way.options, *(way.later if attempt else [])]
        process = start(
            ["train", *options, "--quiet", "--out", str(folder), "--resume", "auto"], log, moments
        )
        stretch = drawn(whole, draw)
        if moments.wait_for(stretch, process):
            process.join(draw.random() * stretch.seconds)
        if process.exitcode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
            process.join()
        if process.exitcode == 0:
            return found
        if process.exitcode != -signal.SIGKILL:
            sys.exit(f"{way.name}: status {process.exitcode}\n{log.read_text()}")
        found[moments.now()] += 1
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

    def table(self) -> Iterator[str]:
        """Ways and moments, as Markdown: the kills, and how many runs ended equal."""
        yield f"| way | {' | '.join(MOMENTS)} | runs | equal to one left alone |"
        yield f"|---|{'---|' * (len(MOMENTS) + 2)}"
        for name, row in self.rows.items():
            cells = [str(row["moments"].get(moment, (0, 0))[0]) for moment in MOMENTS]
            yield f"| {name} | {' | '.join(cells)} | {row['runs']} | {row['equal']} |"
        sums = [
            sum(row["moments"].get(moment, (0, 0))[0] for row in self.rows.values())
            for moment in MOMENTS
        ]
        runs, equal = (sum(row[what] for row in self.rows.values()) for what in ("runs", "equal"))
        yield f"| all {self.kills} kills | {' | '.join(map(str, sums))} | {runs} | {equal} |"


def _without_pictures() -> bool:
    """Stands in for the question whether pictures can be drawn: they take seconds."""
    return False


def run_alone(way: Way, folder: Path, moments: Moments) -> tuple[str, list[Stretch]]:
    """The bits of a run that nothing interrupts, and what it does for how long."""
    for _ in range(2):  # the first time compiles and fills caches
        options = ["train", *way.options, "--quiet", "--out", str(folder / "whole"), "--overwrite"]
        process = start(options, folder / "whole.log", moments)
        process.join()
        if process.exitcode != 0:
            sys.exit(f"{way.name}: {(folder / 'whole.log').read_text()}")
    return fingerprint(folder / "whole"), moments.stretches()


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
    draw, moments = random.Random(f"{seed} after {counts.kills}"), Moments()
    taken = ways(folder)[chosen]
    expected: dict[str, tuple[str, list[Stretch]]] = {}
    run = folder / "run"
    while counts.kills < kills:
        for way in sorted(taken, key=lambda way: counts.rows.get(way.name, {"runs": 0})["runs"]):
            if time.perf_counter() - began > seconds or counts.kills >= kills:
                return counts
            if way.name not in expected:
                expected[way.name] = run_alone(way, folder, moments)
            bits, whole = expected[way.name]
            found = killed_run(way, run, whole, moments, draw)
            counts.add(way.name, found, fingerprint(run) == bits)
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
    add_page(parser)
    options = parser.parse_args()
    counts = Counts(options.state)
    with tempfile.TemporaryDirectory() as name, contextlib.suppress(KeyboardInterrupt):
        campaign(options.kills, options.seed, Path(name), counts=counts, seconds=options.seconds)
    publish(counts.table(), "kills", options.page)
    return int(not counts.all_equal)


if __name__ == "__main__":
    sys.exit(main())
