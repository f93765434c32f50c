"""Methods that would move a tensor to a device, and memory with strides of the caller's."""

from collections.abc import Sequence
from typing import Any, Self

from minigrad.core.device import refuse_device
from minigrad.core.types import DeviceLike, DTypeLike
from minigrad.engine.graph import Value
from minigrad.tensor.methods.array import strided_memory
from minigrad.tensor.methods.casts import CastMethods
from minigrad.tensor.methods.signatures import method


class DeviceMethods(CastMethods):
    """Moves to devices, which are refused: there is the CPU alone."""

    @method
    def cpu(self) -> Value:
        """This tensor: it is on the CPU."""
        return self

    def cuda(self, *_: Any) -> Self:
        """Raise RuntimeError: there is no such device."""
        refuse_device("cuda")

    def xpu(self, *_: Any) -> Self:
        """Raise RuntimeError: there is no such device."""
        refuse_device("xpu")

    def mtia(self, *_: Any) -> Self:
        """Raise RuntimeError: there is no such device."""
        refuse_device("mtia")

    def ipu(self, *_: Any) -> Self:
        """Raise RuntimeError: there is no such device."""
        refuse_device("ipu")

    def pin_memory(self, device: DeviceLike = None) -> Self:
        """Raise RuntimeError: memory is pinned for copies to a device, and there is none."""
        raise RuntimeError("Cannot access accelerator device when none is available.")

    @method
    def new_empty_strided(
        self, size: Sequence[int], stride: Sequence[int], dtype: DTypeLike = None,
        device: DeviceLike = None, requires_grad: bool = False,
    ) -> Value:  # fmt: skip
        """A tensor of uninitialised memory with these strides, by default of this one's dtype."""
        array = strided_memory(size, stride, self._dtype_for_new(dtype))
        return self._new(array, device, requires_grad)
