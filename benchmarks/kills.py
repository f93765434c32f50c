"""Runs of `minigrad train` that are killed at random moments, resumed, and compared bit for bit.

    python -m benchmarks.kills [--kills 500] [--seed 0] [--folder DIR]

For each way to run (workers, threads, data, options) one run is left alone; others are killed with
SIGKILL again and again, each time some time after their start, until one comes to its end.  Weights
and history must then be those of the run that was left alone, but for times.  A server process has
imported minigrad; each run is a fork of it, so that kills fall into the run and not into imports.
"""

import argparse
import contextlib
import hashlib
import json
import multiprocessing
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

from minigrad.cli import main as minigrad
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
    ]


def _work(arguments: list[str], log: str) -> None:
    """A run in a fork: its output goes to a file."""
    target = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for number in (1, 2):
        os.dup2(target, number)
    os._exit(minigrad(arguments))


def start(arguments: list[str], log: Path) -> Any:
    """Start a run."""
    process = multiprocessing.get_context("fork").Process(target=_work, args=(arguments, str(log)))
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
        process.join(draw.random() * length * (1.2 + attempt / 20))
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


def _without_pictures() -> bool:
    """Stands in for the question whether pictures can be drawn: they take seconds."""
    return False


@mock.patch.object(run_module, "plotting_available", _without_pictures)
def campaign(
    kills: int,
    seed: int,
    folder: Path,
    chosen: slice = slice(None),
    found: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Kill runs of the chosen ways until there were so many kills; what was `found`, by ways."""
    found = {} if found is None else found
    draw = random.Random(seed)
    taken = ways(folder)[chosen]
    expected: dict[str, tuple[str, float]] = {}
    for way in taken:
        whole = folder / "whole"
        for _ in range(2):  # the first time compiles and fills caches
            began = time.perf_counter()
            process = start(["train", *way.options, "--quiet", "--out", str(whole), "--overwrite"],
                            folder / "whole.log")  # fmt: skip
            process.join()
            length = time.perf_counter() - began
            if process.exitcode != 0:
                sys.exit(f"{way.name}: {(folder / 'whole.log').read_text()}")
        expected[way.name] = fingerprint(whole), length
        found[way.name] = {"runs": 0, "kills": 0, "equal": 0, "moments": Counter()}
    total = 0
    while total < kills:
        for way in taken:
            run = folder / "run"
            bits, length = expected[way.name]
            moments = killed_run(way, run, length, draw)
            row = found[way.name]
            row["runs"] += 1
            row["kills"] += sum(moments.values())
            row["equal"] += fingerprint(run) == bits
            row["moments"] += moments
            total += sum(moments.values())
            shutil.rmtree(run)
            for log in folder.glob("run.*.log"):
                log.unlink()
    return found


def main() -> int:
    """Run the campaign and print a table, after Ctrl-C, too; status 1 if bits differed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder, contextlib.suppress(KeyboardInterrupt):
        campaign(options.kills, options.seed, Path(folder), found=found)
    print(f"{'way':56} {'kills':>6} {'runs':>5} {'equal':>6}")
    moments: Counter[str] = Counter()
    for name, row in found.items():
        print(f"{name:56} {row['kills']:6} {row['runs']:5} {row['equal']:6}")
        moments += row["moments"]
    print(*(f"{count} {moment}" for moment, count in moments.most_common()), sep=", ")
    return int(any(row["equal"] != row["runs"] for row in found.values()))


if __name__ == "__main__":
    sys.exit(main())
