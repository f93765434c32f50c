"""Runs of `minigrad train` to which faults happen: what they print, how they end, what they keep.

    python -m benchmarks.faults

Each run is a process of its own, with file systems of its own where a fault needs one: a small one
that is full, one that is or becomes read-only.  Those need the right to mount, which root has.
"""

import argparse
import contextlib
import ctypes
import json
import multiprocessing
import os
import re
import shutil
import sys
import tempfile
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

from benchmarks.kills import fingerprint, redirect
from benchmarks.page import add_page, publish
from minigrad import load
from minigrad.cli import main as minigrad
from minigrad.training import CheckpointManager, checkpoint_file
from minigrad.training import run as run_module
from minigrad.training.run_folder import RunFolder
from minigrad.training.trainer import Trainer

TINY = ["train", "--model", "linear", "--batch-size", "512", "--quiet", "--checkpoint-every", "1"]
_READ_ONLY, _REMOUNT, _BIND, _PRIVATE = 1, 32, 4096, 1 << 18 | 1 << 14
_NEW_MOUNTS = 0x20000


class Fault(NamedTuple):
    """A fault: what does it, and what the run should print, end with and keep.

    inject: called with the folder of the run before it begins, in its process.
    kept: the names that `kept` gives.
    """

    name: str
    inject: Callable[[Path], object]
    status: int
    printed: str
    kept: set[str]
    resume: bool = False
    mounts: bool = False


class Outcome(NamedTuple):
    """What a run has printed, its status and what is left of it."""

    printed: str
    status: int
    kept: set[str]

    def problems(self, fault: Fault) -> list[str]:
        """In what it is not what it should be."""
        found = []
        if self.status != fault.status:
            found.append(f"status {self.status} instead of {fault.status}")
        if not re.search(fault.printed, self.printed):
            found.append(f"printed {self.printed!r}, not {fault.printed!r}")
        if self.kept != fault.kept:
            found.append(f"kept {sorted(self.kept)} instead of {sorted(fault.kept)}")
        return found


def _mount(source: str, target: Path, kind: str, flags: int, options: str = "") -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    words = (source.encode(), str(target).encode(), kind.encode())
    if libc.mount(*words, ctypes.c_ulong(flags), options.encode()) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(target))


def _own_mounts() -> None:
    """Let what this process mounts be seen by nobody else, and go when it ends."""
    if ctypes.CDLL(None, use_errno=True).unshare(_NEW_MOUNTS) != 0:
        raise OSError(ctypes.get_errno(), "file systems cannot be mounted here")
    _mount("none", Path("/"), "none", _PRIVATE)


def can_mount() -> bool:
    """Whether this user may mount file systems."""
    if not sys.platform.startswith("linux"):
        return False
    process = multiprocessing.get_context("fork").Process(target=_try_to_mount)
    process.start()
    process.join()
    return process.exitcode == 0


def _try_to_mount() -> None:
    with contextlib.suppress(OSError):
        _own_mounts()
        os._exit(0)
    os._exit(1)


def small_disk(kilobytes: int) -> Callable[[Path], None]:
    """The folder on a disk of its own."""

    def inject(folder: Path) -> None:
        folder.mkdir()
        _mount("tmpfs", folder, "tmpfs", 0, f"size={kilobytes}k")

    return inject


def read_only_disk(folder: Path) -> None:
    """The folder on a disk that cannot be written."""
    small_disk(100)(folder)
    _mount("none", folder, "none", _REMOUNT | _READ_ONLY)


def during(method: str, damage: Callable[[Path], object]) -> Callable[[Path], None]:
    """A damage to the folder in the second epoch (`_finish_epoch`), or when results are written."""
    owner: Any = Trainer if method == "_finish_epoch" else RunFolder

    def inject(folder: Path) -> None:
        original, calls = getattr(owner, method), []

        def damaged(*arguments: Any) -> Any:
            calls.append(1)
            if len(calls) == (2 if owner is Trainer else 1):
                damage(folder)
            return original(*arguments)

        setattr(owner, method, damaged)

    return inject


def make_read_only(folder: Path) -> None:
    """What is written here from now on fails; what is open stays so."""
    _mount(str(folder), folder, "none", _BIND)
    _mount("none", folder, "none", _REMOUNT | _BIND | _READ_ONLY)


def remove(folder: Path) -> None:
    """Another program has removed the folder, while a checkpoint may be written in it."""
    shutil.rmtree(folder, ignore_errors=True)


def replace_by_file(folder: Path) -> None:
    """Another program has put a file in the folder's place."""
    folder.rename(folder.with_name("moved"))
    folder.write_text("")


def no_place_at_all(folder: Path) -> None:
    """Nothing can be written: here, beside it, at home, in the folder of temporary files."""
    make_read_only(folder)
    for place in (folder.parent, Path.cwd(), Path(tempfile.gettempdir()), Path.home()):
        make_read_only(place)


def streams(out: str, err: str) -> Callable[[Path], None]:
    """Standard streams: "full", a "closed pipe", not there ("none"), or the log as usual."""

    def inject(folder: Path) -> None:
        for number, kind in ((1, out), (2, err)):
            if kind == "full":
                os.dup2(os.open("/dev/full", os.O_WRONLY), number)
            elif kind == "closed pipe":
                reader, writer = os.pipe()
                os.dup2(writer, number)
                os.close(reader)
            elif kind == "none":
                os.close(number)
                setattr(sys, {1: "stdout", 2: "stderr"}[number], None)  # as Python begins

    return inject


def damage_checkpoints(count: int) -> Callable[[Path], None]:
    """The last of a finished run's checkpoints are cut short."""

    def inject(folder: Path) -> None:
        _finished(folder)
        manager = CheckpointManager(folder / "checkpoints")
        for step in manager.all_steps()[-count:]:
            content = manager.path(step).read_bytes()
            manager.path(step).write_bytes(content[: len(content) // 2])

    return inject


def newer_format(folder: Path) -> None:
    """A finished run of a minigrad that writes checkpoints of another format."""
    with mock.patch.object(checkpoint_file, "FORMAT", 2):
        _finished(folder)


def other_setting(folder: Path) -> None:
    """A checkpoint whose run has a setting that is not known here."""
    _finished(folder)
    manager = CheckpointManager(folder / "checkpoints", asynchronous=False)
    state = manager.restore()
    state["settings"]["moon_phase"] = 0.5
    manager.save(99, state)


def _finished(folder: Path) -> None:
    assert minigrad([*TINY, "--epochs", "2", "--out", str(folder)]) == 0


_GOOD = {"weights", "checkpoints"}
_CUT_SHORT = (
    r"step-\d+\.safetensors is damaged: it should have \d+ bytes at byte 8, and has \d+ in all"
)
FAULTS = [
    Fault("none at all", lambda folder: None, 0, r"(?m)^test accuracy", _GOOD),
    Fault("a disk with room for nothing", small_disk(4), 1,
          r"checkpoint could not be written to .*, the run goes on: No space left(.|\n)*"
          r"results could not be written to .*No space left.*\n.*they are in .*recovered",
          {"recovered weights"}, mounts=True),
    Fault("a disk with room for checkpoints", small_disk(52), 1,
          r"results could not be written to .*No space left.*\n.*they are in .*recovered",
          {"recovered weights", "checkpoints"}, mounts=True),
    Fault("a read-only disk", read_only_disk, 2, r"--out .* cannot be written: Read-only", set(),
          mounts=True),
    Fault("a disk that becomes read-only", during("_finish_epoch", make_read_only), 1,
          r"checkpoint could not be written to .*, the run goes on: Read-only(.|\n)*"
          r"results could not be written to .*Read-only.*\n.*they are in .*recovered",
          {"recovered weights", "checkpoints"}, mounts=True),
    Fault("no place for results anywhere", during("write_results", no_place_at_all), 1,
          r"results could not be written anywhere: .*run: Read-only", {"checkpoints"}, mounts=True),
    Fault("a folder that is removed", during("_finish_epoch", remove), 0, r"(?m)^test accuracy",
          _GOOD),
    Fault("a folder that becomes a file", during("write_results", replace_by_file), 1,
          r"results could not be written to .*File exists.*\n.*they are in",
          {"recovered weights"}),
    Fault("a pipe that nobody reads", streams("closed pipe", "log"), 0, r"^$", _GOOD),
    Fault("both streams full", streams("full", "full"), 0, r"^$", _GOOD),
    Fault("no streams", streams("none", "none"), 0, r"^$", _GOOD),
    Fault("a damaged checkpoint", damage_checkpoints(1), 0,
          _CUT_SHORT + r".*the checkpoint before it is used",
          {*_GOOD, "damaged checkpoint", "bits of a whole run"}, resume=True),
    Fault("no checkpoint that is whole", damage_checkpoints(9), 2,
          r"--resume: no checkpoint is whole: .*damaged", {"weights", "damaged checkpoint"},
          resume=True),
    Fault("checkpoints of a newer format", newer_format, 2,
          r"has format 2, written by minigrad '[\d.]+'; this is minigrad [\d.]+, which reads "
          r"format 1; go on with that version, or start over with --overwrite", _GOOD, resume=True),
    Fault("a checkpoint with an unknown setting", other_setting, 2,
          r"has settings that minigrad [\d.]+ does not know: moon_phase; go on with the version",
          _GOOD, resume=True),
]  # fmt: skip


def kept(folder: Path) -> set[str]:
    """What is left of a run: weights that can be read, checkpoints, those that are damaged."""
    found = set()
    for name, place in (("weights", folder), *(("recovered weights", p) for p in _recovered())):
        with contextlib.suppress(OSError, ValueError):
            load(place / "weights.safetensors")
            found.add(name)
    with contextlib.suppress(OSError):
        if CheckpointManager(folder / "checkpoints").all_steps():
            found.add("checkpoints")
        if list((folder / "checkpoints").glob("*.damaged")):
            found.add("damaged checkpoint")
    return found


def _recovered() -> list[Path]:
    return [
        p for place in (Path.cwd(), Path.cwd() / "outputs") for p in place.glob("*.recovered-*")
    ]


def _work(fault: Fault, home: Path) -> None:
    """A run to which a fault happens, in a process of its own."""
    outcome = os.open(home / "outcome", os.O_WRONLY | os.O_CREAT)
    redirect(home / "log")
    warnings.simplefilter("default")
    folder = home / "outputs" / "run"
    folder.parent.mkdir()
    os.chdir(home)
    try:
        if fault.mounts:
            _own_mounts()
        fault.inject(folder)
        os.truncate(home / "log", 0)
        goes_on = ["--resume", "--epochs", "3"] if fault.resume else ["--epochs", "3"]
        options = [*TINY, *goes_on, "--out", str(folder)]
        status = minigrad(options)
        found = kept(folder)
        if fault.resume and status == 0:
            assert minigrad([*TINY, "--epochs", "3", "--out", str(home / "whole")]) == 0
            if fingerprint(folder) == fingerprint(home / "whole"):
                found.add("bits of a whole run")
        os.write(outcome, json.dumps([status, sorted(found)]).encode())
    except BaseException:
        os.write(outcome, json.dumps([-1, [traceback.format_exc()]]).encode())
    os._exit(0)


def _without_pictures() -> bool:
    """Stands in for the question whether pictures can be drawn: they take seconds."""
    return False


@mock.patch.object(run_module, "plotting_available", _without_pictures)
def run(fault: Fault, home: Path) -> Outcome:
    """Let a fault happen to a run; its folder is `home`/outputs/run."""
    process = multiprocessing.get_context("fork").Process(target=_work, args=(fault, home))
    process.start()
    process.join()
    status, found = json.loads((home / "outcome").read_text())
    lines = (home / "log").read_text(errors="replace").replace("\0", "")
    for place, shown in ((home, ""), (Path.home(), "~"), (Path(tempfile.gettempdir()), "TMP")):
        lines = lines.replace(str(place), shown)
    return Outcome(lines.strip(), status, set(found))


def table() -> Iterator[str]:
    """What each fault leads to, as Markdown; in the last column, what is not as it should be."""
    mounts = can_mount()
    yield "| fault | status | kept | printed | |"
    yield "|---|---|---|---|---|"
    for fault in FAULTS:
        if fault.mounts and not mounts:
            yield f"| {fault.name} | | | | left out: file systems cannot be mounted here |"
            continue
        with tempfile.TemporaryDirectory() as name:
            outcome = run(fault, Path(name).resolve())
        problems = "; ".join(outcome.problems(fault))
        words = (
            outcome.printed,
            f"NOT AS IT SHOULD BE: {problems}" if problems else "as it should",
        )
        printed, verdict = (text.replace("|", "\\|").replace("\n", "; ") for text in words)
        kept = ", ".join(sorted(outcome.kept)) or "nothing"
        yield f"| {fault.name} | {outcome.status} | {kept} | {printed or 'nothing'} | {verdict} |"


def main() -> int:
    """Let all faults happen and print a table; status 1 if one did not end as it should."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    add_page(parser)
    lines = publish(table(), "faults", parser.parse_args().page)
    return int(any("NOT AS IT SHOULD BE" in line for line in lines))


if __name__ == "__main__":
    sys.exit(main())
