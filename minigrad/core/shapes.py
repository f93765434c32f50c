"""Shapes that do not broadcast, in torch's words."""

from collections.abc import Sequence

from minigrad.core.types import Shape


def dims_that_differ(shapes: Sequence[Shape]) -> tuple[int, int, int] | None:
    """The first two sizes that do not broadcast, and their dimension; None if all do.

    Dimensions are compared from the last, and counted as the result's would be.
    """
    ndim = max(map(len, shapes), default=0)
    for back in range(1, ndim + 1):
        kept = 1
        for shape in shapes:
            size = shape[-back] if back <= len(shape) else 1
            if size in (1, kept):
                continue
            if kept != 1:
                return kept, size, ndim - back
            kept = size
    return None
