"""CheckpointManager: a folder of checkpoints, from which a run goes on bit for bit."""

import os
import threading
from collections.abc import Mapping
from typing import Any

import numpy as np

from minigrad.core.files import temporary_files_of
from minigrad.training.checkpoint_file import Snapshot, take_snapshot, write_checkpoint
from minigrad.training.checkpoint_folder import CheckpointFolder, checked_mode

_ANY = "step-*.safetensors"


class CheckpointManager(CheckpointFolder):
    """Saves the state of a run by steps in a folder, and restores the latest that is whole.

    A checkpoint is one file: written under another name, checksummed, brought to the disk and
    renamed, so a process that is killed leaves complete files only.  `save` copies the state at
    once and writes it in the background, so that the run may change it meanwhile; another `save`
    waits until the last is written, so there is one copy at most.  One process writes in a folder
    at a time; others may read.

    max_to_keep: how many of the latest are kept; None for all.
    save_interval_steps: `save` does nothing at steps that it does not divide.
    keep_best: a metric, such as "loss"; the best checkpoint by it is kept, too.
    best_mode: "min" or "max".
    asynchronous: False writes before `save` returns.

    >>> import tempfile
    >>> import minigrad as mg
    >>> from minigrad.training import CheckpointManager, RandomState
    >>> model = mg.nn.Linear(2, 1)
    >>> optimizer = mg.optim.Adam(model.parameters())
    >>> run = {"model": model, "optimizer": optimizer, "random": RandomState()}
    >>> with CheckpointManager(tempfile.mkdtemp()) as manager:
    ...     manager.save(100, {**run, "metrics": {"loss": 0.5}})
    True
    >>> manager.latest_step(), manager.best("loss")
    (100, 100)
    >>> manager.restore(into=run)["metrics"]
    {'loss': 0.5}
    """

    def __init__(
        self,
        directory: str | os.PathLike[str],
        max_to_keep: int | None = 3,
        save_interval_steps: int = 1,
        *,
        keep_best: str | None = None,
        best_mode: str = "min",
        asynchronous: bool = True,
    ) -> None:
        for name, value in (
            ("max_to_keep", max_to_keep),
            ("save_interval_steps", save_interval_steps),
        ):
            if value is not None and (type(value) is not int or value < 1):
                raise ValueError(f"{name} should be a positive integer, got {value!r}")
        super().__init__(directory)
        self.max_to_keep = max_to_keep
        self.save_interval_steps = save_interval_steps
        self.keep_best, self.best_mode = keep_best, checked_mode(best_mode)
        self.asynchronous = asynchronous
        self._memory: Snapshot | None = None
        self._writer: threading.Thread | None = None
        self._error: Exception | None = None
        self._cleared = False

    def should_save(self, step: int) -> bool:
        """Whether `save` does anything at this step."""
        return step % self.save_interval_steps == 0

    def save(self, step: int, state: Mapping[str, Any], *, force: bool = False) -> bool:
        """Save a state, a dictionary of objects and values; False if the step is not due.

        Objects with `state_dict` (models, optimizers, schedulers, loaders, a GradScaler,
        `RandomState`) are saved by it, and a Generator by its state; the rest is numbers, strings,
        tensors, arrays, in dictionaries and lists.  "metrics" is a dictionary of numbers for
        `best`.  force: save even if the step is not due.

        Raises TypeError for what cannot be saved, ValueError if a later step is in the folder,
        OSError if it, or the one before it, could not be written.
        """
        if isinstance(step, bool) or not isinstance(step, int | np.integer) or step < 0:
            raise ValueError(f"step should be an integer from 0 on, got {step!r}")
        if not (force or self.should_save(step)):
            return False
        self.wait()
        if (latest := self.latest_step()) is not None and latest > step:
            raise ValueError(
                f"{self.directory} has a checkpoint of step {latest}, which is later than {step}: "
                f"delete({latest}) first, if the run goes on from an earlier step"
            )
        self._memory = snapshot = take_snapshot(state, self._memory)
        if not self.asynchronous:
            self._write(int(step), snapshot)
            return True
        self._writer = threading.Thread(
            target=self._write_and_note, args=(int(step), snapshot), name="minigrad-checkpoint"
        )
        self._writer.start()
        return True

    def _write_and_note(self, step: int, snapshot: Snapshot) -> None:
        try:
            self._write(step, snapshot)
        except Exception as error:  # raised in the run, by the next `save`, `wait` or `close`
            self._error = error

    def _write(self, step: int, snapshot: Snapshot) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        if not self._cleared:
            for left in temporary_files_of(self.directory / _ANY):
                left.unlink(missing_ok=True)
            self._cleared = True
        write_checkpoint(self.path(step), step, snapshot)
        self._remove_old()

    def wait(self) -> None:
        """Wait until all is written.  Raises OSError if it could not be."""
        if self._writer is not None:
            self._writer.join()
            self._writer = None
        if (error := self._error) is not None:
            self._error = None
            raise error

    def close(self) -> None:
        """Wait until all is written, and free the copy's memory."""
        self.wait()
        self._memory = None

    def __enter__(self) -> "CheckpointManager":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def restore(
        self, step: int | None = None, into: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """The state that was saved at a step, by default at the latest one that is whole.

        into: objects by the names they were saved under, whose state is set, after all of it has
        been read and found whole.

        Raises FileNotFoundError if there is none, DamagedCheckpointError if it is not what was
        written, KeyError if `into` has a name that was not saved.  Without `step`, a damaged file
        gets another name, after a warning that says what is wrong, and the one before it is used.
        """
        self.wait()
        state = self.newest() if step is None else self.read(step)
        for name in into or {}:
            if name not in state:
                raise KeyError(f"the checkpoint has no {name!r}; it has {', '.join(state)}")
        for name, target in (into or {}).items():
            load = getattr(target, "load_state_dict", None) or target.set_state
            load(state[name])
        return state

    def _remove_old(self) -> None:
        if self.max_to_keep is None:
            return
        kept = set(self.all_steps()[-self.max_to_keep :])
        best = None if self.keep_best is None else self.best(self.keep_best, self.best_mode)
        if best is not None:
            kept.add(best)
        for step in self.all_steps():
            if step not in kept:
                self.path(step).unlink(missing_ok=True)
