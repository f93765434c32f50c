"""Losses of numbers, of binary probabilities and of classes."""

from minigrad import ops
from minigrad.core.types import Array
from minigrad.core.warn import warn_caller
from minigrad.engine.grad_mode import ignore_fp_errors, thread
from minigrad.engine.half_precision import in_float32
from minigrad.engine.op import labelled
from minigrad.engine.operands import advice_on
from minigrad.nn.functional.arguments import require_floating, require_tensor
from minigrad.nn.functional.reduction import (
    reduced,
    require_reduction,
    takes_old_reduction,
    warn_if_broadcast,
    weighted,
)
from minigrad.tensor import Tensor

_SOFTMAX, _SIGMOID = ops.softmax.op, ops.sigmoid.op


@takes_old_reduction
@labelled("MseLossBackward0")
@in_float32
def mse_loss(
    input: Tensor, target: Tensor, reduction: str = "mean", weight: Tensor | None = None
) -> Tensor:
    """(input - target)^2, or its mean or sum; weight multiplies each loss.

    The mean divides by the sum of the weights.  Raises ValueError for another reduction or shape
    of weight; warns if input and target differ in shape.
    """
    require_reduction(reduction)
    require_tensor("mse_loss", input=input, target=target)
    warn_if_broadcast("mse_loss", input, target)
    return weighted(ops.square(input - target), weight, input, reduction)


@takes_old_reduction
@in_float32
def l1_loss(
    input: Tensor, target: Tensor, reduction: str = "mean", weight: Tensor | None = None
) -> Tensor:
    """|input - target|, or its mean or sum; weight multiplies each loss.

    The mean divides by the sum of the weights.  Raises ValueError for another reduction or shape
    of weight; warns if input and target differ in shape.
    """
    require_reduction(reduction)
    require_tensor("l1_loss", input=input, target=target)
    warn_if_broadcast("l1_loss", input, target)
    return weighted((input - target).abs(), weight, input, reduction)


# --- binary probabilities ------------------------------------------------------------------------


@takes_old_reduction
@labelled("BinaryCrossEntropyBackward0")
@in_float32
def binary_cross_entropy(
    input: Tensor, target: Tensor, weight: Tensor | None = None, reduction: str = "mean"
) -> Tensor:
    """-weight * (target log(input) + (1 - target) log(1 - input)), or its mean or sum.

    Raises ValueError if the shapes differ, RuntimeError if an input is not in [0, 1].
    """
    require_reduction(reduction)
    _require_same_shape("binary_cross_entropy", input, target)
    ignore_fp_errors(_require_probabilities, input.array)
    losses = ops.binary_cross_entropy(input, target)
    return reduced(losses if weight is None else losses * weight, reduction)


def _require_probabilities(array: Array) -> None:
    """Raise RuntimeError if an element is not in [0, 1]."""
    if array.size and not (array.min() >= 0 and array.max() <= 1):
        raise RuntimeError(
            f"all elements of input should be between 0 and 1, got {array.min()} to {array.max()}; "
            "scores of any size go to binary_cross_entropy_with_logits"
        )


@takes_old_reduction
@labelled("BinaryCrossEntropyWithLogitsBackward0")
@in_float32
def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    reduction: str = "mean",
    pos_weight: Tensor | None = None,
) -> Tensor:
    """The binary cross-entropy of sigmoid(input), computed without overflow.

    pos_weight multiplies the part of positive targets.  Raises ValueError if the
    shapes differ.
    PyTorch differs: an input that sigmoid made gives a warning.
    """
    require_reduction(reduction)
    _require_same_shape("binary_cross_entropy_with_logits", input, target)
    if (node := input.node) is not None and node.op is _SIGMOID:
        warn_caller(
            "binary_cross_entropy_with_logits: its input comes from sigmoid, and it applies "
            "sigmoid itself; give it the scores (for probabilities: binary_cross_entropy)"
        )
    if pos_weight is None:
        losses = ops.binary_cross_entropy_with_logits(input, target)
    else:
        positives = pos_weight * target * ops.log_sigmoid(input)
        losses = (target - 1) * ops.log_sigmoid(-input) - positives
    return reduced(losses if weight is None else losses * weight, reduction)


def _require_same_shape(name: str, input: Tensor, target: Tensor) -> None:
    require_tensor(name, input=input, target=target)
    require_floating(name, input)
    if input.shape != target.shape:
        raise ValueError(
            f"{name}: Using a target size ({list(target.shape)}) that is different to the input "
            f"size ({list(input.shape)}); target size must be the same as input size"
            + "; target.view_as(input) has it"
            * (input.array.size == target.array.size)
        )


# --- classes -------------------------------------------------------------------------------------


@takes_old_reduction
def nll_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    *,
    ignore_index: int = -100,
    reduction: str = "mean",
) -> Tensor:
    """-weight[target] * input[target]: the negative log-likelihood of log-probabilities.

    input (N, C), (C,) or (N, C, d1, ...) with class indices (N,), () or (N, d1, ...).  The mean
    divides by the sum of the targets' weights; targets equal to ignore_index do not count.
    Raises IndexError for a class index out of range, RuntimeError or ValueError if dtypes or
    shapes do not match.
    PyTorch differs: there are no size_average and reduce; a target may have any integer dtype; an
    input that softmax made gives a warning.
    """
    require_reduction(reduction)
    require_tensor("nll_loss", input=input, target=target)
    if (node := input.node) is not None and node.op is _SOFTMAX:
        warn_caller(
            "nll_loss: its input comes from softmax, and it takes logarithms of probabilities; "
            "give it log_softmax, or the scores to cross_entropy"
        )
    _require_class_indices("nll_loss", input, target, weight)
    return ops.nll_loss(
        input, target=target.array, weight=None if weight is None else weight.array,
        ignore_index=ignore_index, reduction=reduction,
    )  # fmt: skip


@takes_old_reduction
def cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    *,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """nll_loss(log_softmax(input), target), in one kernel.

    input (N, C), (C,) or (N, C, d1, ...) with class indices (N,), () or (N, d1, ...), or with
    floating class probabilities shaped as input.  label_smoothing: the target is mixed with the
    uniform distribution, (1 - label_smoothing) target + label_smoothing / C (Szegedy et al. 2016,
    arXiv:1512.00567).  Raises as nll_loss does, and RuntimeError unless label_smoothing is in [0,
    1].
    PyTorch differs: an input that softmax made gives a warning.
    """
    require_reduction(reduction)
    if not 0 <= label_smoothing <= 1:
        raise RuntimeError(f"label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing}")
    require_tensor("cross_entropy", input=input, target=target)
    if (node := input.node) is not None and node.op is _SOFTMAX:
        warn_caller(
            "cross_entropy: its input comes from softmax, and it applies softmax itself; give it "
            "the scores (for probabilities: nll_loss of their logarithm)"
        )
    if target.array.dtype.kind == "f":
        return _cross_entropy_of_probabilities(input, target, weight, reduction, label_smoothing)
    _require_class_indices("cross_entropy", input, target, weight)
    loss, *_ = ops.cross_entropy(
        input, target=target.array, weight=None if weight is None else weight.array,
        ignore_index=ignore_index, label_smoothing=label_smoothing, reduction=reduction,
        is_differentiated=input.requires_grad and thread.mode.grad,
    )  # fmt: skip
    return loss


def _cross_entropy_of_probabilities(
    input: Tensor, target: Tensor, weight: Tensor | None, reduction: str, label_smoothing: float
) -> Tensor:
    """-sum(weight * target * log_softmax(input)) over the classes, reduced."""
    if input.shape != target.shape or not input.shape:
        raise RuntimeError(
            f"cross_entropy: a floating target holds class probabilities and has the shape of "
            f"input, but input is {list(input.shape)} and target {list(target.shape)} of "
            f"{target.dtype}; class indices are integers: target.long()"
        )
    require_floating("cross_entropy", input)
    axis = 0 if input.ndim == 1 else 1
    classes = input.shape[axis]
    _require_class_weight("cross_entropy", weight, input, classes)
    if label_smoothing:
        target = target * (1 - label_smoothing) + label_smoothing / classes
    terms = ops.log_softmax(input, dim=axis) * target
    if weight is not None:
        terms = terms * weight.reshape(-1, *[1] * (input.ndim - axis - 1))
    losses = -terms.sum(axis)
    return reduced(losses, reduction)


def _require_class_indices(name: str, input: Tensor, target: Tensor, weight: Tensor | None) -> None:
    """Raise unless target has a class index for each row of scores, and weight fits."""
    require_floating(name, input)
    if target.array.dtype.kind not in "iu":
        raise RuntimeError(
            f"{name}: expected class indices of an integer dtype as target, got {target.dtype}"
        )
    shape = input.array.shape
    if not shape:
        raise RuntimeError(f"{name} expects input (N, C), (C,) or (N, C, d1, ...), got a scalar")
    single = len(shape) == 1
    expected = () if single else (shape[0], *shape[2:])
    if target.array.shape == expected and weight is None:
        return
    if target.ndim and not single and target.array.shape[0] != shape[0]:
        raise ValueError(
            f"Expected input batch_size ({shape[0]}) to match target batch_size "
            f"({target.shape[0]}): {name} of input {list(shape)} and target {list(target.shape)}"
        )
    if target.array.shape != expected:
        raise ValueError(
            f"Expected target size {list(expected)} for input size {list(shape)}, got "
            f"{list(target.shape)}{_advice(shape, target.array.shape)}"
        )
    _require_class_weight(name, weight, input, shape[0 if single else 1])


def _advice(shape: tuple[int, ...], target: tuple[int, ...]) -> str:
    """What to do with a target of a form that is often met instead of class indices."""
    if target == shape:
        return "; argmax(1) makes class indices of one-hot rows, float() makes probabilities"
    return "; squeeze(1) takes away the dimension of one" if target[1:2] == (1,) else ""


def _require_class_weight(name: str, weight: Tensor | None, input: Tensor, classes: int) -> None:
    """Raise RuntimeError unless weight is None or (classes,) of the input's dtype."""
    if weight is None:
        return
    if not isinstance(weight, Tensor):
        raise TypeError(
            f"{name}(): argument 'weight' must be Tensor, not {type(weight).__name__}"
            f"{advice_on(weight)}"
        )
    if weight.shape != (classes,):
        raise RuntimeError(
            f"{name}: weight tensor should be defined either for all {classes} classes or no "
            f"classes but got weight tensor of shape: {list(weight.shape)}"
        )
    if weight.dtype != input.dtype:
        raise RuntimeError(
            f"{name}: expected weight of dtype {input.dtype} as input, got {weight.dtype}"
        )
