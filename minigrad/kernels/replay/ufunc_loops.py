"""The loops of NumPy's ufuncs: C functions over strided memory, called without Python.

They are what a ufunc itself calls, so that results have the same bits.  The fields of a ufunc are
part of NumPy's C interface (`PyUFuncObject`); what is read is compared with what Python says.
"""

import ctypes
from functools import cache
from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray[Any, Any]

# Offsets in bytes of the fields of `PyUFuncObject`.
_NIN = object.__basicsize__
_FUNCTIONS, _DATA, _NTYPES, _TYPES = _NIN + 16, _NIN + 24, _NIN + 32, _NIN + 48
_WORD = ctypes.sizeof(ctypes.c_void_p)


class Loop(NamedTuple):
    """A C function `(addresses, sizes, strides, data)`, and its last argument."""

    address: int
    data: int


@cache
def loop_of(ufunc: np.ufunc, dtype: np.dtype[Any]) -> Loop | None:
    """The loop of a ufunc whose operands and result are all of a dtype, or None."""
    if not _fields_are_known(ufunc):
        return None
    wanted = dtype.char * ufunc.nin + "->" + dtype.char * ufunc.nout
    if wanted not in ufunc.types:
        return None
    at, start = ufunc.types.index(wanted), id(ufunc)
    functions, data = (_pointer(start + field) for field in (_FUNCTIONS, _DATA))
    return Loop(_pointer(functions + at * _WORD), _pointer(data + at * _WORD) if data else 0)


def _pointer(address: int) -> int:
    return ctypes.c_void_p.from_address(address).value or 0


def _fields_are_known(ufunc: np.ufunc) -> bool:
    """Return whether the fields hold what Python says of the ufunc."""
    nin, nout, nargs = (ctypes.c_int * 3).from_address(id(ufunc) + _NIN)
    ntypes = ctypes.c_int.from_address(id(ufunc) + _NTYPES).value
    if (nin, nout, nargs, ntypes) != (ufunc.nin, ufunc.nout, ufunc.nargs, ufunc.ntypes):
        return False
    codes = ctypes.string_at(_pointer(id(ufunc) + _TYPES), ntypes * nargs)
    said = "".join(ufunc.types).replace("->", "")
    return codes == bytes(np.dtype(char).num for char in said)


def operands_of(ufunc: np.ufunc, arrays: tuple[Array, ...]) -> tuple[list[int], list[int]]:
    """The sizes and strides with which a loop runs over these arrays, the result the last one.

    A product's operands are matrices or, of `vecdot`, vectors: one of them, because a loop over
    several would move their addresses.  The others are C-contiguous arrays of one shape, or single
    elements.
    """
    if ufunc is np.vecdot:
        return [1, arrays[0].size], [0, 0, 0, arrays[0].strides[0], arrays[1].strides[0]]
    if ufunc is np.matmul:
        (m, k), n = arrays[0].shape, arrays[1].shape[1]
        return [1, m, k, n], [0, 0, 0, *(s for array in arrays for s in array.strides)]
    size = arrays[-1].size
    return [size], [array.itemsize if array.size == size > 1 else 0 for array in arrays]
