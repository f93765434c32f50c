"""Every translation, on the samples of the operation that it translates: onnxruntime agrees.

`verify=True` compares what onnxruntime gives with what the operation gave, to 1e-5, and dtypes.
"""

import numpy as np
import pytest

import minigrad as mg
from minigrad.engine.op import arr
from minigrad.nn import functional as F
from minigrad.onnx import OnnxExporterError
from minigrad.onnx.translations import TABLE
from minigrad.testing.samples import draw

pytest.importorskip("onnxruntime")

# What ONNX cannot say, by operation and number of the sample.
REFUSED = {
    ("lstm_layer", 2): "packed", ("lstm_layer", 3): "packed|projections",
    ("gru_layer", 2): "packed", ("gru_layer", 3): "packed",
    ("rnn_layer", 2): "packed", ("rnn_layer", 3): "packed",
}  # fmt: skip

OPERATIONS = {t.operation.name: t.operation for t in TABLE.values() if t.operation is not None}
SAMPLES = [
    pytest.param(operation, number, id=f"{name}-{number}")
    for name, operation in sorted(OPERATIONS.items())
    for number in range(len(operation.samples))
]


@pytest.mark.parametrize(("operation", "number"), SAMPLES)
def test_samples(operation, number):
    case = operation.samples[number]
    rng = np.random.default_rng(number)
    drawn = [draw(a, rng) if isinstance(a, arr) else a for a in case.args]
    tensors = [mg.tensor(single(a)) for a in drawn if isinstance(a, np.ndarray)]

    def function(*given):
        rest = iter(given)
        args = [next(rest) if isinstance(a, np.ndarray) else a for a in drawn]
        result = operation.public(*args, **case.settings)
        return result[0] if isinstance(result, tuple) else result

    if (operation.name, number) in REFUSED:
        with pytest.raises(OnnxExporterError, match=REFUSED[operation.name, number]):
            mg.onnx.export(function, tuple(tensors))
    else:
        mg.onnx.export(function, tuple(tensors), verify=True)


def single(array):
    return array.astype(np.float32) if array.dtype.kind == "f" else array


def change(x, y):
    x[1] = y[0]
    x[:, 1] = 2.5
    x += y
    return x


# Functions without samples, and functions beside operations, of a and b (3, 4), integers i and j
# (3, 4) and masks p and q (3, 4).
CALLS = {
    "comparisons": lambda a, b, i, j, p, q: (
        a == b, a != b, a < b, a <= b, a > b, a >= b, i == 1, i > 0.5, a.isnan(), a.isinf(),
        a.isfinite(),
    ),
    "truth": lambda a, b, i, j, p, q: (
        p & q, p | q, p ^ q, ~p, i & j, i | j, i ^ j, ~i, mg.logical_and(i, p),
        mg.logical_or(a, p), mg.logical_xor(p, q), mg.logical_not(i), p.all(), p.any(1),
        i.all(0, keepdim=True), i.any(),
    ),
    "integers": lambda a, b, i, j, p, q: (
        i + j, i - j, i * j, i / j, i // j, i % j, i ** 2, i.abs(), -i, i.sum(), i.cumsum(1),
        i.clamp(1, 2), i.maximum(j), a // b, a % b, i.float().mean(), i.prod(1), p.sum(0),
    ),
    "numbers on both sides": lambda a, b, i, j, p, q: (
        2 - a, 1 / (a + 3), 2 ** a, a * 2, i * 2, i * 0.5, a + i, mg.where(p, a, 1.0),
        mg.where(p, 1, i),
    ),
    "positions": lambda a, b, i, j, p, q: (
        a.argmax(), a.argmin(1), a.argmax(0, keepdim=True), a.max(1).values, a.min(0).indices,
        a.sort(1).values, a.argsort(0), a.sort(1, descending=True).indices, *a.topk(2),
        *a.topk(2, 0, largest=False),
    ),
    "index by tensors": lambda a, b, i, j, p, q: (
        a[i[0] % 3], a[:, i[:, 0] % 4], a[i % 3, j % 4], a[None, i[0, :2] % 3], a[p],
        a[1, i[0] % 4], a.reshape(3, 2, 2)[:, i[0] % 2, j[0] % 2], a.gather(0, i % 3),
        mg.nonzero(p), F.one_hot(i % 3, 3), F.embedding(i % 3, a),
    ),
    "parts": lambda a, b, i, j, p, q: (
        *a.split(2, 1), *a.chunk(3), *a.t().unbind(0), a[-1], a[:, -2:], a[::2, 1::2], a[..., 1],
        a[1:2, None], mg.stack([a, b], -1), mg.hstack([a, b]), a.roll(1, 1), a.roll(-5), a.flip(0),
        a.repeat(2, 1), a.tile(2), a.repeat_interleave(2, 0), a.narrow(1, 1, 2), a.diff(),
    ),
    "in place": lambda a, b, i, j, p, q: (
        change(a.clone(), b), a.clone().relu_(), a.clone().add_(b, alpha=2).mul_(b).clamp_(0, 1),
        a.clone().masked_fill_(p, 2.0), mg.zeros(3, 4).add_(a), a.clone().fill_(3.0) + b,
        a.clone().zero_() + b,
    ),
    "statistics": lambda a, b, i, j, p, q: (
        a.std(), a.var(1, correction=0), *mg.std_mean(a, 1), a.norm(), a.norm(1, 1),
        mg.linalg.vector_norm(a, float("inf")), a.logsumexp(1), F.normalize(a), a.aminmax().max,
        F.cosine_similarity(a, b), a.mean((0, 1), keepdim=True),
    ),
    "losses": lambda a, b, i, j, p, q: (
        F.mse_loss(a, b), F.l1_loss(a, b), F.smooth_l1_loss(a, b), F.log_softmax(a, 1),
    ),
    "products": lambda a, b, i, j, p, q: (
        a @ b.t(), mg.einsum("ij,kj->ik", a, b), a[0] @ b[0], a @ b[0],
        mg.addmm(a[:, :3], a, b.t()), mg.outer(a[0], b[0]),
        F.bilinear(a, b, a.reshape(1, 3, 4)[:, :1].expand(2, 4, 4)),
    ),
    "images": lambda a, b, i, j, p, q: (
        F.interpolate(a.reshape(1, 1, 3, 4), scale_factor=2),
        F.interpolate(a.reshape(1, 1, 3, 4), (5, 7), mode="bilinear"),
        F.interpolate(a.reshape(1, 1, 3, 4), (6, 6), mode="bicubic", align_corners=True),
        F.pixel_shuffle(a.reshape(1, 4, 3, 1), 2), F.unfold(a.reshape(1, 1, 3, 4), 2),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CALLS)
def test_calls(name):
    rng = np.random.default_rng(3)
    a, b = (rng.uniform(0.2, 2, (3, 4)).astype(np.float32) for _ in range(2))
    a[0, 1] = a[2, 2] = -1.5
    i, j = (rng.integers(1, 4, (3, 4)) for _ in range(2))
    p, q = (rng.integers(0, 2, (3, 4)).astype(bool) for _ in range(2))
    mg.onnx.export(CALLS[name], tuple(map(mg.tensor, (a, b, i, j, p, q))), verify=True)


def test_every_translated_operation_is_tried():
    without = {name for name, operation in OPERATIONS.items() if not operation.samples}
    assert without == {
        "all", "any", "argmax", "argmin", "argwhere", "bitwise_and", "bitwise_not", "bitwise_or",
        "bitwise_xor", "eq", "floor_divide", "ge", "gt", "isfinite", "isinf", "isnan", "le",
        "logical_and", "logical_not", "logical_or", "logical_xor", "lt", "ne", "one_hot",
    }  # fmt: skip


@pytest.mark.parametrize("opset", [18, 20, 21])
def test_older_and_newer_operations(opset):
    x = mg.randn(2, 4, 3, 3)

    def function(x):
        y = F.gelu(x) + F.gelu(x, approximate="tanh")
        y = F.group_norm(F.hardswish(y), 2)
        y = F.avg_pool2d(F.pad(y, (1, 1, 1, 1), mode="reflect"), 2, ceil_mode=True)
        return y.reshape(2, -1).softmax(1), y.sum((2, 3)), mg.split(y, 1)

    program = mg.onnx.export(function, (x,), verify=True, opset_version=opset)
    assert program.model_proto.opset_import[0].version == opset
