"""How arrays travel within a group: not at all in one process, by MPI between several.

Each method begins an exchange and returns its steps: a generator that yields MPI requests, and is
continued when they are done.  All arrays are contiguous, and ranks are those of the group.
"""

from collections.abc import Generator, Sequence
from typing import Any, Protocol

import numpy as np

from minigrad.distributed import mpi
from minigrad.distributed.reduce_op import ReduceOp

__all__ = ["LocalTransport", "MpiTransport", "Steps", "Transport"]

Array = np.ndarray[Any, Any]
Steps = Generator[Sequence[Any], Any, None]
"""The steps of an exchange: each yields requests and gets their statuses."""


class Transport(Protocol):
    """The exchanges that collectives are made of."""

    def all_reduce(self, array: Array, op: ReduceOp) -> Steps:
        """Every process's array becomes the reduction of all."""

    def reduce(self, array: Array, op: ReduceOp, root: int) -> Steps:
        """The array of `root` becomes the reduction of all."""

    def broadcast(self, array: Array, root: int) -> Steps:
        """Every process's array becomes that of `root`."""

    def all_gather(self, out: Array, array: Array) -> Steps:
        """`out` becomes the arrays of all, one after the other."""

    def gather(self, out: Array | None, array: Array, root: int) -> Steps:
        """The same for `root`; the others give None for `out`."""

    def scatter(self, out: Array, given: Array | None, root: int) -> Steps:
        """`out` becomes the process's part of what `root` gives."""

    def reduce_scatter(self, out: Array, given: Array, op: ReduceOp) -> Steps:
        """`out` becomes the process's part of the reduction of what all give."""

    def all_to_all(
        self, out: Array, given: Array, out_counts: Sequence[int], counts: Sequence[int]
    ) -> Steps:
        """Process i gets the i-th part of what each gives; counts are in elements."""

    def barrier(self) -> Steps:
        """Wait for all."""


class LocalTransport:
    """A group of one process: arrays are copied."""

    def all_reduce(self, array: Array, op: ReduceOp) -> Steps:
        yield from ()

    def reduce(self, array: Array, op: ReduceOp, root: int) -> Steps:
        yield from ()

    def broadcast(self, array: Array, root: int) -> Steps:
        yield from ()

    def all_gather(self, out: Array, array: Array) -> Steps:
        yield from _copy(out, array)

    def gather(self, out: Array | None, array: Array, root: int) -> Steps:
        yield from _copy(out, array)

    def scatter(self, out: Array, given: Array | None, root: int) -> Steps:
        yield from _copy(out, given)

    def reduce_scatter(self, out: Array, given: Array, op: ReduceOp) -> Steps:
        yield from _copy(out, given)

    def all_to_all(
        self, out: Array, given: Array, out_counts: Sequence[int], counts: Sequence[int]
    ) -> Steps:
        yield from _copy(out, given)

    def barrier(self) -> Steps:
        yield from ()


def _copy(out: Array | None, given: Array | None) -> Steps:
    if out is not None and given is not None:
        out.reshape(-1)[...] = given.reshape(-1)
    yield from ()


class MpiTransport:
    """A group whose processes exchange by an MPI communicator."""

    def __init__(self, communicator: Any) -> None:
        self.communicator = communicator
        self.size = int(communicator.Get_size())
        self.rank = int(communicator.Get_rank())

    def all_reduce(self, array: Array, op: ReduceOp) -> Steps:
        in_place = mpi.library().IN_PLACE
        numbers = _reducible(array)
        yield [self.communicator.Iallreduce(in_place, numbers, _native(op, array))]
        self._finish(array, numbers, op)

    def reduce(self, array: Array, op: ReduceOp, root: int) -> Steps:
        numbers, native = _reducible(array), _native(op, array)
        if self.rank != root:
            yield [self.communicator.Ireduce(numbers, None, native, root)]
            return
        yield [self.communicator.Ireduce(mpi.library().IN_PLACE, numbers, native, root)]
        self._finish(array, numbers, op)

    def broadcast(self, array: Array, root: int) -> Steps:
        yield [self.communicator.Ibcast(mpi.as_bytes(array), root)]

    def all_gather(self, out: Array, array: Array) -> Steps:
        yield [self.communicator.Iallgather(mpi.as_bytes(array), mpi.as_bytes(out))]

    def gather(self, out: Array | None, array: Array, root: int) -> Steps:
        into = None if out is None else mpi.as_bytes(out)
        yield [self.communicator.Igather(mpi.as_bytes(array), into, root)]

    def scatter(self, out: Array, given: Array | None, root: int) -> Steps:
        source = None if given is None else mpi.as_bytes(given)
        yield [self.communicator.Iscatter(source, mpi.as_bytes(out), root)]

    def reduce_scatter(self, out: Array, given: Array, op: ReduceOp) -> Steps:
        numbers, result = _reducible(given), _reducible(out)
        native = _native(op, given)
        yield [self.communicator.Ireduce_scatter_block(numbers, result, native)]
        self._finish(out, result, op)

    def all_to_all(
        self, out: Array, given: Array, out_counts: Sequence[int], counts: Sequence[int]
    ) -> Steps:
        size = given.itemsize
        yield [
            self.communicator.Ialltoallv(
                _parts(given, [n * size for n in counts]),
                _parts(out, [n * size for n in out_counts]),
            )
        ]

    def barrier(self) -> Steps:
        yield [self.communicator.Ibarrier()]

    def send(self, array: Array, to: int, tag: int) -> Steps:
        """The array goes to the process `to`."""
        yield [self.communicator.Isend(mpi.as_bytes(array), to, tag)]

    def receive(self, array: Array, source: int | None, tag: int, found: list[int]) -> Steps:
        """The array comes from `source`, or from any process; `found` gets its rank."""
        sender = mpi.library().ANY_SOURCE if source is None else source
        (status,) = yield [self.communicator.Irecv(mpi.as_bytes(array), sender, tag)]
        found.append(status.Get_source())
        count = status.Get_count(mpi.library().BYTE)
        if count != array.nbytes:
            raise RuntimeError(
                f"recv expected {array.nbytes} bytes ({array.dtype} {list(array.shape)}), got "
                f"{count} from rank {found[-1]} of the group"
            )

    def _finish(self, array: Array, numbers: Array, op: ReduceOp) -> None:
        if op is ReduceOp.AVG:
            numbers /= numbers.dtype.type(self.size)
        if numbers.dtype != array.dtype:
            array[...] = numbers.reshape(array.shape)


def _reducible(array: Array) -> Array:
    """The array as numbers that MPI adds: of half precision a copy in single."""
    flat = array.reshape(-1)
    if flat.dtype == np.float16:
        return flat.astype(np.float32)
    return flat.view(np.uint8) if flat.dtype == np.bool_ else flat


def _native(op: ReduceOp, array: Array) -> Any:
    """MPI's reduction for an array: a sum of truth values is true if one is."""
    if array.dtype == np.bool_ and op is ReduceOp.SUM:
        op = ReduceOp.MAX
    return mpi.reduction(op)


def _parts(array: Array, sizes: Sequence[int]) -> Any:
    offsets = [0, *np.cumsum(sizes)[:-1].tolist()]
    memory, kind = mpi.as_bytes(array)
    return [memory, list(sizes), offsets, kind]
