"""torch.cpu: the device that is there, asked as others are."""

import contextlib
from typing import Any

from minigrad.core.public_names import show_public_names
from minigrad.core.streams import Event, Stream

__all__ = [
    "Event", "Stream", "StreamContext", "current_device", "current_stream", "device_count",
    "is_available", "is_initialized", "set_device", "stream", "synchronize",
]  # fmt: skip


def is_available() -> bool:
    """True."""
    return True


def is_initialized() -> bool:
    """True."""
    return True


def device_count() -> int:
    """1."""
    return 1


def current_device() -> str:
    """ "cpu"."""
    return "cpu"


def set_device(device: Any) -> None:
    """Nothing: there is one."""


def synchronize(device: Any = None) -> None:
    """Nothing: an operation that has returned is done."""


def current_stream(device: Any = None) -> Stream:
    """The CPU's stream."""
    return Stream()


class StreamContext(contextlib.nullcontext[Any]):
    """A block whose work goes to a stream; there is one."""

    def __init__(self, stream: Stream | None) -> None:
        super().__init__(stream)


def stream(stream: Stream) -> StreamContext:
    """A block whose work goes to a stream; there is one."""
    return StreamContext(stream)


show_public_names(__name__)
