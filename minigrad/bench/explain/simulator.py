"""LLVM's simulator of CPUs, llvm-mca, where it is installed (Debian: `llvm`, or `llvm-19`)."""

import os
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

from minigrad.bench.explain.loops import Lines, straight_line

ROUNDS = 300


@cache
def simulator() -> str | None:
    """The newest llvm-mca on the path."""
    found = {
        int(match[1]): str(file)
        for folder in os.environ.get("PATH", "").split(os.pathsep)
        for file in Path(folder).glob("llvm-mca-*")
        if (match := re.fullmatch(r"llvm-mca-(\d+)", file.name))
    }
    return found[max(found)] if found else shutil.which("llvm-mca")


def simulator_version() -> str:
    """What simulates, in words."""
    command = simulator()
    if command is None:
        return "no simulator, because llvm-mca is not installed"
    ended = subprocess.run([command, "--version"], capture_output=True, text=True, check=False)
    version = re.search(r"version (\d+)", ended.stdout)
    return f"llvm-mca {version[1]}" if version else "llvm-mca"


def cycles(loop: Lines, triple: str, model: str) -> float | None:
    """The cycles that one round takes, or None without a simulator that knows the CPU."""
    command = simulator()
    if command is None:
        return None
    text = straight_line(loop)
    if model == "znver4":
        # The model has a splatted load wait for the ports of multiply-adds.  The CPU loads it.
        text = re.sub(r"\tvbroadcasts([sd])(\s+\S*\(.*\), %zmm)", r"\tvmovup\1\2", text)
    ended = subprocess.run(
        [command, f"-mtriple={triple}", f"-mcpu={model}", f"-iterations={ROUNDS}"],
        input=text, capture_output=True, text=True, check=False,
    )  # fmt: skip
    total = re.search(r"Total Cycles:\s+(\d+)", ended.stdout)
    return int(total[1]) / ROUNDS if total else None
