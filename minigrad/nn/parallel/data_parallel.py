"""DataParallel, as it is in torch where there is no GPU: the module itself."""

from collections.abc import Sequence
from typing import Any, Generic, TypeVar

from minigrad.core.types import DeviceLike
from minigrad.nn.module import Module

M = TypeVar("M", bound=Module)


class DataParallel(Module, Generic[M]):
    """`module(*inputs, **kwargs)`; the module is `.module`, so keys of the state begin with it.

    As in torch without a GPU, nothing is divided, whatever devices are given; kernels use all
    threads.
    """

    module: M

    def __init__(
        self,
        module: M,
        device_ids: Sequence[int | DeviceLike] | None = None,
        output_device: int | DeviceLike = None,
        dim: int = 0,
    ) -> None:
        super().__init__()
        self.module = module
        self.device_ids: list[int] = []
        self.dim = dim

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        return self.module(*inputs, **kwargs)


def data_parallel(
    module: Module,
    inputs: Any,
    device_ids: Sequence[int | DeviceLike] | None = None,
    output_device: int | DeviceLike = None,
    dim: int = 0,
    module_kwargs: dict[str, Any] | None = None,
) -> Any:
    """`module(*inputs, **module_kwargs)`, on the one device there is."""
    if not isinstance(inputs, tuple):
        inputs = (inputs,)
    return module(*inputs, **(module_kwargs or {}))
