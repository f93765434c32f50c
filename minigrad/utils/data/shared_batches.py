"""Batches on their way between processes: a pickle by the pipe, arrays by shared memory.

Every block of shared memory is made, and removed, by the process of the loop; workers only write
into it.  So none is left behind by a worker that dies.  A batch is copied out at once: each of its
tensors has memory of its own, and the block is free for the worker's next batch.
"""

import contextlib
import os
import pickle
from multiprocessing.shared_memory import SharedMemory
from typing import Any, NamedTuple

import numpy as np

from minigrad.core.types import Array

ALIGNMENT = 64
SMALL = 32_768  # bytes that a pipe takes in less time than shared memory


class Parcel(NamedTuple):
    """A pickled object, and where its arrays lie: in shared memory, or here if it is too small."""

    pickled: bytes
    sizes: list[int]
    inline: list[bytes] | None


class Blocks:
    """One worker's blocks of shared memory, in the process of the loop: made larger when needed."""

    def __init__(self, count: int) -> None:
        self._blocks: list[SharedMemory | None] = [None] * count
        self._free = list(range(count))

    def lend(self) -> tuple[int, str | None]:
        """Take a free block: its number, and its name if there is memory in it yet."""
        if not self._free:  # the tasks of a pass that was left are still to be answered
            self._blocks.append(None)
            return len(self._blocks) - 1, None
        number = self._free.pop()
        block = self._blocks[number]
        return number, None if block is None else block.name

    def unpack(self, number: int, parcel: Parcel) -> Any:
        """Take back a lent block, and return the object that was packed into it."""
        self._free.append(number)
        block = self._blocks[number]
        if parcel.inline is not None:
            arrays = [bytearray(part) for part in parcel.inline]
            self._fit(number, _extent(parcel.sizes))
            return pickle.loads(parcel.pickled, buffers=arrays)
        assert block is not None
        memory = _memory(block)
        copies, offset = [], 0
        for size in parcel.sizes:
            copies.append(memory[offset : offset + size].copy())
            offset += _padded(size)
        return pickle.loads(parcel.pickled, buffers=copies)

    def close(self) -> None:
        """Free all memory.  The worker must have ended: it opens blocks by their names."""
        for number in range(len(self._blocks)):
            self._remove(number)

    def _fit(self, number: int, size: int) -> None:
        block = self._blocks[number]
        if size <= SMALL or (block is not None and block.size >= size):
            return
        self._remove(number)
        self._blocks[number] = _new_block(size + size // 4)

    def _remove(self, number: int) -> None:
        block, self._blocks[number] = self._blocks[number], None
        if block is not None:
            block.close()
            with contextlib.suppress(FileNotFoundError):
                block.unlink()


class Packer:
    """The worker's side of its blocks."""

    def __init__(self) -> None:
        self._opened: dict[int, SharedMemory] = {}

    def pack(self, outcome: Any, number: int, name: str | None) -> Parcel:
        """Pickle an object, with its arrays copied to the lent block if they fit."""
        buffers: list[pickle.PickleBuffer] = []
        pickled = pickle.dumps(outcome, protocol=5, buffer_callback=buffers.append)
        parts = [buffer.raw() for buffer in buffers]
        sizes = [part.nbytes for part in parts]
        block = self._open(number, name) if name is not None else None
        if block is None or _extent(sizes) > block.size:
            return Parcel(pickled, sizes, [bytes(part) for part in parts])
        memory, offset = _memory(block), 0
        for part, size in zip(parts, sizes, strict=True):
            memory[offset : offset + size] = np.frombuffer(part, np.uint8)
            offset += _padded(size)
        return Parcel(pickled, sizes, None)

    def close(self) -> None:
        """Let go of all blocks."""
        for block in self._opened.values():
            block.close()

    def _open(self, number: int, name: str) -> SharedMemory:
        block = self._opened.get(number)
        if block is None or block.name != name:
            if block is not None:
                block.close()
            block = self._opened[number] = SharedMemory(name)
        return block


def _memory(block: SharedMemory) -> Array:
    """The block's bytes.  The block cannot be closed before this array is gone."""
    assert block.buf is not None
    return np.frombuffer(block.buf, np.uint8)


def _padded(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT


def _extent(sizes: list[int]) -> int:
    return sum(map(_padded, sizes))


def _new_block(size: int) -> SharedMemory | None:
    """A block whose memory is there, or None: a write to memory that is not ends the process."""
    try:
        block = SharedMemory(create=True, size=size)
    except OSError:
        return None
    try:
        with open(f"/dev/shm/{block.name}", "r+b") as file:
            os.posix_fallocate(file.fileno(), 0, size)
    except (FileNotFoundError, PermissionError, AttributeError):
        pass  # a system that keeps shared memory elsewhere
    except OSError:
        block.close()
        block.unlink()
        return None
    return block
