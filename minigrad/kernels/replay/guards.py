"""Compiled comparisons with what was: the headers of arrays, the versions of dicts."""

import ctypes
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from minigrad.kernels.compiler.fork import LIMIT_SYMBOL
from minigrad.kernels.compiler.kernel import device_function, kernel, thread_setting
from minigrad.kernels.compiler.numpy_abi import headers_are_known
from minigrad.kernels.compiler.pointers import pointer_at
from minigrad.kernels.compiler.sharing import emit_setting

Array = np.ndarray[Any, Any]

# Offsets in bytes: of a tuple's items, of the fields of `PyArrayObject`, of a dict's version.
_ITEMS = tuple.__basicsize__
_DATA = object.__basicsize__
_NDIM, _SHAPE, _STRIDES, _DTYPE, _FLAGS = (_DATA + k for k in (8, 16, 24, 40, 48))
DICT_VERSION = object.__basicsize__ + 8

# Flags of an array that do not matter: whether it owns its memory, and whether it is a copy.
_OTHER_FLAGS = 0x0004 | 0x2000


@intrinsic
def current_threads(typingctx: Any) -> tuple[Any, Callable[..., Any]]:
    """`thread_setting`: how many threads kernels may use, and from how much work on."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kind = ir.FunctionType(ir.IntType(32), [])
        function = cgutils.get_or_insert_function(builder.module, kind, "get_num_threads")
        available = builder.call(function, [])
        limit = builder.load(context.get_c_value(builder, ir.IntType(32), LIMIT_SYMBOL))
        less = builder.icmp_signed("<", limit, available)
        return emit_setting(context, builder, builder.select(less, limit, available))

    return types.int64(), codegen


@kernel
def write_headers(table: Array, arrays: int) -> None:
    """Write the header of each array of a tuple, given by its id, into a row of the table."""
    items = pointer_at(np.int64, arrays + _ITEMS)
    for k in range(table.shape[0]):
        array, row = items[k], table[k]
        row[0] = pointer_at(np.int32, array + _FLAGS)[0] & ~_OTHER_FLAGS
        row[1] = pointer_at(np.int64, array + _DTYPE)[0]
        ndim = pointer_at(np.int32, array + _NDIM)[0]
        row[2] = ndim
        shape = pointer_at(np.int64, pointer_at(np.int64, array + _SHAPE)[0])
        strides = pointer_at(np.int64, pointer_at(np.int64, array + _STRIDES)[0])
        for axis in range(min(ndim, (row.size - 3) // 2)):
            row[3 + 2 * axis] = shape[axis]
            row[4 + 2 * axis] = strides[axis]


@device_function
def match_headers(table, spans, items):
    """True if the arrays at these addresses have the headers of a table, and lie apart.

    `spans` are the bytes before and after the first element of each.
    """
    match = True
    for k in range(table.shape[0]):
        array, row = items[k], table[k]
        match &= row[0] == pointer_at(np.int32, array + _FLAGS)[0] & ~_OTHER_FLAGS
        match &= row[1] == pointer_at(np.int64, array + _DTYPE)[0]
        if row[2] != pointer_at(np.int32, array + _NDIM)[0]:
            return False
        shape = pointer_at(np.int64, pointer_at(np.int64, array + _SHAPE)[0])
        strides = pointer_at(np.int64, pointer_at(np.int64, array + _STRIDES)[0])
        for axis in range(row[2]):
            match &= row[3 + 2 * axis] == shape[axis]
            match &= row[4 + 2 * axis] == strides[axis]
        data = pointer_at(np.int64, array + _DATA)[0]
        for other in range(k):
            begin = pointer_at(np.int64, items[other] + _DATA)[0]
            is_before = data + spans[k, 1] <= begin - spans[other, 0]
            is_after = begin + spans[other, 1] <= data - spans[k, 0]
            match &= is_before or is_after
    return match


@kernel
def headers_match(table: Array, spans: Array, arrays: int, threads: int) -> bool:
    """`match_headers` for a tuple of arrays, given by its id, and for threads as they are set."""
    items = pointer_at(np.int64, arrays + _ITEMS)
    return bool(current_threads() == threads and match_headers(table, spans, items))


@kernel
def words_match(addresses: Array, expected: Array) -> bool:
    """True if the words at these addresses are as expected."""
    match = True
    for k in range(addresses.size):
        match &= pointer_at(np.int64, addresses[k])[0] == expected[k]
    return match


class Headers:
    """The headers of some arrays that lie apart, to compare others with."""

    def __init__(self, arrays: tuple[Array, ...]) -> None:
        most = max((array.ndim for array in arrays), default=0)
        self.table = np.zeros((len(arrays), 3 + 2 * most), np.int64)
        write_headers.run(self.table, id(arrays))
        pairs = [np.lib.array_utils.byte_bounds(array) for array in arrays]
        starts = [array.ctypes.data for array in arrays]
        spans = [(s - low, high - s) for s, (low, high) in zip(starts, pairs, strict=True)]
        self.spans = np.array(spans, np.int64).reshape(-1, 2)
        self.threads = thread_setting()

    def with_more(self, arrays: tuple[Array, ...]) -> "Headers":
        """The headers of these and of more arrays."""
        joined = Headers(arrays)
        tables = self.table, joined.table
        width = max(table.shape[1] for table in tables)
        joined.table = np.concatenate(
            [np.pad(table, ((0, 0), (0, width - table.shape[1]))) for table in tables]
        )
        joined.spans = np.concatenate([self.spans, joined.spans])
        joined.threads = self.threads
        return joined

    def match(self, arrays: tuple[Array, ...]) -> bool:
        """True if as many arrays have the same headers, and threads are set as they were."""
        return bool(headers_match.run(self.table, self.spans, id(arrays), self.threads))


@cache
def arrays_are_known() -> bool:
    """Return whether `Headers` is right for this Python and NumPy."""
    if not headers_are_known():
        return False
    a, b = np.zeros((3, 5), np.float32), np.zeros(4, np.int64)
    headers = Headers((a, b))
    read_only = a.copy()
    read_only.flags.writeable = False
    others: tuple[Array, ...] = (
        a.T,
        a[:2],
        a.astype(np.int32),
        a[:, :4],
        read_only,
        np.zeros((3, 5), ">f4"),
    )
    others += (np.zeros(16, np.float32)[1:].reshape(3, 5), np.zeros((5, 3), np.float32).T)
    same = [other for other in others if headers.match((other, b))]
    row = np.zeros(20, np.int64)
    views = Headers((row[:4], row[4:8]))
    return (
        headers.match((a.copy(), b.copy()))
        and len(same) == 1  # the one that is a view, and lies in other memory
        and views.match((row[4:8], row[:4]))
        and not views.match((row[:4], row[3:7]))
    )


class Versions:
    """The versions of dicts: another number after each change of one of them."""

    def __init__(self, dicts: list[dict[Any, Any]]) -> None:
        self.dicts = dicts  # kept alive: they are known by their addresses
        self._addresses = np.array([id(d) + DICT_VERSION for d in dicts], np.int64)
        self._seen = np.zeros(len(dicts), np.int64)
        self.note()

    def note(self) -> None:
        """Remember the versions of now."""
        for k, address in enumerate(self._addresses.tolist()):
            self._seen[k] = ctypes.c_int64.from_address(address).value

    def forget(self) -> None:
        """Take all dicts for changed, until their versions are noted."""
        self._seen.fill(-1)

    def hold(self) -> bool:
        """True if no dict has changed since its version was noted."""
        return bool(words_match.run(self._addresses, self._seen))


@cache
def dicts_are_known() -> bool:
    """Return whether dicts of this Python have versions, where `Versions` looks for them."""

    class Thing:
        def __init__(self) -> None:
            self.name = 1

    plain: dict[Any, Any] = {"name": 1}
    thing = Thing()
    attributes = vars(thing)

    def set_often() -> None:
        for k in range(1000, 1100):
            thing.name = k  # by then the interpreter does it in another way

    changes: list[Callable[[], Any]] = [
        lambda: plain.update(name=2), lambda: plain.update(other=3), lambda: plain.pop("other"),
        lambda: plain.setdefault("third", 4), plain.popitem, plain.clear,
        lambda: setattr(thing, "name", 2), set_often, lambda: delattr(thing, "name"),
    ]  # fmt: skip
    versions = Versions([plain, attributes])
    for change in changes:
        if not (versions.hold() and plain.get("name", 0) is not None and versions.hold()):
            return False
        change()
        if versions.hold():
            return False
        versions.note()
    return True
