"""Losses of regression: of real numbers, distributions and counts, as modules."""

from minigrad.core.types import Number
from minigrad.nn import functional as F
from minigrad.nn.loss import ReducedLoss
from minigrad.tensor import Tensor


class SmoothL1Loss(ReducedLoss):
    """d^2 / (2 beta) for d = |input - target| below beta, d - beta / 2 above."""

    def __init__(self, *, reduction: str = "mean", beta: float = 1.0) -> None:
        super().__init__(reduction)
        self.beta = beta

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.smooth_l1_loss(input, target, reduction=self.reduction, beta=self.beta)


class HuberLoss(ReducedLoss):
    """d^2 / 2 for d = |input - target| up to delta, delta (d - delta / 2) above."""

    def __init__(self, reduction: str = "mean", delta: float = 1.0) -> None:
        super().__init__(reduction)
        self.delta = delta

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.huber_loss(input, target, reduction=self.reduction, delta=self.delta)


class KLDivLoss(ReducedLoss):
    """target (log(target) - input) for log-probabilities input; see `functional.kl_div`.

    reduction is "mean", "sum", "none" or "batchmean".
    """

    reductions = ("none", "batchmean", "mean", "sum")

    def __init__(self, *, reduction: str = "mean", log_target: bool = False) -> None:
        super().__init__(reduction)
        self.log_target = log_target

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.kl_div(input, target, reduction=self.reduction, log_target=self.log_target)


class PoissonNLLLoss(ReducedLoss):
    """rate - target log(rate) for counts; the input is log(rate), or with log_input=False rate."""

    def __init__(
        self,
        log_input: bool = True,
        full: bool = False,
        *,
        eps: float = 1e-8,
        reduction: str = "mean",
    ) -> None:
        super().__init__(reduction)
        self.log_input = log_input
        self.full = full
        self.eps = eps

    def forward(self, log_input: Tensor, target: Tensor) -> Tensor:
        return F.poisson_nll_loss(
            log_input, target, self.log_input, self.full, eps=self.eps, reduction=self.reduction
        )


class GaussianNLLLoss(ReducedLoss):
    """(log(var) + (input - target)^2 / var) / 2: the loss of a normal distribution."""

    def __init__(self, *, full: bool = False, eps: float = 1e-6, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.full = full
        self.eps = eps

    def forward(self, input: Tensor, target: Tensor, var: Tensor | Number) -> Tensor:
        return F.gaussian_nll_loss(input, target, var, self.full, self.eps, self.reduction)
