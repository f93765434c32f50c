"""Losses of numbers, of binary probabilities and of classes, as modules."""

import math
from typing import Any, ClassVar

from minigrad.core.types import DeviceLike, DTypeLike
from minigrad.nn import functional as F
from minigrad.nn.functional.reduction import (
    in_current_names,
    require_reduction,
    takes_old_reduction,
)
from minigrad.nn.linear import Linear
from minigrad.nn.linear_cross_entropy_options import LinearCrossEntropyOptions
from minigrad.nn.module import Module
from minigrad.tensor import Tensor


class ReducedLoss(Module):
    """A loss with a reduction: "mean", "sum" or "none".  Raises ValueError for another.

    It takes torch's deprecated size_average and reduce in place of it, with a warning.

    PyTorch differs: the reduction may come first, too.
    """

    def __init_subclass__(cls, **settings: Any) -> None:
        super().__init_subclass__(**settings)
        if "__init__" in vars(cls):
            type.__setattr__(cls, "__init__", takes_old_reduction(vars(cls)["__init__"]))

    reductions: ClassVar[tuple[str, ...]] = ("none", "mean", "sum")

    def __init__(
        self,
        size_average: bool | str | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        if isinstance(size_average, str):
            reduction = size_average
        else:
            old = {"size_average": size_average, "reduce": reduce}
            reduction = in_current_names({**old, "reduction": reduction})["reduction"]
        require_reduction(reduction, self.reductions)
        super().__init__()
        self.reduction = reduction


class WeightedLoss(ReducedLoss):
    """A loss with a weight for each class or element, which is a buffer."""

    weight: Tensor | None

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | str | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.register_buffer("weight", weight)


class L1Loss(ReducedLoss):
    """|input - target|, or its mean or sum."""

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.l1_loss(input, target, reduction=self.reduction)


class MSELoss(ReducedLoss):
    """(input - target)^2, or its mean or sum."""

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.mse_loss(input, target, reduction=self.reduction)


class NLLLoss(WeightedLoss):
    """-weight[target] * input[target]: log-probabilities (N, C, ...), class indices (N, ...)."""

    def __init__(
        self, weight: Tensor | None = None, *, ignore_index: int = -100, reduction: str = "mean"
    ) -> None:
        super().__init__(weight, reduction)
        self.ignore_index = ignore_index

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.nll_loss(
            input,
            target,
            self.weight,
            ignore_index=self.ignore_index,
            reduction=self.reduction,
        )


class CrossEntropyLoss(WeightedLoss):
    """The cross-entropy of scores (N, C, ...) and class indices (N, ...) or probabilities.

    See `functional.cross_entropy`.

    >>> import minigrad as mg
    >>> loss = mg.nn.CrossEntropyLoss()(mg.zeros(3, 2), mg.tensor([0, 1, 0]))
    >>> round(loss.item(), 4)
    0.6931
    """

    def __init__(
        self,
        weight: Tensor | None = None,
        *,
        ignore_index: int = -100,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(weight, reduction)
        self.ignore_index = ignore_index
        self.label_smoothing = label_smoothing

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.cross_entropy(
            input,
            target,
            self.weight,
            ignore_index=self.ignore_index,
            reduction=self.reduction,
            label_smoothing=self.label_smoothing,
        )


class LinearCrossEntropyLoss(WeightedLoss):
    """The cross-entropy of a linear layer's scores: (N, in_features), class indices (N,).

    With out_features (d1, ...) the scores are (N, num_classes, d1, ...), the targets (N, d1, ...);
    see `functional.linear_cross_entropy`, which says what chunks, `options`, save.  Raises
    RuntimeError for a weight that is not (num_classes,) and a label_smoothing outside [0, 1].
    """

    def __init__(
        self,
        in_features: int,
        num_classes: int,
        *,
        out_features: tuple[int, ...] = (),
        bias: bool = False,
        device: DeviceLike = None,
        dtype: DTypeLike = None,
        reduction: str = "mean",
        weight: Tensor | None = None,
        ignore_index: int | None = None,
        label_smoothing: float = 0.0,
        options: LinearCrossEntropyOptions | None = None,
    ) -> None:
        if weight is not None and weight.shape != (num_classes,):
            raise RuntimeError(
                f"expected weight shape to be [{num_classes}], got {list(weight.shape)}"
            )
        if not 0 <= label_smoothing <= 1:
            raise RuntimeError(
                f"expected label_smoothing to be in range [0, 1], got {label_smoothing}"
            )
        super().__init__(weight, reduction)
        self.num_classes = num_classes
        self.out_features = out_features
        self.ignore_index = ignore_index
        self.label_smoothing = label_smoothing
        rows = math.prod(out_features, start=num_classes)
        self.linear = Linear(in_features, rows, bias, device, dtype)
        self.options = options

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        shape = (self.num_classes, *self.out_features)
        bias = self.linear.bias
        return F.linear_cross_entropy(
            input,
            self.linear.weight.reshape(*shape, -1),
            target,
            linear_bias=None if bias is None else bias.reshape(shape),
            weight=self.weight,
            reduction=self.reduction,
            ignore_index=self.ignore_index,
            label_smoothing=self.label_smoothing,
            options=self.options,
        )

    def extra_repr(self) -> str:
        return (
            f"in_features={self.linear.in_features}, num_classes={self.num_classes}, "
            f"out_features={self.out_features}, bias={self.linear.bias is not None}, "
            f"reduction={self.reduction}, ignore_index={self.ignore_index}, "
            f"label_smoothing={self.label_smoothing}, options={self.options}"
        )


class BCELoss(WeightedLoss):
    """-weight * (target log(input) + (1 - target) log(1 - input)) of probabilities in [0, 1]."""

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.binary_cross_entropy(input, target, self.weight, reduction=self.reduction)


class BCEWithLogitsLoss(WeightedLoss):
    """The binary cross-entropy of sigmoid(input), computed without overflow."""

    pos_weight: Tensor | None

    def __init__(
        self,
        weight: Tensor | None = None,
        *,
        reduction: str = "mean",
        pos_weight: Tensor | None = None,
    ) -> None:
        super().__init__(weight, reduction)
        self.register_buffer("pos_weight", pos_weight)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.binary_cross_entropy_with_logits(
            input, target, self.weight, reduction=self.reduction, pos_weight=self.pos_weight
        )
