"""Weighted sums along a dimension, of which interpolation to another size is made."""

from typing import Any

import numpy as np

from minigrad.core.types import Array
from minigrad.engine.grad_mode import ignore_fp_errors
from minigrad.engine.op import arr, op, sample
from minigrad.kernels.resampling import taps as kernels
from minigrad.kernels.resampling.reads import Reads, dense_reads

_TWO = dense_reads(
    np.array([[0, 2, 2], [1, 0, 3]]), np.array([[0.5, 2.0, 1.0], [1.0, -1.0, 3.0]]), 4
)


@op(
    vjp=(
        lambda g, out, x, *, dim, reads: read_along(
            g, dim=dim, reads=ignore_fp_errors(Reads.transposed, reads)
        ),
    ),
    degree=1,
    samples=[
        sample(arr.of(2, 4), dim=1, reads=_TWO),
        sample(arr.of(2, 4, 3), dim=1, reads=_TWO),
        sample(arr.of(3, 2), dim=0, reads=_TWO.transposed()),
    ],
    floats=True,
    accumulates=True,
)
def read_along(input: Array, *, dim: int, reads: Reads) -> Array:
    """The weighted sums of elements along `dim`, which is not negative, that `reads` lists."""
    return kernels.read_along(input, reads, dim)


def cubic_weights(fraction: Any) -> list[Any]:
    """The weights of the elements at -1, 0, 1 and 2 for a coordinate in [0, 1].

    Keys 1981, Cubic convolution interpolation, with a = -3/4.
    """
    a = -0.75

    def near(x: Any) -> Any:
        return ((a + 2) * x - (a + 3)) * x * x + 1

    def far(x: Any) -> Any:
        return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a

    return [far(fraction + 1), near(fraction), near(1 - fraction), far(2 - fraction)]
