"""Layers that add elements round signals, images and volumes."""

from collections.abc import Sequence
from typing import Any, ClassVar

from minigrad.nn import functional as F
from minigrad.nn.module import Module


class _Pad(Module):
    """padding is one int for all sides, or (before, after) of the last dimension, then of the one
    before it, and so on."""

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

    def forward(self, input: Any) -> Any:
        return F.pad(self._checked(input), self.padding, self.mode)

    def _checked(self, input: Any) -> Any:
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

    def forward(self, input: Any) -> Any:
        return F.pad(input, self.padding, "constant", self.value)

    def extra_repr(self) -> str:
        return f"padding={self.padding}, value={self.value}"


class ConstantPad1d(_ConstantPad):
    """Adds `value` before and after the last dimension."""

    dimensions = 1


class ConstantPad2d(_ConstantPad):
    """Adds `value` round the last two dimensions."""

    dimensions = 2


class ConstantPad3d(_ConstantPad):
    """Adds `value` round the last three dimensions."""

    dimensions = 3


class _ZeroPad(_ConstantPad):
    def __init__(self, padding: int | Sequence[int]) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        return str(self.padding)


class ZeroPad1d(_ZeroPad):
    """Adds zeros before and after the last dimension."""

    dimensions = 1


class ZeroPad2d(_ZeroPad):
    """Adds zeros round the last two dimensions."""

    dimensions = 2


class ZeroPad3d(_ZeroPad):
    """Adds zeros round the last three dimensions."""

    dimensions = 3


class ReflectionPad1d(_Pad):
    """Mirrors (N, C, L) or (C, L) at its ends."""

    dimensions, mode = 1, "reflect"


class ReflectionPad2d(_Pad):
    """Mirrors (N, C, H, W) or (C, H, W) at its edges."""

    dimensions, mode = 2, "reflect"


class ReflectionPad3d(_Pad):
    """Mirrors (N, C, D, H, W) or (C, D, H, W) at its faces."""

    dimensions, mode = 3, "reflect"


class ReplicationPad1d(_Pad):
    """Repeats the ends of (N, C, L) or (C, L)."""

    dimensions, mode = 1, "replicate"


class ReplicationPad2d(_Pad):
    """Repeats the edges of (N, C, H, W) or (C, H, W)."""

    dimensions, mode = 2, "replicate"


class ReplicationPad3d(_Pad):
    """Repeats the faces of (N, C, D, H, W) or (C, D, H, W)."""

    dimensions, mode = 3, "replicate"


class CircularPad1d(_Pad):
    """Continues (N, C, L) or (C, L) at each end with its other end."""

    dimensions, mode = 1, "circular"


class CircularPad2d(_Pad):
    """Continues (N, C, H, W) or (C, H, W) at each edge with its other edge."""

    dimensions, mode = 2, "circular"


class CircularPad3d(_Pad):
    """Continues (N, C, D, H, W) or (C, D, H, W) at each face with its other face."""

    dimensions, mode = 3, "circular"
