"""Layers of padding: constant, zero, reflection, replication and circular."""

from collections.abc import Sequence
from typing import ClassVar

from minigrad.nn import functional as F
from minigrad.nn.module import Module
from minigrad.tensor import Tensor


class _Pad(Module):
    """A layer of padding: an int for all sides, or (before, after) of the last dimension first.

    Raises ValueError for another number of ints.
    """

    dimensions: ClassVar[int]
    mode: ClassVar[str]

    def __init__(self, padding: int | Sequence[int]) -> None:
        super().__init__()
        sides = 2 * self.dimensions
        given = (padding,) * sides if isinstance(padding, int) else tuple(padding)
        if len(given) != sides:
            raise ValueError(
                f"{type(self).__name__} expects padding to be an int or {sides} ints, got {given}"
            )
        self.padding = given

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(self._checked(input), self.padding, self.mode)

    def _checked(self, input: Tensor) -> Tensor:
        """The input.  Raises ValueError for another number of dimensions."""
        if input.ndim not in (self.dimensions + 1, self.dimensions + 2):
            raise ValueError(
                f"{type(self).__name__} expects an input of {self.dimensions + 1} or "
                f"{self.dimensions + 2} dimensions, got shape {list(input.shape)}"
            )
        return input

    def extra_repr(self) -> str:
        return str(self.padding)


class _ConstantPad(_Pad):
    def __init__(self, padding: int | Sequence[int], value: float) -> None:
        super().__init__(padding)
        self.value = value

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, "constant", self.value)

    def extra_repr(self) -> str:
        return f"padding={self.padding}, value={self.value}"


class ConstantPad1d(_ConstantPad):
    """Add `value` before and after the last dimension: (..., L)."""

    dimensions = 1


class ConstantPad2d(_ConstantPad):
    """Add `value` around the last two dimensions: (..., H, W)."""

    dimensions = 2


class ConstantPad3d(_ConstantPad):
    """Add `value` around the last three dimensions: (..., D, H, W)."""

    dimensions = 3


class _ZeroPad(_ConstantPad):
    def __init__(self, padding: int | Sequence[int]) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        return str(self.padding)


class ZeroPad1d(_ZeroPad):
    """Add zeros before and after the last dimension: (..., L)."""

    dimensions = 1


class ZeroPad2d(_ZeroPad):
    """Add zeros around the last two dimensions: (..., H, W)."""

    dimensions = 2


class ZeroPad3d(_ZeroPad):
    """Add zeros around the last three dimensions: (..., D, H, W)."""

    dimensions = 3


class ReflectionPad1d(_Pad):
    """Reflect (N, C, L) or (C, L) at its ends."""

    dimensions, mode = 1, "reflect"


class ReflectionPad2d(_Pad):
    """Reflect (N, C, H, W) or (C, H, W) at its edges."""

    dimensions, mode = 2, "reflect"


class ReflectionPad3d(_Pad):
    """Reflect (N, C, D, H, W) or (C, D, H, W) at its faces."""

    dimensions, mode = 3, "reflect"


class ReplicationPad1d(_Pad):
    """Repeat the ends of (N, C, L) or (C, L)."""

    dimensions, mode = 1, "replicate"


class ReplicationPad2d(_Pad):
    """Repeat the edges of (N, C, H, W) or (C, H, W)."""

    dimensions, mode = 2, "replicate"


class ReplicationPad3d(_Pad):
    """Repeat the faces of (N, C, D, H, W) or (C, D, H, W)."""

    dimensions, mode = 3, "replicate"


class CircularPad1d(_Pad):
    """Extend (N, C, L) or (C, L) periodically."""

    dimensions, mode = 1, "circular"


class CircularPad2d(_Pad):
    """Extend (N, C, H, W) or (C, H, W) periodically."""

    dimensions, mode = 2, "circular"


class CircularPad3d(_Pad):
    """Extend (N, C, D, H, W) or (C, D, H, W) periodically."""

    dimensions, mode = 3, "circular"
