"""Layers of dropout."""

from minigrad.nn import functional as F
from minigrad.nn.functional.dropout import require_probability
from minigrad.nn.module import Module
from minigrad.tensor import Tensor


class _Dropout(Module):
    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        require_probability(p)
        super().__init__()
        self.p = p
        self.inplace = inplace

    def extra_repr(self) -> str:
        return f"p={self.p}, inplace={self.inplace}"


class Dropout(_Dropout):
    """In training mode, set each element to 0 with probability p and divide the others by 1 - p.

    Raises ValueError unless p is in [0, 1].
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.dropout(input, self.p, self.training, self.inplace)


class Dropout2d(_Dropout):
    """In training mode, set whole channels of (N, C, H, W) to 0 with probability p.

    Raises ValueError unless p is in [0, 1].
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.dropout2d(input, self.p, self.training, self.inplace)


class Dropout1d(_Dropout):
    """In training mode, set whole channels of (N, C, L) or (C, L) to 0 with probability p.

    Raises ValueError unless p is in [0, 1].
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.dropout1d(input, self.p, self.training, self.inplace)


class Dropout3d(_Dropout):
    """In training mode, set whole channels of (N, C, D, H, W) to 0 with probability p.

    Raises ValueError unless p is in [0, 1].
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.dropout3d(input, self.p, self.training, self.inplace)


class AlphaDropout(_Dropout):
    """In training mode, set elements to SELU's lower limit with probability p, and rescale all.

    An input of mean 0 and deviation 1 keeps both.  Raises ValueError unless p is in [0, 1].
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.alpha_dropout(input, self.p, self.training, self.inplace)


class FeatureAlphaDropout(_Dropout):
    """AlphaDropout of whole channels of (N, C, ...).

    Raises ValueError unless p is in [0, 1].
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.feature_alpha_dropout(input, self.p, self.training, self.inplace)
