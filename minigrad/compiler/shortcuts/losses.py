"""Shortcuts of losses."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from minigrad.compiler.shortcuts.declaration import Array, Rule, Shortcut, is_dense
from minigrad.kernels.reduction import cross_entropy as losses
from minigrad.kernels.replay.rows import settle_loss
from minigrad.kernels.replay.task_list import Returned, TaskList, flat
from minigrad.ops.nn.softmax import cross_entropy


def _cross_entropy(args: Sequence[Any], settings: Mapping[str, Any]) -> Shortcut | None:
    (x,) = args
    target, weight = settings["target"], settings["weight"]
    if x.ndim != 2 or not is_dense(x) or weight is not None or settings["reduction"] == "none":
        return None
    if target.dtype != np.int64 or target.ndim != 1 or not target.flags.c_contiguous:
        return None
    n, classes = x.shape
    rows, task_rows = losses.slope_rows(n, classes, settings["is_differentiated"])
    objects = {
        "empty": np.empty, "n": n, "shape": (rows, classes), "dtype": x.dtype,
        "run": losses._cross_entropy.run, "work": x.size * losses.EXP_WORK, "array": np.array,
        "weights": losses._class_weights(None, classes, x.dtype), "all": float(classes),
        "ignored": settings["ignore_index"], "smoothing": settings["label_smoothing"],
        "mean": settings["reduction"] == "mean", "refuse": losses._raise_out_of_bounds,
        "classes": classes, "rows": task_rows,
    }  # fmt: skip
    lines = (
        "{out1} = {empty}({shape}, {dtype})",
        "at, loss = {run}({work}, {empty}({n}, {dtype}), {out1}, {0}, {1}, {weights}, {ignored}, "
        "{smoothing}, {all}, {mean}, {rows})",
        "if at >= 0: {refuse}(at, {1}, {classes}, {ignored})",
        "{out0} = {array}(loss, {dtype})",
    )

    def run(tasks: TaskList, given: Sequence[Any], out: Sequence[Array]) -> int:
        _, (position, loss) = tasks.kernel(
            losses._cross_entropy, objects["work"], tasks.scratch(n, x.dtype), out[1], *given,
            objects["weights"], objects["ignored"], objects["smoothing"], objects["all"],
            objects["mean"], task_rows,
        )  # fmt: skip
        found = Returned(position, np.int64), Returned(loss, np.float64)
        number, _ = tasks.kernel(settle_loss, flat(out[0]), *found, stops=True)
        return number

    return Shortcut(lines, objects, ("target",), run)


def _cross_entropy_gradient(args: Sequence[Any], settings: Mapping[str, Any]) -> Shortcut | None:
    g, out, x = args
    target, slopes = settings["target"], out[0].array
    if x.ndim != 2 or slopes.shape != x.shape or not is_dense(slopes) or not is_dense(g):
        return None
    if target.dtype != np.int64 or target.ndim != 1 or not target.flags.c_contiguous:
        return None
    objects = {
        "empty": np.empty, "shape": x.shape, "dtype": slopes.dtype, "size": x.size,
        "run": losses._scale_rows.run, "ignored": settings["ignore_index"],
    }  # fmt: skip
    lines = (
        "{out0} = {empty}({shape}, {dtype})",
        "{run}({size}, {out0}, {1}, {0}.reshape(-1), {2}, {ignored})",
    )

    def run(tasks: TaskList, given: Sequence[Any], out: Sequence[Array]) -> None:
        g, slopes, labels = given[0], given[1], given[-1]
        tasks.kernel(
            losses._scale_rows, x.size, out[0], slopes, flat(g), labels, objects["ignored"]
        )

    return Shortcut(lines, objects, ("target",), run)


RULES: dict[int, Rule] = {
    id(cross_entropy.op.forward): _cross_entropy,
    id(cross_entropy.op.array_vjp[0]): _cross_entropy_gradient,
}
