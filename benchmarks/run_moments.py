"""What a run of `minigrad train` does at each moment: noted by the run, read by who kills it.

`Moments` is memory that a process shares with its forks.  A run in a fork notes there what it
begins; its parent waits for that, and sees what was under way when the run ended.
"""

import functools
import multiprocessing
import threading
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from minigrad.training import checkpoints
from minigrad.training import run as run_module
from minigrad.training.run_folder import RunFolder
from minigrad.training.tasks.task import Task
from minigrad.training.trainer import Trainer

MOMENTS = (
    "starting", "training", "evaluating", "writing a checkpoint", "after training",
    "writing results",
)  # fmt: skip
_WRITING, _WRITTEN = MOMENTS.index("writing a checkpoint"), len(MOMENTS)
_MOST = 10_000  # events of a run
_LOOK = 5e-4  # seconds between looks


class Stretch(NamedTuple):
    """A time in which a run did one thing; `entry` counts those of the same moment from 0."""

    moment: str
    entry: int
    seconds: float


class Moments:
    """What the runs in forks of this process begin, and when; one run at a time."""

    def __init__(self) -> None:
        self._codes = multiprocessing.RawArray("b", _MOST)
        self._times = multiprocessing.RawArray("d", _MOST)
        self._count = multiprocessing.RawValue("i", 0)
        self._lock = threading.Lock()

    def begin(self) -> None:
        """Forget the last run: one is about to start."""
        self._count.value = 0
        self._note(0)

    def _note(self, code: int) -> None:
        with self._lock:  # checkpoints are written by a thread
            count = self._count.value
            if count < _MOST:
                self._codes[count], self._times[count] = code, time.monotonic()
                self._count.value = count + 1

    def watch_this_process(self) -> None:
        """Have the run that this process is about to do note what it begins."""
        self._wrap(Trainer, "_train_epoch", "training")
        for task in Task.__subclasses__():
            self._wrap(task, "evaluate", "evaluating", "training")
        self._wrap(checkpoints, "write_checkpoint", "writing a checkpoint", None)
        self._wrap(run_module, "_finish_checkpoints", "after training")
        self._wrap(RunFolder, "write_results", "writing results", "after training")

    def _wrap(self, owner: Any, name: str, moment: str, then: str | None = "") -> None:
        """Note a moment when a function is called, and another when it has ended.

        then: "" for none, None for the end of writing beside what else the run does.
        """
        function: Callable[..., Any] = getattr(owner, name)
        code, after = MOMENTS.index(moment), _WRITTEN if then is None else None
        if then:
            after = MOMENTS.index(then)

        @functools.wraps(function)
        def noted(*args: Any, **kwargs: Any) -> Any:
            self._note(code)
            try:
                return function(*args, **kwargs)
            finally:
                if after is not None:
                    self._note(after)

        setattr(owner, name, noted)

    def now(self) -> str:
        """What the run does, or did when it ended; writing a checkpoint comes before the rest."""
        codes = self._codes[: self._count.value]
        writes = [code for code in codes if code in (_WRITING, _WRITTEN)]
        if writes and writes[-1] == _WRITING:
            return MOMENTS[_WRITING]
        return MOMENTS[next(c for c in reversed(codes) if c not in (_WRITING, _WRITTEN))]

    def wait_for(self, stretch: Stretch, process: Any) -> bool:
        """Wait until the run begins the stretch; False if it ends before."""
        code = MOMENTS.index(stretch.moment)
        while self._codes[: self._count.value].count(code) <= stretch.entry:
            if not process.is_alive():
                return False
            time.sleep(_LOOK)
        return True

    def stretches(self) -> list[Stretch]:
        """All that the run has done, in order; call it when it has ended."""
        count = self._count.value
        events = [*zip(self._codes[:count], self._times[:count], strict=True)]
        events.append((len(MOMENTS) + 1, time.monotonic()))
        found: list[Stretch] = []
        for i, (code, began) in enumerate(events[:-1]):
            if code == _WRITTEN:
                continue
            ends = (
                moment
                for other, moment in events[i + 1 :]
                if (other == _WRITTEN) == (code == _WRITING) and other != _WRITING
            )
            end = next(ends, events[-1][1])
            entry = sum(each.moment == MOMENTS[code] for each in found)
            found.append(Stretch(MOMENTS[code], entry, end - began))
        return found
