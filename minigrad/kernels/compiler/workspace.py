"""Workspaces: memory that kernels need while they run, kept from call to call.

The operating system maps and clears fresh memory page by page.  That takes 0.1 ms for each
megabyte, as long as a matrix product with it.

Kernels allocate nothing themselves: compiled code that finds no memory can only go on or crash.
Python allocates before a kernel starts, and raises MemoryError while all operands are as they were.
"""

import sys
import threading
from typing import Any, TypeVar

import numpy as np

# A larger request gets fresh memory each time.
KEPT_BYTES = 48 * 2**20
# A cache line and a vector of AVX-512, in bytes.
ALIGNMENT = 64

Regions = TypeVar("Regions", bound=tuple[Any, ...])


class _Workspace(threading.local):
    """Blocks of a thread, free again when the kernel returns."""

    def __init__(self) -> None:
        self.block = np.empty(0, np.uint8)
        self.slots = np.empty(0, np.uint8), 0  # one attribute: a signal handler may change it


_workspace = _Workspace()
_REFERENCES_IF_FREE = sys.getrefcount(_workspace.block)  # an array of `scratch` holds one more


def scratch(size: int, dtype: np.dtype) -> np.ndarray:
    """Return `size` undefined elements, valid while the array is held.

    They are fresh memory if an earlier call's array is still held: code that interrupts a kernel's
    caller, as a signal handler does, must not write over its workspace.
    """
    count = size * dtype.itemsize
    if count > KEPT_BYTES or sys.getrefcount(_workspace.block) > _REFERENCES_IF_FREE:
        return np.empty(size, dtype)
    if count > _workspace.block.nbytes:
        _workspace.block = np.empty(0, np.uint8)  # frees the old block before allocating a new one
        _workspace.block = np.empty(count, np.uint8)
    return _workspace.block[:count].view(dtype)


def slots(needed: int) -> tuple[np.ndarray, int]:
    """So many bytes, for the slots of all threads that run tasks, and where they begin.

    Their content is undefined.  They are valid while the array is held, and until this thread's
    next call of `slots`.
    """
    kept = _workspace.slots
    if needed <= kept[0].nbytes - ALIGNMENT:
        return kept
    if needed <= KEPT_BYTES:
        del kept
        _workspace.slots = np.empty(0, np.uint8), 0  # frees the old one
    block = np.empty(needed + ALIGNMENT, np.uint8)
    fresh = block, -(-block.ctypes.data // ALIGNMENT) * ALIGNMENT
    if needed <= KEPT_BYTES:
        _workspace.slots = fresh
    return fresh


def place_regions(regions: type[Regions], itemsize: int, **sizes: int) -> tuple[Regions, int]:
    """Where the regions of a slot begin, in elements, and the slot's size in bytes.

    `sizes` are in elements of `itemsize` bytes; `int64_elements` converts a number of indices.
    """
    line = ALIGNMENT // itemsize
    begins, end = {}, 0
    for name, size in sizes.items():
        begins[name] = end
        end += -(-size // line) * line
    return regions(**begins), end * itemsize


def int64_elements(count: int, itemsize: int) -> int:
    """Elements of `itemsize` bytes that hold `count` integers of 64 bits."""
    return -(-count * 8 // itemsize)
