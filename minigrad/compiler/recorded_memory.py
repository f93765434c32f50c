"""The memory of arrays that only a recording holds is given back while the step still runs.

Arrays have their names by which object they are, so that a tape holds each array of a step to its
end.  A step of a large network would take twice its memory to be recorded.  Where nothing but the
tape refers to an array, its elements are not read any more: the operating system may have the
pages, and the array stays an object with a shape.
"""

import ctypes
import mmap
import sys
from collections.abc import Iterable
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

# Of smaller arrays little would be given back.
LEAST = 2**18
# And if all arrays of a step are smaller together.
MUCH = 2**23
_ADVICE = getattr(mmap, "MADV_DONTNEED", None)


class RecordedMemory:
    """Large arrays on a tape."""

    def __init__(self) -> None:
        # By the id of an array that owns memory: it and the known views of it, by their ids.
        self._arrays: dict[int, dict[int, Array]] = {}
        self._counts: dict[int, int] = {}  # by the id of an array, how often the tape holds it
        self._can_give = _ADVICE is not None and sys.platform == "linux" and _is_counted()

    def note(self, given: Iterable[Any]) -> None:
        """Note what the tape holds from now on, by one reference each."""
        if not self._can_give:
            return
        for array in given:
            if type(array) is np.ndarray:
                owner = array if array.base is None else array.base
                if type(owner) is np.ndarray and owner.nbytes >= LEAST and owner.flags.owndata:
                    self._arrays.setdefault(id(owner), {id(owner): owner})[id(array)] = array
                    self._counts[id(array)] = self._counts.get(id(array), 0) + 1

    def give_back(self) -> None:
        """Give back the memory of arrays that nothing else refers to."""
        spent = [key for key, views in self._arrays.items() if self._is_spent(key, views)]
        for key in spent:
            _give_pages(self._arrays[key][key])
            del self._arrays[key]

    def _is_spent(self, key: int, views: dict[int, Array]) -> bool:
        """Return whether the tape alone refers to an array and its views."""
        if _references(views, key) != self._counts.get(key, 0) + len(views) - 1:
            return False
        return all(_references(views, k) == self._counts[k] for k in views if k != key)


def _references(views: dict[int, Array], key: int) -> int:
    """The references to an array, but that of `views`."""
    return sys.getrefcount(views[key]) - 2


def _is_counted() -> bool:
    """Return whether this Python counts references as it is assumed here."""
    array = np.empty(1)
    views = {id(array): array}
    held = [array, array[:]]
    key = id(array)
    del array
    return _references(views, key) == len(held)


def return_freed_memory(used: int) -> None:
    """Give what the C library keeps of much memory that was freed to the operating system.

    A recording has spread its arrays over more memory than a replay needs.
    """
    is_much = used >= MUCH and sys.platform == "linux"
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if is_much else None
    if trim is not None:
        trim(0)


def _give_pages(array: Array) -> None:
    """Give the pages that lie wholly in an array's memory back to the operating system.

    They are pages of zeros if they are read or written again.
    """
    first = -(-array.ctypes.data // mmap.PAGESIZE) * mmap.PAGESIZE
    end = (array.ctypes.data + array.nbytes) // mmap.PAGESIZE * mmap.PAGESIZE
    if end > first:
        madvise = ctypes.CDLL(None).madvise
        madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
        madvise(first, end - first, _ADVICE)
