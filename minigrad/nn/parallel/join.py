"""Uneven inputs: a process without further batches accompanies the exchanges of the others."""

from typing import Any

import numpy as np

from minigrad.distributed import ProcessGroup, all_reduce
from minigrad.nn.parallel.synchronization import broadcast_tensors
from minigrad.tensor.creation import from_numpy


class JoinedIterations:
    """The iterations of a block `with model.join()`, each announced to all processes."""

    def __init__(self, model: Any, group: ProcessGroup, divide_by_all: bool, throws: bool) -> None:
        self._model = model
        self._group = group
        self._divide_by_all = divide_by_all
        self._throws = throws
        self._last_active = np.arange(group.size())

    def begin_iteration(self) -> int:
        """Say that this process has a batch; return the first process that has.

        Raises RuntimeError if another one has not, with `throw_on_early_termination`.
        """
        active = self._announce(True)
        if self._throws and len(active) < self._group.size():
            raise RuntimeError(
                "Detected at least one rank that exhausted inputs. Throwing across all ranks."
            )
        self._divide(active)
        return int(active[0])

    def accompany_others(self) -> None:
        """Take part in the exchanges of those with batches, then take their parameters."""
        model = self._model
        while len(active := self._announce(False)):
            if self._throws:
                raise RuntimeError(
                    f"Rank {self._group.rank()} exhausted all inputs: training ends on all ranks."
                )
            self._divide(active)
            if model.training and model.broadcast_buffers:
                model.share_buffers(int(active[0]))
            model.reducer.prepare()
            model.reducer.bring_zeros(None)
        source = int(self._last_active[-1])
        tensors = [*model.module.parameters(), *model.module.buffers()]
        broadcast_tensors(tensors, source, self._group)

    def _announce(self, has_batch: bool) -> np.ndarray[Any, Any]:
        """The processes that have a batch now."""
        flags = np.zeros(self._group.size(), np.int32)
        flags[self._group.rank()] = has_batch
        all_reduce(from_numpy(flags), group=self._group)
        active = np.flatnonzero(flags)
        if len(active):
            self._last_active = active
        return active

    def _divide(self, active: np.ndarray[Any, Any]) -> None:
        self._model.reducer.divisor = None if self._divide_by_all else len(active)
