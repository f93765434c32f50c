"""Layers of instance normalization (Ulyanov et al. 2016, arXiv:1607.08022)."""

from minigrad.core.types import DeviceLike, DTypeLike
from minigrad.nn import functional as F
from minigrad.nn.batchnorm import RunningNorm
from minigrad.tensor import Tensor


class _InstanceNorm(RunningNorm):
    batched: int  # number of dimensions of an input with a batch
    momentum: float

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        device: DeviceLike = None,
        dtype: DTypeLike = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(
            num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias
        )

    def forward(self, input: Tensor) -> Tensor:
        if input.ndim not in (self.batched - 1, self.batched):
            raise ValueError(
                f"expected {self.batched - 1}D or {self.batched}D input (got {input.ndim}D input)"
            )
        single = input.ndim < self.batched
        out = F.instance_norm(
            input.unsqueeze(0) if single else input, self.running_mean, self.running_var,
            self.weight, self.bias, self.training or not self.track_running_stats,
            self.momentum, self.eps,
        )  # fmt: skip
        return out.squeeze(0) if single else out


class InstanceNorm1d(_InstanceNorm):
    """(input - mean) / sqrt(var + eps) per sample and channel: (N, C, L) or (C, L).

    Raises ValueError for other numbers of dimensions.
    """

    batched = 3


class InstanceNorm2d(_InstanceNorm):
    """(input - mean) / sqrt(var + eps) per image and channel: (N, C, H, W) or (C, H, W).

    Raises ValueError for other numbers of dimensions.
    """

    batched = 4


class InstanceNorm3d(_InstanceNorm):
    """(input - mean) / sqrt(var + eps) per volume and channel: (N, C, D, H, W) or (C, D, H, W).

    Raises ValueError for other numbers of dimensions.
    """

    batched = 5
