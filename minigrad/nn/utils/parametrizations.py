"""Parametrizations that are known by name."""

from typing import Any

from minigrad import ops
from minigrad.nn.module import Module
from minigrad.nn.utils.parametrize import register_parametrization
from minigrad.tensor import Tensor


class _WeightNorm(Module):
    """weight_g * weight_v / |weight_v|, norms over all dimensions but `dim`."""

    def __init__(self, dim: int | None) -> None:
        super().__init__()
        self.dim = dim

    def _norm(self, v: Any) -> Any:
        if self.dim is None or self.dim == -1:
            return ops.norm(v)
        kept = self.dim % v.ndim
        others = tuple(d for d in range(v.ndim) if d != kept)
        return ops.norm(v, dim=others, keepdim=True)

    def forward(self, weight_g: Tensor, weight_v: Tensor) -> Tensor:
        return weight_v * (weight_g / self._norm(weight_v))

    def right_inverse(self, weight: Tensor) -> tuple[Any, Any]:
        """The norms and the weight itself."""
        return self._norm(weight), weight


def weight_norm(module: Module, name: str = "weight", dim: int | None = 0) -> Module:
    """Train the length and the direction of a weight apart: w = g v / |v|.

    Salimans & Kingma 2016, arXiv:1602.07868.  The norm is taken over all dimensions but `dim`, or
    over all with dim=None.  g and v are `parametrizations.<name>.original0` and `original1`.
    Raises ValueError if the module has no such parameter.
    """
    return register_parametrization(module, name, _WeightNorm(dim), unsafe=True)
