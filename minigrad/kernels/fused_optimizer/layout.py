"""Which elements are the work of one task, and which parameters one pass after the other takes."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray[Any, Any]

# Elements of one task: a few pages of each array.
SPAN = 4096
# Passes over the elements of a parameter follow one another while they are in the last cache.  A
# constant: results must not depend on the machine.
WAVE_BYTES = 8 << 20


class Wave(NamedTuple):
    """Parameters that all passes are made over before the next ones: ranges of their numbers, of
    their spans' numbers, and the elements in them."""

    params: tuple[int, int]
    spans: tuple[int, int]
    elements: int


class Layout:
    """The spans of parameters of these sizes: each a part of one parameter.

    `spans` has a column for each: the parameter, the index of its first element, and how many there
    are.  `spans_of` has a column for each parameter: its first span, and the one after its last.
    """

    def __init__(self, sizes: Sequence[int]) -> None:
        # A parameter without elements has a span, too: numbers are kept for it.
        counts = [max(1, -(-size // SPAN)) for size in sizes]
        ends = np.cumsum(counts, dtype=np.int64)
        begins = ends - counts
        params = np.repeat(np.arange(len(sizes)), counts)
        self.sizes = np.array(sizes, np.int64)
        self.spans_of = np.stack([begins, ends])
        lows = (np.arange(len(params)) - begins[params]) * SPAN
        self.spans = np.stack([params, lows, np.minimum(SPAN, self.sizes[params] - lows)])
        self.all = self._wave(0, len(sizes))

    def _wave(self, first: int, last: int) -> Wave:
        spans = int(self.spans_of[0, first]), int(self.spans_of[1, last - 1])
        return Wave((first, last), spans, int(self.sizes[first:last].sum()))

    def waves(self, bytes_of_element: int) -> list[Wave]:
        """All parameters in waves of at most `WAVE_BYTES`; a larger parameter is a wave alone."""
        waves, first, held = [], 0, 0
        for k, size in enumerate(self.sizes.tolist()):
            needed = size * bytes_of_element
            if k > first and held + needed > WAVE_BYTES:
                waves.append(self._wave(first, k))
                first, held = k, 0
            held += needed
        return [*waves, self._wave(first, len(self.sizes))]
