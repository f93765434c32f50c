"""Layers of batch normalization (Ioffe & Szegedy 2015, arXiv:1502.03167)."""

from typing import ClassVar

import numpy as np

from minigrad.core import dtypes
from minigrad.core.device import require_cpu
from minigrad.core.types import DeviceLike, DTypeLike
from minigrad.engine.grad_mode import ignore_fp_errors
from minigrad.nn import functional as F
from minigrad.nn import init
from minigrad.nn.functional.arguments import require_tensor
from minigrad.nn.module import Module
from minigrad.nn.parameter import Parameter
from minigrad.nn.state_dict import StateDict
from minigrad.tensor import Tensor, creation


class RunningNorm(Module):
    """A normalization with a weight and a bias per channel, and optional running statistics."""

    # Either may be None; declared as in torch, so that `init.zeros_(layer.bias)` has its type.
    weight: Parameter
    bias: Parameter
    running_mean: Tensor | None
    running_var: Tensor | None
    num_batches_tracked: Tensor | None

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: DeviceLike = None,
        dtype: DTypeLike = None,
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

        def vector() -> Tensor:
            return creation.empty(num_features, dtype=dtype)

        self.register_parameter("weight", Parameter(vector()) if affine else None)
        self.register_parameter("bias", Parameter(vector()) if affine and bias else None)
        for name in ("running_mean", "running_var"):
            self.register_buffer(name, vector() if track_running_stats else None)
        count = creation.zeros((), dtype=dtypes.int64) if track_running_stats else None
        self.register_buffer("num_batches_tracked", count)
        self.reset_parameters()

    _version = 2
    """Version 1, of PyTorch before 0.4.1, had no num_batches_tracked."""

    def _upgrade_state(self, state_dict: StateDict, prefix: str, version: int | None) -> None:
        key = prefix + "num_batches_tracked"
        if self.num_batches_tracked is not None and (version is None or version < 2):
            state_dict.setdefault(key, self.num_batches_tracked)

    def reset_running_stats(self) -> None:
        """Set the running mean to 0, the running variance to 1 and the number of batches to 0."""
        for name, value in (("running_mean", 0), ("running_var", 1), ("num_batches_tracked", 0)):
            if self.track_running_stats:
                getattr(self, name).fill_(value)

    def reset_parameters(self) -> None:
        """Reset the running statistics; set weight to 1 and bias to 0."""
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

    def forward(self, input: Tensor) -> Tensor:
        self._check_input_dim(input)
        # `track_running_stats` may have been set since: the statistics then stay as they are.
        use_running = self.track_running_stats or not self.training
        batches = self.num_batches_tracked if self.training and use_running else None
        # Without running statistics those of the batch are used in evaluation mode too.
        use_batch = self.training or (self.running_mean is None and self.running_var is None)
        out = F.batch_norm(
            input,
            self.running_mean if use_running else None,
            self.running_var if use_running else None,
            self.weight,
            self.bias,
            use_batch,
            self._momentum(batches),
            self.eps,
        )
        if batches is not None:
            ignore_fp_errors(np.add, batches.array, 1, batches.array)
            batches.bump_version()
        return out

    def _check_input_dim(self, input: Tensor) -> None:
        """Raise ValueError for another number of dimensions; subclasses override it."""
        if getattr(input, "ndim", None) not in self.dimensions:
            require_tensor("batch_norm", input=input)
            expected = " or ".join(f"{d}D" for d in self.dimensions)
            raise ValueError(f"expected {expected} input (got {input.ndim}D input)")

    def _momentum(self, batches: Tensor | None) -> float:
        """The weight of the next batch; without momentum all batches have the same weight."""
        if self.momentum is not None:
            return self.momentum
        return 0.0 if batches is None else 1.0 / (1 + int(batches))


class BatchNorm1d(_BatchNorm):
    """(input - mean) / sqrt(var + eps) * weight + bias per channel: (N, C) or (N, C, L).

    In training mode, mean and variance are those of the batch, and running_mean and running_var
    become (1 - momentum) * running + momentum * batch; momentum=None takes the average over all
    batches.  In evaluation mode the running ones are used.  weight and bias are (C,).
    Raises ValueError for other numbers of dimensions, and in training mode for one element per
    channel.
    """

    dimensions = (2, 3)


class BatchNorm2d(_BatchNorm):
    """(input - mean) / sqrt(var + eps) * weight + bias per channel: (N, C, H, W).

    In training mode, mean and variance are those of the batch, and running_mean and running_var
    become (1 - momentum) * running + momentum * batch; momentum=None takes the average over all
    batches.  In evaluation mode the running ones are used.  weight and bias are (C,).
    Raises ValueError for other numbers of dimensions, and in training mode for one element per
    channel.
    """

    dimensions = (4,)


class BatchNorm3d(_BatchNorm):
    """(input - mean) / sqrt(var + eps) * weight + bias per channel: (N, C, D, H, W).

    Statistics, arguments and errors are those of BatchNorm2d.
    """

    dimensions = (5,)
