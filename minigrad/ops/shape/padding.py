"""Padding by elements of the input: at its edges, or from positions along one dimension."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minigrad.core.types import Array
from minigrad.engine.op import arr, op, sample


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


# --- at the edges ---------------------------------------------------------------------------

Pair = tuple[int, int]
# Of a padded dimension: what is written on each side, and what is read for it.
Sides = list[tuple[slice, slice]]


def _reflected_sides(size: int, before: int, after: int) -> Sides:
    end = before + size
    stop = end - 2 - after
    return [
        (slice(0, before), slice(2 * before, before, -1)),
        (slice(end, end + after), slice(end - 2, stop if stop >= 0 else None, -1)),
    ]


def _replicated_sides(size: int, before: int, after: int) -> Sides:
    end = before + size
    return [
        (slice(0, before), slice(before, before + 1)),
        (slice(end, end + after), slice(end - 1, end)),
    ]


def _circular_sides(size: int, before: int, after: int) -> Sides:
    end = before + size
    return [
        (slice(0, before), slice(size, end)),
        (slice(end, end + after), slice(before, before + after)),
    ]


_SIDES: dict[str, Callable[[int, int, int], Sides]] = {
    "reflect": _reflected_sides,
    "replicate": _replicated_sides,
    "circular": _circular_sides,
}


def only_adds(mode: str, shape: Sequence[int], padding: Sequence[Pair]) -> bool:
    """Return whether `pad_edges` can pad so: nothing is cropped, and nothing read twice."""
    most = {"reflect": -1, "circular": 0}
    return all(
        min(pair) >= 0 and size > 0 and (mode == "replicate" or max(pair) <= size + most[mode])
        for size, pair in zip(shape, padding, strict=True)
    )


def _inside(shape: Sequence[int], padding: Sequence[Pair]) -> tuple[slice, ...]:
    """Where the input stands in the padded array."""
    return tuple(
        slice(before, before + size) for size, (before, _) in zip(shape, padding, strict=True)
    )


def _node_name(node: Any) -> str:
    """torch's name of the node; circular padding has none of its own."""
    name = {"reflect": "Reflection", "replicate": "Replication", "circular": "Circular"}
    padding, mode = node.settings["padding"], node.settings["mode"]
    return f"{name[mode]}Pad{sum(pair != (0, 0) for pair in padding)}DBackward0"


_SAMPLES = [
    sample(arr.of(2, 3), padding=((0, 0), (1, 2)), mode="reflect"),
    sample(arr.of(3, 2), padding=((0, 2), (1, 0)), mode="reflect"),
    sample(arr.of(3, 2), padding=((2, 0), (3, 1)), mode="replicate"),
    sample(arr.of(2, 3), padding=((1, 2), (3, 0)), mode="circular"),
]


@op(
    node=_node_name,
    vjp=(lambda g, out, x, *, padding, mode: pad_edges_adjoint(g, padding=padding, mode=mode),),
    degree=1,
    samples=_SAMPLES,
    takes_complex=True,
)
def pad_edges(input: Array, *, padding: Sequence[Pair], mode: str) -> Array:
    """The tensor with (before, after) elements of its own added in every dimension."""
    sizes = [n + before + after for n, (before, after) in zip(input.shape, padding, strict=True)]
    out = np.empty(sizes, input.dtype)
    out[_inside(input.shape, padding)] = input
    for axis, (before, after) in reversed([*enumerate(padding)]):
        if before or after:
            # Of the dimensions before this one, only what stands inside is there yet.
            lead = _inside(input.shape[:axis], padding[:axis])
            for written, read in _SIDES[mode](input.shape[axis], before, after):
                out[(*lead, written)] = out[(*lead, read)]
    return out


@op(
    vjp=(lambda g, out, c, *, padding, mode: pad_edges(g, padding=padding, mode=mode),),
    degree=1,
    samples=[
        sample(arr.of(2, 6), padding=((0, 0), (1, 2)), mode="reflect"),
        sample(arr.of(5, 6), padding=((2, 0), (3, 1)), mode="replicate"),
        sample(arr.of(5, 6), padding=((1, 2), (3, 0)), mode="circular"),
    ],
    takes_complex=True,
)
def pad_edges_adjoint(cotangent: Array, *, padding: Sequence[Pair], mode: str) -> Array:
    """The padded array's cotangent as the input's: what was read gets what was written."""
    shape = [
        n - before - after for n, (before, after) in zip(cotangent.shape, padding, strict=True)
    ]
    total = cotangent.copy()
    for axis, (before, after) in enumerate(padding):
        if before or after:
            lead = _inside(shape[:axis], padding[:axis])
            for written, read in _SIDES[mode](shape[axis], before, after):
                target, added = total[(*lead, read)], total[(*lead, written)]
                one = target.shape[axis] == 1
                target += added.sum(axis=axis, keepdims=True) if one else added
    return total[_inside(shape, padding)]
