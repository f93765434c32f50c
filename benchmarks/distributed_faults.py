"""How `minigrad run` ends when a process fails: a table of faults and phases, and many kills.

    python -m benchmarks.distributed_faults                 each fault in each phase
    python -m benchmarks.distributed_faults --kills 100     SIGKILL of a random rank at random times

A row says how many seconds after the fault all processes were gone, the status, and what was
printed.  A job that has not ended after a minute is a hang.
"""

import argparse
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

SCRIPT = Path(__file__).with_name("failing_script.py")
PHASES = ("start", "forward", "backward", "exchange", "save", "end")
FAULTS = (
    "raise", "exit", "exit without a status", "os._exit", "kill", "stop", "other shape",
    "other collective",
)  # fmt: skip
# After the last exchange a script may end when it likes; before the group there is no exchange.
HARMLESS = {("exit without a status", "end")} | {
    (fault, "start") for fault in ("other shape", "other collective")
}
_PATIENCE = 60.0  # seconds; more is a hang
_WORDS = r"minigrad run: .*|\w*Error: .*|SystemExit: .*|mpiexec.*"


class Outcome(NamedTuple):
    """How a job ended."""

    seconds: float  # from the fault on
    status: int | None  # None: it hung
    printed: str


def run_fault(fault: str, phase: str, rank: int, ranks: int = 3, debug: bool = False) -> Outcome:
    """Run the failing script, and see how the job ends."""
    job = start([fault, phase, str(rank)], ranks, debug)
    try:
        out = job.communicate(timeout=_PATIENCE)[0]
    except subprocess.TimeoutExpired:
        os.killpg(job.pid, signal.SIGKILL)
        return Outcome(_PATIENCE, None, "a hang")
    return outcome(job.returncode, out, time.time())


def start(arguments: list[str], ranks: int, debug: bool) -> "subprocess.Popen[str]":
    """Start the failing script in several processes, in a group of their own."""
    command = [sys.executable, "-m", "minigrad", "run", "-n", str(ranks), str(SCRIPT), *arguments]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        start_new_session=True, env=os.environ | {"MINIGRAD_DISTRIBUTED_DEBUG": str(int(debug))},
    )  # fmt: skip


def outcome(status: int, out: str, ended: float) -> Outcome:
    """What the output says of the time of the fault, and of its reason."""
    found = re.search(r"the fault is at ([\d.]+)", out)
    seconds = ended - float(found[1]) if found else 0.0
    words = re.findall(_WORDS, out)
    return Outcome(seconds, status, "; ".join(dict.fromkeys(words)) or out[-200:])


def table() -> Iterator[str]:
    """A row for each fault in each phase."""
    yield "| fault | phase | seconds | status | printed |"
    yield "|---|---|---|---|---|"
    for debug in (False, True):
        for fault in FAULTS:
            if debug and not fault.startswith("other"):
                continue
            name = f"{fault}, debug mode" if debug else fault
            for i, phase in enumerate(PHASES):
                if (fault, phase) in HARMLESS:
                    continue
                end = run_fault(fault, phase, i % 3, debug=debug)
                printed = end.printed.replace("|", "\\|")
                yield f"| {name} | {phase} | {end.seconds:.1f} | {end.status} | {printed} |"


def kills(count: int, ranks: int) -> Iterator[str]:
    """SIGKILL of a random rank at a random time after all have started."""
    draw, seconds, hangs, unnoticed = random.Random(0), [], 0, 0
    for _ in range(count):
        phase, step_rank = draw.choice(PHASES), draw.randrange(ranks)
        end = run_fault("kill", phase, step_rank, ranks)
        hangs += end.status is None
        unnoticed += end.status == 0
        seconds.append(end.seconds)
    yield (
        f"{count} kills on {ranks} ranks: {hangs} hangs, {unnoticed} with status 0; seconds to the "
        f"end: median {sorted(seconds)[count // 2]:.1f}, most {max(seconds):.1f}"
    )


def main() -> None:
    """Print the table, or the summary of many kills."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--ranks", type=int, default=3)
    options = parser.parse_args()
    for line in kills(options.kills, options.ranks) if options.kills else table():
        print(line, flush=True)


if __name__ == "__main__":
    main()
