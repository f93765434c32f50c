"""Runs families of kernels between guard pages: `python -m tests.support.guarded_kernels NAME...`.

Each call of a family is printed before it is made, so that after a crash the last line names it.
"""

import os
import sys
import traceback
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from minigrad import optim
from minigrad.kernels.compiler import workspace
from minigrad.kernels.compiler.kernel import kernel
from minigrad.kernels.compiler.pointers import offset, pointer, pointer_at, record_at
from minigrad.kernels.compiler.task_queue import task_kernel
from minigrad.kernels.simd.move import copy_vector
from tests.support import guarded
from tests.support.guarded_families import FAMILIES, TILE, VECTOR, Array, Calls, Draw

ROUNDS = 25


@kernel
def _over(out: Array, x: Array, at: int) -> None:
    """Copies the vector that begins at element `at`."""
    copy_vector(pointer(out), offset(pointer(x), at))


class _OwnArrays(NamedTuple):
    out: Array


class _OwnRegions(NamedTuple):
    one: int
    other: int


class _OwnPlan(NamedTuple):
    slot: _OwnRegions
    size: int
    at: int


@task_kernel(_OwnArrays, _OwnPlan)
def _own_task(phase, task, workspace, records):
    """Reads element `at` of the first region of the task's workspace."""
    record = record_at(records)
    own = offset(workspace, record.plan.slot.one)
    for i in range(record.plan.size):
        own[i] = 1
    pointer_at(workspace, record.arrays.out)[0] = own[record.plan.at]


def _own(out: Array, at: int) -> None:
    sizes = {"one": out.size, "other": out.size}
    slot, slot_size = workspace.place_regions(_OwnRegions, out.itemsize, **sizes)
    plan = _OwnPlan(slot=slot, size=out.size, at=at)
    _own_task.prepare(out.dtype, plan, (1,), 0, slot_size).run(_OwnArrays(out))


@kernel
def _plain(out: Array, x: Array, at: int) -> None:
    out[0] = x[at]


def no_fault(draw: Draw) -> Calls:
    out, x = draw.plain(VECTOR), draw.plain(TILE + 1)
    yield _over.run, out, x, 0
    yield _over.run, out, x, TILE + 1 - VECTOR
    yield _over.run, x, out, 0
    yield _own, out, 0
    yield _own, out, VECTOR - 1


def read_beyond(draw: Draw) -> Calls:
    yield _over.run, draw.plain(VECTOR), draw.plain(TILE + 1), TILE + 2 - VECTOR


def read_before(draw: Draw) -> Calls:
    yield _over.run, draw.plain(VECTOR), draw.plain(TILE + 1), -1


def write_beyond(draw: Draw) -> Calls:
    yield _over.run, draw.plain(VECTOR - 1), draw.plain(TILE), 0


def index_beyond(draw: Draw) -> Calls:
    yield _plain.run, draw.plain(1), draw.plain(7), 7


def own_beyond(draw: Draw) -> Calls:
    yield _own, draw.plain(5), 5


def own_before(draw: Draw) -> Calls:
    yield _own, draw.plain(5), -1


def never_written(draw: Draw) -> Calls:
    yield np.empty, (3,), draw.dtype


FAULTS: dict[str, Callable[[Draw], Calls]] = {
    fault.__name__: fault
    for fault in (
        read_beyond,
        read_before,
        write_beyond,
        index_beyond,
        own_beyond,
        own_before,
        never_written,
    )
}


def described(function: Any, arguments: tuple[Any, ...]) -> str:
    """The call in words: arrays by dtype, shape and strides."""
    words = []
    for argument in arguments:
        word = repr(argument)
        if isinstance(argument, np.ndarray):
            word = f"{argument.dtype}{argument.shape}/{argument.strides}"
        elif isinstance(argument, optim.Optimizer):
            word = type(argument).__name__
        words.append(word)
    name = getattr(function, "__qualname__", None) or function.kernel.function.__qualname__
    return f"{name}({', '.join(words)})"


def require_numbers(result: Any) -> None:
    """Memory that nobody has written is full of NaN."""
    for array in result if isinstance(result, tuple) else (result,):
        if isinstance(array, np.ndarray) and not np.isfinite(array).all():
            raise ValueError("the result holds what nobody has written")


def run(family: Callable[[Draw], Calls], rounds: int) -> int:
    """Calls made."""
    count = 0
    for seed in range(rounds):
        for at_end in (True, False):
            guarded.place_at(at_end)
            calls, result = family(Draw(seed)), None
            while True:
                try:
                    function, *arguments = calls.send(result)
                except StopIteration:
                    break
                side = "ending" if at_end else "beginning"
                print(
                    f"{side} at a guard page: {described(function, tuple(arguments))}", flush=True
                )
                result = function(*arguments)
                require_numbers(result)
                count += 1
    return count


if __name__ == "__main__":
    workspace.KEPT_BYTES = -1  # blocks of their own, of exact size
    guarded.install()
    everything = FAMILIES | FAULTS | {"no_fault": no_fault}
    status = 1
    try:
        for name in sys.argv[1:]:
            rounds = ROUNDS if name in FAMILIES else 1
            print(f"{name}: {run(everything[name], rounds)} calls without a fault")
        status = 0
    except Exception:
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)  # Python would be gone before the arrays are that it has to free
