"""Reductions and scans: many elements to few."""

import math
from typing import Any

import numpy as np

from minigrad.onnx.call import Call
from minigrad.onnx.errors import OnnxExporterError
from minigrad.onnx.sizes import varies
from minigrad.onnx.translations.table import translates
from minigrad.ops.linalg import norms
from minigrad.ops.reduction import extrema, reduce, scan, statistics
from minigrad.ops.table import declared_in


def _axes(c: Call) -> list[int]:
    """The axes that are reduced."""
    dim = c.settings.get("dim")
    dims = range(c.ndim()) if dim is None or dim == () else (dim,) if isinstance(dim, int) else dim
    return sorted(c.axis(d) for d in dims) if c.ndim() else []


def _reduced(c: Call, kind: str, x: str | None = None, keepdim: bool | None = None) -> str:
    """A node over the axes that are reduced."""
    x = c.input(0) if x is None else x
    axes = _axes(c)
    if not axes:
        return c.node(kind, x, None, keepdims=0, noop_with_empty_axes=0)
    keep = c.settings.get("keepdim", False) if keepdim is None else keepdim
    return c.node(kind, x, np.array(axes, np.int64), keepdims=int(keep))


def _cast_first(kind: str) -> Any:
    def translate(c: Call) -> str:
        dtype, x = c.results[0].dtype, c.input(0)
        return _reduced(c, kind, x if c.args[0].dtype == dtype else c.cast(x, dtype))

    return translate


for _kind, _operation in (
    ("ReduceSum", reduce.sum), ("ReduceMean", reduce.mean), ("ReduceProd", reduce.prod),
    ("ReduceLogSumExp", reduce.logsumexp), ("ReduceL2", reduce.euclidean_norm),
    ("ReduceMax", extrema.amax), ("ReduceMin", extrema.amin),
    ("ReduceMax", declared_in(extrema)["max"]), ("ReduceMin", declared_in(extrema)["min"]),
):  # fmt: skip
    translates(_operation)(_cast_first(_kind))


def _truth(kind: str) -> Any:
    def translate(c: Call) -> str:
        x = c.input(0) if c.args[0].dtype == bool else c.cast(c.input(0), bool)
        return c.cast(_reduced(c, kind, c.cast(x, np.int32)), bool)

    return translate


translates(reduce.all)(_truth("ReduceMin"))
translates(reduce.any)(_truth("ReduceMax"))


def _position(kind: str, dim: int | None, keepdim: bool, c: Call) -> str:
    if dim is None or not c.ndim():
        flat = c.node(kind, c.reshape(c.input(0), [-1]), axis=0, keepdims=0)
        return c.reshape(flat, [1] * c.ndim()) if keepdim else flat
    return c.node(kind, c.input(0), axis=c.axis(dim), keepdims=int(keepdim))


for _kind, _extreme, _function in (
    ("ArgMax", extrema.argmax, np.argmax), ("ArgMin", extrema.argmin, np.argmin)
):  # fmt: skip

    def _of_operation(c: Call, kind: str = _kind) -> str:
        return _position(kind, c.settings["dim"], c.settings["keepdim"], c)

    def _of_function(c: Call, kind: str = _kind) -> str:
        return _position(kind, c.settings["axis"], c.settings["keepdims"], c)

    translates(_extreme)(_of_operation)
    translates(_function)(_of_function)


# --- statistics -----------------------------------------------------------------------------------


def _variance(c: Call) -> str:
    x, axes = c.input(0), _axes(c)
    mean = _reduced(c, "ReduceMean", x, keepdim=True)
    centred = c.node("Sub", x, mean)
    squares = c.node("Mul", centred, centred)
    correction = c.settings["correction"]
    if not correction:
        return _reduced(c, "ReduceMean", squares)
    sizes = [c.shape(0)[axis] for axis in axes]
    if varies(sizes):
        raise OnnxExporterError("it divides by a number of elements that dynamic axes decide")
    count = math.prod(sizes) - correction
    total = _reduced(c, "ReduceSum", squares)
    divisor = c.scalar(count) if count > 0 else c.scalar(0)
    return c.node("Div", total, divisor)


@translates(declared_in(statistics)["var"])
def _var(c: Call) -> str:
    return _variance(c)


@translates(declared_in(statistics)["std"])
def _std(c: Call) -> str:
    return c.node("Sqrt", _variance(c))


@translates(declared_in(norms)["vector_norm"])
def _vector_norm(c: Call) -> str:
    p = c.settings["p"]
    sizes = c.node("Abs", c.input(0))
    if math.isinf(p):
        return _reduced(c, "ReduceMax" if p > 0 else "ReduceMin", sizes)
    if p == 0:
        counted = c.cast(c.node("Greater", sizes, c.scalar(0)), c.args[0].dtype)
        return _reduced(c, "ReduceSum", counted)
    powers = _reduced(c, "ReduceSum", c.node("Pow", sizes, c.scalar(p)))
    return c.node("Pow", powers, c.scalar(1 / p))


@translates(scan.cumsum)
def _cumsum(c: Call) -> str:
    dtype, x = c.results[0].dtype, c.input(0)
    x = x if c.args[0].dtype == dtype else c.cast(x, dtype)
    if not c.ndim():
        return x
    return c.node("CumSum", x, np.int64(c.axis(c.settings["dim"])))
