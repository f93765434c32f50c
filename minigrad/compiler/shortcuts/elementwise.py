"""Shortcuts of operations on one element at a time."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from minigrad.compiler.shortcuts.declaration import (
    Array,
    Rule,
    Shortcut,
    Tasks,
    is_dense,
    placeholder,
)
from minigrad.kernels.compiler.kernel import GRAIN_SIZE
from minigrad.kernels.pointwise import elementwise
from minigrad.kernels.replay.task_list import TaskList, flat
from minigrad.ops.elementwise import arithmetic
from minigrad.ops.elementwise.elementary import exp
from minigrad.ops.nn.activation import relu, sigmoid, tanh


def _by_ufunc(ufunc: np.ufunc, *positions: int) -> Rule:
    """The rule of an operation that is one ufunc for arrays that are not large.

    It is given all arguments, or those at some positions.
    """

    def rule(args: Sequence[Any], settings: Mapping[str, Any]) -> Shortcut | None:
        chosen = positions or range(len(args))
        operands = [args[k] for k in chosen]
        sizes = [a.size if isinstance(a, np.ndarray) and a.ndim else 0 for a in operands]
        if settings or max(sizes) >= 8 * GRAIN_SIZE:
            return None
        run = _run_ufunc(ufunc, chosen, operands)
        if not max(sizes):  # NumPy would give a scalar
            return Shortcut(None, {}, tasks=run, takes_numbers=True)
        given = ", ".join(placeholder(k) for k in chosen)
        line = f"{{out0}} = {{ufunc}}({given})"
        return Shortcut((line,), {"ufunc": ufunc}, tasks=run, takes_numbers=True)

    return rule


def _run_ufunc(ufunc: np.ufunc, positions: Sequence[int], operands: Sequence[Any]) -> Tasks | None:
    """The task of a ufunc over dense arrays of one shape, and numbers; None for others."""
    arrays = [a for a in operands if isinstance(a, np.ndarray)]
    numbers = [type(a) for a in operands if not isinstance(a, np.ndarray)]
    if not is_dense(*arrays) or len({a.shape for a in arrays}) > 1:
        return None
    if not all(kind in (int, float) for kind in numbers):
        return None

    def run(tasks: TaskList, given: Sequence[Any], out: Sequence[Array]) -> None:
        chosen = [given[k] for k in positions]
        dtype = out[0].dtype
        whole = [a if isinstance(a, np.ndarray) else tasks.number(a, dtype) for a in chosen]
        tasks.ufunc(ufunc, *whole, out[0])

    return run


def _handed_on(args: Sequence[Any], settings: Mapping[str, Any]) -> Shortcut:
    """What a rule is that gives its cotangent as it is."""
    return Shortcut((), {}, tasks=lambda tasks, given, out: None)


def _by_loop(loop: Any, arity: int) -> Rule:
    """The rule of an operation that is one compiled loop over equally shaped arrays."""

    def rule(args: Sequence[Any], settings: Mapping[str, Any]) -> Shortcut | None:
        arrays = args[:arity]
        if settings or not is_dense(*arrays) or len({a.shape for a in arrays}) > 1:
            return None
        first, suffix = arrays[0], "" if arrays[0].ndim == 1 else ".ravel()"
        given = ", ".join(f"{placeholder(k)}{suffix}" for k in range(arity))
        objects = {
            "empty": np.empty, "shape": first.shape, "dtype": first.dtype,
            "run": loop.kernel.run, "size": first.size,
        }  # fmt: skip
        make = "{out0} = {empty}({shape}, {dtype})"

        def run(tasks: TaskList, given: Sequence[Any], out: Sequence[Array]) -> None:
            tasks.kernel(loop.kernel, first.size, flat(out[0]), *map(flat, given[:arity]))

        return Shortcut((make, f"{{run}}({{size}}, {{out0}}{suffix}, {given})"), objects, tasks=run)

    return rule


def _relu(args: Sequence[Any], settings: Mapping[str, Any]) -> Shortcut | None:
    (x,) = args
    if not is_dense(x) or not x.ndim:
        return None
    if x.size >= elementwise._SELECTION:
        return _by_loop(elementwise._relu, 1)(args, settings)
    zero = np.zeros((), x.dtype)

    def run(tasks: TaskList, given: Sequence[Any], out: Sequence[Array]) -> None:
        tasks.ufunc(np.maximum, given[0], zero, out[0])

    names = {"maximum": np.maximum, "zero": zero}
    return Shortcut(("{out0} = {maximum}({0}, {zero})",), names, tasks=run)


def _tanh(args: Sequence[Any], settings: Mapping[str, Any]) -> Shortcut | None:
    """As `kernels.pointwise.elementwise.tanh` decides."""
    (x,) = args
    if not is_dense(x) or not x.ndim:
        return None
    by_loop = x.size >= GRAIN_SIZE
    rule = _by_loop(elementwise._tanh, 1) if by_loop else _by_ufunc(np.tanh)
    return rule(args, settings)


RULES: dict[int, Rule] = {
    id(relu.op.forward): _relu,
    id(relu.op.array_vjp[0]): _by_loop(elementwise.relu_backward, 2),
    id(arithmetic.add.op.forward): _by_ufunc(np.add),
    id(arithmetic.add.op.array_vjp[0]): _handed_on,
    id(arithmetic.add.op.array_vjp[1]): _handed_on,
    id(arithmetic.sub.op.forward): _by_ufunc(np.subtract),
    id(arithmetic.sub.op.array_vjp[0]): _handed_on,
    id(arithmetic.sub.op.array_vjp[1]): _by_ufunc(np.negative, 0),
    id(arithmetic.mul.op.forward): _by_ufunc(np.multiply),
    id(arithmetic.mul.op.array_vjp[0]): _by_ufunc(np.multiply, 0, 3),
    id(arithmetic.mul.op.array_vjp[1]): _by_ufunc(np.multiply, 0, 2),
    id(arithmetic.div.op.forward): _by_ufunc(np.true_divide),
    id(arithmetic.div.op.array_vjp[0]): _by_ufunc(np.true_divide, 0, 3),
    id(arithmetic.neg.op.forward): _by_ufunc(np.negative),
    id(sigmoid.op.forward): _by_loop(elementwise.sigmoid, 1),
    id(sigmoid.op.array_vjp[0]): _by_loop(elementwise.sigmoid_backward, 2),
    id(tanh.op.forward): _tanh,
    id(tanh.op.array_vjp[0]): _by_loop(elementwise.tanh_backward, 2),
    id(exp.op.forward): _by_loop(elementwise._exp, 1),
}
