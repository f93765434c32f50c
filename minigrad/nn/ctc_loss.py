"""Connectionist temporal classification as a module."""

from typing import Any

from minigrad.nn import functional as F
from minigrad.nn.loss import ReducedLoss


class CTCLoss(ReducedLoss):
    """Minus the log-probability of labels, summed over all their alignments to a signal.

    Of log-probabilities (T, N, C), labels (N, S) or one after another, and both lengths (N,); see
    `functional.ctc_loss`.

    >>> import minigrad as mg
    >>> signal = mg.zeros(12, 1, 5).log_softmax(-1)
    >>> loss = mg.nn.CTCLoss()(signal, mg.tensor([[1, 2, 2]]), (12,), (3,))
    >>> round(loss.item(), 3)
    3.769
    """

    def __init__(
        self, blank: int = 0, reduction: str = "mean", zero_infinity: bool = False
    ) -> None:
        super().__init__(reduction)
        self.blank = blank
        self.zero_infinity = zero_infinity

    def forward(self, log_probs: Any, targets: Any, input_lengths: Any, target_lengths: Any) -> Any:
        return F.ctc_loss(
            log_probs, targets, input_lengths, target_lengths, self.blank, self.reduction,
            self.zero_infinity,
        )  # fmt: skip
