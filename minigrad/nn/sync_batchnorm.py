"""Batch normalization whose statistics are those of all processes, of which there is one."""

from typing import Any

from minigrad.core.types import DeviceLike, DTypeLike
from minigrad.nn.batchnorm import _BatchNorm
from minigrad.nn.module import Module
from minigrad.tensor import Tensor


class SyncBatchNorm(_BatchNorm):
    """(input - mean) / sqrt(var + eps) * weight + bias per channel: (N, C, ...), as BatchNorm.

    minigrad computes in one process, so the batch's statistics are those of all processes, and
    `process_group` is kept for programs that read it.  Raises ValueError below two dimensions.

    PyTorch differs: the layer trains on the CPU.
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
