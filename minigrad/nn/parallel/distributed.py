"""DistributedDataParallel in a group of one process: the module itself."""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any, Generic, TypeVar

from minigrad.core.types import DeviceLike
from minigrad.distributed import ProcessGroup
from minigrad.distributed.group import member_of
from minigrad.nn.module import Module

M = TypeVar("M", bound=Module)


class DistributedDataParallel(Module, Generic[M]):
    """`module(*inputs, **kwargs)`; the module is `.module`, so keys of the state begin with it.

    With one process there are no gradients to average, so what says how they are gathered
    (`bucket_cap_mb`, `find_unused_parameters`, ...) changes nothing.  Raises ValueError without a
    process group and for device ids, RuntimeError if no parameter requires a gradient.
    """

    module: M

    def __init__(
        self,
        module: M,
        device_ids: Sequence[int | DeviceLike] | None = None,
        output_device: int | DeviceLike = None,
        dim: int = 0,
        broadcast_buffers: bool = True,
        init_sync: bool = True,
        process_group: ProcessGroup | None = None,
        bucket_cap_mb: float | None = None,
        find_unused_parameters: bool = False,
        check_reduction: bool = False,
        gradient_as_bucket_view: bool = False,
        static_graph: bool = False,
    ) -> None:
        super().__init__()
        self.process_group = member_of(process_group)
        if not any(p.requires_grad for p in module.parameters()):
            raise RuntimeError(
                "DistributedDataParallel is not needed when a module doesn't have any parameter "
                "that requires a gradient."
            )
        if device_ids or output_device is not None:
            raise ValueError(
                "DistributedDataParallel device_ids and output_device arguments only work with GPU "
                f"modules; got device_ids {device_ids}, output_device {output_device}, and "
                "parameters on the CPU"
            )
        self.module = module
        self.device_ids = None
        self.output_device = None
        self.dim = dim
        self.broadcast_buffers = broadcast_buffers
        self.find_unused_parameters = find_unused_parameters
        self.gradient_as_bucket_view = gradient_as_bucket_view
        self.static_graph = static_graph
        self.require_backward_grad_sync = True

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        return self.module(*inputs, **kwargs)

    @contextlib.contextmanager
    def no_sync(self) -> Iterator[None]:
        """A block whose gradients are not averaged over processes: with one they never are."""
        before, self.require_backward_grad_sync = self.require_backward_grad_sync, False
        try:
            yield
        finally:
            self.require_backward_grad_sync = before

    def join(
        self,
        divide_by_initial_world_size: bool = True,
        enable: bool = True,
        throw_on_early_termination: bool = False,
    ) -> contextlib.AbstractContextManager[None]:
        """A block in which processes may have different numbers of batches."""
        return contextlib.nullcontext()
