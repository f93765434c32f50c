"""Worker threads that fetch batches ahead of the training loop, and their `WorkerInfo`."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any

import numpy as np

from minigrad.ops.generator import Generator, default_generator
from minigrad.utils.data.dataset import Dataset, IterableDataset, take


@dataclass(frozen=True)
class WorkerInfo:
    """A worker thread: its `id` in 0 ... `num_workers` - 1, its `seed`, its `dataset`."""

    id: int
    num_workers: int
    seed: int
    dataset: Dataset[Any]


class _Context(threading.local):
    """The worker and the batch of the current thread."""

    info: WorkerInfo | None = None
    seed: tuple[int, int] | None = None
    generator: Generator | None = None


_context = _Context()


def get_worker_info() -> WorkerInfo | None:
    """The current worker thread's `WorkerInfo`, or None outside of a worker.

    PyTorch differs: workers are threads, so all of them share one `dataset`, which is not a copy;
    split a stream by `id` inside its `__iter__`.
    """
    return _context.info


def loading_generator() -> Generator:
    """The generator for random transforms: that of the batch which a DataLoader is fetching.

    Every batch has one, seeded from the loader's generator and the batch's number, so random
    transforms give the same result for any number of workers.  Outside of a DataLoader it is the
    default generator.
    """
    if _context.seed is None:
        return default_generator
    if _context.generator is None:
        seed = np.random.SeedSequence(_context.seed).generate_state(1, np.uint64)[0] >> np.uint64(1)
        _context.generator = Generator().manual_seed(int(seed))
    return _context.generator


@contextmanager
def batch_randomness(seed: tuple[int, int]) -> Iterator[None]:
    """Seed `loading_generator` inside the block; blocks may nest."""
    outside = _context.seed, _context.generator
    _context.seed, _context.generator = seed, None
    try:
        yield
    finally:
        _context.seed, _context.generator = outside


class SampleFetcher:
    """Makes a batch from a map-style dataset, given its indices; or one sample, given one index."""

    def __init__(self, dataset: Dataset[Any], collate: Callable[[Any], Any], batched: bool) -> None:
        self.dataset, self.collate, self.batched = dataset, collate, batched

    def __call__(self, index: Any) -> Any:
        return self.collate(take(self.dataset, index) if self.batched else self.dataset[index])


class StreamFetcher:
    """Makes a batch of the next samples of an IterableDataset; StopIteration at its end."""

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
            return self.collate(next(self.stream))
        samples = [sample for _, sample in zip(indices, self.stream, strict=False)]
        if not samples or (self.drop_last and len(samples) < len(indices)):
            raise StopIteration
        return self.collate(samples)


@dataclass(frozen=True)
class Task:
    """One batch to fetch: its index or indices, and the seed of its random transforms."""

    index: Any
    seed: tuple[int, int]


@dataclass(frozen=True)
class Outcome:
    """The result of a task: a batch, or the exception that ended it."""

    batch: Any = None
    error: BaseException | None = None


class Worker:
    """A thread with a queue of tasks and a queue of their outcomes, in the order of the tasks.

    The thread has no reference to the loader or its iterator, so it ends when the iterator is
    deleted.  It is a daemon, so Python can exit while a dataset hangs.
    """

    def __init__(
        self,
        info: WorkerInfo,
        make_fetcher: Callable[[], Callable[[Any], Any]],
        worker_init_fn: Callable[[int], object] | None,
    ) -> None:
        self.info = info
        self.tasks: SimpleQueue[Task | None] = SimpleQueue()
        self.outcomes: SimpleQueue[Outcome] = SimpleQueue()
        self.dismissed = threading.Event()
        self.thread = threading.Thread(
            target=_work,
            args=(info, self.tasks, self.outcomes, self.dismissed, make_fetcher, worker_init_fn),
            name=f"minigrad-dataloader-{info.id}",
            daemon=True,
        )
        self.thread.start()

    def dismiss(self) -> None:
        """End the thread after the batch it is fetching now, without waiting for it."""
        self.dismissed.set()
        self.tasks.put(None)


def _work(
    info: WorkerInfo,
    tasks: "SimpleQueue[Task | None]",
    outcomes: "SimpleQueue[Outcome]",
    dismissed: threading.Event,
    make_fetcher: Callable[[], Callable[[Any], Any]],
    worker_init_fn: Callable[[int], object] | None,
) -> None:
    _context.info = info
    try:
        if worker_init_fn is not None:
            worker_init_fn(info.id)
        fetch = make_fetcher()
    except BaseException as error:
        outcomes.put(Outcome(error=error))
        return
    while (task := tasks.get()) is not None and not dismissed.is_set():
        try:
            with batch_randomness(task.seed):
                outcome = Outcome(fetch(task.index))
        except BaseException as error:
            outcome = Outcome(error=error)
        outcomes.put(outcome)
        del outcome, task  # otherwise the thread would keep a batch alive while it waits
