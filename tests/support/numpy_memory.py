"""NumPy's data allocator (NEP 49) exchanged for one of ours, in this thread."""

import ctypes
import importlib
from typing import Any

_address, _size = ctypes.c_void_p, ctypes.c_size_t
_SET_HANDLER = 304  # place of PyDataMem_SetHandler in NumPy's table of functions


class Handler(ctypes.Structure):
    """NumPy's PyDataMem_Handler, version 1."""

    malloc = ctypes.CFUNCTYPE(_address, _address, _size)
    calloc = ctypes.CFUNCTYPE(_address, _address, _size, _size)
    realloc = ctypes.CFUNCTYPE(_address, _address, _address, _size)
    free = ctypes.CFUNCTYPE(None, _address, _address, _size)
    _fields_ = (
        ("name", ctypes.c_char * 127),
        ("version", ctypes.c_uint8),
        ("context", _address),
        ("malloc_function", malloc),
        ("calloc_function", calloc),
        ("realloc_function", realloc),
        ("free_function", free),
    )


def capsule(handler: Handler) -> Any:
    """The handler as `set_handler` takes it; it has to outlive the arrays that it makes."""
    new = ctypes.pythonapi.PyCapsule_New
    new.restype = ctypes.py_object
    new.argtypes = [_address, ctypes.c_char_p, _address]
    return new(ctypes.addressof(handler), b"mem_handler", None)


def set_handler(handler: Any) -> Any:
    """Let NumPy use the handler in this capsule; the one that it has used before."""
    get = ctypes.pythonapi.PyCapsule_GetPointer
    get.restype = _address
    get.argtypes = [ctypes.py_object, ctypes.c_char_p]
    table = get(importlib.import_module("numpy._core._multiarray_umath")._ARRAY_API, None)
    place = _address.from_address(table + _SET_HANDLER * ctypes.sizeof(_address))
    assert place.value is not None
    return ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.py_object)(place.value)(handler)
