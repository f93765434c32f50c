"""The shares of processes that train together: of samples, of batches, and of random numbers."""

import math
from collections.abc import Iterator, Sized
from typing import Any, TypeVar

from minigrad.distributed import get_rank, get_world_size
from minigrad.ops.generator import Generator, ScopedGenerator, default_generator_scope
from minigrad.utils.data.dataset import Dataset
from minigrad.utils.data.sampler import Sampler

T = TypeVar("T")


def _place_among(num_replicas: int | None, rank: int | None) -> tuple[int, int]:
    """The number of processes and the rank of one, which the process group gives where missing."""
    num_replicas = get_world_size() if num_replicas is None else num_replicas
    rank = get_rank() if rank is None else rank
    if not 0 <= rank < num_replicas:
        raise ValueError(
            f"Invalid rank {rank}, rank should be in the interval [0, {num_replicas - 1}]"
        )
    return num_replicas, rank


class DistributedSampler(Sampler[int]):
    """Every `num_replicas`-th index from `rank` on; all ranks have the same number of indices.

    With `drop_last` the last indices that do not make a full round are left out; otherwise the
    first ones are repeated.  The order is shuffled by `seed` and the epoch of `set_epoch`.  The
    process group gives `num_replicas` and `rank` that are not given.  Raises ValueError for a rank
    out of range, or if the group is asked and there is none.

    >>> from minigrad.utils.data import DistributedSampler
    >>> list(DistributedSampler(range(5), num_replicas=2, rank=1, shuffle=False))
    [1, 3, 0]
    """

    def __init__(
        self,
        dataset: Sized,
        num_replicas: int | None = None,
        rank: int | None = None,
        shuffle: bool = True,
        seed: int = 0,
        drop_last: bool = False,
    ) -> None:
        num_replicas, rank = _place_among(num_replicas, rank)
        self.dataset = dataset
        self.num_replicas = num_replicas
        self.rank = rank
        self.epoch = 0
        self.drop_last = drop_last
        rounds = len(dataset) / num_replicas
        self.num_samples = math.floor(rounds) if drop_last else math.ceil(rounds)
        self.total_size = self.num_samples * num_replicas
        self.shuffle = shuffle
        self.seed = seed

    def __iter__(self) -> Iterator[int]:
        count = len(self.dataset)
        order = list(range(count))
        if self.shuffle:
            random = Generator().manual_seed(self.seed + self.epoch).generator
            order = random.permutation(count).tolist()
        return iter(
            [order[i % count] for i in range(self.rank, self.total_size, self.num_replicas)]
        )

    def __len__(self) -> int:
        return self.num_samples

    def set_epoch(self, epoch: int) -> None:
        """Change the order of the next passes; all ranks must set the same epoch."""
        self.epoch = epoch


class ShardedBatchSampler(Sampler[list[int]]):
    """Of each batch of `batch_size` indices the part of one process, in whole shards.

    The batches are the same for any number of processes, and so is what a `DataLoader` with this
    `batch_sampler` saves as its `state_dict`: a pass goes on with another number of processes.
    Each has as many shards of `shard_size` indices as the others, or one less; a last shard may be
    smaller.  It is made for `DistributedDataParallel(reduction="fixed")`.  The order is shuffled by
    `seed` and the epoch of `set_epoch`.  The process group gives `num_replicas` and `rank` that
    are not given.  Raises ValueError for a rank out of range, and if a batch has fewer shards than
    there are processes, without `allow_empty`: the loader's `collate_fn` then has to make a batch
    of no samples.

    >>> from minigrad.utils.data import ShardedBatchSampler
    >>> half = ShardedBatchSampler(range(10), 8, 2, num_replicas=2, rank=1, shuffle=False,
    ...                            drop_last=True)
    >>> list(half)
    [[4, 5, 6, 7]]
    """

    def __init__(
        self,
        dataset: Sized,
        batch_size: int,
        shard_size: int = 8,
        num_replicas: int | None = None,
        rank: int | None = None,
        shuffle: bool = True,
        seed: int = 0,
        drop_last: bool = False,
        allow_empty: bool = False,
    ) -> None:
        num_replicas, rank = _place_among(num_replicas, rank)
        if batch_size < 1 or shard_size < 1:
            raise ValueError(
                f"batch_size and shard_size must be positive, got {batch_size} and {shard_size}"
            )
        rest = 0 if drop_last else len(dataset) % batch_size
        for size in filter(None, (batch_size, rest)):
            if -(-size // shard_size) < num_replicas and not allow_empty:
                raise ValueError(
                    f"a batch of {size} samples has {-(-size // shard_size)} shards of {shard_size}"
                    f", too few for {num_replicas} processes; choose a smaller shard_size"
                    + ("" if size == batch_size else ", or drop_last")
                )
        self.dataset = dataset
        self.batch_size = batch_size
        self.shard_size = shard_size
        self.num_replicas = num_replicas
        self.rank = rank
        self.epoch = 0
        self.shuffle = shuffle
        self.seed = seed
        self.drop_last = drop_last

    def __iter__(self) -> Iterator[list[int]]:
        count = len(self.dataset)
        order = list(range(count))
        if self.shuffle:
            random = Generator().manual_seed(self.seed + self.epoch).generator
            order = random.permutation(count).tolist()
        for number in range(len(self)):
            batch = order[number * self.batch_size : (number + 1) * self.batch_size]
            shards = -(-len(batch) // self.shard_size)
            first, last = (
                r * shards // self.num_replicas * self.shard_size
                for r in (self.rank, self.rank + 1)
            )
            yield batch[first:last]

    def __len__(self) -> int:
        whole, rest = divmod(len(self.dataset), self.batch_size)
        return whole + (rest > 0 and not self.drop_last)

    def set_epoch(self, epoch: int) -> None:
        """Change the order of the next passes; all ranks must set the same epoch."""
        self.epoch = epoch


class SampleStreams(Dataset[T]):
    """A dataset each of whose samples draws random numbers of its own.

    What `dataset[i]` draws from the default generator, as an augmentation does, follows from the
    seed, the epoch of `set_epoch` and i: not from the batch, the worker or the process it is in.

    >>> import minigrad as mg
    >>> from minigrad.utils.data import SampleStreams
    >>> class Noise(mg.utils.data.Dataset):
    ...     def __getitem__(self, i):
    ...         return float(mg.rand(()))
    ...     def __len__(self):
    ...         return 4
    >>> SampleStreams(Noise())[2] == SampleStreams(Noise())[2]
    True
    """

    def __init__(self, dataset: Any, seed: int = 0) -> None:
        self.dataset = dataset
        self.seed = seed
        self.epoch = 0

    def __getitem__(self, index: int) -> T:
        key = (self.seed % 2**64, self.epoch, int(index))
        with default_generator_scope(ScopedGenerator(key, self.seed)):
            sample: T = self.dataset[index]
        return sample

    def __len__(self) -> int:
        return len(self.dataset)

    def set_epoch(self, epoch: int) -> None:
        """Change the random numbers; all ranks must set the same epoch."""
        self.epoch = epoch
