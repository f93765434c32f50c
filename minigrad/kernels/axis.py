"""How a convolution walks along one axis of an image, and how a length is cut into parts."""

import math
from typing import NamedTuple


class Axis(NamedTuple):
    """How outputs along one axis meet the source: output i reads source[origin + i * step + tap].

    It is stored at `first + i * spacing`.  Where `spread` is not 1, the source's pixels lie so far
    apart and zeros between them; then `step` is 1.
    """

    length: int
    step: int
    origin: int
    taps: tuple[int, ...]
    first: int = 0
    spacing: int = 1
    spread: int = 1

    @property
    def reach(self) -> int:
        return max(self.taps) + 1

    def has_three_even_taps(self) -> bool:
        """Whether there are three taps, evenly apart by some number of steps, in either order."""
        if len(self.taps) != 3:
            return False
        first, middle, last = self.taps
        return first + last == 2 * middle and first != last and (middle - first) % self.step == 0

    def interleaved(self) -> "tuple[Axis, ...]":
        """An axis of even taps as axes whose outputs lie as far apart as the taps do."""
        apart = abs(self.taps[1] - self.taps[0]) // self.step
        return tuple(
            Axis(
                -(-(self.length - i) // apart),
                self.step * apart,
                self.origin + i * self.step,
                self.taps,
                self.first + i * self.spacing,
                self.spacing * apart,
            )
            for i in range(min(apart, self.length))
        )


def readable(shape: tuple[int, ...], contiguous: bool) -> int:
    """How many elements there are to read, used or not, from an array's first on.

    Where they do not lie in order that is none, wherever one begins: strides may be negative.
    """
    return math.prod(shape) if contiguous else -(2**62)


def parts(size: int, most: int) -> tuple[int, int]:
    """How many nearly equal parts of at most `most` there are in `size`, and their length."""
    length = -(-size // -(-size // most))
    return -(-size // length), length
