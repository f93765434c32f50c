"""Shortcuts of matrix products, and of the sums in their gradients."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from minigrad.compiler.shortcuts.declaration import Array, Rule, Shortcut, Tasks, is_dense
from minigrad.kernels.matmul.matmul import DEEPEST, SMALL
from minigrad.kernels.reduction.reduce import MIN_SIZE, ROWS
from minigrad.kernels.replay.products import add_product, add_sum
from minigrad.kernels.replay.task_list import Seen, TaskList
from minigrad.ops.linalg.matmul import linear, mm


def _is_small_product(left: Array, right: Array) -> bool:
    """True where `kernels.matmul.matmul` calls BLAS for two dense matrices, by NumPy."""
    return (
        left.ndim == right.ndim == 2
        and left.size * right.shape[1] <= SMALL
        and left.shape[1] <= DEEPEST
    )


def _rows(array: Array, is_transposed: bool = False) -> Seen:
    """A dense array as a matrix with rows as long as its last axis, or its transpose."""
    matrix = array.reshape(-1, array.shape[-1])
    return Seen(array, matrix.T if is_transposed else matrix)


_MATMUL = {"matmul": np.matmul, "add": np.add}


def _linear(args: Sequence[Any], settings: Mapping[str, Any]) -> Shortcut | None:
    x, w, *rest = args
    b = rest[0] if rest else None
    if not is_dense(x, w) or x.ndim < 2 or w.ndim != 2:
        return None
    run: Tasks | None = _run_linear
    if b is not None and not (is_dense(x, b) and b.shape == w.shape[:1]):
        run = None
    if not _is_small_product(x, w.T):
        return None if run is None else Shortcut(None, {}, tasks=run)
    lines: tuple[str, ...] = ("{out0} = {matmul}({0}, {1}.T)",)
    if b is not None:
        lines += ("{add}({out0}, {2}, {out0})",)
    return Shortcut(lines, _MATMUL, tasks=run)


def _run_linear(tasks: TaskList, given: Sequence[Any], out: Sequence[Array]) -> None:
    x, w, *rest = given
    add_product(tasks, _rows(out[0]), _rows(x), _rows(w, True), rest[0] if rest else None)


def _linear_gradient_of_input(args: Sequence[Any], settings: Mapping[str, Any]) -> Shortcut | None:
    g, _, _, w, _ = args
    if not is_dense(g, w) or g.ndim < 2:
        return None

    def run(tasks: TaskList, given: Sequence[Any], out: Sequence[Array]) -> None:
        add_product(tasks, _rows(out[0]), _rows(given[0]), given[3])

    small = _is_small_product(g, w)
    return Shortcut(("{out0} = {matmul}({0}, {3})",) if small else None, _MATMUL, tasks=run)


def _linear_gradient_of_weight(args: Sequence[Any], settings: Mapping[str, Any]) -> Shortcut | None:
    g, _, x, _, _ = args
    if not is_dense(g, x) or g.ndim < 2 or x.ndim < 2:
        return None

    def run(tasks: TaskList, given: Sequence[Any], out: Sequence[Array]) -> None:
        add_product(tasks, out[0], _rows(given[0], True), _rows(given[2]))

    small = x.ndim == 2 and _is_small_product(g.T, x)
    return Shortcut(("{out0} = {matmul}({0}.T, {2})",) if small else None, _MATMUL, tasks=run)


def _linear_gradient_of_bias(args: Sequence[Any], settings: Mapping[str, Any]) -> Shortcut | None:
    g = args[0]
    if not is_dense(g) or g.ndim < 2:
        return None

    def run(tasks: TaskList, given: Sequence[Any], out: Sequence[Array]) -> None:
        add_sum(tasks, out[0], _rows(given[0]), (0,))

    is_few = g.ndim == 2 and g.size < MIN_SIZE and g.shape[0] <= ROWS
    names = {"reduce": np.add.reduce}
    return Shortcut(("{out0} = {reduce}({0}, 0)",) if is_few else None, names, tasks=run)


def _product(args: Sequence[Any], settings: Mapping[str, Any]) -> Shortcut | None:
    a, b = args
    if not is_dense(a, b) or not a.ndim == b.ndim == 2:
        return None

    def run(tasks: TaskList, given: Sequence[Any], out: Sequence[Array]) -> None:
        add_product(tasks, out[0], given[0], given[1])

    lines = ("{out0} = {matmul}({0}, {1})",) if _is_small_product(a, b) else None
    return Shortcut(lines, _MATMUL, tasks=run)


RULES: dict[int, Rule] = {
    id(linear.op.forward): _linear,
    id(linear.op.array_vjp[0]): _linear_gradient_of_input,
    id(linear.op.array_vjp[1]): _linear_gradient_of_weight,
    id(linear.op.array_vjp[2]): _linear_gradient_of_bias,
    id(mm.op.forward): _product,
}
