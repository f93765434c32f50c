"""What weighted sums along an axis read: each output a few inputs, at any positions."""

from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray[Any, Any]


class Reads(NamedTuple):
    """Output i is the sum of weights[t] * x[positions[t]] for t in starts[i] ... starts[i + 1] - 1.

    `size` is the number of inputs along the axis.
    """

    starts: Array
    positions: Array
    weights: Array
    size: int

    @property
    def outputs(self) -> int:
        """The number of outputs along the axis."""
        return len(self.starts) - 1

    def transposed(self) -> "Reads":
        """The reads of the adjoint: what each input has been read by, in the order of outputs."""
        readers = np.repeat(np.arange(self.outputs), np.diff(self.starts))
        order = np.argsort(self.positions, kind="stable")
        counts = np.bincount(self.positions, minlength=self.size)
        starts = np.concatenate([[0], np.cumsum(counts)])
        return Reads(starts, readers[order], self.weights[order], self.outputs)


def dense_reads(positions: Array, weights: Array, size: int) -> Reads:
    """The reads whose positions and weights are (taps, outputs)."""
    taps, outputs = positions.shape
    starts = np.arange(0, taps * outputs + 1, taps)
    flat = np.ascontiguousarray(positions.T, np.int64).ravel()
    return Reads(starts, flat, np.ascontiguousarray(weights.T, np.float64).ravel(), size)
