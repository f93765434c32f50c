"""Connectionist temporal classification as a module."""

from minigrad.nn import functional as F
from minigrad.nn.functional.ctc_loss import Lengths
from minigrad.nn.loss import ReducedLoss
from minigrad.tensor import Tensor


class CTCLoss(ReducedLoss):
    """-log P(targets | log_probs), summed over all alignments of the labels to the signal.

    log_probs (T, N, C), targets (N, S) or concatenated, both lengths (N,); see
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

    def forward(
        self, log_probs: Tensor, targets: Tensor, input_lengths: Lengths, target_lengths: Lengths
    ) -> Tensor:
        return F.ctc_loss(
            log_probs, targets, input_lengths, target_lengths, self.blank, self.reduction,
            self.zero_infinity,
        )  # fmt: skip
