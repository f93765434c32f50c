"""Mistakes that the shape of a gradient shows."""

import numpy as np


def cause_of_shape(shape: tuple[int, ...], expected: tuple[int, ...]) -> str | None:
    """The likely mistake behind a gradient of this shape, in words; None if none is known."""
    if len(shape) == len(expected) and sorted(shape) == sorted(expected):
        return "transposed"
    surplus = len(shape) - len(expected)
    if surplus >= 0:
        padded = (None,) * surplus + expected
        dims = [i for i, (a, b) in enumerate(zip(shape, padded, strict=True)) if a != b]
        if all(padded[i] in {None, 1} for i in dims):
            return f"a missing sum over {_dims(dims)} of the output"
    if np.prod(shape) == np.prod(expected):
        return "a missing reshape to the argument's shape"
    return None


def _dims(dims: list[int]) -> str:
    return ("dim " if len(dims) == 1 else "dims ") + ", ".join(map(str, dims))
