"""pytest plugin: a fixture that times what a test hands it, and one table at the end.

    def test_softmax(bench):
        x = minigrad.randn(100, 1000)
        bench(x.softmax, 1, elements=2 * 100 * 1000)         # timed, and shown at the end

    def test_the_new_form_is_no_slower(bench):
        assert bench.compare(old, new).verdict != "slower"   # in turns, 99 % interval

`--bench-json FILE` keeps the times, in the form of `minigrad bench --json`.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from minigrad.bench import peaks
from minigrad.bench.ab.interval import MARGIN, Verdict
from minigrad.bench.ab.side_by_side import compare_functions
from minigrad.bench.record import Entry, Run, Timing, describe_machine
from minigrad.bench.report import seconds
from minigrad.bench.timer import time_function
from minigrad.kernels.compiler.kernel import get_num_threads
from minigrad.utils import terminal
from minigrad.version import minigrad as minigrad_version

ENTRIES = pytest.StashKey[list[Entry]]()


class Bench:
    """The fixture of one test: call it with a function, or compare two."""

    def __init__(self, name: str, entries: list[Entry]) -> None:
        self.name = name
        self._entries = entries
        self._own = 0

    def __call__(
        self, function: Callable[..., Any], *arguments: Any, name: str | None = None,
        flops: float = 0.0, bytes: float = 0.0, elements: float = 0.0, dtype: str = "float32",
    ) -> Timing:  # fmt: skip
        """Time `function(*arguments)`: as many calls as last 20 ms, eleven times.

        name: in the table, the test's without; flops, bytes: of a call, for the rate; elements: of
        `dtype`, in place of bytes.
        """
        size = bytes or elements * np.dtype(dtype).itemsize
        timing = time_function(partial(function, *arguments))
        self._own += 1
        label = name or self.name + (f" ({self._own})" if self._own > 1 else "")
        entry = Entry(label, label, flops, size, {"minigrad": timing})
        self._entries.append(entry)
        return timing

    def compare(
        self, old: Callable[[], Any], new: Callable[[], Any], margin: float = MARGIN
    ) -> Verdict:
        """Time two functions in turns; the verdict on the new one is as of `minigrad bench --ab`.

        Both run in this process, so its memory lies the same for all rounds: a difference of a few
        per cent may be the place of an array.
        """
        return compare_functions(old, new, margin)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare `--bench-json`."""
    parser.getgroup("minigrad").addoption(
        "--bench-json", type=Path, metavar="FILE", help="keep what the fixture `bench` timed"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Begin with nothing timed."""
    config.stash[ENTRIES] = []


@pytest.fixture
def bench(request: pytest.FixtureRequest) -> Bench:
    """`bench(function, *arguments)` times it; `bench.compare(old, new)` gives a verdict."""
    return Bench(request.node.name, request.config.stash[ENTRIES])


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Print the table, and write the file."""
    entries = config.stash[ENTRIES]
    if not entries:
        return
    rows = [_row(entry) for entry in entries]
    head = ["timed by bench", "best", "median", "spread", "rate", "rounds"]
    terminalreporter.section("bench")
    terminalreporter.write_line(terminal.table(head, rows, terminal.columns()))
    path = config.getoption("--bench-json")
    if path is not None:
        libraries, limits = {"minigrad": str(minigrad_version)}, peaks.measure(quick=True)
        machine, threads = describe_machine(), get_num_threads()
        Run(threads, "float32", libraries, [], limits, machine, entries).save(path)


def _row(entry: Entry) -> list[str]:
    timing = entry.timings["minigrad"]
    rate = ""
    if entry.flops or entry.bytes:
        count, unit = (entry.flops, "GFLOP/s") if entry.flops else (entry.bytes, "GB/s")
        rate = f"{count / timing.best / 1e9:.3g} {unit}"
    return [
        entry.label, seconds(timing.best), seconds(timing.median), f"{timing.spread:.0%}", rate,
        str(len(timing.times)),
    ]  # fmt: skip
