"""DistributedSampler: the share of one of several processes that train together."""

import math
from collections.abc import Iterator, Sized

from minigrad.distributed import get_rank, get_world_size
from minigrad.ops.generator import Generator
from minigrad.utils.data.sampler import Sampler


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
        num_replicas = get_world_size() if num_replicas is None else num_replicas
        rank = get_rank() if rank is None else rank
        if not 0 <= rank < num_replicas:
            raise ValueError(
                f"Invalid rank {rank}, rank should be in the interval [0, {num_replicas - 1}]"
            )
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
