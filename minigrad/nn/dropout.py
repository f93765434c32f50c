"""Layers of dropout."""

from typing import Any

from minigrad.nn import functional as F
from minigrad.nn.functional.dropout import require_probability
from minigrad.nn.module import Module


class _Dropout(Module):
    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        require_probability(p)
        super().__init__()
        self.p = p
        self.inplace = inplace

    def extra_repr(self) -> str:
        return f"p={self.p}, inplace={self.inplace}"


class Dropout(_Dropout):
    """In training mode zeroes each element with probability p and divides the others by 1 - p.

    Raises ValueError unless p is in [0, 1].
    """

    def forward(self, input: Any) -> Any:
        return F.dropout(input, self.p, self.training, self.inplace)


class Dropout2d(_Dropout):
    """In training mode zeroes whole channels of (N, C, H, W) with probability p.

    Raises ValueError unless p is in [0, 1].
    """

    def forward(self, input: Any) -> Any:
        return F.dropout2d(input, self.p, self.training, self.inplace)


class Dropout1d(_Dropout):
    """In training mode zeroes whole channels of (N, C, L) or (C, L) with probability p.

    Raises ValueError unless p is in [0, 1].
    """

    def forward(self, input: Any) -> Any:
        return F.dropout1d(input, self.p, self.training, self.inplace)


class AlphaDropout(_Dropout):
    """In training mode sets elements to SELU's lower limit with probability p, and rescales all.

    Inputs of mean 0 and deviation 1 stay so.  Raises ValueError unless p is in [0, 1].
    """

    def forward(self, input: Any) -> Any:
        return F.alpha_dropout(input, self.p, self.training, self.inplace)


class FeatureAlphaDropout(_Dropout):
    """AlphaDropout of whole channels of (N, C, ...).

    Raises ValueError unless p is in [0, 1].
    """

    def forward(self, input: Any) -> Any:
        return F.feature_alpha_dropout(input, self.p, self.training, self.inplace)
