"""The steps of a batch of sequences: which rows of a sequence's arrays belong to each."""

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from minigrad.kernels.compiler.kernel import get_num_threads, is_shared
from minigrad.kernels.recurrent.tile import ROWS

Array = np.ndarray[Any, Any]

# Of the work of a product, in multiply-adds, so many count as one element (see `kernel`).
SHARED = 16


class Steps(NamedTuple):
    """The steps of sequences that are sorted by length, the longest first.

    The rows of all steps follow each other; in step t the first sizes[t] sequences go on.
    """

    sizes: Array
    """(T,), int64: how many sequences have a step t."""
    offsets: Array
    """(T,), int64: the number of rows before step t."""
    batch: int
    total: int
    """The number of rows."""
    reverse: bool
    """Whether each sequence runs from its last step to its first."""


@lru_cache(256)
def even_steps(length: int, batch: int, reverse: bool) -> Steps:
    """The steps of `batch` sequences of one length."""
    sizes = np.full(length, batch, np.int64)
    return Steps(sizes, np.arange(length) * batch, batch, length * batch, reverse)


def packed_steps(batch_sizes: Array, reverse: bool) -> Steps:
    """The steps of packed sequences; `batch_sizes` falls."""
    sizes = np.ascontiguousarray(batch_sizes, np.int64)
    ends = np.cumsum(sizes)
    return Steps(sizes, ends - sizes, int(sizes[0]), int(ends[-1]), reverse)


def chunk_of_rows(batch: int, work: int) -> int:
    """How many sequences one thread takes; results do not depend on it."""
    if not is_shared(work):
        return max(1, batch)
    parts = min(get_num_threads(), -(-batch // ROWS))
    return max(1, -(-batch // parts))


class Results(NamedTuple):
    """The parts of a flat array: outputs (rows, width), then the last state of each sequence.

    The state has parts (batch, width) of some widths: h, and c if there is one.
    """

    flat: Array
    out: Array
    states: tuple[Array, ...]


def results(flat: Array, steps: Steps, width: int, *states: int) -> Results:
    """The parts of a flat array of results, or of their cotangents, as views."""
    end = steps.total * width
    out, parts = flat[:end].reshape(steps.total, width), []
    for size in states:
        begin, end = end, end + steps.batch * size
        parts.append(flat[begin:end].reshape(steps.batch, size))
    return Results(flat, out, tuple(parts))


def empty_results(dtype: np.dtype[Any], steps: Steps, width: int, *states: int) -> Results:
    """Undefined results."""
    size = steps.total * width + steps.batch * sum(states)
    return results(np.empty(size, dtype), steps, width, *states)


def resized(array: Array, blocks: int, width: int, axis: int) -> Array:
    """An array whose `blocks` blocks of an axis get this width: cut, or with zeros at the end."""
    shape = array.shape
    before, after, old = shape[:axis], shape[axis + 1 :], shape[axis] // blocks
    if old == width:
        return array
    out = np.zeros((*before, blocks, width, *after), array.dtype)
    part = (*[slice(None)] * (axis + 1), slice(min(old, width)))
    out[part] = array.reshape(*before, blocks, old, *after)[part]
    return out.reshape(*before, blocks * width, *after)


def resized_results(flat: Array, steps: Steps, old: tuple[int, ...], new: tuple[int, ...]) -> Array:
    """Flat results of which the outputs' width, and those of the states, change."""
    given, out = results(flat, steps, *old), empty_results(flat.dtype, steps, *new)
    for source, target in zip((given.out, *given.states), (out.out, *out.states), strict=True):
        target[...] = resized(source, 1, target.shape[1], 1)
    return out.flat
