"""Shorter lines for common calls: what an operation decides by shapes was decided in the recording.

A replay repeats calls on arrays of the same layouts, so that checks and choices among kernels need
not be made again.  A shortcut gives the lines that compute the same bits by the same kernel; like
everything in a plan, they are compared with the step before they are used.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from minigrad.kernels.compiler.kernel import GRAIN_SIZE
from minigrad.kernels.matmul.matmul import DEEPEST, SMALL
from minigrad.kernels.pointwise import elementwise
from minigrad.kernels.reduction import cross_entropy as losses
from minigrad.kernels.reduction.reduce import MIN_SIZE, ROWS
from minigrad.kernels.replay.rows import add_row, settle_loss, sum_rows
from minigrad.kernels.replay.task_list import Returned, TaskList, flat, transposed
from minigrad.kernels.simd.math import FLOATS
from minigrad.ops.elementwise import arithmetic
from minigrad.ops.elementwise.elementary import exp
from minigrad.ops.linalg.matmul import linear, mm
from minigrad.ops.nn.activation import relu, sigmoid, tanh
from minigrad.ops.nn.softmax import cross_entropy

Array = np.ndarray[Any, Any]


# Adds tasks to a list, for the arguments (and named settings) and the results.  Gives the number of
# the task that stops the list where the call itself would raise an error, if there is one.
Tasks = Callable[[TaskList, Sequence[Any], Sequence[Array]], int | None]


class Shortcut(NamedTuple):
    """Lines in which `{0}`, `{1}` ... are the arguments, and `{out0}`, `{out1}` ... the results."""

    lines: tuple[str, ...]
    objects: Mapping[str, Any]  # what the lines name besides, in braces
    named: tuple[str, ...] = ()  # settings that follow the arguments, in this order
    tasks: Tasks | None = None  # adds the same as native tasks, if the call can run as such


def shortcut(function: Any, args: Sequence[Any], settings: Mapping[str, Any]) -> Shortcut | None:
    """The lines for a call, if there are shorter ones."""
    rule = _RULES.get(id(function))
    return None if rule is None else rule(args, settings)


def _argument(number: int) -> str:
    """What stands for an argument in a line."""
    return f"{{{number}}}"


def _is_dense(*arrays: Any) -> bool:
    """True for C-contiguous arrays of one floating dtype."""
    return all(
        isinstance(a, np.ndarray)
        and a.dtype in FLOATS
        and a.dtype is arrays[0].dtype
        and a.flags.c_contiguous
        for a in arrays
    )


def _is_small_product(left: Array, right: Array) -> bool:
    """True where `kernels.matmul.matmul` calls BLAS for two dense matrices, by NumPy."""
    return (
        left.ndim == right.ndim == 2
        and left.size * right.shape[1] <= SMALL
        and left.shape[1] <= DEEPEST
    )


_MATMUL = {"matmul": np.matmul, "add": np.add}


def _linear(args: Sequence[Any], settings: Mapping[str, Any]) -> Shortcut | None:
    x, w, *rest = args
    b = rest[0] if rest else None
    if not _is_dense(x, w) or not _is_small_product(x, w.T):
        return None
    product = "{out0} = {matmul}({0}, {1}.T)"
    if b is None:
        return Shortcut((product,), _MATMUL, tasks=_run_linear)
    run = _run_linear if _is_dense(x, b) and b.shape == w.shape[:1] else None
    return Shortcut((product, "{add}({out0}, {2}, {out0})"), _MATMUL, tasks=run)


def _run_linear(tasks: TaskList, given: Sequence[Any], out: Sequence[Array]) -> None:
    x, w, *rest = given
    tasks.ufunc(np.matmul, x, transposed(w), out[0])
    if rest and rest[0] is not None:
        tasks.kernel(add_row, out[0], out[0], rest[0])


def _linear_gradient_of_input(args: Sequence[Any], settings: Mapping[str, Any]) -> Shortcut | None:
    g, _, _, w, _ = args
    if not _is_dense(g, w) or not _is_small_product(g, w):
        return None

    def run(tasks: TaskList, given: Sequence[Any], out: Sequence[Array]) -> None:
        tasks.ufunc(np.matmul, given[0], given[3], out[0])

    return Shortcut(("{out0} = {matmul}({0}, {3})",), _MATMUL, tasks=run)


def _linear_gradient_of_weight(args: Sequence[Any], settings: Mapping[str, Any]) -> Shortcut | None:
    g, _, x, _, _ = args
    if g.ndim != 2 or x.ndim != 2 or not _is_dense(g, x) or not _is_small_product(g.T, x):
        return None

    def run(tasks: TaskList, given: Sequence[Any], out: Sequence[Array]) -> None:
        tasks.ufunc(np.matmul, transposed(given[0]), given[2], out[0])

    return Shortcut(("{out0} = {matmul}({0}.T, {2})",), _MATMUL, tasks=run)


def _linear_gradient_of_bias(args: Sequence[Any], settings: Mapping[str, Any]) -> Shortcut | None:
    g = args[0]
    if g.ndim != 2 or not _is_dense(g) or g.size >= MIN_SIZE or g.shape[0] > ROWS:
        return None

    def run(tasks: TaskList, given: Sequence[Any], out: Sequence[Array]) -> None:
        tasks.kernel(sum_rows, out[0], given[0])

    # NumPy adds a single column in pairs, and has no row to begin with where there is none.
    is_in_order = g.shape[1] > 1 and g.shape[0] > 0
    names = {"reduce": np.add.reduce}
    return Shortcut(("{out0} = {reduce}({0}, 0)",), names, tasks=run if is_in_order else None)


def _product(args: Sequence[Any], settings: Mapping[str, Any]) -> Shortcut | None:
    a, b = args
    if not _is_dense(a, b) or not _is_small_product(a, b):
        return None

    def run(tasks: TaskList, given: Sequence[Any], out: Sequence[Array]) -> None:
        tasks.ufunc(np.matmul, given[0], given[1], out[0])

    return Shortcut(("{out0} = {matmul}({0}, {1})",), _MATMUL, tasks=run)


def _by_ufunc(ufunc: np.ufunc, *positions: int) -> Callable[..., Shortcut | None]:
    """The rule of an operation that is one ufunc for arrays that are not large.

    It is given all arguments, or those at some positions.
    """

    def rule(args: Sequence[Any], settings: Mapping[str, Any]) -> Shortcut | None:
        chosen = positions or range(len(args))
        operands = [args[k] for k in chosen]
        sizes = [a.size if isinstance(a, np.ndarray) and a.ndim else 0 for a in operands]
        if settings or not max(sizes) or max(sizes) >= 8 * GRAIN_SIZE:
            return None
        given = ", ".join(_argument(k) for k in chosen)
        line = f"{{out0}} = {{ufunc}}({given})"
        return Shortcut((line,), {"ufunc": ufunc}, tasks=_run_ufunc(ufunc, chosen, operands))

    return rule


def _run_ufunc(ufunc: np.ufunc, positions: Sequence[int], operands: Sequence[Any]) -> Tasks | None:
    """The task of a ufunc over dense arrays of one shape, and numbers; None for others."""
    arrays = [a for a in operands if isinstance(a, np.ndarray)]
    numbers = [type(a) for a in operands if not isinstance(a, np.ndarray)]
    if not _is_dense(*arrays) or len({a.shape for a in arrays}) > 1:
        return None
    if not all(kind in (int, float) for kind in numbers):
        return None

    def run(tasks: TaskList, given: Sequence[Any], out: Sequence[Array]) -> None:
        chosen = [given[k] for k in positions]
        dtype = out[0].dtype
        whole = [a if isinstance(a, np.ndarray) else np.array(a, dtype) for a in chosen]
        tasks.ufunc(ufunc, *whole, out[0])

    return run


def _added_in_place(args: Sequence[Any], settings: Mapping[str, Any]) -> Shortcut | None:
    """What `np.add(total, more, total)` is, by which gradients are added up."""
    if settings or len(args) != 3 or args[2] is not args[0] or not args[0].flags.writeable:
        return None
    run = _run_ufunc(np.add, (0, 1), args[:2])
    return None if run is None else Shortcut(("{add}({0}, {1}, {0})",), {"add": np.add}, tasks=run)


def _handed_on(args: Sequence[Any], settings: Mapping[str, Any]) -> Shortcut:
    """What a rule is that gives its cotangent as it is."""
    return Shortcut((), {}, tasks=lambda tasks, given, out: None)


def _by_loop(loop: Any, arity: int) -> Callable[..., Shortcut | None]:
    """The rule of an operation that is one compiled loop over equally shaped arrays."""

    def rule(args: Sequence[Any], settings: Mapping[str, Any]) -> Shortcut | None:
        arrays = args[:arity]
        if settings or not _is_dense(*arrays) or len({a.shape for a in arrays}) > 1:
            return None
        first, suffix = arrays[0], "" if arrays[0].ndim == 1 else ".ravel()"
        given = ", ".join(f"{_argument(k)}{suffix}" for k in range(arity))
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
    if not _is_dense(x) or not x.ndim:
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
    if not _is_dense(x) or not x.ndim:
        return None
    by_loop = x.size >= GRAIN_SIZE
    rule = _by_loop(elementwise._tanh, 1) if by_loop else _by_ufunc(np.tanh)
    return rule(args, settings)


def _cross_entropy(args: Sequence[Any], settings: Mapping[str, Any]) -> Shortcut | None:
    (x,) = args
    target, weight = settings["target"], settings["weight"]
    if x.ndim != 2 or not _is_dense(x) or weight is not None or settings["reduction"] == "none":
        return None
    if target.dtype != np.int64 or target.ndim != 1 or not target.flags.c_contiguous:
        return None
    n, classes = x.shape
    objects = {
        "empty": np.empty, "n": n, "shape": x.shape, "dtype": x.dtype,
        "run": losses._cross_entropy.run, "work": x.size * losses.EXP_WORK, "array": np.array,
        "weights": losses._class_weights(None, classes, x.dtype), "all": float(classes),
        "ignored": settings["ignore_index"], "smoothing": settings["label_smoothing"],
        "mean": settings["reduction"] == "mean", "refuse": losses._raise_out_of_bounds,
        "classes": classes,
    }  # fmt: skip
    lines = (
        "{out1} = {empty}({shape}, {dtype})",
        "at, loss = {run}({work}, {empty}({n}, {dtype}), {out1}, {0}, {1}, {weights}, {ignored}, "
        "{smoothing}, {all}, {mean})",
        "if at >= 0: {refuse}(at, {1}, {classes}, {ignored})",
        "{out0} = {array}(loss, {dtype})",
    )

    def run(tasks: TaskList, given: Sequence[Any], out: Sequence[Array]) -> int:
        _, (position, loss) = tasks.kernel(
            losses._cross_entropy, objects["work"], tasks.scratch(n, x.dtype), out[1], *given,
            objects["weights"], objects["ignored"], objects["smoothing"], objects["all"],
            objects["mean"],
        )  # fmt: skip
        found = Returned(position, np.int64), Returned(loss, np.float64)
        number, _ = tasks.kernel(settle_loss, flat(out[0]), *found, stops=True)
        return number

    return Shortcut(lines, objects, ("target",), run)


def _cross_entropy_gradient(args: Sequence[Any], settings: Mapping[str, Any]) -> Shortcut | None:
    g, out, x = args
    target, slopes = settings["target"], out[0].array
    if x.ndim != 2 or slopes.shape != x.shape or not _is_dense(slopes) or not _is_dense(g):
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


def arguments_of(function: Any, args: Sequence[Any]) -> Sequence[Any]:
    """The arguments that the lines of a shortcut number: arrays, also where tensors were given."""
    if id(function) == id(cross_entropy.op.array_vjp[0]):
        return args[0], args[1][0].array
    return args


_RULES: dict[int, Callable[..., Shortcut | None]] = {
    id(linear.op.forward): _linear,
    id(linear.op.array_vjp[0]): _linear_gradient_of_input,
    id(linear.op.array_vjp[1]): _linear_gradient_of_weight,
    id(linear.op.array_vjp[2]): _linear_gradient_of_bias,
    id(mm.op.forward): _product,
    id(relu.op.forward): _relu,
    id(relu.op.array_vjp[0]): _by_loop(elementwise.relu_backward, 2),
    id(np.add): _added_in_place,
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
    id(arithmetic.neg.op.forward): _by_ufunc(np.negative),
    id(sigmoid.op.forward): _by_loop(elementwise.sigmoid, 1),
    id(sigmoid.op.array_vjp[0]): _by_loop(elementwise.sigmoid_backward, 2),
    id(tanh.op.forward): _tanh,
    id(tanh.op.array_vjp[0]): _by_loop(elementwise.tanh_backward, 2),
    id(exp.op.forward): _by_loop(elementwise._exp, 1),
    id(cross_entropy.op.forward): _cross_entropy,
    id(cross_entropy.op.array_vjp[0]): _cross_entropy_gradient,
}
