"""The work of a DataLoader's worker: from a task to its outcome, in a thread or a process."""

import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, NoReturn, Protocol

from minigrad.ops.generator import Generator, ScopedGenerator, default_generator_scope
from minigrad.utils.data.dataset import Dataset, IterableDataset, take

# What an epoch's seed is used for; with a number it is the key of a stream of random numbers.
ORDER, BATCH, STREAM_START = range(3)


@dataclass(frozen=True)
class WorkerInfo:
    """A worker: its `id` in 0 ... `num_workers` - 1, its `seed`, its `dataset`, and its kind.

    `worker_method` is "thread" or "multiprocessing".
    """

    id: int
    num_workers: int
    seed: int
    dataset: Dataset[Any]
    worker_method: str = "thread"


class _Context(threading.local):
    """The worker that the current thread is, or, in a worker process, that the process is."""

    info: WorkerInfo | None = None


_context = _Context()


def get_worker_info() -> WorkerInfo | None:
    """The current worker's `WorkerInfo`, or None outside of a worker.

    PyTorch differs: workers are threads unless `multiprocessing_context` is given, so all of them
    share one `dataset`, which is not a copy; split a stream by `id` inside its `__iter__`.
    """
    return _context.info


def describe_process(info: WorkerInfo) -> None:
    """Make `info` that of all threads of the process, as a dataset may start some."""
    _Context.info = info


class EndOfStream(Exception):  # noqa: N818  it is no error
    """The end of an IterableDataset, or of a worker's share of it."""


class SampleFetcher:
    """Makes a batch from a map-style dataset, given its indices; or one sample, given one index.

    Raises RuntimeError where the dataset raises StopIteration, which would end the loop silently.
    """

    def __init__(self, dataset: Dataset[Any], collate: Callable[[Any], Any], batched: bool) -> None:
        self.dataset, self.collate, self.batched = dataset, collate, batched

    def __call__(self, index: Any) -> Any:
        try:
            return self.collate(take(self.dataset, index) if self.batched else self.dataset[index])
        except StopIteration as error:
            raise RuntimeError(f"the dataset raised StopIteration at index {index}") from error


class StreamFetcher:
    """Makes a batch of the next samples of an IterableDataset; EndOfStream after the last."""

    def __init__(
        self,
        dataset: IterableDataset[Any],
        collate: Callable[[Any], Any],
        batched: bool,
        drop_last: bool,
    ) -> None:
        self.stream = iter(dataset)
        self.collate, self.batched, self.drop_last = collate, batched, drop_last

    def __call__(self, indices: Any) -> Any:
        if not self.batched:
            try:
                sample = next(self.stream)
            except StopIteration:
                raise EndOfStream from None
            return self.collate(sample)
        samples = [sample for _, sample in zip(indices, self.stream, strict=False)]
        if not samples or (self.drop_last and len(samples) < len(indices)):
            raise EndOfStream
        return self.collate(samples)


@dataclass(frozen=True)
class Job:
    """What all workers of a loader do: read a dataset, collate, and how they are set up."""

    dataset: Dataset[Any]
    collate: Callable[[Any], Any]
    batched: bool
    drop_last: bool
    worker_init_fn: Callable[[int], object] | None

    @property
    def is_stream(self) -> bool:
        """Whether the dataset gives its samples one after another, in an order of its own."""
        return isinstance(self.dataset, IterableDataset)

    def fetcher(self) -> Callable[[Any], Any]:
        """Make a function from the next index, or indices, to the next batch."""
        if isinstance(self.dataset, IterableDataset):  # `is_stream`, as type checkers read it
            return StreamFetcher(self.dataset, self.collate, self.batched, self.drop_last)
        return SampleFetcher(self.dataset, self.collate, self.batched)


def stream_start(seed: int, worker: int, initial_seed: int) -> default_generator_scope:
    """The scope in which `iter(dataset)` is called: a worker's own."""
    return default_generator_scope(ScopedGenerator((seed, STREAM_START, worker), initial_seed))


class Task(NamedTuple):
    """One batch to fetch: its index or indices, its epoch and position, and the epoch's seed.

    What the batch draws from the default generator follows from the seed and the position, so it
    does not depend on the worker.
    """

    epoch: int
    seed: int
    position: int
    index: Any

    def randomness(self, initial_seed: int) -> default_generator_scope:
        """The scope in which the batch is fetched."""
        key = (self.seed, BATCH, self.position)
        return default_generator_scope(ScopedGenerator(key, initial_seed))


class _Verbatim(str):
    """A message that KeyError prints as it is, not as a quoted string."""

    def __repr__(self) -> str:
        return str(self)


class Failure:
    """An exception in a worker, as text: its objects stay there."""

    def __init__(self, error: BaseException, where: str) -> None:
        self.kind = type(error)
        text = "".join(traceback.format_exception(error))
        self.text = f"Caught {self.kind.__name__} in DataLoader {where}.\nOriginal {text}"

    def reraise(self) -> NoReturn:
        """Raise an exception of the same type with the text; RuntimeError if it takes no text."""
        message = _Verbatim(self.text) if issubclass(self.kind, KeyError) else self.text
        try:
            error = self.kind(message)
        except Exception:
            error = RuntimeError(message)
        try:
            raise error
        finally:
            del error  # its traceback holds this frame: a cycle would keep the iterator alive


class Outcome(NamedTuple):
    """The result of a task: a batch, a failure, or the end of the worker's stream."""

    epoch: int
    batch: Any = None
    failure: Failure | None = None
    ended: bool = False


class Epoch(Protocol):
    """The number of the epoch that is loaded; tasks of others are left, -1 dismisses a worker."""

    value: int


class TaskRunner:
    """Carries out a worker's tasks, one after another, and turns exceptions into failures."""

    def __init__(self, info: WorkerInfo, job: Job, where: str, current: Epoch) -> None:
        self.info, self._job, self._where, self._current = info, job, where, current
        self._epoch: int | None = None
        self._failure: Failure | None = None
        self._fetch: Callable[[Any], Any] = _read_nothing

    def set_up(self) -> None:
        """Call `worker_init_fn` with the worker's own stream of random numbers."""
        _context.info = self.info
        if self._job.worker_init_fn is None:
            return
        try:
            with default_generator_scope(Generator().manual_seed(self.info.seed)):
                self._job.worker_init_fn(self.info.id)
        except BaseException as error:
            self._failure = Failure(error, self._where)

    def __call__(self, task: Task) -> Outcome:
        if self._failure is not None or task.epoch != self._current.value:
            return Outcome(task.epoch, failure=self._failure)
        try:
            if task.epoch != self._epoch:
                self._start(task)
            with task.randomness(self.info.seed):
                return Outcome(task.epoch, self._fetch(task.index))
        except EndOfStream:
            return Outcome(task.epoch, ended=True)
        except BaseException as error:
            return Outcome(task.epoch, failure=Failure(error, self._where))

    def _start(self, task: Task) -> None:
        self._epoch, self._fetch = task.epoch, _read_nothing
        with stream_start(task.seed, self.info.id, self.info.seed):
            self._fetch = self._job.fetcher()


def _read_nothing(index: Any) -> NoReturn:
    """The fetcher of a stream that could not be opened."""
    raise EndOfStream
