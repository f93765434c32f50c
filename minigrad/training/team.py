"""The processes that train one model together: who speaks and writes, and what they agree on."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import minigrad.distributed as dist
from minigrad.distributed import mpi

T = TypeVar("T")


class Team:
    """A process that trains alone: it leads, and asks nobody."""

    rank, size = 0, 1

    @property
    def leads(self) -> bool:
        """Whether this process prints, writes files, and reads checkpoints for all."""
        return self.rank == 0

    @contextmanager
    def in_turn(self) -> Iterator[None]:
        """A block that the leader goes through first: if it fails there, it fails alone."""
        yield

    def told(self, find: Callable[[], T]) -> T:
        """What the leader finds."""
        return find()

    def all_of(self, own: T) -> list[T]:
        """What each process gives, by ranks."""
        return [own]

    def dealt(self, parts: Sequence[T]) -> Sequence[T]:
        """Every process's share of numbered parts; `collected` puts the shares' results together.

        >>> from minigrad.training.team import Team
        >>> Team().dealt(["a", "b"])
        ['a', 'b']
        """
        return parts[self.rank :: self.size]

    def collected(self, results: list[T]) -> list[T]:
        """The results of all parts, in their order."""
        shares = self.all_of(results)
        count = sum(map(len, shares))
        return [shares[i % self.size][i // self.size] for i in range(count)]


class Ranks(Team):
    """One of the processes of the default group."""

    def __init__(self) -> None:
        self.rank, self.size = dist.get_rank(), dist.get_world_size()

    @contextmanager
    def in_turn(self) -> Iterator[None]:
        """First the leader, then one process of each other machine, then all others.

        So files that are fetched are there before a second process of the machine looks for them.
        """
        local = dist.get_node_local_rank(fallback_rank=self.rank)
        turn = 0 if self.leads else 1 if local == 0 else 2
        for _ in range(turn):
            dist.barrier()
        yield
        for _ in range(2 - turn):
            dist.barrier()

    def told(self, find: Callable[[], T]) -> T:
        found: list[Any] = [find() if self.leads else None]
        dist.broadcast_object_list(found, src=0)
        result: T = found[0]
        return result

    def all_of(self, own: T) -> list[T]:
        found: list[Any] = [None] * self.size
        dist.all_gather_object(found, own)
        return found


@contextmanager
def team_of(several: bool) -> Iterator[Team]:
    """The processes that `minigrad run`, `mpiexec` or `srun` started, if `several` are to train.

    One that nobody started so is a group of one.
    """
    if not several or dist.is_initialized():
        yield Ranks() if several else Team()
        return
    alone = not mpi.launched_size() and "RANK" not in os.environ
    dist.init_process_group(rank=0 if alone else -1, world_size=1 if alone else -1)
    try:
        yield Ranks()
    finally:
        dist.destroy_process_group()
