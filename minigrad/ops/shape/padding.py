"""Positions of an input from which the elements of a padded dimension are taken."""

import numpy as np

from minigrad.core.types import Array


def _padded_positions(size: int, before: int, after: int, most: int, mode: str) -> Array:
    """-before ... size + after - 1.

    Raises RuntimeError if more than `most` are added on a side, or nothing remains.
    """
    if max(before, after) > most:
        raise RuntimeError(
            f"Padding size should be at most {most} for a dimension of {size} with mode {mode!r}, "
            f"but got ({before}, {after})"
        )
    if size + before + after < 1:
        raise RuntimeError(
            f"pad with mode {mode!r}: input of size {size} is too small for ({before}, {after}): "
            f"the calculated output size is {size + before + after}"
        )
    return np.arange(-before, size + after)


def _reflected(size: int, before: int, after: int) -> Array:
    positions = np.abs(_padded_positions(size, before, after, size - 1, "reflect"))
    return np.where(positions < size, positions, 2 * (size - 1) - positions)


def _replicated(size: int, before: int, after: int) -> Array:
    positions = _padded_positions(size, before, after, max(before, after), "replicate")
    return np.clip(positions, 0, size - 1)


def _circular(size: int, before: int, after: int) -> Array:
    """Each side repeats the other end of what is left of the input after cropping."""
    kept = size + min(before, 0) + min(after, 0)
    start, left, right = max(-before, 0), max(before, 0), max(after, 0)
    if max(left, right) > kept:
        raise RuntimeError(
            f"Padding value causes wrapping around more than once: at most {kept}, what is kept, "
            f"may be added to a dimension of {size}, but got ({before}, {after})"
        )
    return start + np.arange(-left, kept + right) % max(kept, 1)


SOURCE_POSITIONS = {"reflect": _reflected, "replicate": _replicated, "circular": _circular}
