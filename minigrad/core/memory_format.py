"""Memory layouts under torch's names, here always strided, and orders of dimensions in memory."""

from typing import Any

import numpy as np

from minigrad.core import unsupported
from minigrad.core.types import Array


class _Named:
    """A constant that is written as `minigrad.<name>`."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"minigrad.{self.name}"

    def __reduce__(self) -> str:
        return self.name


class layout(_Named):  # noqa: N801  torch's name
    """How a tensor holds its elements: `strided`.  The others can be named, and are refused."""

    __slots__ = ()


class memory_format(_Named):  # noqa: N801  torch's name
    """The order in memory that a copy is to have; `order` of dimensions, slowest first, or None."""

    __slots__ = ("order",)

    def __init__(self, name: str, order: tuple[int, ...] | None = None) -> None:
        super().__init__(name)
        self.order = order


strided = layout("strided")
sparse_coo, sparse_csr, sparse_csc = (
    layout("sparse_coo"),
    layout("sparse_csr"),
    layout("sparse_csc"),
)
sparse_bsr, sparse_bsc = layout("sparse_bsr"), layout("sparse_bsc")
jagged = layout("jagged")

contiguous_format = legacy_contiguous_format = memory_format("contiguous_format")
preserve_format = memory_format("preserve_format")
channels_last = memory_format("channels_last", (0, 2, 3, 1))
channels_last_3d = memory_format("channels_last_3d", (0, 2, 3, 4, 1))


def require_format(given: Any) -> None:
    """Raise TypeError for what is no memory format."""
    if not isinstance(given, memory_format):
        raise TypeError(f"memory_format must be a minigrad.memory_format, got {given!r}")


def ordered(array: Array, given: memory_format) -> Array:
    """The array with its dimensions in the order that a format with an order has in memory.

    Raises RuntimeError if the format is for another number of dimensions.
    """
    order = given.order or range(array.ndim)
    if array.ndim != len(order):
        raise RuntimeError(
            f"required rank {len(order)} tensor to use {given.name} format, got shape "
            f"{list(array.shape)}"
        )
    return array.transpose(order)


def laid_out(array: Array, given: memory_format) -> Array:
    """A new array in the order in memory that a format asks for; the array itself if it asks none.

    Raises RuntimeError if the format is for another number of dimensions.
    """
    if given.order is None:
        return array
    moved: Array = np.empty(ordered(array, given).shape, array.dtype)
    out: Array = moved.transpose(np.argsort(given.order))
    out[...] = array
    return out


def require_strided(given: Any) -> None:
    """Raise for a layout that new tensors cannot have."""
    unsupported.refuse_unsupported(given)
    if isinstance(given, layout) and given is not strided:
        reason = unsupported.NESTED if given is jagged else unsupported.SPARSE
        unsupported.refuse(repr(given), reason)
    if given is not strided and given is not None:
        raise TypeError(f"layout must be minigrad.strided, got {given!r}")
