"""Shortcuts of operations on one element at a time."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from minigrad.compiler.shortcuts.declaration import (
    Array,
    Rule,
    Shortcut,
    Tasks,
    blocks_of,
    is_dense,
    placeholder,
)
from minigrad.kernels.compiler.kernel import GRAIN_SIZE
from minigrad.kernels.pointwise import elementwise
from minigrad.kernels.replay.chains import BlockCall
from minigrad.kernels.replay.task_list import Seen, TaskList, flat
from minigrad.ops.elementwise import arithmetic
from minigrad.ops.elementwise.elementary import exp
from minigrad.ops.nn.activation import gelu, gelu_backward, relu, sigmoid, tanh
from minigrad.ops.nn.random import dropout


def _by_ufunc(ufunc: np.ufunc, *positions: int, loop: Any = None) -> Rule:
    """The rule of an operation that is one ufunc for arrays that are not large, else a loop.

    It is given all arguments, or those at some positions.
    """

    def rule(args: Sequence[Any], settings: Mapping[str, Any]) -> Shortcut | None:
        chosen = positions or range(len(args))
        operands = [args[k] for k in chosen]
        sizes = [a.size if isinstance(a, np.ndarray) and a.ndim else 0 for a in operands]
        if settings:
            return None
        if max(sizes) >= 8 * GRAIN_SIZE:
            blocks = None if loop is None else blocks_of(loop.kernel, chosen, operands)
            return None if blocks is None else Shortcut(None, {}, blocks=blocks)
        run = _run_ufunc(ufunc, chosen, operands)
        if not max(sizes):  # NumPy would give a scalar
            return Shortcut(None, {}, tasks=run, takes_numbers=True)
        given = ", ".join(placeholder(k) for k in chosen)
        line = f"{{out0}} = {{ufunc}}({given})"
        blocks = blocks_of(ufunc, chosen, operands)
        return Shortcut((line,), {"ufunc": ufunc}, tasks=run, takes_numbers=True, blocks=blocks)

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
    return Shortcut((), {}, tasks=lambda tasks, given, out: None, blocks=lambda given, out: [])


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

        line = f"{{run}}({{size}}, {{out0}}{suffix}, {given})"
        blocks = blocks_of(loop.kernel, range(arity), arrays)
        return Shortcut((make, line), objects, tasks=run, blocks=blocks)

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


def _gelu(plain: Any, by_tanh: Any, arity: int) -> Rule:
    """The rule of gelu or of its derivative, by one of two loops."""

    def rule(args: Sequence[Any], settings: Mapping[str, Any]) -> Shortcut | None:
        loop = by_tanh if settings.get("approximate") == "tanh" else plain
        return _by_loop(loop, arity)(args, {})

    return rule


def _dropout(args: Sequence[Any], settings: Mapping[str, Any]) -> Shortcut | None:
    """Parts of the elements where the mask is true, times a number, and of zeros."""
    (x,) = args
    mask = settings["mask"]
    if not is_dense(x) or x.shape != mask.shape or x.size < elementwise._SELECTION:
        return None
    if mask.dtype not in (np.bool_, np.uint8) or not mask.flags.c_contiguous:
        return None
    scale = x.dtype.type(settings["scale"])

    def blocks(given: Sequence[Any], out: Sequence[Array]) -> list[BlockCall]:
        x, mask = given
        chosen = Seen(mask, mask.view(np.uint8).reshape(-1))
        loop = elementwise._masked.kernel
        return [BlockCall(loop, (0, flat(out[0]), flat(x), chosen, scale))]

    return Shortcut(None, {}, ("mask",), blocks=blocks)


RULES: dict[int, Rule] = {
    id(dropout.op.forward): _dropout,
    id(gelu.op.forward): _gelu(elementwise._gelu, elementwise._gelu_tanh, 1),
    id(gelu_backward.op.forward): _gelu(
        elementwise._gelu_backward, elementwise._gelu_tanh_backward, 2
    ),
    id(relu.op.forward): _relu,
    id(relu.op.array_vjp[0]): _by_loop(elementwise.relu_backward, 2),
    id(arithmetic.add.op.forward): _by_ufunc(np.add, loop=elementwise._add),
    id(arithmetic.add.op.array_vjp[0]): _handed_on,
    id(arithmetic.add.op.array_vjp[1]): _handed_on,
    id(arithmetic.sub.op.forward): _by_ufunc(np.subtract, loop=elementwise._sub),
    id(arithmetic.sub.op.array_vjp[0]): _handed_on,
    id(arithmetic.sub.op.array_vjp[1]): _by_ufunc(np.negative, 0),
    id(arithmetic.mul.op.forward): _by_ufunc(np.multiply, loop=elementwise._mul),
    id(arithmetic.mul.op.array_vjp[0]): _by_ufunc(np.multiply, 0, 3, loop=elementwise._mul),
    id(arithmetic.mul.op.array_vjp[1]): _by_ufunc(np.multiply, 0, 2, loop=elementwise._mul),
    id(arithmetic.div.op.forward): _by_ufunc(np.true_divide, loop=elementwise._div),
    id(arithmetic.div.op.array_vjp[0]): _by_ufunc(np.true_divide, 0, 3),
    id(arithmetic.neg.op.forward): _by_ufunc(np.negative),
    id(sigmoid.op.forward): _by_loop(elementwise.sigmoid, 1),
    id(sigmoid.op.array_vjp[0]): _by_loop(elementwise.sigmoid_backward, 2),
    id(tanh.op.forward): _tanh,
    id(tanh.op.array_vjp[0]): _by_loop(elementwise.tanh_backward, 2),
    id(exp.op.forward): _by_loop(elementwise._exp, 1),
}
