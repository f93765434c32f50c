"""Ready-made parametrizations: weight normalization."""

from minigrad import ops
from minigrad.nn.module import Module
from minigrad.nn.utils.parametrize import register_parametrization
from minigrad.tensor import Tensor


class _WeightNorm(Module):
    """weight_g * weight_v / |weight_v|, with norms over all dimensions but `dim`."""

    def __init__(self, dim: int | None) -> None:
        super().__init__()
        self.dim = dim

    def _norm(self, v: Tensor) -> Tensor:
        if self.dim is None or self.dim == -1:
            return ops.norm(v)
        kept = self.dim % v.ndim
        others = tuple(d for d in range(v.ndim) if d != kept)
        return ops.norm(v, dim=others, keepdim=True)

    def forward(self, weight_g: Tensor, weight_v: Tensor) -> Tensor:
        return weight_v * (weight_g / self._norm(weight_v))

    def right_inverse(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        """weight_g and weight_v for a weight: its norms and itself."""
        return self._norm(weight), weight


def weight_norm(module: Module, name: str = "weight", dim: int | None = 0) -> Module:
    """Weight normalization: w = g v / |v|, with g and v trained in place of w.

    Salimans & Kingma 2016, arXiv:1602.07868.  The norm is taken over all dimensions but `dim`, or
    over all with dim=None.  g and v are `parametrizations.<name>.original0` and `original1`.
    Raises ValueError if the module has no such parameter.
    """
    return register_parametrization(module, name, _WeightNorm(dim), unsafe=True)
