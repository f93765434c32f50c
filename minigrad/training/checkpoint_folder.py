"""A folder of checkpoints, read: its steps, their metrics, and the latest that is whole."""

import math
import os
import re
import warnings
from pathlib import Path
from typing import Any

from minigrad.training.checkpoint_file import (
    CheckpointVersionError,
    DamagedCheckpointError,
    read_checkpoint,
    read_description,
)

_NAME = re.compile(r"step-(\d{10,})\.safetensors")


class CheckpointFolder:
    """The checkpoints in a folder, which need not be there."""

    def __init__(self, directory: str | os.PathLike[str]) -> None:
        self.directory = Path(directory)

    def all_steps(self) -> list[int]:
        """The steps in the folder, from the first to the latest."""
        names = os.listdir(self.directory) if self.directory.is_dir() else []
        return sorted(int(match[1]) for name in names if (match := _NAME.fullmatch(name)))

    def latest_step(self) -> int | None:
        """The latest step in the folder; None if there is none."""
        return max(self.all_steps(), default=None)

    def metrics(self, step: int) -> dict[str, float]:
        """The metrics that were saved with a step.  Raises as `restore` does."""
        found: dict[str, float | None] = read_description(self.path(step))["metrics"]
        return {name: math.nan if value is None else value for name, value in found.items()}

    def best(self, metric: str, mode: str = "min") -> int | None:
        """The step with the least metric, or with mode="max" the largest; None without any.

        Of equal ones the first; nan is never the best, nor is a file that is damaged.
        """
        sign = -1 if checked_mode(mode) == "max" else 1
        found = []
        for step in self.all_steps():
            try:
                value = self.metrics(step).get(metric, math.nan)
            except (DamagedCheckpointError, FileNotFoundError):
                continue
            if not math.isnan(value):
                found.append((sign * value, step))
        return min(found)[1] if found else None

    def read(self, step: int) -> dict[str, Any]:
        """The state of a step.  Raises FileNotFoundError or DamagedCheckpointError."""
        path = self.path(step)
        if not path.exists():
            found = ", ".join(map(str, self.all_steps())) or "none"
            raise FileNotFoundError(f"no checkpoint of step {step} in {self.directory}: {found}")
        state = read_checkpoint(path)
        if not isinstance(state, dict):
            raise DamagedCheckpointError(f"{path} holds no dictionary")
        return state

    def newest(self) -> dict[str, Any]:
        """The state of the latest step that is whole; damaged files get another name."""
        damaged = []
        for step in reversed(self.all_steps()):
            try:
                return self.read(step)
            except CheckpointVersionError:  # it is whole, and its name stays for who can read it
                raise
            except DamagedCheckpointError as error:
                path = self.path(step)
                path.replace(path.with_suffix(".damaged"))
                damaged.append(str(error))
                warnings.warn(
                    f"{error}; it is now {path.stem}.damaged, and the checkpoint before it is used",
                    stacklevel=4,
                )
        if damaged:
            raise DamagedCheckpointError("; ".join(damaged))
        raise FileNotFoundError(f"no checkpoint in {self.directory}")

    def delete(self, step: int) -> None:
        """Delete the checkpoint of a step.  Raises FileNotFoundError if there is none."""
        self.path(step).unlink()

    def path(self, step: int) -> Path:
        """The file of a step."""
        return self.directory / f"step-{step:010d}.safetensors"


def checked_mode(mode: str) -> str:
    """The mode.  Raises ValueError for others than "min" and "max"."""
    if mode not in ("min", "max"):
        raise ValueError(f"mode should be 'min' or 'max', got {mode!r}")
    return mode
