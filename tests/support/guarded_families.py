"""Families of kernel calls, of shapes drawn around the tails of every tile.

A family is a generator: it yields calls, (function, *arguments), and is sent their results.
"""

from collections.abc import Callable, Generator
from typing import Any

import numpy as np

from minigrad import nn, optim
from minigrad.kernels import gather
from minigrad.kernels.accumulation import logsumexp, running_extremes, running_products
from minigrad.kernels.accumulation import softmax_columns as columns
from minigrad.kernels.attention import backward as attention_backward
from minigrad.kernels.attention import forward as attention_forward
from minigrad.kernels.compiler.vector_unit import VECTOR_BYTES
from minigrad.kernels.conv import conv2d
from minigrad.kernels.distances import euclidean
from minigrad.kernels.elementary import angles, halves, loops, remainders
from minigrad.kernels.matmul import gemm_nt, matmul
from minigrad.kernels.pointwise import activation, elementwise, special
from minigrad.kernels.pointwise.loops import CHUNK
from minigrad.kernels.pooling import avg_pool, max_pool
from minigrad.kernels.rearrange import rows
from minigrad.kernels.recurrent import gru, lstm, lstm_backward, rnn
from minigrad.kernels.recurrent import steps as recurrent_steps
from minigrad.kernels.reduction import (
    batch_norm,
    cross_entropy,
    ctc,
    layer_norm,
    reduce,
    scan,
    softmax,
)
from minigrad.kernels.resampling import grid_sample, taps
from minigrad.kernels.resampling.reads import dense_reads
from minigrad.kernels.selection import largest
from minigrad.kernels.simd.microkernels import MR, NR_VECTORS
from minigrad.kernels.special import bessel, normal, polynomials
from minigrad.kernels.special import gamma as incomplete_gamma
from minigrad.tensor.creation import from_numpy
from tests.support.forced_algorithm import forced
from tests.support.replayed_tasks import replayed

Array = np.ndarray[Any, Any]
Calls = Generator[tuple[Any, ...], Any, None]

VECTOR = VECTOR_BYTES // 4
TILE = NR_VECTORS * VECTOR
SIZES = sorted(
    {0, 1, 2, 3, 5, 7, 11, 13, 31, 37, 67}
    | {n + d for n in (MR, VECTOR // 2, VECTOR, TILE, 2 * TILE) for d in (-1, 0, 1)}
)


class Draw:
    """Sizes, choices and arrays of one round."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.dtype = (np.float32, np.float64)[seed % 2]

    def size(self, least: int = 0, most: int = 10**6) -> int:
        return int(self.rng.choice([n for n in SIZES if least <= n <= most]))

    def one_of(self, *choices: Any) -> Any:
        return choices[self.rng.integers(len(choices))]

    def plain(self, *shape: int) -> Array:
        """Contiguous: the whole block of memory, from guard to guard."""
        return self.rng.standard_normal(shape).astype(self.dtype)

    def array(self, *shape: int) -> Array:
        """Of any layout; the view holds the first and the last element of its memory."""
        layout = self.one_of(*["plain"] * 4, "transposed", "reversed", "part", "spread")
        if layout == "transposed":
            return self.plain(*shape[::-1]).T
        if layout == "reversed":
            return np.flip(self.plain(*shape))
        if layout == "part":
            return self.plain(*shape[:-1], shape[-1] + 3)[
                ..., self.one_of(slice(3, None), slice(-3))
            ]
        if layout == "spread":
            return self.plain(*shape[:-1], max(2 * shape[-1] - 1, 0))[..., ::2]
        return self.plain(*shape)


def products(draw: Draw) -> Calls:
    matmul.SMALL = 0  # nothing is left to NumPy
    m, k, n = draw.size(), draw.size(), draw.size()
    bias = draw.one_of(None, draw.plain(n))
    yield matmul.matmul, draw.array(m, k), draw.array(k, n), bias
    left, right = draw.one_of(((), (3,)), ((2,), ()), ((2, 1), (3,)), ((3,), (3,)), ((9,), (9,)))
    m, k, n = draw.size(most=13), draw.size(most=37), draw.size(most=37)
    yield matmul.matmul, draw.array(*left, m, k), draw.array(*right, k, n), None
    yield matmul.matmul, draw.array(m, 300 + k), draw.array(300 + k, n), None
    yield matmul.matmul, draw.array(m, k), draw.array(k, 1), None
    yield matmul.matmul, draw.array(1, k), draw.array(k, n), None
    m, n = draw.size(gemm_nt.INNER_ROWS), draw.size(gemm_nt.INNER_COLUMNS)
    rows = draw.one_of(draw.plain(m, k), draw.plain(m, k + 3)[:, 3:])
    yield gemm_nt.inner_products, rows, draw.plain(n, k).T, draw.one_of(None, draw.plain(n))


def _convolution(
    draw: Draw, filters: int, channels: int, kernel: tuple[int, int], *rest: Any
) -> Calls:
    _, padding, dilation, groups = rest
    size = [
        max(draw.size(1, 31), dilation[i] * (kernel[i] - 1) + 1 - sum(padding[i])) for i in (0, 1)
    ]
    images = draw.one_of(*[1, 1, 2, 3] * 3, 0)
    x = draw.array(images, groups * channels, *size)
    weight = draw.array(groups * filters, channels, *kernel)
    out = yield conv2d.conv2d, x, weight, draw.one_of(None, draw.plain(len(weight))), *rest
    g = draw.array(*out.shape)
    yield conv2d.conv2d_input_grad, g, weight, x.shape, *rest
    yield conv2d.conv2d_weight_grad, g, x, weight.shape, *rest


def _options(draw: Draw) -> tuple[Any, ...]:
    padding = tuple((draw.one_of(0, 1, 2), draw.one_of(0, 1, 3)) for _ in range(2))
    stride, dilation = ((draw.one_of(1, 1, 2, 3), draw.one_of(1, 1, 2)) for _ in range(2))
    return stride, padding, dilation


def implicit_gemm(draw: Draw) -> Calls:
    kernel = draw.one_of(1, 2, 3, 5), draw.one_of(1, 3, 3, 7)
    channels, filters = draw.one_of(1, 2, 3, 7, 33), draw.size(1, 37)
    options = *_options(draw), draw.one_of(1, 1, 2)
    with forced("implicit_gemm"):
        yield from _convolution(draw, filters, channels, kernel, *options)


def pointwise(draw: Draw) -> Calls:
    options = draw.one_of((1, 1), (1, 1), (2, 2)), ((0, 0), (0, 0)), (1, 1), 1
    with forced("implicit_gemm"):
        yield from _convolution(draw, draw.size(1, 67), draw.size(1, 67), (1, 1), *options)


def direct(draw: Draw) -> Calls:
    kernel = draw.one_of(1, 2, 3, 5), draw.one_of(1, 3, 3, 7)
    filters, channels, groups = draw.size(1, 13), draw.one_of(1, 2, 3), draw.one_of(1, 2, 7)
    with forced("direct"):
        yield from _convolution(draw, filters, channels, kernel, *_options(draw), groups)


def depthwise(draw: Draw) -> Calls:
    kernel = draw.one_of((3, 3), (5, 5), (1, 7), (3, 1))
    with forced(draw.one_of("direct", "depthwise", "depthwise")):
        yield from _convolution(draw, 1, 1, kernel, *_options(draw), draw.size(1, 67))


def winograd(draw: Draw) -> Calls:
    m, kernel = draw.one_of(2, 4), draw.one_of((3, 3), (5, 2), (4, 7))
    _, padding, dilation = _options(draw)
    filters, channels = draw.size(1, 67), draw.one_of(draw.size(1, 67), VECTOR, TILE)
    options = draw.one_of((1, 1), (1, 1), (2, 2)), padding, dilation, draw.one_of(1, 1, 2)
    with forced("winograd", m):
        yield from _convolution(draw, filters, channels, kernel, *options)


def vectors(draw: Draw) -> Calls:
    shape = draw.one_of((draw.size(),), (draw.size(), draw.size()), (CHUNK + 7,))
    x, y = draw.plain(*shape), draw.plain(*shape)
    for one in (elementwise._relu, elementwise._exp, elementwise._tanh, elementwise.erf):
        yield one, x
    for two in (elementwise._add, elementwise._div, elementwise._gelu_backward):
        yield two, x, y
    yield elementwise.leaky_relu_backward, x, y, 0.1
    yield elementwise.dropout, x, x > 0, 2.0
    yield activation.silu, x
    yield special.lgamma, x
    loops.LEAST = 0  # nothing is left to NumPy
    yield angles.tan, x
    yield remainders.remainder, x, y
    yield remainders.fmod, x, 0.3
    if x.dtype == np.float32:
        yield halves.cast, (yield halves.cast, x)
    yield incomplete_gamma.gammainc, np.abs(x), np.abs(x)
    yield bessel.airy_ai, x
    yield normal.erfcx, x
    yield polynomials.legendre_polynomial_p, x, np.round(x)


def reductions(draw: Draw) -> Calls:
    reduce.MIN_SIZE = 1
    shape = draw.one_of(
        (draw.size(), draw.size(), draw.size(most=13)),
        (draw.size(most=3), reduce.BLOCK + draw.size(), 1),
        (2, 2 * reduce.ROWS + draw.size(), draw.size()),
    )
    axes = draw.one_of((0,), (1,), (2,), (0, 1), (1, 2), (0, 2), (0, 1, 2))
    x = draw.array(*shape)
    yield reduce.sum, x, axes
    if x.size:
        yield reduce.variance, x, axes, 1.0
        yield scan.recurrence, draw.plain(*shape), x, axes[0]


def softmaxes(draw: Draw) -> Calls:
    n, c, s = draw.size(), draw.size(1), draw.one_of(1, draw.size(most=7))
    x, g, axis = draw.array(n, c, s), draw.array(n, c, s), draw.one_of(0, 1, 2)
    if x.size:
        out = yield softmax.softmax, x, axis
        yield softmax.softmax_backward, g, out, axis
        out = yield softmax.log_softmax, x, axis
        yield softmax.log_softmax_backward, g, out, axis
        x, g = draw.plain(n, c, s), draw.plain(n, c, s)
        out = yield columns.softmax, x, axis, draw.one_of(False, True)
        yield columns.softmax_backward, g, out, axis
        yield columns.softmax_backward, g, out, axis, True


def label_losses(draw: Draw) -> Calls:
    n, c, s = draw.size(), draw.size(1), draw.one_of(1, draw.size(most=7))
    x, target = draw.array(n, c, s), draw.rng.integers(0, c, (n, s))
    weight, ignored = draw.one_of(None, np.abs(draw.plain(c))), draw.one_of(-100, 0)
    kind = draw.one_of("sum", "none")
    g = draw.plain(*(() if kind == "sum" else (n, s)))
    yield cross_entropy.nll_loss, x, target, weight, ignored, kind
    yield cross_entropy.nll_loss_backward, g, x.shape, target, weight, ignored, kind
    rest = target, weight, ignored, draw.one_of(0.0, 0.1), kind
    _, slopes = yield cross_entropy.cross_entropy, x, *rest
    yield cross_entropy.cross_entropy_backward, g, slopes, x.shape, target, ignored


def _likely_labels(log_p: Array, paths: ctc.Lattice) -> Array:
    """The gradient, without the forward variables: where states cannot be, they are infinite."""
    likelihood, log_alpha = ctc.ctc_loss(log_p, paths)
    return ctc.ctc_loss_backward(np.ones_like(likelihood), likelihood, log_alpha, log_p, paths)


def alignments(draw: Draw) -> Calls:
    count, classes, longest = draw.size(1, 7), draw.size(2, 13), draw.size(most=37)
    sizes = draw.rng.integers(0, longest + 1, count)
    targets = draw.rng.integers(1, classes, (count, longest))
    times = 2 * sizes + draw.one_of(1, 5)
    log_p = draw.array(int(times.max()), count, classes)
    yield _likely_labels, log_p, ctc.lattice(targets, times, sizes, 0)


def norms(draw: Draw) -> Calls:
    x = draw.array(draw.size(1, 37), draw.size(1, 37), draw.one_of(1, draw.size(1, 37)))
    weight, bias = draw.one_of((None, None), (draw.plain(x.shape[1]), draw.plain(x.shape[1])))
    _, mean, rstd = yield batch_norm.batch_norm_train, x, weight, bias, 1e-5
    yield batch_norm.batch_norm_train_backward, draw.array(*x.shape), x, mean, rstd, weight
    yield batch_norm.batch_norm_eval, x, mean, rstd, weight, bias, 1e-5


def layer_norms(draw: Draw) -> Calls:
    x = draw.array(draw.size(), draw.size(1))
    weight, bias = draw.one_of((None, None), (draw.plain(x.shape[1]), draw.plain(x.shape[1])))
    _, mean, rstd = yield layer_norm.layer_norm, x, weight, bias, 1e-5
    yield layer_norm.layer_norm_backward, draw.array(*x.shape), x, mean, rstd, weight
    groups = draw.one_of(1, 2, 3)
    x = draw.array(draw.size(most=7), groups * draw.size(1, 13), draw.size(1, 37))
    weight, bias = draw.one_of((None, None), (draw.plain(x.shape[1]), draw.plain(x.shape[1])))
    _, mean, rstd = yield layer_norm.group_norm, x, groups, weight, bias, 1e-5
    yield layer_norm.group_norm_backward, draw.array(*x.shape), x, groups, mean, rstd, weight


def pools(draw: Draw) -> Calls:
    shape = draw.size(most=3), draw.size(most=3), draw.size(4, 37), draw.size(4, 37)
    x = draw.array(*shape)
    size = draw.one_of(2, 2, 3, 4), draw.one_of(2, 2, 3, 4)
    stride = draw.one_of(size, (1, 1), (2, 3))
    padding = draw.one_of((0, 0), (0, 0), (1, 1))
    out, at = yield max_pool.max_pool2d, x, size, stride, padding, (1, 1), draw.one_of(False, True)
    yield max_pool.max_pool2d_backward, draw.array(*out.shape), at, x.shape
    rest = size, stride, padding, draw.one_of(False, True), draw.one_of(False, True), None
    out = yield avg_pool.avg_pool2d, x, *rest
    yield avg_pool.avg_pool2d_backward, draw.array(*out.shape), x.shape, *rest
    out = yield avg_pool.adaptive_avg_pool2d, x, (draw.size(1, 7), draw.size(1, 7))
    yield avg_pool.adaptive_avg_pool2d_backward, draw.array(*out.shape), x.shape


def recurrences(draw: Draw) -> Calls:
    H, batch = draw.size(1, 37), draw.size(1, 13)
    P = draw.one_of(H, max(1, H - draw.size(1, 13)))
    sizes = np.sort(draw.rng.integers(1, batch + 1, draw.size(1, 7)))[::-1]
    steps = recurrent_steps.packed_steps(sizes, draw.one_of(False, True))
    rows, batch, keeps = steps.total, steps.batch, draw.one_of(True, True, False)
    h0, c0 = draw.plain(batch, P), draw.plain(batch, H)
    w_hr = draw.plain(P, H) if P < H else None
    w_hh = draw.plain(4 * H, P)
    gates = draw.plain(rows, 4 * H)
    flat, kept = yield lstm.lstm, gates, w_hh, h0, c0, w_hr, steps, keeps
    if keeps:
        g = draw.plain(flat.size)
        yield lstm_backward.lstm_backward, g, kept, w_hh, w_hr, steps
    w_hh, h0 = draw.plain(3 * H, H), draw.plain(batch, H)
    gates, b_hh = draw.plain(rows, 3 * H), draw.plain(3 * H)
    flat, kept = yield gru.gru, gates, w_hh, b_hh, h0, steps, keeps
    if keeps:
        yield gru.gru_backward, draw.plain(flat.size), kept, w_hh, steps
    w_hh, rectifies = draw.plain(H, H), draw.one_of(False, True)
    flat, kept = yield rnn.rnn, draw.plain(rows, H), w_hh, h0, steps, rectifies, keeps
    if keeps:
        yield rnn.rnn_backward, draw.plain(flat.size), kept, w_hh, steps, rectifies


def attentions(draw: Draw) -> Calls:
    B, H, L, S = draw.size(1, 3), draw.size(1, 3), draw.size(1, 67), draw.size(1, 67)
    E, V = draw.size(1, 37), draw.size(1, 37)
    arrays = [draw.array(B, H, *sizes) for sizes in ((L, E), (S, E), (S, V))]
    mask = draw.one_of(None, draw.plain(L, S), draw.plain(B, 1, 1, S), draw.plain(L, S) > 0)
    rest = mask, draw.one_of(False, True), 0.5
    out = yield attention_forward.attention, *arrays, *rest
    yield attention_backward.attention_backward, draw.array(*out.shape), *arrays, *rest


def gathers(draw: Draw) -> Calls:
    gather.MIN_ADDED = gather.MIN_READ = 0  # nothing is left to NumPy
    before, length, after = draw.size(most=3), draw.size(1, 37), draw.one_of(1, draw.size())
    x = draw.array(before, length, after)
    at = draw.rng.integers(-length, length, draw.size())
    taken = yield gather.take_at, x, (slice(None), at)
    yield gather.add_at, draw.plain(*x.shape), (slice(None), at), taken
    index = draw.rng.integers(0, length, (before, draw.size(), after))
    taken = yield gather.take_along, x, index, 1
    yield gather.add_along, draw.plain(*x.shape), index, taken, 1
    yield gather.put_along, draw.plain(*x.shape), index, taken, 1


def resamplings(draw: Draw) -> Calls:
    batch, channels = draw.size(most=3), draw.size(most=11)
    x = draw.array(batch, channels, draw.size(1, 13), draw.size(1, 13))
    grid = draw.array(batch, draw.size(most=31), draw.size(most=13), 2)
    padding, aligned = draw.one_of(0, 1, 2), draw.one_of(False, True)
    how = grid_sample.Sampling(draw.one_of(False, True), padding, aligned)
    out = yield grid_sample.grid_sample, x, grid, how
    g = draw.array(*out.shape)
    yield grid_sample.image_grad, g, x.shape, grid, how
    yield grid_sample.grid_grad, g, x, grid, how
    outputs, count, axis = draw.size(most=67), draw.one_of(1, 2, 3), draw.one_of(2, 3)
    size = x.shape[axis]
    positions = draw.rng.integers(0, size, (count, outputs))
    reads = dense_reads(positions, draw.rng.standard_normal(positions.shape), size)
    out = yield taps.read_along, x, reads, axis
    yield taps.read_along, draw.array(*out.shape), reads.transposed(), axis


def rows_of_elements(draw: Draw) -> Calls:
    x = draw.array(draw.size(most=3), draw.size(1, 37), draw.size(1, 67))
    yield rows.reverse_rows, x
    yield rows.triangle, x, draw.one_of(-3, 0, 5, 80), draw.one_of(False, True)
    axis = draw.one_of(1, 2)
    k = draw.size(1, min(7, x.shape[axis]))
    yield largest.first_in_order, x, k, axis, draw.one_of(False, True)
    yield running_products.running_products, x, axis
    yield running_extremes.running_extremes, x, axis, draw.one_of(False, True)
    inner = draw.plain(draw.size(most=3), draw.size(most=37), draw.size(most=37))
    lengths = [np.full(inner.shape[:2], 99, x.dtype), np.full(inner.shape[::2], 9, x.dtype)]
    out = yield euclidean.distances_from_products, inner, *lengths
    yield euclidean.slopes, draw.array(*out.shape), out
    yield logsumexp.logsumexp, draw.plain(draw.size(most=37), draw.one_of(draw.size(1), 1500))


def _step(optimizer: optim.Optimizer, *parameters: Array) -> None:
    optimizer.step()


def optimizers(draw: Draw) -> Calls:
    rules = optim.SGD, optim.Adam, optim.RMSprop, optim.Adagrad, optim.LAMB, optim.Ranger
    parameters = []
    for _ in range(draw.one_of(1, 5)):
        parameters.append(nn.Parameter(from_numpy(draw.plain(draw.size(), draw.size(most=13)))))
        parameters[-1].grad = from_numpy(draw.plain(*parameters[-1].shape))
    for rule in rules:
        settings = {"momentum": 0.9} if rule in (optim.SGD, optim.RMSprop) else {}
        optimizer = rule(parameters, lr=0.01, **settings)
        for _ in range(2):
            yield _step, optimizer, *(parameter.array for parameter in parameters)


FAMILIES: dict[str, Callable[[Draw], Calls]] = {
    family.__name__: family
    for family in (
        products, implicit_gemm, pointwise, direct, depthwise, winograd, vectors, reductions,
        softmaxes, label_losses, alignments, norms, layer_norms, pools, recurrences, attentions,
        gathers, resamplings,
        rows_of_elements, replayed, optimizers,
    )
}  # fmt: skip
