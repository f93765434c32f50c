"""How a convolution walks along one axis of an image, and how a length is cut into parts."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Axis:
    """How outputs along one axis meet the source: output i reads source[origin + i * step + tap].

    It is stored at `first + i * spacing`.
    """

    count: int
    step: int
    origin: int
    taps: tuple[int, ...]
    first: int = 0
    spacing: int = 1

    @property
    def reach(self) -> int:
        return max(self.taps) + 1


def parts(size: int, most: int) -> tuple[int, int]:
    """How many nearly equal parts of at most `most` there are in `size`, and their length."""
    length = -(-size // -(-size // most))
    return -(-size // length), length
