"""How `minigrad run` ends when a process fails: a table of faults and phases, and many kills.

    python -m benchmarks.distributed_faults                 each fault in each phase
    python -m benchmarks.distributed_faults --kills 100     SIGKILL of a random rank at random times

A row says how many seconds after the fault all processes were gone, the status, and what was
printed.  A job that has not ended after a minute is a hang.  With `--results FILE` each kill is
written down, and those that are there are not repeated.
"""

import argparse
import contextlib
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.page import add_page, publish

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
_RANK = b"minigrad.distributed.launch.rank_program"
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


def table(ranks: int, faults: Sequence[str] = FAULTS) -> Iterator[str]:
    """A row for each fault in each phase."""
    yield "| fault | phase | seconds | status | printed |"
    yield "|---|---|---|---|---|"
    for debug in (False, True):
        for fault in faults:
            if debug and not fault.startswith("other"):
                continue
            name = f"{fault}, debug mode" if debug else fault
            for i, phase in enumerate(PHASES):
                if (fault, phase) in HARMLESS:
                    continue
                end = run_fault(fault, phase, i % ranks, ranks, debug)
                printed = end.printed.replace("|", "\\|")
                yield f"| {name} | {phase} | {end.seconds:.1f} | {end.status} | {printed} |"


def ranks_of(job: int) -> list[int]:
    """The ids of the processes that run the script, of a job's descendants."""
    parents: dict[int, int] = {}
    scripts: set[int] = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):  # it has ended
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                program, *words = (entry / "cmdline").read_bytes().split(b"\0")
                parents[int(entry.name)] = int(fields[1])
                if program == sys.executable.encode() and _RANK in words and fields[0] != "Z":
                    scripts.add(int(entry.name))
    return sorted(pid for pid in scripts if job in _ancestors(pid, parents))


def _ancestors(pid: int, parents: dict[int, int]) -> Iterator[int]:
    while pid := parents.get(pid, 0):
        yield pid


def kill_at(moment: float, draw: random.Random, ranks: int) -> dict[str, Any]:
    """SIGKILL one of the ranks some seconds after all are there; how the job ends."""
    job = start(["none", "-", "0"], ranks, False)
    try:
        while len(found := ranks_of(job.pid)) < ranks and job.poll() is None:
            time.sleep(0.01)
        time.sleep(moment)
        found, killed = ranks_of(job.pid) or found, time.time()
        with contextlib.suppress(ProcessLookupError):
            os.kill(draw.choice(found), signal.SIGKILL)
        out = job.communicate(timeout=_PATIENCE)[0]
    except subprocess.TimeoutExpired:
        os.killpg(job.pid, signal.SIGKILL)
        return {"moment": moment, "seconds": _PATIENCE, "status": None, "printed": "a hang"}
    end = outcome(job.returncode, out, time.time())
    left = len(ranks_of(job.pid))
    seconds, well = time.time() - killed, out.count("has ended well")
    return {"moment": moment, "well": well, "left": left, **end._asdict(), "seconds": seconds}


def duration(ranks: int) -> float:
    """The seconds from the start of all ranks to the end of a job in which nothing fails."""
    job = start(["none", "-", "0"], ranks, False)
    while len(ranks_of(job.pid)) < ranks and job.poll() is None:
        time.sleep(0.01)
    began = time.time()
    out = job.communicate()[0]
    if job.returncode:
        raise RuntimeError(f"the job without a fault has failed:\n{out}")
    return time.time() - began


def kills(count: int, ranks: int, results: Path | None) -> Iterator[str]:
    """SIGKILL of a random rank at a random time, from the start of all to the end of the job."""
    lines = results.read_text().splitlines() if results is not None and results.exists() else []
    found = [json.loads(line) for line in lines]
    whole = duration(ranks) if len(found) < count else 0.0
    for number in range(len(found), count):
        draw = random.Random(number)
        found.append(kill_at(draw.uniform(0.0, whole), draw, ranks))
        if results is not None:
            with results.open("a") as file:
                file.write(json.dumps(found[-1]) + "\n")
    yield summary(found, ranks)


def summary(found: list[dict[str, Any]], ranks: int) -> str:
    """A line about kills.  One that comes when all scripts have ended may change nothing."""
    seconds = sorted(each["seconds"] for each in found)
    hangs = sum(each["status"] is None for each in found)
    unnoticed = sum(each["status"] == 0 and each["well"] < ranks for each in found)
    late = sum(each["status"] == 0 for each in found) - unnoticed
    return (
        f"{len(found)} kills on {ranks} ranks: {hangs} hangs, {unnoticed} unnoticed, {late} after "
        f"the end of all scripts, {sum(each.get('left', 0) for each in found)} processes left; "
        f"seconds to the end: median {seconds[len(seconds) // 2]:.1f}, most {seconds[-1]:.1f}"
    )


def main() -> None:
    """Print the table, or the summary of many kills."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--ranks", type=int, default=3)
    parser.add_argument("--fault", choices=FAULTS, action="append", help="this one alone")
    parser.add_argument("--results", type=Path, metavar="FILE")
    add_page(parser)
    options = parser.parse_args()
    chosen = (
        kills(options.kills, options.ranks, options.results)
        if options.kills
        else table(options.ranks, options.fault or FAULTS)
    )
    publish(chosen, "distributed_faults" + " --kills" * bool(options.kills), options.page)


if __name__ == "__main__":
    main()
