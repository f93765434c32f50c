"""Softmax, its logarithm, and cross-entropy fused with it."""

from typing import Any

import numpy as np

from minigrad.core.types import Array
from minigrad.engine.graph import V
from minigrad.engine.op import arr, op, sample
from minigrad.kernels.accumulation import softmax_columns as columns
from minigrad.kernels.reduction import cross_entropy as losses
from minigrad.kernels.reduction import softmax as kernels
from minigrad.ops.dims import wrap_dim
from minigrad.ops.nn.loss import nll_loss_node

SAMPLES = [
    sample(arr.of(3, 4), dim=1),
    sample(arr.of(3, 4), dim=0),
    sample(arr.of(2, 3, 2), dim=-2),
    sample(arr.of(5), dim=0),
    sample(arr.of(), dim=0),
]
PAIRS = [
    sample(arr.of(3, 4), arr.of(3, 4, low=-1.0, high=0.0), dim=1),
    sample(arr.of(2, 3, 2), arr.of(2, 3, 2, low=-1.0, high=0.0), dim=0),
]


def _axis(input: Array, dim: int) -> int:
    if input.dtype.kind != "f":
        raise RuntimeError(f"softmax is defined for floating tensors, got {input.dtype}")
    return wrap_dim(dim, input.ndim)


@op(
    vjp=(lambda g, out, x, *, dim: softmax_backward(g, out, dim=dim),),
    samples=SAMPLES,
    accumulates=True,
    symmetric=True,
)
def softmax(input: Array, *, dim: int) -> Array:
    """exp(input) / sum(exp(input)) along `dim`."""
    if input.ndim == 0:
        return np.ones_like(input)
    axis = _axis(input, dim)
    if axis + 1 < input.ndim and columns.is_worth_it(axis, input):
        return columns.softmax(input, axis)
    return kernels.softmax(input, axis)


def _softmax_output_rule(g: V, out: V, c: V, y: V, *, dim: int) -> V:
    along = (c * y).sum(dim=dim, keepdim=True)
    return g * (c - along) - c * (g * y).sum(dim=dim, keepdim=True)


@op(
    node="SoftmaxBackwardDataBackward0",
    vjp=(lambda g, out, c, y, *, dim: softmax_backward(g, y, dim=dim), _softmax_output_rule),
    samples=PAIRS,
    accumulates=True,
)
def softmax_backward(cotangent: Array, output: Array, *, dim: int) -> Array:
    """y * (c - sum(c * y)): the Jacobian of softmax, which is symmetric, times c."""
    if cotangent.ndim == 0:
        return np.zeros_like(cotangent)
    axis = _axis(output, dim)
    if axis + 1 < cotangent.ndim and columns.is_worth_it(axis, cotangent, output):
        return columns.softmax_backward(cotangent, output, axis)
    return kernels.softmax_backward(cotangent, output, axis)


@op(
    vjp=(lambda g, out, x, *, dim: log_softmax_backward(g, out, dim=dim),),
    samples=SAMPLES,
    accumulates=True,
)
def log_softmax(input: Array, *, dim: int) -> Array:
    """input - log(sum(exp(input))) along `dim`."""
    if input.ndim == 0:
        return np.zeros_like(input)
    axis = _axis(input, dim)
    if axis + 1 < input.ndim and columns.is_worth_it(axis, input):
        return columns.softmax(input, axis, logarithm=True)
    return kernels.log_softmax(input, axis)


@op(
    node="LogSoftmaxBackwardDataBackward0",
    vjp=(
        lambda g, out, c, y, *, dim: g - (g * y.exp()).sum(dim=dim, keepdim=True),
        lambda g, out, c, y, *, dim: -g * y.exp() * c.sum(dim=dim, keepdim=True),
    ),
    samples=PAIRS,
    accumulates=True,
)
def log_softmax_backward(cotangent: Array, output: Array, *, dim: int) -> Array:
    """c - exp(y) * sum(c)."""
    if cotangent.ndim == 0:
        return np.zeros_like(cotangent)
    axis = _axis(output, dim)
    if axis + 1 < cotangent.ndim and columns.is_worth_it(axis, cotangent, output):
        return columns.softmax_backward(cotangent, output, axis, logarithm=True)
    return kernels.log_softmax_backward(cotangent, output, axis)


def target_distribution(
    target: Array, classes: int, weight: Array | None, ignore_index: int, label_smoothing: float
) -> Array:
    """(N, ...) labels -> (N, C, ...): the weight of each log-probability in the loss."""
    known = target != ignore_index
    safe = np.where(known, target, 0)
    per_class = np.ones(classes) if weight is None else weight
    one_hot = (safe[..., None] == np.arange(classes)) * per_class
    smoothed = (1 - label_smoothing) * one_hot + label_smoothing / classes * per_class
    return np.moveaxis(smoothed * known[..., None], -1, min(target.ndim, 1))


def _cross_entropy_rule(
    g: V, out: V, x: V, *, target: Array, weight: Array | None, ignore_index: int,
    label_smoothing: float, reduction: str, is_differentiated: bool,
) -> V:  # fmt: skip
    axis = min(target.ndim, 1)
    labels = (target, x.shape[axis], weight, ignore_index)
    q = target_distribution(*labels, label_smoothing)
    if reduction == "mean":
        q = q / target_distribution(*labels, 0.0).sum()
    total = x.new_tensor(q.sum(axis=axis, keepdims=True))
    per_label = g.unsqueeze(axis) if reduction == "none" else g
    return per_label * (softmax(x, dim=axis) * total - x.new_tensor(q))


LABELS = np.array([[0, 2], [1, -100], [3, 0]])
CLASS_WEIGHTS = np.array([0.5, 1.0, 2.0, 0.25])


@op(
    node=nll_loss_node,
    vjp=(_cross_entropy_rule,),
    array_vjp=(
        lambda g, out, x, *, target, ignore_index, **_: losses.cross_entropy_backward(
            g, out[0].array, x.shape, target, ignore_index
        ),
    ),
    samples=[
        sample(arr.of(3, 4, 2), target=LABELS, reduction="none"),
        sample(arr.of(3, 4, 2), target=LABELS, label_smoothing=0.2, reduction="sum"),
        sample(arr.of(3, 4), target=LABELS[:, 0]),
        sample(arr.of(4), target=np.array(2), label_smoothing=0.5),
        sample(
            arr.of(3, 4),
            target=np.array([0, 3, 2]),
            weight=CLASS_WEIGHTS,
            ignore_index=2,
            label_smoothing=0.1,
        ),
    ],
    accumulates=True,
)
def cross_entropy(
    input: Array,
    *,
    target: Array,
    weight: Array | None = None,
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
    reduction: str = "mean",
    is_differentiated: bool = True,
) -> Any:
    """(N, C, ...) or (C,) scores and (N, ...) or () labels -> the loss, softmax included.

    -(1 - e) w[t] log p[t] - e / C * sum_c w[c] log p[c]; 0 where t is ignore_index.  By-product:
    the gradient of the loss, as rows; where there are many losses, of each its own.  Unless the
    loss `is_differentiated`, the gradient is not computed.
    """
    return losses.cross_entropy(
        input, target, weight, ignore_index, label_smoothing, reduction, is_differentiated
    )
