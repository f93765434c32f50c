"""Options of `linear_cross_entropy`: how many rows are computed at a time."""

import dataclasses
from typing import Literal

from minigrad.core.dtypes import dtype as DType
from minigrad.core.dtypes import float16, float32, float64

__all__ = ["LinearCrossEntropyOptions"]

# A chunk of fewer rows costs more by its additions to the gradient of the weight than it saves.
LEAST_ROWS = 64


@dataclasses.dataclass(slots=True, frozen=True)
class LinearCrossEntropyOptions:
    """How `linear_cross_entropy` divides the rows of its input into chunks.

    batch_chunk_size: the rows of a chunk; all of them by default.
    chunking_method: "aspect_ratio" takes so many rows that their scores need about as much memory
    as the input, "aspect_ratio:N" an N-th of them; None is for a batch_chunk_size alone.  "auto"
    takes the batch_chunk_size, or as many rows as there are features, so that their scores need the
    memory of the weight: fewer save little more and are slower.
    Sums are exact to rounding in the dtype of the input, in float32 for float16: this is what
    torch calls acc_policy="accurate", and others give the same here.  allow_retain_graph=False
    does not keep `backward` from running again, as nothing is consumed by it.

    Raises ValueError for a value that is not possible.
    """

    allow_retain_graph: bool = False
    batch_chunk_size: int | None = None
    chunking_method: str | None = "auto"
    acc_policy: Literal["accurate", "balanced", "compact", "auto"] = "auto"
    acc_dtype: DType | None = None

    def __post_init__(self) -> None:
        if self.acc_policy not in ("accurate", "balanced", "compact", "auto"):
            raise ValueError(f"invalid acc_policy: {self.acc_policy!r}")
        if self.chunking_method not in (None, "auto") and self._divisor() < 1:
            raise ValueError(f"invalid chunking_method: {self.chunking_method!r}")
        size = self.batch_chunk_size
        if size is not None and not (isinstance(size, int) and size > 0):
            raise ValueError(f"batch_chunk_size must be positive int or None, got {size!r}")
        if self.acc_dtype not in (None, float16, float32, float64):
            raise ValueError(
                f"acc_dtype must be one of {{None, float16, float32, float64}}, got "
                f"{self.acc_dtype!r}"
            )

    def _divisor(self) -> int:
        """N of "aspect_ratio:N"; 0 for what is no method."""
        name, colon, factor = (self.chunking_method or "").partition(":")
        if name != "aspect_ratio" or not (not colon or factor.isdigit()):
            return 0
        return int(factor) if colon else 1

    def rows_of_chunk(self, rows: int, in_features: int, num_classes: int) -> int:
        """The rows of a chunk, for an input of this shape and so many classes.

        Raises ValueError if the batch_chunk_size and the method say different things.
        """
        size, method = self.batch_chunk_size, self.chunking_method
        if method in (None, "auto"):
            automatic = max(LEAST_ROWS, in_features) if method else rows
            return max(1, min(size or automatic, rows))
        target = -(-rows // max(1, -(-num_classes // max(1, in_features))))
        power = 1 << (target - 1).bit_length()  # as torch, the next power of 2
        by_method = min(power // self._divisor(), rows)
        if size is not None and size != by_method:
            raise ValueError(
                f"batch_chunk_size (={size}) and chunking_method ('{method}') give different "
                f"chunk sizes ({size} vs {by_method}); pass only one."
            )
        return max(1, by_method)
