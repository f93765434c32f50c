"""One pass over a DataLoader: fetched in the loop, or by workers ahead of it."""

import importlib
import os
import time
import warnings
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from multiprocessing.context import BaseContext
from typing import Any, Protocol

from minigrad.ops.generator import (
    Generator,
    ScopedGenerator,
    default_generator,
    default_generator_scope,
    stream,
)
from minigrad.utils.data.position import OrderSources, Position
from minigrad.utils.data.thread_workers import ThreadCrew
from minigrad.utils.data.worker import (
    ORDER,
    EndOfStream,
    Epoch,
    Job,
    Outcome,
    Task,
    stream_start,
)


@dataclass(frozen=True)
class Settings:
    """What a pass needs of its loader, as it is when the pass begins."""

    job: Job
    indices: Iterable[Any]
    generator: Generator | None
    num_workers: int
    prefetch_factor: int
    context: BaseContext | None
    timeout: float
    in_order: bool
    persistent: bool
    reported_length: int | None
    sources: OrderSources
    resumed: Position | None = None
    """Where another pass has stopped, whose remaining batches are to be given."""


class BatchIterator(Iterator[Any]):
    """One pass over a loader: the common part of both ways of fetching.

    A pass takes one number from the loader's generator, its seed.  The order of the samples, and
    what each batch draws, follow from the seed and from positions in the pass, never from workers.
    `reached` is the position that the loop has reached, from which another pass may go on.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._epoch = 0
        self._start()

    def _start(self) -> None:
        settings, resumed = self._settings, self._settings.resumed
        before = settings.sources.state()
        if resumed is not None:
            settings.sources.restore(resumed.before)
        if resumed is None or settings.generator is not None:  # the default one has moved already
            seed = int(stream(settings.generator).integers(2**62))
        if resumed is None:
            resumed = Position(seed, seed, default_generator.initial_seed(), before=before)
        self._seed, self._initial_seed = resumed.seed, resumed.initial_seed
        self._order = ScopedGenerator((self._seed, ORDER), self._initial_seed)
        with default_generator_scope(self._order):
            self._indices = iter(settings.indices)
        self._position = self._yielded = 0
        self._reported_length = settings.reported_length
        resumed.finished = False
        self.reached = resumed
        self._taken: deque[Any] = deque()
        if not settings.job.is_stream and resumed.drawn:
            self._take_again(resumed)
            settings.sources.restore_generators(before)

    def _take_again(self, reached: Position) -> None:
        """Take the indices that were taken from the sampler, and keep those still to be given."""
        with default_generator_scope(self._order):
            for position, index in zip(range(reached.drawn), self._indices, strict=False):
                if position >= reached.given:
                    self._taken.append(index)
        self._position = self._yielded = reached.given

    def _read_again(self) -> None:
        """Read the beginning of a stream again, up to the position that was reached."""
        batches, self.reached.given = self.reached.given, 0
        for number in range(batches):
            try:
                self._next_batch()
            except StopIteration:
                raise RuntimeError(
                    f"the stream has ended after {number} batches; the state of the DataLoader was "
                    f"saved after {batches}"
                ) from None
            except Exception:
                continue  # the loop has seen it the first time
            self._yielded += 1

    def __len__(self) -> int:
        return len(self._settings.indices)  # type: ignore[arg-type]

    def __getstate__(self) -> object:
        raise NotImplementedError(f"{type(self).__name__} cannot be pickled")

    def __next__(self) -> Any:
        try:
            batch = self._next_batch()
        except StopIteration:
            self.reached.finished = True
            raise
        if self._reported_length is not None:
            self._count()
        return batch

    def _next_batch(self) -> Any:
        raise NotImplementedError

    def _next_task(self) -> Task:
        reached = self.reached
        while True:
            if self._taken:
                index = self._taken.popleft()
            else:
                with default_generator_scope(self._order):
                    index = next(self._indices)
                reached.drawn = self._position + 1
            position = self._position
            self._position += 1
            if position not in reached.ahead:
                return Task(self._epoch, self._seed, position, index)

    def _count(self) -> None:
        """Warn if a stream is longer than its `__len__` has said."""
        self._yielded += 1
        if self._reported_length is not None and self._yielded > self._reported_length:
            warnings.warn(
                f"Length of IterableDataset {self._settings.job.dataset} was reported to be "
                f"{self._reported_length} (when accessing len(dataloader)), but {self._yielded} "
                "samples have been fetched.  With workers, each must read a share of its own: see "
                "get_worker_info.",
                stacklevel=3,
            )


class InlineIterator(BatchIterator):
    """Fetches each batch when it is requested."""

    def __init__(self, settings: Settings) -> None:
        if settings.timeout != 0:
            raise AssertionError(
                f"a DataLoader without workers requires timeout == 0, got {settings.timeout}"
            )
        super().__init__(settings)
        with stream_start(self._seed, 0, self._initial_seed):
            self._fetch = settings.job.fetcher()
        if settings.job.is_stream:
            self._read_again()

    def _next_batch(self) -> Any:
        task = self._next_task()
        with task.randomness(self._initial_seed):
            try:
                batch = self._fetch(task.index)
            except EndOfStream:
                raise StopIteration from None
            except Exception:
                self.reached.receive(task.position)
                raise
        self.reached.receive(task.position)
        return batch


class Crew(Protocol):
    """Workers, as an iterator sees them."""

    current: Epoch

    def send(self, worker: int, task: Task) -> None:
        """Hand a task to a worker."""

    def collect(self, timeout: float | None) -> list[tuple[int, Outcome]]:
        """Wait for outcomes, with the numbers of their workers; none after `timeout` seconds."""

    def close(self) -> None:
        """Dismiss the workers."""


def _process_crew(*arguments: Any) -> Crew:
    """Workers in processes.  Few loaders have them, and the modules of Python that they need take
    5 ms of an import and register a function for the program's end."""
    module = importlib.import_module("minigrad.utils.data.process_workers")
    crew: Crew = module.ProcessCrew(*arguments)
    return crew


class WorkerIterator(BatchIterator):
    """Keeps `prefetch_factor` batches ahead in each worker, and returns them in order.

    Tasks go to the workers in turn, and each worker keeps the order of its tasks.  So the next
    batch is the next outcome of the next worker; with `in_order=False`, of any worker.
    """

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        arguments = settings.job, settings.num_workers, self.reached.workers_seed
        self._crew: Crew = (
            ThreadCrew(*arguments)
            if settings.context is None
            else _process_crew(*arguments, settings.context, settings.prefetch_factor)
        )
        self._close = weakref.finalize(self, _close_crew, self._crew.close, os.getpid())
        self._prefetch()

    def restart(self, settings: Settings) -> None:
        """Begin another pass with the same workers; what is left of this one is dropped."""
        self._settings = settings
        self._epoch += 1
        self._crew.current.value = self._epoch
        workers_seed = self.reached.workers_seed
        self._start()
        self.reached.workers_seed = workers_seed
        self._prefetch()

    @property
    def closed(self) -> bool:
        """Whether the workers are dismissed."""
        return not self._close.alive

    def _prefetch(self) -> None:
        workers = range(self._settings.num_workers)
        self._expected: deque[tuple[int, int]] = deque()  # worker and position of the batch
        self._arrived: list[deque[Outcome]] = [deque() for _ in workers]
        try:
            for _ in range(self._settings.prefetch_factor):
                for worker in workers:
                    self._assign(worker)
            if self._settings.job.is_stream:
                self._read_again()
        except BaseException:
            self._close()
            raise

    def _assign(self, worker: int) -> None:
        try:
            task = self._next_task()
        except StopIteration:
            return
        self._expected.append((worker, task.position))
        self._crew.send(worker, task)

    def _next_batch(self) -> Any:
        while self._expected:
            worker, position, outcome = self._next_outcome()
            if outcome.ended:
                continue  # this worker's share of a stream has ended; the others continue
            self.reached.receive(self.reached.given if self._settings.job.is_stream else position)
            self._assign(worker)
            if outcome.failure is not None:
                outcome.failure.reraise()
            return outcome.batch
        if not self._settings.persistent:
            self._close()
        raise StopIteration

    def _next_outcome(self) -> tuple[int, int, Outcome]:
        timeout = self._settings.timeout
        deadline = time.monotonic() + timeout
        try:
            while (worker := self._ready()) is None:
                left = max(deadline - time.monotonic(), 0) if timeout else None
                collected = self._crew.collect(left)
                if not collected:
                    break
                for number, outcome in collected:
                    if outcome.epoch == self._epoch:
                        self._arrived[number].append(outcome)
        except BaseException:  # a worker died, or Ctrl-C
            self._expected.clear()
            self._close()
            raise
        if worker is None:
            raise RuntimeError(f"DataLoader timed out after {timeout} seconds")
        expected = next(e for e in self._expected if e[0] == worker)
        self._expected.remove(expected)
        return *expected, self._arrived[worker].popleft()

    def _ready(self) -> int | None:
        """The worker whose outcome is next, if it has arrived."""
        if self._settings.in_order:
            first = self._expected[0][0]
            return first if self._arrived[first] else None
        return next((number for number, arrived in enumerate(self._arrived) if arrived), None)


def _close_crew(close: Callable[[], None], owner: int) -> None:
    if os.getpid() == owner:  # a fork has a copy of the iterator, but the workers are not its own
        close()
