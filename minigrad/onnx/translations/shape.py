"""Shapes: views, copies, joining and padding."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.onnx.call import Call
from minigrad.onnx.errors import OnnxExporterError
from minigrad.onnx.sizes import Varying, value_in, varies
from minigrad.onnx.translations.table import translates
from minigrad.onnx.views import END
from minigrad.ops.nn import recurrent
from minigrad.ops.shape import copies, padding, views

COPIES = {copies.clone.op.forward, views.contiguous.op.forward, np.copy, np.ascontiguousarray,
          np.asarray, np.array}  # fmt: skip
"""Functions that copy: in a file nothing is changed in place, and a copy is the array itself."""


@translates(copies.clone, views.contiguous, np.copy, np.ascontiguousarray, np.asarray, np.array)
def _copy(c: Call) -> str:
    """A copy in another dtype or shape."""
    result = c.results[0]
    name = c.input(0) if c.args[0].dtype == result.dtype else c.cast(c.input(0), result.dtype)
    return name if c.args[0].shape == result.shape else c.reshape(name, c.values.shape(result))


@translates(copies.cast)
def _cast(c: Call) -> str:
    return c.cast(c.input(0), c.results[0].dtype)


# --- views ----------------------------------------------------------------------------------------


@translates(views.reshape, views.view)
def _reshape(c: Call) -> str:
    """Of several sizes that vary, one is left open, and those that stay where they are copied."""
    target, source = c.values.shape(c.results[0]), c.shape(0)
    varying = [k for k, size in enumerate(target) if isinstance(size, Varying)]
    if not varying:
        return c.node("Reshape", c.input(0), c.ints(target), allowzero=int(0 in target) or None)
    sizes = list(target)
    for k in varying:
        if k < len(source) and source[: k + 1] == target[: k + 1]:
            sizes[k] = 0
    open_ones = [k for k in varying if sizes[k] != 0]
    if open_ones:
        sizes[open_ones[-1]] = -1
    return c.reshape(c.input(0), sizes)


@translates(views.permute)
def _permute(c: Call) -> str:
    return c.node("Transpose", c.input(0), perm=[c.axis(dim) for dim in c.settings["dims"]])


@translates(views.transpose)
def _transpose(c: Call) -> str:
    perm = list(range(c.ndim()))
    if perm:
        a, b = c.axis(c.settings["dim0"]), c.axis(c.settings["dim1"])
        perm[a], perm[b] = perm[b], perm[a]
    return c.node("Transpose", c.input(0), perm=perm)


@translates(views.expand)
def _expand(c: Call) -> str:
    target, source = c.values.shape(c.results[0]), c.shape(0)
    more = len(target) - len(source)
    wanted = [1 if k >= more and size == source[k - more] else size
              for k, size in enumerate(target)]  # fmt: skip
    return c.node("Expand", c.input(0), c.ints(wanted))


@translates(views.squeeze)
def _squeeze(c: Call) -> str:
    shape, dim = c.shape(0), c.settings["dim"]
    dims = range(len(shape)) if dim is None else (dim,) if isinstance(dim, int) else dim
    axes = sorted({c.axis(d) for d in dims if shape and shape[d] == 1})
    return c.node("Squeeze", c.input(0), np.array(axes, np.int64)) if axes else c.input(0)


@translates(views.unsqueeze)
def _unsqueeze(c: Call) -> str:
    axis = c.settings["dim"] % (c.ndim() + 1)
    return c.node("Unsqueeze", c.input(0), np.array([axis], np.int64))


# --- copies ---------------------------------------------------------------------------------------


@translates(copies.flip)
def _flip(c: Call) -> str:
    dims = c.settings["dims"]
    axes = sorted({c.axis(d) for d in ((dims,) if isinstance(dims, int) else dims)})
    if not axes or not c.ndim():
        return c.input(0)
    ends = [-END] * len(axes)
    return sliced(c, c.input(0), [-1] * len(axes), ends, axes, [-1] * len(axes))


def sliced(
    c: Call, x: str, starts: Sequence[Any], ends: Sequence[Any], axes: Sequence[int],
    steps: Sequence[int] | None = None,
) -> str:  # fmt: skip
    """A Slice node."""
    bounds = [c.ints(starts), c.ints(ends), np.array(axes, np.int64)]
    return c.node("Slice", x, *bounds, None if steps is None else np.array(steps, np.int64))


@translates(copies.roll)
def _roll(c: Call) -> str:
    shifts, dims = c.settings["shifts"], c.settings["dims"]
    x = c.input(0)
    if dims is None:
        (shift,) = (shifts,) if isinstance(shifts, int) else shifts
        size = Varying(()) if varies(c.shape(0)) else c.results[0].size
        return c.reshape(_rolled(c, c.reshape(x, [-1]), shift, size, 0), c.shape(0))
    pairs = [(shifts, dims)] if isinstance(dims, int) else zip(shifts, dims, strict=True)
    for shift, dim in pairs:
        x = _rolled(c, x, shift, c.shape(0)[c.axis(dim)], c.axis(dim))
    return x


def _rolled(c: Call, x: str, shift: Any, size: Any, axis: int) -> str:
    """Two slices in the other order; the cut is counted from the side that it is nearer to."""
    if varies(shift):
        raise OnnxExporterError("it rolls by a distance that follows from a dynamic axis")
    if not isinstance(size, Varying):
        shift = shift % size if size else 0
    if not shift:
        return x
    last = sliced(c, x, [-shift], [END], [axis])
    return c.node("Concat", last, sliced(c, x, [0], [-shift], [axis]), axis=axis)


@translates(copies.concatenate)
def _concatenate(c: Call) -> str:
    parts = [a for a in c.args if a.shape != (0,) or c.results[0].ndim == 1]
    axis = c.settings["dim"] % max(1, c.results[0].ndim)
    return c.node("Concat", *map(c.of, parts), axis=axis)


@translates(copies.stacked)
def _stacked(c: Call) -> str:
    axis = c.settings["dim"] % c.results[0].ndim
    parts = [c.node("Unsqueeze", c.of(a), np.array([axis], np.int64)) for a in c.args]
    return c.node("Concat", *parts, axis=axis)


@translates(copies.tril)
def _tril(c: Call) -> str:
    return _triangle(c, 0)


@translates(copies.triu)
def _triu(c: Call) -> str:
    return _triangle(c, 1)


def _triangle(c: Call, upper: int) -> str:
    return c.node("Trilu", c.input(0), np.int64(c.settings["diagonal"]), upper=upper)


@translates(copies.pad_constant)
def _pad_constant(c: Call) -> str:
    before, after = zip(*c.settings["padding"], strict=True)
    return c.node("Pad", c.input(0), c.ints((*before, *after)), c.of(c.settings["value"]))


@translates(padding.pad_edges)
def _pad_edges(c: Call) -> str:
    pairs, mode = c.settings["padding"], c.settings["mode"]
    if mode != "circular":
        before, after = zip(*pairs, strict=True)
        kind = {"reflect": "reflect", "replicate": "edge"}[mode]
        return c.node("Pad", c.input(0), c.ints((*before, *after)), mode=kind)
    x = c.input(0)
    for axis, (before, after) in enumerate(pairs):
        parts = [x]
        if before:
            parts.insert(0, sliced(c, x, [-before], [END], [axis]))
        if after:
            parts.append(sliced(c, x, [0], [after], [axis]))
        x = c.node("Concat", *parts, axis=axis) if len(parts) > 1 else x
    return x


@translates(recurrent.flat_part)
def _flat_part(c: Call) -> str:
    """A part of a vector; of what a recurrent layer gives, the one that it has named."""
    maker, begin, shape = c.maker(0), c.settings["begin"], c.settings["shape"]
    part = None if maker is None else maker.parts.get(value_in(begin, 0))
    if part is None:
        if varies((begin, shape)):
            raise OnnxExporterError("it takes a part of a vector whose size is dynamic")
        end = begin + math.prod(shape)
        return c.reshape(sliced(c, c.input(0), [begin], [end], [0]), shape)
    if len(shape) == 3:
        return part
    return c.reshape(part, [-1, *shape[1:]] if len(shape) > 1 else [-1])
