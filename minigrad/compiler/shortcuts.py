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
from minigrad.kernels.simd.math import FLOATS
from minigrad.ops.elementwise import arithmetic
from minigrad.ops.linalg.matmul import linear, mm
from minigrad.ops.nn.activation import relu
from minigrad.ops.nn.softmax import cross_entropy

Array = np.ndarray[Any, Any]


class Shortcut(NamedTuple):
    """Lines in which `{0}`, `{1}` ... are the arguments, and `{out0}`, `{out1}` ... the results."""

    lines: tuple[str, ...]
    objects: Mapping[str, Any]  # what the lines name besides, in braces
    named: tuple[str, ...] = ()  # settings that follow the arguments, in this order


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
        return Shortcut((product,), _MATMUL)
    return Shortcut((product, "{add}({out0}, {2}, {out0})"), _MATMUL)


def _linear_gradient_of_input(args: Sequence[Any], settings: Mapping[str, Any]) -> Shortcut | None:
    g, _, _, w, _ = args
    if not _is_dense(g, w) or not _is_small_product(g, w):
        return None
    return Shortcut(("{out0} = {matmul}({0}, {3})",), _MATMUL)


def _linear_gradient_of_weight(args: Sequence[Any], settings: Mapping[str, Any]) -> Shortcut | None:
    g, _, x, _, _ = args
    if g.ndim != 2 or x.ndim != 2 or not _is_dense(g, x) or not _is_small_product(g.T, x):
        return None
    return Shortcut(("{out0} = {matmul}({0}.T, {2})",), _MATMUL)


def _linear_gradient_of_bias(args: Sequence[Any], settings: Mapping[str, Any]) -> Shortcut | None:
    g = args[0]
    if g.ndim != 2 or not _is_dense(g) or g.size >= MIN_SIZE or g.shape[0] > ROWS:
        return None
    return Shortcut(("{out0} = {reduce}({0}, 0)",), {"reduce": np.add.reduce})


def _product(args: Sequence[Any], settings: Mapping[str, Any]) -> Shortcut | None:
    a, b = args
    if not _is_dense(a, b) or not _is_small_product(a, b):
        return None
    return Shortcut(("{out0} = {matmul}({0}, {1})",), _MATMUL)


def _by_ufunc(ufunc: np.ufunc) -> Callable[..., Shortcut | None]:
    """The rule of an operation that is one ufunc for arrays that are not large."""

    def rule(args: Sequence[Any], settings: Mapping[str, Any]) -> Shortcut | None:
        sizes = [a.size if isinstance(a, np.ndarray) and a.ndim else 0 for a in args]
        if settings or not max(sizes) or max(sizes) >= 8 * GRAIN_SIZE:
            return None
        given = ", ".join(_argument(k) for k in range(len(args)))
        return Shortcut((f"{{out0}} = {{ufunc}}({given})",), {"ufunc": ufunc})

    return rule


def _by_loop(loop: Any, arity: int) -> Callable[..., Shortcut | None]:
    """The rule of an operation that is one compiled loop over equally shaped arrays."""

    def rule(args: Sequence[Any], settings: Mapping[str, Any]) -> Shortcut | None:
        arrays = args[:arity]
        if settings or not _is_dense(*arrays) or len({a.shape for a in arrays}) > 1:
            return None
        first, flat = arrays[0], "" if arrays[0].ndim == 1 else ".ravel()"
        given = ", ".join(f"{_argument(k)}{flat}" for k in range(arity))
        objects = {
            "empty": np.empty, "shape": first.shape, "dtype": first.dtype,
            "run": loop.kernel.run, "size": first.size,
        }  # fmt: skip
        make = "{out0} = {empty}({shape}, {dtype})"
        return Shortcut((make, f"{{run}}({{size}}, {{out0}}{flat}, {given})"), objects)

    return rule


def _relu(args: Sequence[Any], settings: Mapping[str, Any]) -> Shortcut | None:
    (x,) = args
    if not _is_dense(x) or not x.ndim:
        return None
    if x.size >= elementwise._SELECTION:
        return _by_loop(elementwise._relu, 1)(args, settings)
    zero = np.zeros((), x.dtype)
    return Shortcut(("{out0} = {maximum}({0}, {zero})",), {"maximum": np.maximum, "zero": zero})


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
    return Shortcut(lines, objects, ("target",))


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
    return Shortcut(lines, objects, ("target",))


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
    id(arithmetic.add.op.forward): _by_ufunc(np.add),
    id(arithmetic.sub.op.forward): _by_ufunc(np.subtract),
    id(arithmetic.mul.op.forward): _by_ufunc(np.multiply),
    id(arithmetic.div.op.forward): _by_ufunc(np.true_divide),
    id(arithmetic.mul.op.array_vjp[0]): lambda args, settings: _scaled(args, settings, 3),
    id(arithmetic.mul.op.array_vjp[1]): lambda args, settings: _scaled(args, settings, 2),
    id(cross_entropy.op.forward): _cross_entropy,
    id(cross_entropy.op.array_vjp[0]): _cross_entropy_gradient,
}


def _scaled(args: Sequence[Any], settings: Mapping[str, Any], other: int) -> Shortcut | None:
    """The cotangent times the other factor."""
    found = _by_ufunc(np.multiply)((args[0], args[other]), settings)
    if found is None:
        return None
    return found._replace(lines=(found.lines[0].replace("{1}", _argument(other)),))
