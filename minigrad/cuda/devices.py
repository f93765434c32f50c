"""Devices, streams and tensor types as scripts name them, where there is no device."""

from typing import Any, NoReturn

from minigrad.core.device import refuse_device
from minigrad.core.public_names import show_public_names
from minigrad.tensor.methods.type_names import NamedType, tensor_type

__all__ = [
    "BoolTensor", "ByteTensor", "CharTensor", "DoubleTensor", "Event", "FloatTensor", "HalfTensor",
    "IntTensor", "LongTensor", "ShortTensor", "Stream", "StreamContext", "device", "device_of",
    "stream",
]  # fmt: skip


class device:  # noqa: N801  torch's name
    """The block in which a device is current: nothing for none, a negative index or None.

    Entering it with the index of a device raises RuntimeError.
    """

    def __init__(self, device: Any) -> None:
        self.given = device

    def __enter__(self) -> None:
        if self.given is not None and not (isinstance(self.given, int) and self.given < 0):
            refuse_device(f"cuda:{self.given}" if isinstance(self.given, int) else self.given)

    def __exit__(self, *error: Any) -> None:
        """Nothing was changed."""


class device_of(device):  # noqa: N801  torch's name
    """The block in which a tensor's device is current: nothing, for all tensors are on the CPU."""

    def __init__(self, obj: Any) -> None:
        super().__init__(-1)


class StreamContext:
    """The block in which a stream is current: nothing, for the stream can only be None."""

    def __init__(self, stream: None) -> None:
        if stream is not None:
            refuse_device("cuda")

    def __enter__(self) -> None:
        """Nothing changes."""

    def __exit__(self, *error: Any) -> None:
        """Nothing was changed."""


def stream(stream: None) -> StreamContext:
    """A block with a stream; there are none, so only None is taken."""
    return StreamContext(stream)


class Stream:
    """A queue of work on a device.  Making one raises RuntimeError, for there is no device."""

    def __init__(self, *args: Any, **options: Any) -> None:
        refuse_device("cuda")


class Event:
    """A point in a stream.  Making one raises RuntimeError, for there is no device."""

    def __init__(self, *args: Any, **options: Any) -> None:
        refuse_device("cuda")


class _TensorType(NamedType):
    """The type of `cuda.FloatTensor` and its like, of which no tensor is an instance."""

    def __call__(self, *data: Any, **options: Any) -> NoReturn:
        raise TypeError(
            f"type minigrad.cuda.{self.__name__} not available: minigrad computes on the CPU only, "
            f"it is not compiled with CUDA enabled; use minigrad.{self.__name__}"
        )

    def __instancecheck__(self, instance: object) -> bool:
        return False


def _tensor_type(name: str) -> Any:
    words = " on a device, of which there are none."
    return tensor_type(_TensorType, "minigrad.cuda", name, words)


HalfTensor = _tensor_type("HalfTensor")
FloatTensor = _tensor_type("FloatTensor")
DoubleTensor = _tensor_type("DoubleTensor")
CharTensor = _tensor_type("CharTensor")
ShortTensor = _tensor_type("ShortTensor")
IntTensor = _tensor_type("IntTensor")
LongTensor = _tensor_type("LongTensor")
ByteTensor = _tensor_type("ByteTensor")
BoolTensor = _tensor_type("BoolTensor")

show_public_names(__name__)
