"""DataLoader: batches of a dataset, fetched in the loop or by threads ahead of it."""

import queue
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, Generic, TypeVar

from minigrad.ops.generator import Generator, stream
from minigrad.utils.data.collate import default_collate, default_convert
from minigrad.utils.data.dataset import Dataset, IterableDataset
from minigrad.utils.data.sampler import (
    BatchSampler,
    EndlessSampler,
    RandomSampler,
    SequentialSampler,
)
from minigrad.utils.data.worker import (
    Outcome,
    SampleFetcher,
    StreamFetcher,
    Task,
    Worker,
    WorkerInfo,
    batch_randomness,
)

T_co = TypeVar("T_co", covariant=True)

_FIXED = ("dataset", "batch_size", "batch_sampler", "sampler", "drop_last", "persistent_workers")


class DataLoader(Generic[T_co]):
    """Iterates over a dataset in batches, with torch.utils.data.DataLoader's arguments.

    Order and random transforms are determined by `generator` (default: the global one) and are the
    same for any `num_workers`.  Raises ValueError for options that exclude each other, RuntimeError
    when a batch takes longer than `timeout` seconds.  An exception in a worker is raised in the
    loop, with the worker's traceback.

    PyTorch differs: workers are threads that share the dataset (NumPy and minigrad's kernels
    release the interpreter lock while they compute); `pin_memory` and `persistent_workers` are
    accepted and change nothing, as there is no device to copy to and a thread starts in
    microseconds.

    >>> import minigrad as mg
    >>> from minigrad.utils.data import DataLoader, TensorDataset
    >>> data = TensorDataset(mg.arange(10.0), mg.arange(10))
    >>> [len(labels) for values, labels in DataLoader(data, batch_size=4, shuffle=True)]
    [4, 4, 2]
    """

    _initialized = False

    def __init__(
        self,
        dataset: Dataset[T_co],
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Iterable[Any] | None = None,
        batch_sampler: Iterable[list[Any]] | None = None,
        num_workers: int = 0,
        collate_fn: Callable[[Any], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], object] | None = None,
        *,
        generator: Generator | None = None,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
    ) -> None:
        _check_workers(num_workers, timeout, prefetch_factor, persistent_workers)
        if isinstance(dataset, IterableDataset):
            _check_stream(shuffle, sampler, batch_sampler)
        _check_batching(batch_size, shuffle, sampler, batch_sampler, drop_last)

        if sampler is None:
            if isinstance(dataset, IterableDataset):
                sampler = EndlessSampler()
            elif shuffle:
                sampler = RandomSampler(dataset, generator=generator)  # type: ignore[arg-type]
            else:
                sampler = SequentialSampler(dataset)  # type: ignore[arg-type]
        if batch_sampler is not None:
            batch_size = None
        elif batch_size is not None:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)

        self.dataset = dataset
        self.batch_size = batch_size
        self.sampler = sampler
        self.batch_sampler = batch_sampler
        self.num_workers = num_workers
        self.collate_fn = collate_fn or (
            default_convert if batch_sampler is None else default_collate
        )
        self.pin_memory = pin_memory
        self.drop_last = drop_last
        self.timeout = timeout
        self.worker_init_fn = worker_init_fn
        self.generator = generator
        self.prefetch_factor = 2 if num_workers and prefetch_factor is None else prefetch_factor
        self.persistent_workers = persistent_workers
        self._initialized = True

    def __setattr__(self, name: str, value: Any) -> None:
        if self._initialized and name in _FIXED:
            raise ValueError(
                f"{name} attribute should not be set after {type(self).__name__} is initialized"
            )
        super().__setattr__(name, value)

    def __iter__(self) -> Iterator[Any]:
        return ThreadedIterator(self) if self.num_workers else InlineIterator(self)

    def __len__(self) -> int:
        if not isinstance(self.dataset, IterableDataset):
            return len(self._indices())  # type: ignore[arg-type]
        samples = len(self.dataset)  # type: ignore[arg-type]
        if self.batch_size is None:
            return samples
        return samples // self.batch_size if self.drop_last else -(-samples // self.batch_size)

    def _indices(self) -> Iterable[Any]:
        return self.sampler if self.batch_sampler is None else self.batch_sampler

    def _fetcher_factory(self) -> Callable[[], Callable[[Any], Any]]:
        """A function that makes a fetcher; it has no reference to the loader."""
        batched = self.batch_sampler is not None
        if isinstance(self.dataset, IterableDataset):
            return partial(StreamFetcher, self.dataset, self.collate_fn, batched, self.drop_last)
        return partial(SampleFetcher, self.dataset, self.collate_fn, batched)


class _BatchIterator(Iterator[Any]):
    """One pass over a loader: the common part of both ways of fetching."""

    def __init__(self, loader: DataLoader[Any]) -> None:
        self._seed = int(stream(loader.generator).integers(2**62))
        self._loader = loader
        self._indices = iter(loader._indices())
        self._given = 0

    def __len__(self) -> int:
        return len(self._loader)

    def _next_task(self) -> Task:
        task = Task(next(self._indices), (self._seed, self._given))
        self._given += 1
        return task


class InlineIterator(_BatchIterator):
    """Fetches each batch when it is requested."""

    def __init__(self, loader: DataLoader[Any]) -> None:
        super().__init__(loader)
        self._fetch = loader._fetcher_factory()()

    def __next__(self) -> Any:
        task = self._next_task()
        with batch_randomness(task.seed):
            return self._fetch(task.index)


class ThreadedIterator(_BatchIterator):
    """Keeps `prefetch_factor` batches ahead in each worker thread, and returns them in order.

    Tasks go to the workers in turn, and each worker keeps the order of its tasks.  So the next
    batch is the next outcome of the next worker.
    """

    def __init__(self, loader: DataLoader[Any]) -> None:
        super().__init__(loader)
        factory = loader._fetcher_factory()
        workers = [
            Worker(
                WorkerInfo(number, loader.num_workers, self._seed + number, loader.dataset),
                factory,
                loader.worker_init_fn,
            )
            for number in range(loader.num_workers)
        ]
        self._dismiss = weakref.finalize(self, _dismiss_all, workers)
        self._queue: deque[Worker] = deque()
        for _ in range(loader.prefetch_factor or 0):
            for worker in workers:
                self._assign(worker)

    def __next__(self) -> Any:
        try:
            while self._queue:
                worker = self._queue.popleft()
                outcome = self._outcome(worker)
                if isinstance(outcome.error, StopIteration):
                    continue  # this worker's share of a stream has ended; the others continue
                if outcome.error is not None:
                    outcome.error.add_note(f"raised in DataLoader worker thread {worker.info.id}")
                    raise outcome.error
                self._assign(worker)
                return outcome.batch
        except BaseException:
            self._queue.clear()
            self._dismiss()
            raise
        self._dismiss()
        raise StopIteration

    def _assign(self, worker: Worker) -> None:
        try:
            worker.tasks.put(self._next_task())
        except StopIteration:
            return
        self._queue.append(worker)

    def _outcome(self, worker: Worker) -> Outcome:
        timeout = self._loader.timeout
        try:
            return worker.outcomes.get(timeout=timeout or None)
        except queue.Empty:
            raise RuntimeError(f"DataLoader timed out after {timeout} seconds") from None


def _dismiss_all(workers: list[Worker]) -> None:
    for worker in workers:
        worker.dismiss()


def _check_workers(
    num_workers: int, timeout: float, prefetch_factor: int | None, persistent_workers: bool
) -> None:
    if num_workers < 0:
        raise ValueError(
            "num_workers option should be non-negative; use num_workers=0 to fetch without "
            f"worker threads; got num_workers={num_workers}"
        )
    if timeout < 0:
        raise ValueError(f"timeout option should be non-negative, got timeout={timeout}")
    if num_workers == 0 and prefetch_factor is not None:
        raise ValueError(
            "prefetch_factor option could only be specified with worker threads: let "
            "num_workers > 0, or set prefetch_factor to None"
        )
    if prefetch_factor is not None and prefetch_factor < 1:
        raise ValueError(
            f"prefetch_factor option should be positive, got prefetch_factor={prefetch_factor}"
        )
    if persistent_workers and num_workers == 0:
        raise ValueError("persistent_workers option needs num_workers > 0")


def _check_stream(shuffle: bool | None, sampler: object, batch_sampler: object) -> None:
    for name, value in (("sampler", sampler), ("batch_sampler", batch_sampler)):
        if value is not None:
            raise ValueError(
                f"DataLoader with IterableDataset: expected unspecified {name} option, "
                f"but got {name}={value}"
            )
    if shuffle:
        raise ValueError(
            "DataLoader with IterableDataset: expected unspecified shuffle option, "
            f"but got shuffle={shuffle}"
        )


def _check_batching(
    batch_size: int | None,
    shuffle: bool | None,
    sampler: object,
    batch_sampler: object,
    drop_last: bool,
) -> None:
    if sampler is not None and shuffle:
        raise ValueError("sampler option is mutually exclusive with shuffle")
    if batch_sampler is not None:
        if batch_size != 1 or shuffle or sampler is not None or drop_last:
            raise ValueError(
                "batch_sampler option is mutually exclusive with batch_size, shuffle, sampler, "
                "and drop_last"
            )
    elif batch_size is None and drop_last:
        raise ValueError(
            "batch_size=None option disables auto-batching and is mutually exclusive with drop_last"
        )
