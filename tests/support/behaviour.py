"""Behaviour checks: functions that assert facts of a library, run on PyTorch first, then here.

A check is a function `check_...(torch)` in a module of `tests/behaviour`.  It is handed PyTorch or
minigrad as `torch`, and imports neither.  So it cannot assert what PyTorch does not do.

`DIFFERENT`, if the module has it, maps a check's name to the first cell of its line in
`docs/differences.md`: minigrad must fail that check, and the line must be there.
"""

import importlib
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

PROJECT = Path(__file__).parents[2]
FOLDER = PROJECT / "tests" / "behaviour"


class Check(NamedTuple):
    """A check, and the line of `docs/differences.md` that says why it does not hold, or None."""

    name: str
    run: Callable[[ModuleType], None]
    difference: str | None


def checks() -> list[Check]:
    """All checks, in the order of their files and lines."""
    found = []
    for file in sorted(FOLDER.glob("[a-z]*.py")):
        if file.stem.startswith("test_"):
            continue
        module = importlib.import_module(f"tests.behaviour.{file.stem}")
        different: Mapping[str, str] = getattr(module, "DIFFERENT", {})
        named = {n: f for n, f in vars(module).items() if n.startswith("check_")}
        if unknown := different.keys() - named.keys():
            raise ValueError(f"{file.name}: DIFFERENT names no check: {sorted(unknown)}")
        found += [
            Check(f"{file.stem}.{name.removeprefix('check_')}", function, different.get(name))
            for name, function in named.items()
        ]
    return found


def listed_differences() -> set[str]:
    """The first cells of the lines of `docs/differences.md`."""
    lines = (PROJECT / "docs" / "differences.md").read_text(encoding="utf-8").splitlines()
    return {line.split(" | ")[0].removeprefix("| ").strip() for line in lines if line[:2] == "| "}
