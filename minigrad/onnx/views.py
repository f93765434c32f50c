"""Views that no operation has made, as parts of `split` are: found again by their memory."""

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np

from minigrad.onnx.errors import OnnxExporterError
from minigrad.onnx.graph import Graph
from minigrad.onnx.sizes import Varying, merged

# A bound of a slice that is past the end, whatever the size.
END = np.iinfo(np.int64).max


def write_view(
    graph: Graph, base: str, bases: Sequence[np.ndarray], views: Sequence[np.ndarray]
) -> str | None:
    """Nodes that take a view of a base, which are given in all recordings; None if it is none."""
    shape = _same_elements(bases, views)
    if shape is not None:
        return graph.node("Reshape", base, graph.ints(shape))
    found = [index_of(*pair) for pair in zip(bases, views, strict=True)]
    if any(index is None for index in found):
        return None
    try:
        index = merged(found)
    except OnnxExporterError:
        return None
    parts = [(axis, part) for axis, part in enumerate(index) if part != slice(None)]
    dropped = [axis for axis, part in parts if not isinstance(part, slice)]
    if not parts:
        return base
    if any(isinstance(part, Varying) for _, part in parts):
        return None
    slices = [part if isinstance(part, slice) else _one(part) for _, part in parts]
    name = graph.node(
        "Slice", base, graph.ints([s.start for s in slices]), graph.ints([s.stop for s in slices]),
        np.array([axis for axis, _ in parts], np.int64), graph.ints([s.step for s in slices]),
    )  # fmt: skip
    return graph.node("Squeeze", name, np.array(dropped, np.int64)) if dropped else name


def _one(position: int) -> slice:
    return slice(position, position + 1, 1)


def _same_elements(bases: Sequence[np.ndarray], views: Sequence[np.ndarray]) -> list[Any] | None:
    """The sizes for Reshape, if the views are the same elements in another shape."""
    for base, view in zip(bases, views, strict=True):
        begins = base.__array_interface__["data"][0] == view.__array_interface__["data"][0]
        if not (begins and base.size == view.size and base.dtype == view.dtype):
            return None
        if not (base.flags.c_contiguous and view.flags.c_contiguous):
            return None
    shape = merged([view.shape for view in views])
    varying = [k for k, size in enumerate(shape) if isinstance(size, Varying)]
    return [-1 if varying[:1] == [k] else size for k, size in enumerate(shape)]


def index_of(base: np.ndarray, view: np.ndarray) -> tuple[Any, ...] | None:
    """The numbers and slices with `base[index]` being the view, or None."""
    first = view.__array_interface__["data"][0] - base.__array_interface__["data"][0]
    if first < 0 or base.dtype != view.dtype or base.ndim < view.ndim or 0 in base.strides:
        return None
    starts = [0] * base.ndim
    for axis in sorted(range(base.ndim), key=lambda d: -base.strides[d]):
        if base.shape[axis] > 1:
            starts[axis], first = divmod(first, base.strides[axis])
    if first or any(s >= n for s, n in zip(starts, base.shape, strict=True)):
        return None
    for dropped in combinations(range(base.ndim), base.ndim - view.ndim):
        index = _index(base, view, starts, dropped)
        if index is not None:
            return index
    return None


def _index(
    base: np.ndarray, view: np.ndarray, starts: Sequence[int], dropped: Sequence[int]
) -> tuple[Any, ...] | None:
    """The index if these dimensions of the base are the ones that the view does not have."""
    index: list[Any] = []
    sizes = iter(zip(view.shape, view.strides, strict=True))
    for axis, start in enumerate(starts):
        if axis in dropped:
            index.append(start)
            continue
        size, stride = next(sizes)
        step = max(1, stride // base.strides[axis]) if size > 1 else 1
        whole = start == 0 and step == 1 and size == base.shape[axis]
        index.append(slice(None) if whole else slice(start, start + (size - 1) * step + 1, step))
    taken = base[(*index, ...)]
    same = taken.shape == view.shape and taken.strides == view.strides
    same = same and taken.__array_interface__["data"] == view.__array_interface__["data"]
    return tuple(index) if same else None
