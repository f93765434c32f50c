"""Operations that draw random numbers."""

from typing import Any

import numpy as np

from minigrad.generator import Generator, stream
from minigrad.kernels import elementwise as kernels
from minigrad.op import arr, op, sample

Array = Any


@op(
    vjp=(lambda g, out, x, *, mask, scale: masked_scale(g, mask=mask, scale=scale),),
    degree=1,
    samples=[
        sample(arr.of(2, 3), mask=np.array([[True, False, True], [False, True, True]]), scale=1.5)
    ],
)
def masked_scale(input: Array, *, mask: Array, scale: float) -> Array:
    """input * scale where the mask is True, 0 elsewhere."""
    return kernels.dropout(input, mask, scale)


def draw_mask(shape: tuple[int, ...], p: float, generator: Generator | None = None) -> Array:
    """Booleans that are False with probability p, in steps of 2**-16."""
    below = round(p * 2**16)
    numbers = stream(generator).integers(0, 2**16, shape, np.uint16)
    return numbers >= below
