"""The older form of spectral normalization, with the parameter <name>_orig."""

from typing import TypeVar

from minigrad.nn.module import Module
from minigrad.nn.utils.norm_hook import NormHook
from minigrad.nn.utils.parametrizations import (
    as_matrix,
    follow,
    largest_singular_value,
    output_dimension,
    random_unit,
    require_iterations,
)
from minigrad.tensor import Tensor

M = TypeVar("M", bound=Module)


class SpectralNorm(NormHook):
    """Divides a weight by its largest singular value before each forward."""

    suffixes = ("_orig", "_u", "_v")
    function = "spectral_norm"

    def __init__(
        self, name: str, n_power_iterations: int = 1, dim: int = 0, eps: float = 1e-12
    ) -> None:
        super().__init__(name)
        require_iterations(n_power_iterations)
        self.n_power_iterations = n_power_iterations
        self.dim = dim
        self.eps = eps

    def compute_weight(self, module: Module, is_training: bool) -> Tensor:
        """The weight from the module's parts, after iterations of the power method in training."""
        weight, u, v = (getattr(module, self.name + end) for end in self.suffixes)
        matrix = as_matrix(weight, self.dim)
        for _ in range(self.n_power_iterations if is_training else 0):
            follow(v, matrix.T, u, self.eps)
            follow(u, matrix, v, self.eps)
        normalized: Tensor = weight / largest_singular_value(matrix, u, v)
        return normalized


def spectral_norm(
    module: M,
    name: str = "weight",
    n_power_iterations: int = 1,
    eps: float = 1e-12,
    dim: int | None = None,
) -> M:
    """Spectral normalization: the weight over its largest singular value.

    Miyato et al. 2018, arXiv:1802.05957.  The parameter is <name>_orig, the vectors of the power
    method are the buffers <name>_u and <name>_v.  `nn.utils.parametrizations.spectral_norm` is its
    successor.  Raises ValueError if the parameter is None.
    """
    hook = SpectralNorm(name, n_power_iterations, output_dimension(module, dim), eps)
    weight = module._parameters[name]
    if weight is None:
        raise ValueError(f"`SpectralNorm` cannot be applied as parameter `{name}` is None")
    hook.register(module)
    matrix = as_matrix(weight.detach(), hook.dim)
    delattr(module, name)
    module.register_parameter(f"{name}_orig", weight)
    setattr(module, name, weight.data)
    for end, size in zip(("_u", "_v"), matrix.shape, strict=True):
        module.register_buffer(name + end, random_unit(size, matrix, eps))
    return module


def remove_spectral_norm(module: M, name: str = "weight") -> M:
    """Make <name> a plain parameter again.  Raises ValueError if it is not normalized."""
    return SpectralNorm(name).remove(module)
