"""Stochastic depth: residual branches left out at random.

Huang et al. 2016, Deep Networks with Stochastic Depth, arXiv:1603.09382.
"""

from minigrad import nn
from minigrad.tensor import Tensor
from minigrad.tensor.creation import empty


def stochastic_depth(input: Tensor, p: float, mode: str, training: bool = True) -> Tensor:
    """The input with rows set to zero with probability `p`, the others divided by 1 - p.

    `mode` "row" draws for each sample, "batch" once for all.  Without `training` nothing changes.
    Raises ValueError for another mode or a p outside of [0, 1].
    """
    if not 0 <= p <= 1:
        raise ValueError(f"drop probability has to be between 0 and 1, but got {p}")
    if mode not in ("batch", "row"):
        raise ValueError(f"mode has to be either 'batch' or 'row', but got {mode}")
    if not training or p == 0.0:
        return input
    rows = input.shape[0] if mode == "row" else 1
    kept = empty((rows,) + (1,) * (input.ndim - 1), dtype=input.dtype).bernoulli_(1 - p)
    return input * (kept.div_(1 - p) if p < 1 else kept)


class StochasticDepth(nn.Module):
    """`stochastic_depth` as a module, active in training."""

    def __init__(self, p: float, mode: str) -> None:
        super().__init__()
        self.p = p
        self.mode = mode

    def forward(self, input: Tensor) -> Tensor:
        return stochastic_depth(input, self.p, self.mode, self.training)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(p={self.p}, mode={self.mode})"
