"""Shortcuts of clipped gradients: their norm, and its limit."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from minigrad.compiler.shortcuts.declaration import Array, Rule, Shortcut, is_dense
from minigrad.kernels.replay.norms import MOST_PARTS, limit_norm, settle_norm
from minigrad.kernels.replay.task_list import Seen, TaskList, flat
from minigrad.nn.utils.clip_grad import BLOCK, _scale, _total_norm


def _norm(args: Sequence[Any], settings: Mapping[str, Any]) -> Shortcut | None:
    """As `nn.utils.get_total_norm` computes it, of order 2."""
    if settings["order"] != 2 or settings["finite"] or not is_dense(*args) or len(args) > BLOCK:
        return None
    if not all(0 < x.size < (MOST_PARTS + 1) * BLOCK for x in args):
        return None

    def run(tasks: TaskList, given: Sequence[Any], out: Sequence[Array]) -> None:
        norms = tasks.scratch(len(given), given[0].dtype)
        for k, x in enumerate(given):
            _add_norm(tasks, norms, k, x)
        _add_norm(tasks, flat(out[0]), 0, norms)

    return Shortcut(None, {}, tasks=run)


def _add_norm(tasks: TaskList, out: Any, position: int, x: Array) -> None:
    vector = x.reshape(-1)
    whole = vector.size // BLOCK * BLOCK
    parts, rest = tasks.scratch(whole // BLOCK, x.dtype), tasks.scratch(1, x.dtype)
    rest.fill(0)
    for at in range(0, vector.size, BLOCK):
        block = Seen(x, vector[at : at + BLOCK])
        number = at // BLOCK
        square = Seen(parts, parts[number : number + 1]) if number < parts.size else rest
        tasks.ufunc(np.vecdot, block, block, square)
    tasks.kernel(settle_norm, out, position, parts, rest)


def _limit(args: Sequence[Any], settings: Mapping[str, Any]) -> Shortcut | None:
    """As `nn.utils.clip_grads_with_norm_` scales gradients."""
    norm, *gradients = args
    if not gradients or not is_dense(*gradients) or not all(g.size for g in gradients):
        return None
    if not is_dense(norm) or norm.size != 1 or not all(g.flags.writeable for g in gradients):
        return None

    def run(tasks: TaskList, given: Sequence[Any], out: Sequence[Array]) -> None:
        norm, *gradients, most = given
        factor = tasks.scratch(1, gradients[0].dtype)
        tasks.kernel(limit_norm, factor, flat(norm), flat(tasks.number(most, np.float64)))
        for gradient in gradients:
            tasks.ufunc(np.multiply, gradient, factor, gradient)

    changes = tuple(range(1, len(args)))
    return Shortcut(None, {}, ("max_norm",), run, takes_numbers=True, changes=changes)


RULES: dict[int, Rule] = {id(_total_norm): _norm, id(_scale): _limit}
