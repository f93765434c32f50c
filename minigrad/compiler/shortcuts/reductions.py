"""Shortcuts of sums over axes."""

from collections.abc import Mapping, Sequence
from typing import Any

from minigrad.compiler.shortcuts.declaration import Array, Rule, Shortcut, is_dense
from minigrad.kernels.replay.products import add_sum
from minigrad.kernels.replay.task_list import TaskList
from minigrad.ops.dims import axes
from minigrad.ops.reduction import reduce


def _sum(args: Sequence[Any], settings: Mapping[str, Any]) -> Shortcut | None:
    (x,) = args
    if not is_dense(x) or not x.ndim or settings.get("dtype") is not None:
        return None
    over = axes(settings.get("dim"), x.ndim)

    def run(tasks: TaskList, given: Sequence[Any], out: Sequence[Array]) -> None:
        add_sum(tasks, out[0], given[0], over)

    return Shortcut(None, {}, tasks=run)


RULES: dict[int, Rule] = {id(reduce.sum.op.forward): _sum}
