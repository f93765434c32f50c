"""Convolution, pooling and normalisation."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.nn.functional import adaptive_pooling, batchnorm
from minigrad.onnx.call import Call
from minigrad.onnx.errors import OnnxExporterError
from minigrad.onnx.sizes import value_in, varies
from minigrad.onnx.translations.table import translates
from minigrad.ops.nn import batch_norm, conv, conv3d, layer_norm, pool, pool3d

# --- convolution ----------------------------------------------------------------------------------


def _sides(padding: Sequence[Sequence[Any]]) -> list[Any]:
    """Pairs (before, after) as ONNX has them: all before, then all after."""
    return [side[0] for side in padding] + [side[1] for side in padding]


def _geometry(c: Call) -> dict[str, Any]:
    settings = c.settings
    return {
        "strides": list(settings["stride"]),
        "pads": _sides(settings["padding"]),
        "dilations": list(settings["dilation"]),
        "group": settings["groups"],
        "kernel_shape": list(c.args[1].shape[2:]),
    }


@translates(conv.conv2d, conv3d.conv3d)
def _conv(c: Call) -> str:
    return c.node("Conv", c.input(0), c.input(1), c.optional(2), **_geometry(c))


@translates(conv.conv2d_input_grad, conv3d.conv3d_input_grad)
def _conv_transpose(c: Call) -> str:
    """The adjoint; what its shape has more than the smallest possible one is output_padding."""
    geometry = _geometry(c)
    shape, kernel = c.settings["shape"][2:], geometry["kernel_shape"]
    padding = c.settings["padding"]
    more = []
    for k, (size, given) in enumerate(zip(shape, c.shape(0)[2:], strict=True)):
        span = geometry["dilations"][k] * (kernel[k] - 1) + 1 - sum(padding[k])
        count = len(given.values) if varies(given) else 1
        found = {
            value_in(size, n) - (value_in(given, n) - 1) * geometry["strides"][k] - span
            for n in range(count)
        }
        if len(found) > 1:
            raise OnnxExporterError("its output_padding follows from the size of a dynamic axis")
        more.append(found.pop())
    return c.node("ConvTranspose", c.input(0), c.input(1), output_padding=more, **geometry)


# --- pooling --------------------------------------------------------------------------------------


def _window(c: Call) -> dict[str, Any]:
    settings = c.settings
    return {
        "kernel_shape": list(settings["kernel_size"]),
        "strides": list(settings["stride"]),
        "pads": [*settings["padding"], *settings["padding"]],
        "ceil_mode": int(settings["ceil_mode"]),
    }


@translates(pool.max_pool2d, pool3d.max_pool3d)
def _max_pool(c: Call) -> list[str]:
    return _maxima(c, dilations=list(c.settings["dilation"]), **_window(c))


def _maxima(c: Call, **window: Any) -> list[str]:
    """The maxima, and their positions in their planes: ONNX counts from the first plane on."""
    sizes = c.shape(0)[2:]
    out, positions = c.graph.nodes_of(2, "MaxPool", c.input(0), **window)
    if varies(sizes):
        return [out]
    return [out, c.node("Mod", positions, np.int64(math.prod(sizes)))]


@translates(adaptive_pooling.max_indices)
def _max_indices(c: Call) -> str:
    sizes, outputs = c.shape(0)[2:], c.args[1]
    if varies((sizes, outputs)) or any(n % k for n, k in zip(sizes, outputs, strict=True)):
        raise OnnxExporterError("ONNX has adaptive maxima only of windows of one constant size")
    window = [n // k for n, k in zip(sizes, outputs, strict=True)]
    return _maxima(c, kernel_shape=window, strides=window)[1]


@translates(pool.gather_planes)
def _gather_planes(c: Call) -> str:
    """The elements of each plane at positions in it."""
    indices = c.settings["indices"]
    planes, places = (c.reshape(name, [0, 0, -1]) for name in (c.input(0), c.of(indices)))
    found = c.node("GatherElements", planes, places, axis=2)
    return c.node("Reshape", found, c.node("Shape", c.of(indices)))


@translates(pool.avg_pool2d, pool3d.avg_pool3d)
def _avg_pool(c: Call) -> str:
    """A node of ONNX where it means the same; else products with matrices of weights."""
    divisor, counts = c.settings["divisor_override"], c.settings["count_include_pad"]
    window, overhangs = _window(c), _overhangs(c)
    if overhangs and (counts or divisor is not None):
        return _averaged(c, divisor, counts)
    counts = counts or divisor is not None
    window["ceil_mode"] = int(overhangs)
    mean = c.node("AveragePool", c.input(0), count_include_pad=int(counts), **window)
    if divisor is None:
        return mean
    return c.node("Mul", mean, c.scalar(np.prod(window["kernel_shape"]) / divisor))


def _overhangs(c: Call) -> bool:
    """True if ceil_mode adds windows that reach past the padding."""
    settings, sizes = c.settings, c.shape(0)[2:]
    if not settings["ceil_mode"]:
        return False
    return varies(sizes) or any(
        (size + 2 * pad - kernel) % stride
        for size, pad, kernel, stride in zip(
            sizes, settings["padding"], settings["kernel_size"], settings["stride"], strict=True
        )
    )


def _averaged(c: Call, divisor: int | None, counts: bool) -> str:
    """Means of windows as products with matrices, of rows and of columns."""
    settings, sizes, outputs = c.settings, c.shape(0)[2:], c.results[0].shape[2:]
    if varies(sizes):
        raise OnnxExporterError(
            "with ceil_mode=True it averages windows that reach past the padding, which ONNX has "
            "for a known size only"
        )
    windows = zip(
        sizes, outputs, settings["kernel_size"], settings["stride"], settings["padding"],
        strict=True,
    )  # fmt: skip
    *depths, rows, columns = (_window_matrix(*each, counts, divisor is None) for each in windows)
    plane = _between(c, rows, columns if divisor is None else columns / divisor)
    for depth in depths:
        flat = c.reshape(plane, [0, 0, sizes[0], -1])
        product = c.node("MatMul", depth.astype(c.args[0].dtype), flat)
        plane = c.reshape(product, [0, 0, *outputs])
    return plane


def _window_matrix(
    size: int, outputs: int, kernel: int, stride: int, pad: int, counts: bool, divides: bool
) -> np.ndarray:
    """(outputs, size): the weights of one axis of the windows."""
    matrix = np.zeros((outputs, size))
    for row, start in zip(matrix, range(-pad, outputs * stride - pad, stride), strict=True):
        end = min(start + kernel, size + pad)
        first, last = max(start, 0), min(end, size)
        row[first:last] = 1 / ((end - start) if counts else (last - first)) if divides else 1
    return matrix


def _between(c: Call, rows: np.ndarray, columns: np.ndarray) -> str:
    """rows @ plane @ columns.T for each plane."""
    dtype = c.args[0].dtype
    product = c.node("MatMul", c.input(0), np.ascontiguousarray(columns.T, dtype))
    return c.node("MatMul", rows.astype(dtype), product)


@translates(pool.adaptive_avg_pool2d)
def _adaptive_avg_pool(c: Call) -> str:
    """Means over parts of the plane, which may overlap in a pixel."""
    sizes, wanted = c.shape(0)[2:], tuple(c.settings["output_size"])
    if wanted == (1, 1):
        return c.node("GlobalAveragePool", c.input(0))
    if varies(sizes) or varies(wanted):
        raise OnnxExporterError("it shares out a plane whose size is dynamic")
    if sizes == wanted:
        return c.input(0)
    rows, columns = (_parts_matrix(*pair) for pair in zip(sizes, wanted, strict=True))
    return _between(c, rows, columns)


def _parts_matrix(size: int, count: int) -> np.ndarray:
    """(count, size): part i is from floor(i size / count) to ceil((i + 1) size / count)."""
    matrix = np.zeros((count, size))
    for i, row in enumerate(matrix):
        first, last = i * size // count, -(-(i + 1) * size // count)
        row[first:last] = 1 / (last - first)
    return matrix


# --- normalisation --------------------------------------------------------------------------------


def _scale_and_bias(c: Call, count: Any, dtype: Any) -> tuple[str, str]:
    """weight and bias, ones and zeros where they were not given."""
    if varies(count):
        raise OnnxExporterError("it normalises over an axis whose size is dynamic")
    scale, bias = c.optional(1), c.optional(2)
    scale = c.graph.constant(np.ones(count, dtype)) if scale is None else scale
    return scale, c.graph.constant(np.zeros(count, dtype)) if bias is None else bias


@translates(batch_norm.batch_norm_eval)
def _batch_norm_eval(c: Call) -> str:
    scale, bias = _scale_and_bias(c, c.shape(0)[1], c.args[0].dtype)
    mean, var = (_in_dtype(c, c.settings[name]) for name in ("mean", "var"))
    eps = float(c.settings["eps"])
    return c.node("BatchNormalization", c.input(0), scale, bias, mean, var, epsilon=eps)


def _in_dtype(c: Call, array: np.ndarray) -> str:
    """An array in the dtype of the input."""
    name, dtype = c.of(array), c.args[0].dtype
    return name if array.dtype == dtype else c.cast(name, dtype)


@translates(batch_norm.batch_norm)
def _batch_norm(c: Call) -> str:
    """With the statistics of the batch, as in train mode."""
    x, axes = c.input(0), np.array([0, *range(2, c.ndim())], np.int64)
    centred = c.node("Sub", x, c.node("ReduceMean", x, axes, keepdims=1))
    squares = c.node("Mul", centred, centred)
    var = c.node("ReduceMean", squares, axes, keepdims=1)
    deviation = c.node("Sqrt", c.node("Add", var, c.scalar(c.settings["eps"])))
    return _by_channel(c, c.node("Div", centred, deviation))


def _by_channel(c: Call, x: str) -> str:
    """Times the weight, plus the bias, which have an element for each channel."""
    for kind, given in (("Mul", c.optional(1)), ("Add", c.optional(2))):
        if given is not None:
            x = c.node(kind, x, c.reshape(given, [-1, *[1] * (c.ndim() - 2)]))
    return x


@translates(batchnorm.blend_running, writes=0)
def _blend_running(c: Call) -> str:
    raise OnnxExporterError("it updates running statistics, which a file cannot keep")


@translates(layer_norm.layer_norm)
def _layer_norm(c: Call) -> str:
    dims = c.settings["dims"]
    axis = c.ndim() - dims
    scale, bias = _scale_and_bias(c, c.shape(0)[axis:], c.args[0].dtype)
    eps = float(c.settings["eps"])
    return c.node("LayerNormalization", c.input(0), scale, bias, axis=axis, epsilon=eps)


@translates(layer_norm.group_norm)
def _group_norm(c: Call) -> str:
    """Each group as one channel, normalised within each sample."""
    groups, dtype = c.settings["groups"], c.args[0].dtype
    x = c.input(0)
    grouped = c.reshape(x, [0, groups, -1])
    ones, zeros = np.ones(groups, dtype), np.zeros(groups, dtype)
    eps = float(c.settings["eps"])
    normal = c.node("InstanceNormalization", grouped, ones, zeros, epsilon=eps)
    return _by_channel(c, c.node("Reshape", normal, c.node("Shape", x)))
