"""DataLoader: batches of a dataset, fetched in the loop or by workers ahead of it."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from multiprocessing.context import BaseContext
from typing import Any, Generic, TypeVar

from minigrad.ops.generator import Generator
from minigrad.utils.data.collate import default_collate, default_convert
from minigrad.utils.data.dataset import Dataset, IterableDataset
from minigrad.utils.data.iterator import (
    BatchIterator,
    InlineIterator,
    Settings,
    WorkerIterator,
)
from minigrad.utils.data.loader_options import (
    check_batching,
    check_context,
    check_stream,
    check_workers,
    warn_of_many_workers,
    warn_of_pinning,
)
from minigrad.utils.data.position import (
    OrderSources,
    Position,
    check_state,
    loader_state,
    position_from,
    sizes,
)
from minigrad.utils.data.sampler import (
    BatchSampler,
    EndlessSampler,
    RandomSampler,
    SequentialSampler,
)
from minigrad.utils.data.worker import Job

T_co = TypeVar("T_co", covariant=True)

_FIXED = ("dataset", "batch_size", "batch_sampler", "sampler", "drop_last", "persistent_workers")


class DataLoader(Generic[T_co]):
    """Iterates over a dataset in batches, with torch.utils.data.DataLoader's arguments.

    The order, and what a dataset draws from the default generator, follow from the seed that each
    pass takes from `generator` (default: the default one): they are the same for any `num_workers`,
    and draws of the dataset do not move the loop's own stream.  Raises ValueError for options that
    exclude each other, RuntimeError when a batch takes longer than `timeout` seconds or a worker
    process dies.  An exception in a worker is raised in the loop, with the worker's traceback in
    its message; the loop may catch it and go on with the next batch.

    PyTorch differs: workers are threads that share the dataset (NumPy and minigrad's kernels
    release the interpreter lock while they compute).  `multiprocessing_context="fork"`,
    "forkserver" or "spawn" makes them processes, for a dataset whose time goes into Python code;
    in these, Python's `random` and NumPy's global generator follow from the seed, too.

    >>> import minigrad as mg
    >>> from minigrad.utils.data import DataLoader, TensorDataset
    >>> data = TensorDataset(mg.arange(10.0), mg.arange(10))
    >>> [len(labels) for values, labels in DataLoader(data, batch_size=4, shuffle=True)]
    [4, 4, 2]
    """

    _initialized = False
    _iterator: WorkerIterator | None = None
    _resumed: Position | None = None
    _position = Position()

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
        multiprocessing_context: str | BaseContext | None = None,
        generator: Generator | None = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",
        in_order: bool = True,
    ) -> None:
        check_workers(num_workers, timeout, prefetch_factor, persistent_workers)
        if isinstance(dataset, IterableDataset):
            check_stream(shuffle, sampler, batch_sampler)
        check_batching(batch_size, shuffle, sampler, batch_sampler, drop_last)

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
        self.multiprocessing_context = multiprocessing_context
        self.pin_memory_device = pin_memory_device
        self.in_order = in_order
        self._reported_length: int | None = None
        self._initialized = True
        self.check_worker_number_rationality()

    def __setattr__(self, name: str, value: Any) -> None:
        if self._initialized and name in _FIXED:
            raise ValueError(
                f"{name} attribute should not be set after {type(self).__name__} is initialized"
            )
        super().__setattr__(name, value)

    @property
    def multiprocessing_context(self) -> BaseContext | None:
        """How worker processes are started; None for worker threads.

        Raises ValueError for an unknown start method, or if there are no workers, and TypeError for
        what is neither a name nor a context.
        """
        return self._context

    @multiprocessing_context.setter
    def multiprocessing_context(self, context: str | BaseContext | None) -> None:
        self._context = check_context(context, self.num_workers)

    def check_worker_number_rationality(self) -> None:
        """Warn if there are more workers than CPUs this process may use."""
        warn_of_many_workers(self.num_workers, "threads" if self._context is None else "processes")

    def __iter__(self) -> Iterator[Any]:
        if self.pin_memory:
            warn_of_pinning(self.pin_memory_device)
        settings = self._settings()
        iterator = self._iterator_of(settings)
        self._position, self._resumed = iterator.reached, None
        return iterator

    def _iterator_of(self, settings: Settings) -> BatchIterator:
        if not self.num_workers:
            return InlineIterator(settings)
        if not self.persistent_workers:
            return WorkerIterator(settings)
        if self._iterator is None or self._iterator.closed:
            self._iterator = WorkerIterator(settings)
        else:
            self._iterator.restart(settings)
        return self._iterator

    def state_dict(self) -> dict[str, Any]:
        """The position: after which batch the latest pass is, and what the rest follows from.

        A loader like this one that loads it gives, in its next pass, the batches that are left of
        this one, in the same order and with the same random numbers, for any `num_workers`; then it
        goes on with whole passes.  Batches count once the loop has received them.  A pass that was
        left by `break` counts as under way.  An `IterableDataset` is read again from its beginning,
        by as many workers.  The default generator is no part of it: save it beside it.
        """
        position = self._resumed or self._position
        return loader_state(position, self._settings().sources.state(), self._shape())

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on where the loader was whose `state_dict` this is, from the next pass on.

        Raises TypeError for what is no such state, and ValueError, before anything is changed, if
        it is of a loader with another number of samples or another batch size.
        """
        check_state(state_dict, self._shape())
        self._settings().sources.restore(state_dict["now"])
        under_way = state_dict["pass"]
        self._resumed = None if under_way is None else position_from(under_way)
        self._position = Position()
        self._iterator = None  # workers that persist have the seed of another pass

    def _shape(self) -> dict[str, Any]:
        if isinstance(self.dataset, IterableDataset):
            return {"batch_size": self.batch_size, "num_workers": self.num_workers}
        return {"batch_size": self.batch_size, **sizes(self.dataset, self._indices())}

    def __len__(self) -> int:
        if not isinstance(self.dataset, IterableDataset):
            return len(self._indices())  # type: ignore[arg-type]
        samples = len(self.dataset)  # type: ignore[arg-type]
        self._reported_length = samples
        if self.batch_size is None:
            return samples
        return samples // self.batch_size if self.drop_last else -(-samples // self.batch_size)

    def _indices(self) -> Iterable[Any]:
        """The sampler whose elements are what a worker fetches at a time."""
        return self.sampler if self.batch_sampler is None else self.batch_sampler

    def _settings(self) -> Settings:
        batched = self.batch_sampler is not None
        return Settings(
            Job(self.dataset, self.collate_fn, batched, self.drop_last, self.worker_init_fn),
            self._indices(),
            self.generator,
            self.num_workers,
            self.prefetch_factor or 2,
            self._context,
            self.timeout,
            self.in_order,
            self.persistent_workers,
            self._reported_length,
            OrderSources(self.generator, self._indices()),
            self._resumed,
        )
