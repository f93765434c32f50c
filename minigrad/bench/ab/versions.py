"""A version of the code: a checkout of minigrad, or a file of cases."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from minigrad.bench.case import BUILT_IN
from minigrad.bench.process import Process

HERE = Path(__file__).parents[3]


class Version(NamedTuple):
    """The folder that minigrad is imported from, the suites, and the name in tables."""

    name: str
    folder: Path
    suites: tuple[str, ...]

    def start(self, threads: int) -> Process:
        """A fresh process of this version, which has read the suites."""
        path = os.pathsep.join(filter(None, (str(self.folder), os.environ.get("PYTHONPATH", ""))))
        process = Process("minigrad", threads, {"PYTHONPATH": path}, self.folder)
        process.ask("load", suites=list(self.suites))
        return process


def version_of(given: str | Path | None, suites: Sequence[str | Path]) -> Version:
    """The version that `--ab` names: a checkout, or a file with older cases; None is this one.

    Raises FileNotFoundError for what is not there, ValueError for a folder without minigrad.
    """
    own = tuple(_absolute(suite) for suite in suites or (BUILT_IN,))
    if given is None:
        return Version("new", HERE, own)
    path = Path(given).absolute()
    if path.is_file():
        return Version("old", HERE, (str(path),))
    if not path.exists():
        raise FileNotFoundError(f"there is no checkout or file {given}")
    if not (path / "minigrad" / "__init__.py").is_file():
        raise ValueError(f"{given} is no checkout of minigrad: it has no minigrad/__init__.py")
    return Version("old", path, own)


def _absolute(suite: str | Path) -> str:
    return str(Path(suite).absolute()) if str(suite).endswith(".py") else str(suite)
