"""The epochs of a run beside its history: as CSV, or as TensorBoard's events."""

import contextlib
import csv
import importlib
import io
from pathlib import Path
from typing import Any

from minigrad.core.files import write_atomically
from minigrad.training.progress import Progress
from minigrad.training.run_folder import TABLE_OF_EPOCHS, TENSORBOARD
from minigrad.training.settings import Settings, SettingsError


class EventLog:
    """Writes each epoch as `--log` says, or nothing.

    A run that goes on writes after the epochs that it has reached; later ones are replaced.
    Raises SettingsError if it cannot be written at all.
    """

    def __init__(self, settings: Settings, progress: Progress) -> None:
        self._progress = progress
        self._table: Path | None = None
        self._events: Any = None
        if settings.log is None:
            return
        if settings.out is None:
            raise SettingsError("--log goes with --out DIR")
        if settings.log == "csv":
            self._table = Path(settings.out) / TABLE_OF_EPOCHS
            return
        try:
            tensorboard = importlib.import_module("minigrad.utils.tensorboard")
            self._events = tensorboard.SummaryWriter(
                str(Path(settings.out) / TENSORBOARD), purge_step=len(progress.epochs) + 1
            )
        except ImportError as error:
            raise SettingsError(f"--log tensorboard: {error}") from error

    def write(self, epoch: dict[str, Any]) -> None:
        """Write an epoch; what cannot be written is left out."""
        numbers = {n: v for n, v in epoch.items() if isinstance(v, int | float)}
        with contextlib.suppress(OSError):
            if self._table is not None:
                text = _csv(self._progress.epochs)
                write_atomically(self._table, lambda path: path.write_text(text))
            if self._events is not None:
                for name, value in numbers.items():
                    self._events.add_scalar(name.replace("_", "/", 1), value, epoch["number"])
                self._events.flush()

    def close(self) -> None:
        """End writing."""
        if self._events is not None:
            with contextlib.suppress(OSError):
                self._events.close()


def _csv(epochs: list[dict[str, Any]]) -> str:
    names = [n for n, v in epochs[0].items() if isinstance(v, int | float)]
    text = io.StringIO()
    table = csv.DictWriter(text, names, extrasaction="ignore", lineterminator="\n")
    table.writeheader()
    table.writerows(epochs)
    return text.getvalue()
