"""Layers of batch normalisation (Ioffe & Szegedy 2015, arXiv:1502.03167)."""

from typing import Any, ClassVar

from minigrad.core import dtypes
from minigrad.core.device import require_cpu
from minigrad.nn import functional as F
from minigrad.nn import init
from minigrad.nn.module import Module
from minigrad.nn.parameter import Parameter
from minigrad.tensor import creation


class RunningNorm(Module):
    """A layer with a weight and a bias by channel, that may keep running statistics."""

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        require_cpu(device)
        super().__init__()
        self.num_features = num_features
        self.eps = eps
        self.momentum = momentum
        self.affine = affine
        self.track_running_stats = track_running_stats

        def vector() -> Any:
            return creation.empty(num_features, dtype=dtype)

        self.register_parameter("weight", Parameter(vector()) if affine else None)
        self.register_parameter("bias", Parameter(vector()) if affine and bias else None)
        for name in ("running_mean", "running_var"):
            self.register_buffer(name, vector() if track_running_stats else None)
        seen = creation.zeros((), dtype=dtypes.int64) if track_running_stats else None
        self.register_buffer("num_batches_tracked", seen)
        self.reset_parameters()

    def reset_running_stats(self) -> None:
        """Forget the batches seen."""
        if self.track_running_stats:
            self.running_mean.zero_()
            self.running_var.fill_(1)
            self.num_batches_tracked.zero_()

    def reset_parameters(self) -> None:
        """Forget the batches seen; weight 1 and bias 0."""
        self.reset_running_stats()
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)

    def extra_repr(self) -> str:
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}"
        )


class _BatchNorm(RunningNorm):
    dimensions: ClassVar[tuple[int, ...]]

    def forward(self, input: Any) -> Any:
        if input.ndim not in self.dimensions:
            expected = " or ".join(f"{d}D" for d in self.dimensions)
            raise ValueError(f"expected {expected} input (got {input.ndim}D input)")
        tracked = self.training and self.num_batches_tracked is not None
        # Without running statistics the batch's own are used in evaluation mode too.
        own = self.training or (self.running_mean is None and self.running_var is None)
        moving = tracked or not self.training
        out = F.batch_norm(
            input,
            self.running_mean if moving else None,
            self.running_var if moving else None,
            self.weight,
            self.bias,
            own,
            self._share_of_batch() if tracked else 0.0,
            self.eps,
        )
        if tracked:
            self.num_batches_tracked.array += 1
            self.num_batches_tracked.bump_version()
        return out

    def _share_of_batch(self) -> float:
        """What the coming batch counts in the running statistics: without momentum, as any."""
        if self.momentum is None:
            return 1.0 / (1 + int(self.num_batches_tracked))
        return self.momentum


class BatchNorm1d(_BatchNorm):
    """Normalises each channel of (N, C) or (N, C, L) over the batch.

    In training mode with the batch's mean and variance, which running_mean and running_var follow
    by `momentum` (None: their average over all batches); in evaluation mode with the running ones.
    Raises ValueError for inputs of other dimensions or of one value per channel in training.
    """

    dimensions = (2, 3)


class BatchNorm2d(_BatchNorm):
    """Normalises each channel of (N, C, H, W) over the batch and the image.

    In training mode with the batch's mean and variance, which running_mean and running_var follow
    by `momentum` (None: their average over all batches); in evaluation mode with the running ones.
    Raises ValueError for inputs of other dimensions or of one value per channel in training.
    """

    dimensions = (4,)
