"""`reduction="fixed"`: any number of processes trains bit for bit as one.

The samples of a step are cut into shards of a fixed size, whoever has them.  Each shard has its own
forward and backward, its own random numbers, and starts from the same buffers; gradients are added
in a tree over the shards' numbers.  So nothing depends on which process had which shard.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from minigrad.distributed import (
    ProcessGroup,
    ReduceOp,
    all_gather_object,
    all_gather_single,
    all_reduce,
    all_to_all_single,
)
from minigrad.nn.parallel.summation_tree import Node, SummationTree
from minigrad.nn.parallel.timeline import Timeline
from minigrad.ops.generator import ScopedGenerator, default_generator_scope
from minigrad.tensor import Tensor
from minigrad.tensor.creation import from_numpy

Array = np.ndarray[Any, Any]
_OF_OBJECTS = 2  # exchanges in which Python's objects are gathered: of their sizes, and of them


class FixedReduction:
    """The steps of a module whose gradients are summed over shards in a fixed order."""

    def __init__(self, module: Any, group: ProcessGroup, shard_size: int, seed: int) -> None:
        self.module = module
        self.group = group
        self.shard_size = shard_size
        self.seed = seed
        self.step = 0  # the number of the next step
        self.is_open = False  # whether a loop over shards is under way
        self.timeline: Timeline | None = None

    def shards(self, tensors: Sequence[Tensor]) -> Iterator[tuple[Tensor, ...]]:
        """The shards of this process's samples; then gradients and buffers are those of all."""
        samples = _samples(tensors)
        if self.timeline is not None:
            self.timeline.begin()
        counts: list[int] = [0] * self.group.size()
        all_gather_object(counts, samples, self.group)
        first = self._first_shard(counts)
        held = [p._grad for p in self.module.parameters()]
        sums = _ShardSums(self.module)
        self.is_open = True
        try:
            for number, start in enumerate(range(0, samples, self.shard_size), first):
                shard = tuple(tensor[start : start + self.shard_size] for tensor in tensors)
                sums.begin()
                key = (self.seed % 2**64, self.step, number)
                with default_generator_scope(ScopedGenerator(key, self.seed)):
                    yield shard
                sums.end(number, len(shard[0]))
        except BaseException:
            sums.abandon()
            raise
        finally:
            self.is_open = False
            for p, gradient in zip(self.module.parameters(), held, strict=True):
                p._grad = gradient
        self.step += 1
        if self.timeline is not None:
            sums.describe(self.timeline)
        sums.finish(self.group, sum(counts))
        if self.timeline is not None:
            self.timeline.wait()
            self.timeline.end()

    def _first_shard(self, counts: Sequence[int]) -> int:
        """The number of this process's first shard.

        Raises ValueError unless all samples before it make whole shards.
        """
        rank = self.group.rank()
        last = max((i for i, count in enumerate(counts) if count), default=-1)
        if last < 0:
            raise ValueError("a step needs samples, and no process has any")
        for i, count in enumerate(counts[:last]):
            if count % self.shard_size:
                raise ValueError(
                    f"the samples of a step are cut into shards of {self.shard_size}, which rank "
                    f"{i} has no whole number of: {count} samples; use ShardedBatchSampler"
                )
        return sum(counts[:rank]) // self.shard_size


class _ShardSums:
    """The sums of one step: gradients and buffers, weighted with the samples of the shards."""

    def __init__(self, module: Any) -> None:
        self._parameters = [p for p in module.parameters() if p.requires_grad]
        self._buffers = list(module.buffers()) if module.training else []
        self._before = [b.array.copy() for b in self._buffers]
        self._used = np.zeros(len(self._parameters), np.int32)
        self._trees: dict[np.dtype[Any], SummationTree] = {}
        for array in self._arrays():
            self._trees.setdefault(array.dtype, SummationTree())

    def _arrays(self) -> list[Array]:
        """The arrays whose sums are wanted, with places for gradients that there are not."""
        buffers = [b.array for b in self._buffers if b.array.dtype.kind in "fc"]
        return [p.array for p in self._parameters] + buffers

    def begin(self) -> None:
        """Start a shard without gradients, from the buffers of the step."""
        for p in self._parameters:
            p._grad = None
        self.abandon()

    def abandon(self) -> None:
        """Give back the buffers of the step's beginning."""
        for buffer, before in zip(self._buffers, self._before, strict=True):
            buffer.array[...] = before
            buffer.bump_version()

    def end(self, number: int, samples: int) -> None:
        """Add what a shard brought."""
        parts: dict[Any, list[Array]] = {dtype: [] for dtype in self._trees}
        for i, p in enumerate(self._parameters):
            gradient = p._grad
            self._used[i] |= gradient is not None
            found = np.zeros_like(p.array) if gradient is None else gradient.array
            parts[p.array.dtype].append(found.reshape(-1))
        for buffer in self._buffers:
            if buffer.array.dtype.kind in "fc":
                parts[buffer.array.dtype].append(buffer.array.reshape(-1))
        for dtype, found in parts.items():
            self._trees[dtype].add(Node(0, number, np.concatenate(found) * dtype.type(samples)))

    def describe(self, timeline: Timeline) -> None:
        """Note what `finish` exchanges, and the numbers of samples before."""
        for tree in self._trees.values():
            timeline.summed(len(tree.nodes), tree.nodes[0].total.nbytes if tree.nodes else 0)
        counters = sum(b.array.dtype.kind not in "fc" for b in self._buffers)
        timeline.small(_OF_OBJECTS * (1 + len(self._trees)) + 1 + counters)

    def finish(self, group: ProcessGroup, samples: int) -> None:
        """Give parameters and buffers the averages over the shards of all processes."""
        all_reduce(from_numpy(self._used), ReduceOp.MAX, group)
        sizes: dict[Any, int] = dict.fromkeys(self._trees, 0)
        for array in self._arrays():
            sizes[array.dtype] += array.size
        totals = {
            dtype: sum_of_all(tree, sizes[dtype], dtype, group) / dtype.type(samples)
            for dtype, tree in self._trees.items()
        }
        places: dict[Any, int] = dict.fromkeys(totals, 0)

        def next_part(like: Array) -> Array:
            start = places[like.dtype]
            places[like.dtype] += like.size
            part: Array = totals[like.dtype][start : start + like.size].reshape(like.shape)
            return part

        for p, used in zip(self._parameters, self._used, strict=True):
            part = next_part(p.array)
            if used:
                p.grad = from_numpy(part.copy() if p._grad is None else p._grad.array + part)
        for buffer in self._buffers:
            if buffer.array.dtype.kind in "fc":
                buffer.array[...] = next_part(buffer.array)
                buffer.bump_version()
            else:  # a count of batches: a process without samples has not counted
                all_reduce(buffer, ReduceOp.MAX, group)


def sum_of_all(tree: SummationTree, size: int, dtype: Any, group: ProcessGroup) -> Array:
    """The sum of all processes' terms, the same bits on each; every one gets a stretch and adds it.

    A tree may be empty; its arrays have `size` elements.
    """
    count = group.size()
    if count == 1:
        return tree.total()
    found: list[Any] = [None] * count
    all_gather_object(found, [(node.level, node.place) for node in tree.nodes], group)
    stretch = -(-size // count)
    own = np.zeros((len(tree.nodes), stretch * count), dtype)
    for row, node in zip(own, tree.nodes, strict=True):
        row[:size] = node.total
    sent = own.reshape(-1, count, stretch).swapaxes(0, 1).reshape(-1, stretch)
    received = np.empty((sum(map(len, found)), stretch), dtype)
    all_to_all_single(
        from_numpy(received),
        from_numpy(np.ascontiguousarray(sent)),
        [len(part) for part in found],
        [len(tree.nodes)] * count,
        group,
    )
    names = [name for part in found for name in part]
    nodes = [Node(level, place, row) for (level, place), row in zip(names, received, strict=True)]
    whole = np.empty(stretch * count, dtype)
    all_gather_single(from_numpy(whole), from_numpy(SummationTree(nodes).total()), group)
    return whole[:size]


def _samples(tensors: Sequence[Tensor]) -> int:
    lengths = {len(tensor) for tensor in tensors if tensor.ndim}
    if len(lengths) != 1 or not all(tensor.ndim for tensor in tensors):
        raise ValueError(
            "shards are cut along the first dimension, which all tensors have in common; got "
            f"shapes {[list(tensor.shape) for tensor in tensors]}"
        )
    return lengths.pop()
