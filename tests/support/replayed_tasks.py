"""Tasks of replays over arrays that stay where they are, and the calls of them to guard."""

from collections.abc import Generator, Mapping, Sequence
from typing import Any

import numpy as np

from minigrad.kernels.pointwise import elementwise
from minigrad.kernels.pooling import max_pool
from minigrad.kernels.replay import rows
from minigrad.kernels.replay.chains import BlockCall, add_chain
from minigrad.kernels.replay.guards import Headers
from minigrad.kernels.replay.products import fill_zeros
from minigrad.kernels.replay.task_list import Place, Seen, TaskList, flat, run_tasks

Array = np.ndarray[Any, Any]


def run_chain(
    calls: Sequence[BlockCall], inner: Sequence[Array], copied: Mapping[int, Array], block: int
) -> None:
    """Run calls block by block; see `add_chain`."""
    tasks = TaskList(lambda seen: Place(None, seen.view.ctypes.data))
    add_chain(tasks, calls, inner, copied, block)
    table, words, places, bases = tasks.arguments(0)
    assert run_tasks.run(table, places, bases, id(())) == -1
    del words


def scattered_and_masked(g: Array, indices: Array, out: Array, block: int) -> None:
    """Max pooling's gradient of g, then relu's, in the memory of relu's output."""
    scattered, masked = np.empty_like(out), np.empty_like(out)
    planes = [Seen(a, a.reshape(len(out), -1)) for a in (scattered, g, indices)]
    calls = [
        BlockCall(fill_zeros, (flat(scattered),)),
        BlockCall(max_pool._scatter_add, (0, *planes)),
        BlockCall(elementwise.relu_backward.kernel, (0, flat(masked), flat(scattered), flat(out))),
    ]
    run_chain(calls, [scattered, masked], {id(masked): out}, block)


def replayed(draw: Any) -> Generator[tuple[Any, ...], Any, None]:
    """The calls of a round; see `guarded_families`."""
    x = draw.plain(draw.size(1), draw.size(2, 37))
    row, loss = draw.plain(x.shape[1]), draw.plain(1)
    yield rows.add_row.run, draw.plain(*x.shape), x, row
    yield rows.sum_rows.run, row, x
    position = np.full(1, draw.one_of(-1, 3), np.int64)
    yield rows.settle_loss.run, loss, position, np.ones(1)
    arrays = tuple(draw.array(*shape) for shape in ((4,), (2, 3), (5, 1, 2)))
    headers = yield Headers, arrays
    yield headers.match, arrays
    planes, shape = draw.size(1, 37), (draw.size(1, 5), draw.size(1, 5))
    g, out = draw.plain(planes, *shape), draw.plain(planes, 2 * shape[0], 2 * shape[1])
    indices = draw.rng.integers(0, 4 * shape[0] * shape[1], g.shape)
    yield scattered_and_masked, g, indices, out, draw.one_of(64, 1024)
