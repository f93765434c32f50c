"""torch's function for every declared operation, under the arguments it has here."""

import functools
import itertools
import math

import numpy as np
import torch

from minigrad.ops import table
from tests.support import recurrent

F = torch.nn.functional


def on_numpy_settings(function, *names):
    """A torch function of which some settings are arrays here."""

    @functools.wraps(function)
    def adapted(*args, **given):
        for name in names:
            if isinstance(given.get(name), np.ndarray):
                given[name] = torch.from_numpy(given[name].copy())
        return function(*args, **given)

    return adapted


def torch_index(index):
    return tuple(torch.from_numpy(i.copy()) if isinstance(i, np.ndarray) else i for i in index)


def put(x, values, *, index):
    out = x.clone()
    out[torch_index(index)] = values
    return out


def in_order(x, order):
    return x if order is None else x.permute(order)


def as_strided_view(x, *, order=None, **window):
    return in_order(x, order).reshape(-1)[torch.from_numpy(window_places(**window))]


def as_strided_scatter(x, values, *, order=None, **window):
    ordered = in_order(x, order)
    out = ordered.clone().reshape(-1)
    out[torch.from_numpy(window_places(**window)).reshape(-1)] = values.reshape(-1)
    return in_order(out.reshape(ordered.shape), order)  # an order of two is its own inverse


def scattered(reduce, x, src, *, dim, index):
    src = src[tuple(map(slice, index.shape))]
    return torch.scatter_reduce(x, dim, index, src, reduce)


def window_places(shape, strides, offset):
    places = np.full(shape, offset, np.int64)
    for axis, stride in enumerate(strides):
        places += stride * np.arange(shape[axis]).reshape(-1, *[1] * (len(shape) - axis - 1))
    return places


def pads(padding):
    return [n for pair in reversed(padding) for n in pair]


def conv2d(x, w, b=None, *, padding, **geometry):
    return F.conv2d(F.pad(x, pads(padding)), w, b, **geometry)


def conv3d(x, w, b=None, *, padding, **geometry):
    return F.conv3d(F.pad(x, pads(padding)), w, b, **geometry)


def input_grad_of(convolution):
    def input_grad(c, w, *, shape, **geometry):
        return adjoint(lambda x: convolution(x, w, **geometry), c, shape)

    return input_grad


def weight_grad_of(convolution):
    def weight_grad(c, x, *, shape, **geometry):
        return adjoint(lambda w: convolution(x, w, **geometry), c, shape)

    return weight_grad


def adjoint(function, c, shape, **given):
    """The gradient that torch gives of a linear function."""
    x = torch.zeros(shape, dtype=c.dtype, requires_grad=True)
    return torch.autograd.grad(function(x, **given), x, c, create_graph=True)[0]


def batch_norm(x, w=None, b=None, *, eps):
    return F.batch_norm(x, None, None, w, b, training=True, eps=eps)


def batch_norm_eval(x, w=None, b=None, *, mean, var, eps):
    return F.batch_norm(x, mean.to(x.dtype), var.to(x.dtype), w, b, eps=eps)


def embedding(w, *, index, padding_idx=None, by_frequency=False):
    if not w.is_complex():
        return F.embedding(index, w, padding_idx, scale_grad_by_freq=by_frequency)
    found = w[index]  # torch's embedding has no gradient of complex numbers
    return found if padding_idx is None else found * (index != padding_idx)[..., None]


def cross_entropy(x, *, target, weight=None, **given):
    weight = None if weight is None else weight.to(x.dtype)
    return F.cross_entropy(x, target, weight, **given)


def relu_slope(c, y):
    return c * (y > 0)


def gelu_backward(c, x, *, approximate):
    x = x if x.requires_grad else x.detach().requires_grad_()
    return torch.autograd.grad(F.gelu(x, approximate=approximate), x, c, create_graph=True)[0]


def gather_planes(x, *, indices):
    return x.flatten(2).gather(2, indices.flatten(2)).reshape(indices.shape)


def attention(q, k, v, mask=None, *, causal=False, scale=1.0):
    with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
        return F.scaled_dot_product_attention(q, k, v, mask, 0.0, causal, scale=scale)


def bessel_i(x, *, order):
    first, second = torch.special.i0(x), torch.special.i1(x)
    return (first, second, first - 2 / x * second)[order]


def recurrence(factor, addend, *, dim):
    steps = [addend.select(dim, 0)] if addend.shape[dim] else []
    for k in range(1, addend.shape[dim]):
        steps.append(factor.select(dim, k) * steps[-1] + addend.select(dim, k))
    return torch.stack(steps, dim) if steps else factor * addend


def scatter_planes(c, *, indices, size):
    out = torch.zeros(*c.shape[:2], size[0] * size[1], dtype=c.dtype)
    return out.scatter_add(2, indices.flatten(2), c.flatten(2)).reshape(*c.shape[:2], *size)


def over_all_alignments(
    x, *, targets, input_lengths, target_lengths, blank, zero_infinity
):  # fmt: skip
    """CTC by its definition; torch's gradient is right for normalised probabilities alone."""
    losses = []
    for n, (length, size) in enumerate(zip(input_lengths, target_lengths, strict=True)):
        wanted = [int(label) for label in targets[n, :size]]
        paths = [
            path
            for path in itertools.product(range(x.shape[2]), repeat=int(length))
            if [label for label, _ in itertools.groupby(path) if label != blank] == wanted
        ]
        chances = [sum(x[t, n, label] for t, label in enumerate(path)) for path in paths]
        none = 0.0 if zero_infinity else math.inf
        losses.append(-torch.logsumexp(torch.stack(chances), 0) if paths else 0 * x.sum() + none)
    return torch.stack(losses)


# What has no function of the same name, arguments and meaning in torch; the others need no line.
ADAPTED = {
    "ctc_loss": over_all_alignments,
    "polygamma": lambda x, *, order: torch.polygamma(order, x),
    "clamp_tensor": torch.clamp,
    "div_rounded": torch.div,
    "where": lambda c, a, b: torch.where(
        c.bool(),
        *(
            t if isinstance(t, torch.Tensor) else torch.tensor(t, dtype=o.dtype)
            for t, o in ((a, b), (b, a))
        ),
    ),
    "logsumexp": lambda x, *, dim=None, keepdim=False: torch.logsumexp(
        x, tuple(range(x.ndim)) if dim is None else dim, keepdim
    ),
    "euclidean_norm": torch.linalg.vector_norm,
    "max": torch.max,
    "min": torch.min,
    "median": torch.median,
    "nanmedian": torch.nanmedian,
    "var": torch.var,
    "std": torch.std,
    "take_along": on_numpy_settings(torch.gather, "index"),
    "put_along": on_numpy_settings(
        lambda c, *, dim, index, shape: c.new_zeros(shape).scatter(dim, index, c), "index"
    ),
    "recurrence": recurrence,
    "frexp": torch.frexp,
    "bessel_i": bessel_i,
    "entr": torch.special.entr,
    "leaky_relu": F.leaky_relu,
    "leaky_relu_backward": lambda c, x, *, negative_slope: torch.where(
        x > 0, c, c * negative_slope
    ),
    "relu_backward": relu_slope,
    "gelu": F.gelu,
    "gelu_backward": gelu_backward,
    "one_hot": F.one_hot,
    "cast": lambda x, *, dtype: x.to(getattr(torch, dtype.name)),
    "contiguous": torch.Tensor.contiguous,
    "view": lambda x, *, shape: x.view(shape),
    "expand": lambda x, *, shape: x.expand(shape),
    "sum_to_size": lambda x, *, shape: x.sum_to_size(shape),
    "concatenate": lambda *tensors, dim: torch.cat(tensors, dim),
    "stacked": lambda *tensors, dim: torch.stack(tensors, dim),
    "pad_constant": lambda x, *, padding, value=0.0: F.pad(x, pads(padding), value=value),
    "getitem": lambda x, *, index: x[torch_index(index)],
    "getitem_backward": lambda c, *, index, shape: adjoint(
        lambda x: x[torch_index(index)], c, shape
    ),
    "index_put": put,
    "index_put_scalar": lambda x, *, index, value: put(
        x, torch.tensor(value, dtype=x.dtype), index=index
    ),
    "gather": on_numpy_settings(torch.gather, "index"),
    "gather_backward": on_numpy_settings(
        lambda c, *, dim, index, shape: c.new_zeros(shape).scatter_add(dim, index, c), "index"
    ),
    "embedding": on_numpy_settings(embedding, "index"),
    "embedding_backward": on_numpy_settings(
        lambda c, *, index, padding_idx, rows: adjoint(
            embedding, c, (rows, c.shape[-1]), index=index, padding_idx=padding_idx
        ),
        "index",
    ),
    "scatter_add": on_numpy_settings(
        lambda x, src, *, dim, index: torch.scatter_add(
            x, dim, index, src[tuple(map(slice, index.shape))]
        ),
        "index",
    ),
    "masked_fill": on_numpy_settings(torch.masked_fill, "mask"),
    "dropout": on_numpy_settings(lambda x, *, mask, scale: x * mask * scale, "mask"),
    "index_put_accumulate": lambda x, v, *, index: torch.index_put(
        x, torch_index(index), v, accumulate=True
    ),
    "scatter": on_numpy_settings(
        lambda x, src, *, dim, index: torch.scatter(
            x, dim, index, src[tuple(map(slice, index.shape))]
        ),
        "index",
    ),
    "scatter_prod": on_numpy_settings(functools.partial(scattered, "prod"), "index"),
    "scatter_extreme": on_numpy_settings(
        lambda *tensors, largest, **given: scattered(
            "amax" if largest else "amin", *tensors, **given
        ),
        "index",
    ),
    "unfold": lambda x, *, dim, size, step: x.unfold(dim, size, step),
    "unfold_backward": lambda c, *, dim, step, shape: adjoint(
        lambda x: x.unfold(dim, c.shape[-1], step), c, shape
    ),
    "as_strided_view": as_strided_view,
    "as_strided_backward": lambda c, *, input_shape, **window: adjoint(
        lambda x: as_strided_view(x, shape=c.shape, **window), c, input_shape
    ),
    "as_strided_scatter": as_strided_scatter,
    "mm": torch.matmul,
    "short_dot": torch.dot,
    "inv": torch.linalg.inv,
    "solve": torch.linalg.solve,
    "solve_triangular": torch.linalg.solve_triangular,
    "pinv": torch.linalg.pinv,
    "lstsq": lambda a, b: torch.linalg.lstsq(a, b).solution,
    "slogdet": lambda a: torch.linalg.slogdet(a).logabsdet,
    "vector_norm": lambda x, *, p, **over: torch.linalg.vector_norm(x, p, **over),
    "linear": F.linear,
    "conv2d": conv2d,
    "conv2d_input_grad": input_grad_of(conv2d),
    "conv2d_weight_grad": weight_grad_of(conv2d),
    "conv3d": conv3d,
    "conv3d_input_grad": input_grad_of(conv3d),
    "conv3d_weight_grad": weight_grad_of(conv3d),
    "max_pool2d": F.max_pool2d,
    "scatter_planes": on_numpy_settings(scatter_planes, "indices"),
    "gather_planes": on_numpy_settings(gather_planes, "indices"),
    "max_pool3d": F.max_pool3d,
    "avg_pool2d": F.avg_pool2d,
    "avg_pool3d": F.avg_pool3d,
    "avg_pool3d_backward": lambda c, *, size, **w: adjoint(
        F.avg_pool3d, c, (*c.shape[:2], *size), **w
    ),
    "avg_pool2d_backward": lambda c, *, size, **w: adjoint(
        F.avg_pool2d, c, (*c.shape[:2], *size), **w
    ),
    "adaptive_avg_pool2d": F.adaptive_avg_pool2d,
    "adaptive_avg_pool2d_backward": lambda c, *, size: adjoint(
        lambda x: F.adaptive_avg_pool2d(x, c.shape[2:]), c, (*c.shape[:2], *size)
    ),
    "batch_norm": batch_norm,
    "batch_norm_eval": on_numpy_settings(batch_norm_eval, "mean", "var"),
    "softmax_backward": lambda c, y, *, dim: y * (c - (c * y).sum(dim, keepdim=True)),
    "log_softmax_backward": lambda c, y, *, dim: c - y.exp() * c.sum(dim, keepdim=True),
    "cross_entropy": on_numpy_settings(cross_entropy, "target", "weight"),
}

ADAPTED |= {
    "attention": attention,
    "lstm_layer": recurrent.lstm_layer,
    "gru_layer": recurrent.gru_layer,
    "rnn_layer": recurrent.rnn_layer,
    "flat_part": recurrent.flat_part,
    "flat_part_backward": recurrent.flat_part_backward,
    "layer_norm": lambda x, w=None, b=None, *, dims, eps: F.layer_norm(
        x, x.shape[x.ndim - dims :], w, b, eps
    ),
    "group_norm": lambda x, w=None, b=None, *, groups, eps: F.group_norm(x, groups, w, b, eps),
    "hardtanh": F.hardtanh,
    "hardsigmoid": lambda x: torch.clamp(x / 6 + 0.5, 0, 1),  # torch's own has a float32 1 / 6
    "hardswish": F.hardswish,
    "hardshrink": F.hardshrink,
    "softshrink": F.softshrink,
    "threshold": F.threshold,
    "elu": lambda x, *, positive=1.0, negative=1.0, rate=1.0: torch.where(
        x > 0, positive * x, negative * torch.expm1(rate * x)
    ),
    "softplus": F.softplus,
    "huber": lambda x, *, beta: F.smooth_l1_loss(
        x, torch.zeros_like(x), reduction="none", beta=beta
    ),
    "silu": F.silu,
    "mish": F.mish,
    "sigmoid_backward": lambda c, y: c * y * (1 - y),
    "tanh_backward": lambda c, y: c * (1 - y * y),
}

# Their results are packed factors, or read one triangle alone: compared in test_linalg and test_lu.
FACTORIZATIONS = {"cholesky", "qr", "eigh", "svd", "lu", "ldl", "extreme_eigenpairs"}
NAMED = {
    name: getattr(torch, name, None) or getattr(torch.special, name, None)
    for name in table.declared().keys() - FACTORIZATIONS
}
TORCH_FUNCTIONS = {name: function for name, function in NAMED.items() if function} | ADAPTED
