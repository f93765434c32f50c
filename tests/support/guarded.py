"""Memory in which one element out of bounds is a crash: a guard page on either side of each array.

`install` puts it under NumPy (by the data allocator of NEP 49) and under the arrays that compiled
kernels make for themselves, so that arguments, results and all memory between are guarded.  Fresh
memory is full of NaN, so that a result computed from what nobody wrote shows; freed memory is
unmapped, so that its use is a crash as well.  Linux only.
"""

import ctypes
import importlib
import mmap

from llvmlite import binding
from numba.core.registry import cpu_target
from numba.core.runtime import _nrt_python, rtsys

_PAGE = mmap.PAGESIZE
_FORBIDDEN, _OPEN = 0, mmap.PROT_READ | mmap.PROT_WRITE
_SET_HANDLER = 304  # place of PyDataMem_SetHandler in NumPy's table of functions

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


class _Handler(ctypes.Structure):
    """NumPy's PyDataMem_Handler, version 1."""

    _malloc = ctypes.CFUNCTYPE(_address, _address, _size)
    _calloc = ctypes.CFUNCTYPE(_address, _address, _size, _size)
    _realloc = ctypes.CFUNCTYPE(_address, _address, _address, _size)
    _free = ctypes.CFUNCTYPE(None, _address, _address, _size)
    _fields_ = (
        ("name", ctypes.c_char * 127),
        ("version", ctypes.c_uint8),
        ("context", _address),
        ("malloc", _malloc),
        ("calloc", _calloc),
        ("realloc", _realloc),
        ("free", _free),
    )


_handler = _Handler(
    b"guarded",
    1,
    None,
    _Handler._malloc(lambda _, size: blocks.allocate(size)),
    _Handler._calloc(lambda _, count, size: blocks.allocate(count * size, byte=0)),
    _Handler._realloc(lambda _, address, size: blocks.reallocate(address, size)),
    _Handler._free(lambda _, address, size: blocks.free(address)),
)


def _guard_numpy() -> None:
    api = ctypes.pythonapi
    api.PyCapsule_GetPointer.restype = _address
    api.PyCapsule_GetPointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
    api.PyCapsule_New.restype = ctypes.py_object
    api.PyCapsule_New.argtypes = [_address, ctypes.c_char_p, _address]
    capsule = importlib.import_module("numpy._core._multiarray_umath")._ARRAY_API
    table = api.PyCapsule_GetPointer(capsule, None)
    place = _address.from_address(table + _SET_HANDLER * ctypes.sizeof(_address))
    assert place.value is not None
    set_handler = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.py_object)(place.value)
    set_handler(api.PyCapsule_New(ctypes.addressof(_handler), b"mem_handler", None))


class _Runtime(ctypes.Structure):
    """Numba's NRT_api_functions, as far as is needed."""

    _fields_ = (
        ("allocate", _address),
        ("allocate_external", _address),
        ("manage_memory", ctypes.CFUNCTYPE(_address, _address, _address)),
    )


_free = ctypes.CFUNCTYPE(None, _address)(blocks.free)


def _allocate_for_kernel(size: int, align: int) -> int:
    """An array's memory, owned by a record of Numba's; alignment gives way to exact bounds."""
    get_table = ctypes.PYFUNCTYPE(ctypes.POINTER(_Runtime))(_nrt_python.c_helpers["get_api"])
    owner = get_table().contents.manage_memory(
        blocks.allocate(size), ctypes.cast(_free, _address).value
    )
    return int(owner)


_array_of_kernel = ctypes.CFUNCTYPE(_address, _size, ctypes.c_uint)(_allocate_for_kernel)


def _guard_kernels() -> None:
    """Kernels compiled or loaded from now on find their allocator under these names."""
    rtsys.initialize(cpu_target.target_context)
    for name in ("NRT_MemInfo_alloc_aligned", "NRT_MemInfo_alloc_safe_aligned"):
        binding.add_symbol(name, ctypes.cast(_array_of_kernel, _address).value)


def install() -> None:
    """Guard every array made from now on, by NumPy in this thread and by kernels not yet loaded."""
    _guard_numpy()
    _guard_kernels()
