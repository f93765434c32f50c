"""The CPU's own counters, by Linux's `perf`, where it is there and allowed to read them."""

import csv
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

EVENTS = ("cycles", "instructions", "branch-misses", "cache-misses")


def counted(process: int, work: Callable[[], object]) -> dict[str, float] | str:
    """What the CPU counts in a process while `work` waits for it, or why nothing is counted."""
    perf = shutil.which("perf")
    if perf is None:
        return "perf is not installed"
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "counts.csv"
        command = [perf, "stat", "-x", ";", "-o", str(file), "-e", ",".join(EVENTS),
                   "-p", str(process)]  # fmt: skip
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as counting:
            work()
            counting.send_signal(signal.SIGINT)
            _, complaint = counting.communicate()
        text = file.read_text() if file.exists() else ""
    found = read_counts(text)
    if found:
        return found
    last = complaint.strip().splitlines()[-1:] or ["this machine does not count"]
    return f"perf gives nothing: {last[0]}"


def read_counts(text: str) -> dict[str, float]:
    """The numbers of perf's table, without those that are not supported."""
    found = {}
    for row in csv.reader(text.splitlines(), delimiter=";"):
        if len(row) > 2 and (name := row[2].partition(":")[0]) in EVENTS:
            try:
                found[name] = float(row[0])
            except ValueError:
                continue  # <not supported>, <not counted>
    return found


def in_words(counts: Mapping[str, float] | str) -> str:
    """Instructions a cycle, and misses for a thousand instructions."""
    if isinstance(counts, str):
        return counts
    parts = []
    instructions = counts.get("instructions")
    if instructions and counts.get("cycles"):
        parts.append(f"{instructions / counts['cycles']:.2f} instructions a cycle")
    for name in ("branch-misses", "cache-misses"):
        if instructions and name in counts:
            words = name.replace("-", " ")
            parts.append(f"{1000 * counts[name] / instructions:.3g} {words} in 1000 instructions")
    return ", ".join(parts) or "perf counts no instructions here"
