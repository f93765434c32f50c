"""The folder of a run: who writes in it, checkpoints, and results that are replaced as a set."""

import json
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from minigrad.core.files import missing_folders, remove_if_empty, synchronise
from minigrad.training.checkpoints import CheckpointManager
from minigrad.training.output import Output
from minigrad.training.settings import SettingsError

try:
    import fcntl
except ImportError:  # on Windows two runs in one folder are not noticed
    fcntl = None  # type: ignore[assignment]

RESULTS = ("weights.safetensors", "history.json", "report.html", "report.png", "model.py")
CONFIG, CHECKPOINTS, LOCK = "config.toml", "checkpoints", ".lock"
TABLE_OF_EPOCHS, TENSORBOARD = "epochs.csv", "tensorboard"
_READY, _MANIFEST, _PART = ".results-ready", "manifest.json", ".results-part-"

Writers = Mapping[str, Callable[[Path], object]]


class RunFolder:
    """The folder that --out names."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.config = self.path / CONFIG

    def has_run(self) -> bool:
        """Whether a run has left something here."""
        names = (*RESULTS[:2], CONFIG)
        return any((self.path / name).exists() for name in names) or bool(
            CheckpointManager(self.path / CHECKPOINTS).all_steps()
        )

    def manager(self) -> CheckpointManager:
        """The checkpoints."""
        return CheckpointManager(self.path / CHECKPOINTS)

    @contextmanager
    def taken(self) -> Iterator[None]:
        """The block in which this process alone writes here.

        If the block brings no checkpoint and no result, what it has made is removed.
        Raises SettingsError if the folder cannot be written, or if another run writes in it.
        """
        traces = Traces(self)
        try:
            with self._locked():
                traces.note_results()
                try:
                    yield
                finally:
                    traces.remove_files_unless_results_came()
        finally:
            traces.remove_empty_folders()

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=self.path).close()
            lock = (self.path / LOCK).open("w")
        except OSError as error:
            raise SettingsError(
                f"--out {self.path} cannot be written: {error.strerror or error}"
            ) from error
        with lock:
            try:
                if fcntl is not None:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise SettingsError(f"--out {self.path}: another run is writing there") from error
            settle(self.path)
            for left in self.path.glob(f"{_PART}*"):
                shutil.rmtree(left, ignore_errors=True)
            yield

    def results(self) -> dict[Path, int]:
        """The files of checkpoints and results, each with the time of its last change."""
        manager = self.manager()
        files = [*map(manager.path, manager.all_steps()), *(self.path / n for n in RESULTS)]
        return {file: file.stat().st_mtime_ns for file in files if file.exists()}

    def discard_checkpoints(self) -> None:
        """Delete the checkpoints of a run that is to be overwritten; its results stay till then."""
        manager = self.manager()
        for step in manager.all_steps():
            manager.delete(step)

    def write_results(self, writers: Writers, output: Output) -> Path | None:
        """Write a set of results here, or, where that fails, elsewhere; the folder they are in.

        None, after a warning, if no place could be written.
        """
        failures = []
        for place in (self.path, *_elsewhere(self.path)):
            try:
                place.mkdir(parents=place != self.path, exist_ok=place == self.path)
                _write_set(place, writers)
            except OSError as error:
                failures.append(f"{place}: {error.strerror or error}")
                if place != self.path:
                    with suppress(OSError):
                        place.rmdir()
                continue
            if failures:
                output.warn(f"the results could not be written to {failures[0]}")
                output.warn(f"they are in {place}")
            return place
        output.warn(f"the results could not be written anywhere: {'; '.join(failures)}")
        return None


class Traces:
    """What a command makes in the folder of a run, beside results."""

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder
        path = folder.path
        self._made = missing_folders(path)
        names = (LOCK, CONFIG, TABLE_OF_EPOCHS, TENSORBOARD, CHECKPOINTS)
        self._new = [path / name for name in names if not (path / name).exists()]
        self._before: dict[Path, int] = {}

    def note_results(self) -> None:
        """Note what there is, which the command may go on from."""
        self._before = self._folder.results()

    def remove_files_unless_results_came(self) -> None:
        """Remove files that were not there before, if there is no new checkpoint or result."""
        with suppress(OSError):
            if not self._folder.results().items() <= self._before.items():
                return
        for path in self._new:
            with suppress(OSError):
                if path.name == CHECKPOINTS:
                    path.rmdir()
                elif path.is_dir():
                    shutil.rmtree(path)
                else:
                    path.unlink(missing_ok=True)

    def remove_empty_folders(self) -> None:
        """Remove the folders that were not there before, if nothing is in them."""
        remove_if_empty(self._made)


def _elsewhere(path: Path) -> Iterator[Path]:
    """Other places for results: beside the folder, here, and where temporary and own files lie."""
    name = f"{path.name or 'run'}.recovered-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}"
    yield path.parent / name
    yield Path(name).absolute()
    yield Path(tempfile.gettempdir()) / name
    yield Path.home() / name


def _write_set(folder: Path, writers: Writers) -> None:
    """Write all results into a part of the folder, then let them be its results, all at once."""
    settle(folder)
    part = folder / f"{_PART}{secrets.token_hex(4)}"
    part.mkdir()
    try:
        for name, write in writers.items():
            write(part / name)
            if (part / name).exists():  # a picture that cannot be drawn is left out
                synchronise(part / name)
        names = [name for name in writers if (part / name).exists()]
        (part / _MANIFEST).write_text(json.dumps(names))
        synchronise(part / _MANIFEST)
        synchronise(part)
        part.rename(folder / _READY)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    settle(folder)


def settle(folder: str | Path) -> None:
    """Bring a set of results to its place, which a kill may have kept from it.

    The set is complete when its folder has its name; moving it can be repeated.
    """
    folder = Path(folder)
    ready = folder / _READY
    if not ready.is_dir():
        return
    manifest = ready / _MANIFEST
    if manifest.exists():
        names = [name for name in json.loads(manifest.read_text()) if name in RESULTS]
        for name in names:
            if (ready / name).exists():
                os.replace(ready / name, folder / name)
        for name in set(RESULTS) - set(names):
            (folder / name).unlink(missing_ok=True)
        synchronise(folder)
        manifest.unlink()
    ready.rmdir()
    synchronise(folder)


def valid_json(value: Any) -> str:
    """JSON, with null in the place of what is not finite, which JSON does not have."""
    return json.dumps(_finite(value), indent=2, allow_nan=False) + "\n"


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if value - value == 0 else None
    if isinstance(value, Mapping):
        return {str(key): _finite(v) for key, v in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(v) for v in value]
    return value
