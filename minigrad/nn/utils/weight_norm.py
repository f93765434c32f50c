"""The older form of weight normalization, with the parameters <name>_g and <name>_v."""

import warnings
from typing import TypeVar

from minigrad.nn.module import Module
from minigrad.nn.parameter import Parameter
from minigrad.nn.utils.norm_hook import NormHook
from minigrad.nn.utils.parametrizations import _WeightNorm
from minigrad.tensor import Tensor

M = TypeVar("M", bound=Module)


class WeightNorm(NormHook):
    """Computes g v / |v| before each forward."""

    suffixes = ("_g", "_v")
    function = "weight_norm"

    def __init__(self, name: str, dim: int | None = 0) -> None:
        super().__init__(name)
        self.norm = _WeightNorm(dim)

    def compute_weight(self, module: Module, is_training: bool) -> Tensor:
        """The weight from the module's parts."""
        return self.norm.forward(*(getattr(module, self.name + end) for end in self.suffixes))


def weight_norm(module: M, name: str = "weight", dim: int | None = 0) -> M:
    """Weight normalization: w = g v / |v|, with the parameters <name>_g and <name>_v.

    Salimans & Kingma 2016, arXiv:1602.07868.  Gives a FutureWarning:
    `nn.utils.parametrizations.weight_norm` is its successor.
    """
    warnings.warn(
        "`nn.utils.weight_norm` is deprecated in favor of `nn.utils.parametrizations.weight_norm`.",
        FutureWarning,
        stacklevel=2,
    )
    hook = WeightNorm(name, dim)
    hook.register(module)
    weight = getattr(module, name).detach()
    delattr(module, name)
    for end, part in zip(hook.suffixes, hook.norm.right_inverse(weight), strict=True):
        module.register_parameter(name + end, Parameter(part.detach()))
    setattr(module, name, hook.compute_weight(module, is_training=False))
    return module


def remove_weight_norm(module: M, name: str = "weight") -> M:
    """Make <name> a plain parameter again.  Raises ValueError if it is not normalized."""
    return WeightNorm(name).remove(module)
