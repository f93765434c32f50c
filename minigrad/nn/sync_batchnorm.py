"""Batch normalization whose statistics are those of the samples of all processes."""

from typing import Any

from minigrad.core.types import DeviceLike, DTypeLike
from minigrad.distributed import ProcessGroup, is_initialized
from minigrad.distributed.group import member_of
from minigrad.distributed.nn.functional import all_reduce
from minigrad.engine.grad_mode import no_grad
from minigrad.nn.batchnorm import _BatchNorm
from minigrad.nn.module import Module
from minigrad.ops import cat
from minigrad.tensor import Tensor


class SyncBatchNorm(_BatchNorm):
    """(input - mean) / sqrt(var + eps) * weight + bias per channel: (N, C, ...), as BatchNorm.

    In training mode mean and variance are those of the samples of all processes of the group, which
    may have different numbers of them; without a group those of this process.  Raises ValueError
    below two dimensions, and for one element per channel.

    PyTorch differs: the layer trains on the CPU, and has second derivatives.
    """

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        process_group: Any = None,
        device: DeviceLike = None,
        dtype: DTypeLike = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(
            num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias
        )
        self.process_group = process_group

    def _check_input_dim(self, input: Tensor) -> None:
        if input.ndim < 2:
            raise ValueError(f"expected at least 2D input (got {input.ndim}D input)")

    def forward(self, input: Tensor) -> Tensor:
        group = self._several()
        if group is None or not (self.training or self.running_mean is None):
            return super().forward(input)
        self._check_input_dim(input)
        channels = (1, -1) + (1,) * (input.ndim - 2)
        axes = [i for i in range(input.ndim) if i != 1]
        sums = input.sum(axes)
        count = input.numel() // max(self.num_features, 1)
        totals = all_reduce(cat([sums, sums.new_full((1,), count)]), group=group)
        samples = totals[-1].detach()
        if float(samples) <= 1:
            raise ValueError(
                f"Expected more than 1 value per channel when training, got input size "
                f"{list(input.shape)} on all {group.size()} processes together"
            )
        mean = totals[:-1] / samples
        centred = input - mean.reshape(channels)
        var = all_reduce(centred.square().sum(axes), group=group) / samples
        if self.training and self.track_running_stats:
            self._update_statistics(mean.detach(), var.detach(), float(samples))
        out = centred * (var + self.eps).rsqrt().reshape(channels)
        if self.weight is not None:
            out = out * self.weight.reshape(channels)
        return out if self.bias is None else out + self.bias.reshape(channels)

    def _several(self) -> ProcessGroup | None:
        """The group, if it has several processes."""
        if self.process_group is None and not is_initialized():
            return None
        group = member_of(self.process_group)
        return group if group.size() > 1 else None

    def _update_statistics(self, mean: Tensor, var: Tensor, samples: float) -> None:
        batches = self.num_batches_tracked
        momentum = self._momentum(batches)
        with no_grad():
            if self.running_mean is not None and self.running_var is not None:
                self.running_mean.lerp_(mean, momentum)
                self.running_var.lerp_(var * (samples / (samples - 1)), momentum)
            if batches is not None:
                batches += 1

    @classmethod
    def convert_sync_batchnorm(cls, module: Module, process_group: Any = None) -> Module:
        """The module with a SyncBatchNorm of the same state for each BatchNorm in it.

        The module is changed in place; one that is a BatchNorm itself is replaced.
        """
        converted = module
        if isinstance(module, _BatchNorm):
            layer = cls(
                module.num_features, module.eps, module.momentum, module.affine,
                module.track_running_stats, process_group, bias=module.bias is not None,
            )  # fmt: skip
            if module.affine:
                layer.weight, layer.bias = module.weight, module.bias
            for name in ("running_mean", "running_var", "num_batches_tracked"):
                setattr(layer, name, getattr(module, name))
            layer.training = module.training
            converted = layer
        for name, child in module.named_children():
            converted.add_module(name, cls.convert_sync_batchnorm(child, process_group))
        return converted
