"""Layers of normalization within each sample."""

from collections.abc import Sequence

from minigrad.core.device import require_cpu
from minigrad.core.types import DeviceLike, DTypeLike, Shape
from minigrad.nn import functional as F
from minigrad.nn import init
from minigrad.nn.functional.arguments import INTEGERS
from minigrad.nn.module import Module
from minigrad.nn.parameter import Parameter
from minigrad.tensor import Tensor, creation


class _AffineNorm(Module):
    """A normalization with an optional weight, initially 1, and an optional bias, initially 0."""

    # Either may be None; declared as in torch, so that `init.zeros_(layer.bias)` has its type.
    weight: Parameter
    bias: Parameter

    def _register_affine(
        self, shape: Shape, weight: bool, bias: bool | None, dtype: DTypeLike
    ) -> None:
        """Register the parameters, None for False; with bias=None there is no attribute bias."""

        def vector(exists: bool) -> Parameter | None:
            return Parameter(creation.empty(shape, dtype=dtype)) if exists else None

        self.register_parameter("weight", vector(weight))
        if bias is not None:
            self.register_parameter("bias", vector(bias))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set weight to 1 and bias to 0."""
        for name, parameter in self._parameters.items():
            if parameter is not None:
                (init.ones_ if name == "weight" else init.zeros_)(parameter)


def _shape_of(normalized_shape: int | Sequence[int]) -> tuple[int, ...]:
    if isinstance(normalized_shape, INTEGERS):
        return (int(normalized_shape),)
    return tuple(normalized_shape)


class LayerNorm(_AffineNorm):
    """(input - mean) / sqrt(var + eps) * weight + bias over the last dimensions, normalized_shape.

    weight and bias have that shape.  Ba et al. 2016, arXiv:1607.06450.

    >>> import minigrad as mg
    >>> round(mg.nn.LayerNorm(4)(mg.arange(8.0).reshape(2, 4)).std(correction=0).item(), 4)
    1.0
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        device: DeviceLike = None,
        dtype: DTypeLike = None,
    ) -> None:
        require_cpu(device)
        super().__init__()
        self.normalized_shape = _shape_of(normalized_shape)
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        self._register_affine(
            self.normalized_shape, elementwise_affine, elementwise_affine and bias, dtype
        )

    def forward(self, input: Tensor) -> Tensor:
        return F.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.normalized_shape}, eps={self.eps}, "
            f"elementwise_affine={self.elementwise_affine}, bias={self.bias is not None}"
        )


class RMSNorm(_AffineNorm):
    """input / sqrt(mean(input^2) + eps) * weight over the last dimensions, normalized_shape.

    Zhang & Sennrich 2019, arXiv:1910.07467.
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float | None = None,
        elementwise_affine: bool = True,
        device: DeviceLike = None,
        dtype: DTypeLike = None,
    ) -> None:
        require_cpu(device)
        super().__init__()
        self.normalized_shape = _shape_of(normalized_shape)
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        self._register_affine(self.normalized_shape, elementwise_affine, None, dtype)

    def forward(self, input: Tensor) -> Tensor:
        return F.rms_norm(input, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"
        )


class GroupNorm(_AffineNorm):
    """(input - mean) / sqrt(var + eps) * weight + bias per group of channels: (N, C, ...).

    The channels are divided into num_groups groups; weight and bias are (C,).  Wu & He 2018,
    arXiv:1803.08494.  Raises ValueError if num_groups does not divide num_channels.
    """

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        device: DeviceLike = None,
        dtype: DTypeLike = None,
        *,
        bias: bool = True,
    ) -> None:
        require_cpu(device)
        if num_channels % num_groups:
            raise ValueError(
                f"num_channels ({num_channels}) must be divisible by num_groups ({num_groups})"
            )
        super().__init__()
        self.num_groups = num_groups
        self.num_channels = num_channels
        self.eps = eps
        self.affine = affine
        self._register_affine((num_channels,), affine, affine and bias, dtype)

    def forward(self, input: Tensor) -> Tensor:
        return F.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}, "
            f"bias={self.bias is not None}"
        )


class LocalResponseNorm(Module):
    """input / (k + alpha * mean of its squares over `size` neighboring channels)^beta."""

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> None:
        super().__init__()
        self.size = size
        self.alpha = alpha
        self.beta = beta
        self.k = k

    def forward(self, input: Tensor) -> Tensor:
        return F.local_response_norm(input, self.size, self.alpha, self.beta, self.k)

    def extra_repr(self) -> str:
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"
