"""Rows of many arrays, each less its mean, by one kernel call.

Yong et al. 2020, Gradient Centralization, arXiv:2004.01461.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.kernels.compiler.kernel import kernel, prange
from minigrad.kernels.compiler.numpy_abi import write_matching_addresses
from minigrad.kernels.compiler.pointers import pointer_at

Array = np.ndarray[Any, Any]

# Elements of a task, if its rows are shorter.
TASK_ELEMENTS = 4096
# Elements that are added in the arrays' own dtype; sums of more are kept in float64.
PIECE = 256


@kernel(fastmath=frozenset({"contract", "reassoc"}))
def _centralize(like: Array, addresses: Array, tasks: Array) -> None:
    """Rows of the arrays at `addresses[0]`, less their means, to those at `addresses[1]`.

    `like` has the arrays' dtype.  A column of `tasks`: array, first row, rows, elements of a row.
    """
    real = like.dtype.type
    for task in prange(tasks.shape[1]):
        array, first, count, size = (
            tasks[0, task], tasks[1, task], tasks[2, task], tasks[3, task],
        )  # fmt: skip
        for m in range(first, first + count):
            row = pointer_at(like, addresses[0, array] + m * size * like.itemsize)
            out = pointer_at(like, addresses[1, array] + m * size * like.itemsize)
            total = 0.0
            for begin in range(0, size, PIECE):
                some = real(0)
                for k in range(begin, min(begin + PIECE, size)):
                    some += row[k]
                total += some
            mean = real(total / size)
            for k in range(size):
                out[k] = row[k] - mean


class CentralizedRows:
    """The means over all axes but the first taken from arrays of these shapes and one dtype.

    Arrays of fewer than two axes stay.  The results of a call are in memory that the next call
    writes to.
    """

    def __init__(self, arrays: Sequence[Array]) -> None:
        dtype = arrays[0].dtype
        self._is_known = dtype in (np.float32, np.float64)
        self._places = [k for k, a in enumerate(arrays) if a.ndim > 1 and a.size]
        self._patterns = tuple([arrays[k] for k in self._places if self._is_known])
        self._results = [np.empty(a.shape, dtype) for a in self._patterns]
        self._like = np.empty(1, dtype)
        self._addresses = np.zeros((2, len(self._patterns)), np.int64)
        self._addresses[1] = [a.ctypes.data for a in self._results]
        self._tasks = _tasks_of(self._patterns)
        self._work = sum(a.size for a in self._patterns)

    def __call__(self, arrays: tuple[Array, ...]) -> tuple[Array, ...] | None:
        """The arrays less their means; None if one is of another kind than was said."""
        if not self._is_known:
            return None
        chosen = tuple([arrays[k] for k in self._places])
        if not write_matching_addresses(self._addresses[0], chosen, self._patterns):
            return None
        _centralize.run(self._work, self._like, self._addresses, self._tasks)
        found = list(arrays)
        for k, result in zip(self._places, self._results, strict=True):
            found[k] = result
        return tuple(found)


def _tasks_of(arrays: Sequence[Array]) -> Array:
    """The columns of the kernel's `tasks`: whole rows, of several elements together if short."""
    tasks = []
    for k, array in enumerate(arrays):
        size = array.size // len(array)
        rows = max(1, TASK_ELEMENTS // size)
        for first in range(0, len(array), rows):
            tasks.append((k, first, min(rows, len(array) - first), size))
    return np.array(tasks, np.int64).reshape(-1, 4).T.copy()
