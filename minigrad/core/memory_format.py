"""Memory layouts under torch's names: here always strided."""

from typing import Any

from minigrad.core.unsupported import refuse_unsupported


class _Named:
    """A constant that is written as `minigrad.<name>`."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"minigrad.{self.name}"


class layout(_Named):  # noqa: N801  torch's name
    """True: there is no other layout."""

    __slots__ = ()


class memory_format(_Named):  # noqa: N801  torch's name
    """The order in memory that a copy is to have."""

    __slots__ = ()


strided = layout("strided")
contiguous_format = memory_format("contiguous_format")
preserve_format = memory_format("preserve_format")


def require_format(given: Any) -> None:
    """Raise TypeError or RuntimeError for a memory format that tensors cannot have."""
    if not isinstance(given, memory_format):
        raise TypeError(f"memory_format must be a minigrad.memory_format, got {given!r}")


def require_dense(layout: Any, memory_format: Any) -> None:
    """Raise for a layout or a memory format that new tensors cannot have."""
    for given in (layout, memory_format):
        refuse_unsupported(given)
    if layout is not strided and layout is not None:
        raise TypeError(f"layout must be minigrad.strided, got {layout!r}")
    require_format(memory_format)
