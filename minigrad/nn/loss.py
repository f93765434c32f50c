"""Losses as modules."""

from typing import Any

from minigrad.nn import functional as F
from minigrad.nn.functional.checks import require_reduction
from minigrad.nn.module import Module
from minigrad.tensor import Tensor


class ReducedLoss(Module):
    """reduction is "mean", "sum" or "none".  Raises ValueError for another."""

    def __init__(self, reduction: str = "mean") -> None:
        require_reduction(reduction)
        super().__init__()
        self.reduction = reduction


class WeightedLoss(ReducedLoss):
    """weight is a buffer, one number for each class or element."""

    def __init__(self, weight: Tensor | None = None, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.register_buffer("weight", weight)


class L1Loss(ReducedLoss):
    """|input - target|, its mean or its sum."""

    def forward(self, input: Any, target: Any) -> Any:
        return F.l1_loss(input, target, reduction=self.reduction)


class MSELoss(ReducedLoss):
    """(input - target)^2, its mean or its sum."""

    def forward(self, input: Any, target: Any) -> Any:
        return F.mse_loss(input, target, reduction=self.reduction)


class NLLLoss(WeightedLoss):
    """-weight[target] * input[target]: of log-probabilities (N, C, ...) and classes (N, ...)."""

    def __init__(
        self, weight: Tensor | None = None, *, ignore_index: int = -100, reduction: str = "mean"
    ) -> None:
        super().__init__(weight, reduction)
        self.ignore_index = ignore_index

    def forward(self, input: Any, target: Any) -> Any:
        return F.nll_loss(
            input,
            target,
            self.weight,
            ignore_index=self.ignore_index,
            reduction=self.reduction,
        )


class CrossEntropyLoss(WeightedLoss):
    """The loss of scores (N, C, ...) for classes (N, ...) or class probabilities (N, C, ...).

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

    def forward(self, input: Any, target: Any) -> Any:
        return F.cross_entropy(
            input,
            target,
            self.weight,
            ignore_index=self.ignore_index,
            reduction=self.reduction,
            label_smoothing=self.label_smoothing,
        )


class BCELoss(WeightedLoss):
    """The binary cross-entropy of probabilities, each element with its target in [0, 1]."""

    def forward(self, input: Any, target: Any) -> Any:
        return F.binary_cross_entropy(input, target, self.weight, reduction=self.reduction)


class BCEWithLogitsLoss(WeightedLoss):
    """The binary cross-entropy of sigmoid(input), without ever overflowing."""

    def __init__(
        self,
        weight: Tensor | None = None,
        *,
        reduction: str = "mean",
        pos_weight: Tensor | None = None,
    ) -> None:
        super().__init__(weight, reduction)
        self.register_buffer("pos_weight", pos_weight)

    def forward(self, input: Any, target: Any) -> Any:
        return F.binary_cross_entropy_with_logits(
            input, target, self.weight, reduction=self.reduction, pos_weight=self.pos_weight
        )
