"""Memory in which one element out of bounds is a crash: a guard page on either side of each array.

`install` puts it under NumPy (by the data allocator of NEP 49) and under each region of the tasks'
workspace, so that arguments, results and all memory between are guarded.  Fresh
memory is full of NaN, so that a result computed from what nobody wrote shows; freed memory is
unmapped, so that its use is a crash as well.  Linux only.
"""

import ctypes
import mmap
import sys
from types import ModuleType
from typing import Any

from minigrad.kernels.compiler import task_queue
from tests.support.numpy_memory import Handler, capsule, set_handler

_PAGE = mmap.PAGESIZE
_FORBIDDEN, _OPEN = 0, mmap.PROT_READ | mmap.PROT_WRITE

_size, _address = ctypes.c_size_t, ctypes.c_void_p
_libc = ctypes.CDLL(None, use_errno=True)
_libc.mmap.restype = _address
_libc.mmap.argtypes = [_address, _size, *[ctypes.c_int] * 3, ctypes.c_long]
_libc.mprotect.argtypes = [_address, _size, ctypes.c_int]
_libc.munmap.argtypes = [_address, _size]


class _Blocks:
    """The blocks in use: each ends right before a guard page, or begins right after one."""

    def __init__(self) -> None:
        self.at_end = True
        self.held: dict[int, tuple[int, int, int]] = {}  # address: mapping, its length, size

    def allocate(self, size: int, byte: int = 0xFF) -> int:
        inside = -(-max(size, 1) // _PAGE) * _PAGE
        length = inside + 2 * _PAGE
        flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
        base = _libc.mmap(None, length, _FORBIDDEN, flags, -1, 0)
        if base is None or _libc.mprotect(base + _PAGE, inside, _OPEN):
            return 0
        address = base + _PAGE + (inside - size if self.at_end else 0)
        if byte:
            ctypes.memset(address, byte, size)
        self.held[address] = base, length, size
        return int(address)

    def free(self, address: int | None) -> None:
        if address:
            base, length, _ = self.held.pop(address)
            _libc.munmap(base, length)

    def reallocate(self, address: int | None, size: int) -> int:
        fresh = self.allocate(size)
        if fresh and address:
            ctypes.memmove(fresh, address, min(size, self.held[address][2]))
            self.free(address)
        return fresh


blocks = _Blocks()


_handler = Handler(
    b"guarded",
    1,
    None,
    Handler.malloc(lambda _, size: blocks.allocate(size)),
    Handler.calloc(lambda _, count, size: blocks.allocate(count * size, byte=0)),
    Handler.realloc(lambda _, address, size: blocks.reallocate(address, size)),
    Handler.free(lambda _, address, size: blocks.free(address)),
)


class _Slot:
    """The workspace of one thread, in which nothing but the regions may be touched."""

    def __init__(self, length: int, regions: list[tuple[int, int]]) -> None:
        self.length = length
        flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
        self.base = _libc.mmap(None, length, _FORBIDDEN, flags, -1, 0)
        for begin, size in regions:
            first = begin // _PAGE * _PAGE
            _libc.mprotect(self.base + first, -(-(begin + size - first) // _PAGE) * _PAGE, _OPEN)
            ctypes.memset(self.base + begin, 0xFF, size)

    def __del__(self) -> None:
        _libc.munmap(self.base, self.length)


_regions: dict[int, list[tuple[int, int]]] = {0: []}  # by the slot's size: beginning and bytes


def place_regions(kind: type[Any], itemsize: int, **sizes: int) -> tuple[Any, int]:
    """As `workspace.place_regions`, with a guard page between regions."""
    begins, placed, end = {}, [], _PAGE
    for name, size in sizes.items():
        inside = -(-size * itemsize // _PAGE) * _PAGE
        begin = end + (inside - size * itemsize if blocks.at_end else 0)
        begins[name] = begin // itemsize
        if size:
            placed.append((begin, size * itemsize))
        end += inside + _PAGE
    while end in _regions:
        end += _PAGE
    _regions[end] = placed
    return kind(**begins), end


def _slots(needed: int) -> tuple[Any, int]:
    slot = _Slot(max(needed, _PAGE), _regions[needed])
    return slot, slot.base


def _modules() -> list[ModuleType]:
    return [module for name, module in sys.modules.items() if name.startswith("minigrad.kernels")]


def _guard_workspace() -> None:
    """Tasks run on one thread, in one slot, whose size then says which regions it has."""
    for module in _modules():
        if hasattr(module, "place_regions"):
            vars(module)["place_regions"] = place_regions
    vars(task_queue).update(slots=_slots, get_num_threads=lambda: 1)


def place_at(end: bool) -> None:
    """Let blocks end right before a guard page, or begin right after one."""
    blocks.at_end = end
    for module in _modules():
        for function in vars(module).values():
            if hasattr(function, "cache_clear"):
                function.cache_clear()  # plans know where regions begin


def install() -> None:
    """Guard every array that NumPy makes in this thread, and all workspaces, from now on."""
    set_handler(capsule(_handler))
    _guard_workspace()
