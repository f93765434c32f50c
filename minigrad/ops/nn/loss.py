"""Elementwise losses, with derivatives that stay finite at the bounds of the domain."""

import numpy as np

from minigrad.core.types import Array
from minigrad.engine.graph import Node, V
from minigrad.engine.op import arr, elementwise, op, sample
from minigrad.kernels.pointwise import elementwise as elements
from minigrad.kernels.reduction import cross_entropy as kernels
from minigrad.ops.elementwise.arithmetic import clamp
from minigrad.ops.elementwise.elementary import log
from minigrad.ops.nn.activation import sigmoid

LABELS = np.array([[0, 2], [1, -100], [3, 0]])
CLASS_WEIGHTS = np.array([0.5, 1.0, 2.0, 0.25])
# torch keeps the logarithms of binary cross-entropy above this, and x (1 - x) above the second.
LEAST_LOG = -100.0
LEAST_VARIANCE = 1e-12


def nll_loss_node(node: Node) -> str:
    """torch's name of a loss with class indices; the indices say how many dimensions there are."""
    return "NllLoss2DBackward0" if len(node.settings["target"].shape) > 1 else "NllLossBackward0"


@op(
    node=nll_loss_node,
    vjp=(
        lambda g, out, x, *, target, weight, ignore_index, reduction: nll_loss_backward(
            g,
            shape=x.shape,
            target=target,
            weight=weight,
            ignore_index=ignore_index,
            reduction=reduction,
        ),
    ),
    degree=1,
    samples=[
        sample(arr.of(3, 4, 2), target=LABELS, reduction="none"),
        sample(arr.of(3, 4, 2), target=LABELS, weight=CLASS_WEIGHTS, reduction="sum"),
        sample(arr.of(4), target=np.array(1)),
        sample(arr.of(3, 4), target=np.array([0, 3, 2]), weight=CLASS_WEIGHTS, ignore_index=2),
    ],
    accumulates=True,
)
def nll_loss(
    input: Array,
    *,
    target: Array,
    weight: Array | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
) -> Array:
    """(N, C, ...) or (C,) log-probabilities and (N, ...) or () labels -> -weight[t] * input[t]."""
    return kernels.nll_loss(input, target, weight, ignore_index, reduction)


@op(
    node=lambda node: (
        "NllLoss2DBackwardBackward0"
        if len(node.settings["shape"]) > 2
        else "NllLossBackwardBackward0"
    ),
    vjp=(
        lambda g, out, c, *, shape, target, weight, ignore_index, reduction: nll_loss(
            g, target=target, weight=weight, ignore_index=ignore_index, reduction=reduction
        ),
    ),
    degree=1,
    samples=[
        sample(
            arr.of(3, 2),
            shape=(3, 4, 2),
            target=LABELS,
            weight=None,
            ignore_index=-100,
            reduction="none",
        ),
        sample(
            arr.of(),
            shape=(3, 4, 2),
            target=LABELS,
            weight=None,
            ignore_index=-100,
            reduction="mean",
        ),
    ],
    accumulates=True,
)
def nll_loss_backward(
    cotangent: Array,
    *,
    shape: tuple[int, ...],
    target: Array,
    weight: Array | None,
    ignore_index: int,
    reduction: str,
) -> Array:
    """The adjoint of nll_loss: the cotangent's shape -> the `shape` given."""
    return kernels.nll_loss_backward(cotangent, shape, target, weight, ignore_index, reduction)


@op(
    vjp=(lambda g, out, x: g * sigmoid(-x),),
    samples=[sample(arr.of(3, 4)), sample(arr.of(3, low=-30.0, high=30.0)), sample(arr.of())],
)
def log_sigmoid(input: Array) -> Array:
    """log(1 / (1 + exp(-input))), finite for any finite input."""
    return elements.log_sigmoid(input)


@op(
    node="SmoothL1LossBackward0",
    vjp=(lambda g, out, d, *, beta: g * clamp(d / beta, min=-1.0, max=1.0),),
    floats=True,
    samples=[
        sample(arr.of(3, 4, away_from=(-1.0, 1.0)), beta=1.0),
        sample(arr.of(5, away_from=(-0.3, 0.3)), beta=0.3),
        sample(arr.of(), beta=8.0),
    ],
)
def huber(input: Array, *, beta: float) -> Array:
    """input^2 / (2 beta) within +-beta, |input| - beta / 2 beyond (Huber 1964)."""
    return elements.huber(input, settings=(beta,))


@elementwise(
    vjp=(
        lambda g, out, x, t: g * (x - t) / clamp(x * (1 - x), min=LEAST_VARIANCE),
        lambda g, out, x, t: g * (clamp(log(1 - x), min=LEAST_LOG) - clamp(log(x), min=LEAST_LOG)),
    ),
    samples=[
        sample(arr.of(3, 4, low=0.1, high=0.9), arr.of(3, 4, low=0.0, high=1.0)),
        sample(arr.of(low=0.2, high=0.7), arr.of(low=0.0, high=1.0)),
    ],
)
def binary_cross_entropy(input: Array, target: Array) -> Array:
    """-t log x - (1 - t) log(1 - x), each logarithm at least -100."""
    log_x = np.maximum(np.log(input), input.dtype.type(LEAST_LOG))
    log_rest = np.maximum(elements.log1p(-input), input.dtype.type(LEAST_LOG))
    return (target - 1) * log_rest - target * log_x


def _logits_rule(g: V, out: V, x: V, t: V) -> V:
    """sigmoid(x) - t, by parts that do not cancel where it is tiny."""
    return g * ((1 - t) * sigmoid(x) - t * sigmoid(-x))


@op(
    node="BinaryCrossEntropyWithLogitsBackward0",
    vjp=(_logits_rule, lambda g, out, x, t: -g * x),
    array_vjp=(
        lambda g, out, x, t: elements.bce_with_logits_backward(g, x, t),
        lambda g, out, x, t: np.negative(g) * x,
    ),
    promotes=True,
    samples=[
        sample(arr.of(3, 4), arr.of(3, 4, low=0.0, high=1.0)),
        sample(arr.of(low=-9.0, high=9.0), arr.of(low=0.0, high=1.0)),
        sample(arr.of(0, 2), arr.of(0, 2)),
    ],
)
def binary_cross_entropy_with_logits(input: Array, target: Array) -> Array:
    """The binary cross-entropy of sigmoid(input) and a target of the same shape."""
    return elements.bce_with_logits(input, target)
