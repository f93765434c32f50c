"""The indices of the few largest, or smallest, elements of rows, found in one pass.

Each row keeps the best so far in order; an element that is no better than the last of them costs
one comparison.
"""

from typing import Any

import numpy as np

from minigrad.kernels.compiler.kernel import device_function, kernel, prange

Array = np.ndarray[Any, Any]

# Rows in one task.
ROWS = 4
# More are found by sorting.
MOST = 32


@device_function(inlined=True)
def _comes_before(x: float, y: float, largest: bool) -> bool:
    """Whether x stands before y; nan counts as the largest."""
    if largest:
        return x > y or (x != x and y == y)  # noqa: PLR0124  nan
    return x < y or (y != y and x == x)  # noqa: PLR0124  nan


@kernel
def _select(index: Array, best: Array, x: Array, largest: bool) -> None:
    """index (R, k): where the first k of each row of x (R, K) stand, in order.

    Equal elements come in the order of the row.  Workspace: `best` (R, k), the elements.
    """
    for task in prange((x.shape[0] + ROWS - 1) // ROWS):
        for r in range(task * ROWS, min((task + 1) * ROWS, x.shape[0])):
            row, values, places = x[r], best[r], index[r]
            count = 0
            for i in range(row.size):
                value = row[i]
                if count == values.size:
                    if not _comes_before(value, values[count - 1], largest):
                        continue
                    at = count - 1
                else:
                    at = count
                    count += 1
                while at > 0 and _comes_before(value, values[at - 1], largest):
                    values[at] = values[at - 1]
                    places[at] = places[at - 1]
                    at -= 1
                values[at] = value
                places[at] = i


def first_in_order(x: Array, k: int, axis: int, largest: bool) -> Array:
    """The indices along an axis of the k largest or smallest floats, in order."""
    rows = np.ascontiguousarray(np.moveaxis(x, axis, -1))
    shape = (*rows.shape[:-1], k)
    rows = rows.reshape(-1, x.shape[axis])
    index, best = np.empty((len(rows), k), np.int64), np.empty((len(rows), k), x.dtype)
    _select.run(x.size, index, best, rows, largest)
    return np.moveaxis(index.reshape(shape), -1, axis)
