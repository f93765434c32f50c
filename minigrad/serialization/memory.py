"""Which tensors share memory, and the arrays from which they are made again."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.array_utils import byte_bounds
from numpy.lib.stride_tricks import as_strided

from minigrad.core.types import Array
from minigrad.serialization.strided import element_strides, is_dense


class Placed(NamedTuple):
    """An array and the description of its tensor, in which `place` notes where its elements are."""

    name: str
    array: Array
    form: dict[str, Any]


def place(placed: list[Placed], arrays: dict[str, Array]) -> None:
    """Put into `arrays` what a file has to hold, and into each description how to make it again.

    Tensors that share memory are described as views of one of them, or, where none covers all,
    of an array of its own.  Raises RuntimeError if they see it as different types, as torch does.
    """
    names = {p.name for p in placed}
    for group in _groups([p for p in placed if _is_view_like(p.array)]):
        if len(group) > 1 or _repeats(group[0].array):
            _place_shared(group, arrays, names)
        else:
            _place_alone(group[0], arrays)
    for p in placed:
        if not _is_view_like(p.array):
            arrays[p.name] = np.asarray(p.array, order="C")
            p.form["tensor"] = p.name


def _is_view_like(array: Array) -> bool:
    """True if an array can be described by an offset and strides >= 0, counted in elements."""
    return array.size > 0 and all(s >= 0 and s % array.itemsize == 0 for s in array.strides)


def _groups(placed: list[Placed]) -> Iterator[list[Placed]]:
    """Those whose memory overlaps, together; in order of their addresses."""
    group: list[Placed] = []
    end = 0
    for low, high, p in sorted((*byte_bounds(p.array), i) for i, p in enumerate(placed)):
        if group and low >= end:
            yield group
            group = []
        group.append(placed[p])
        end = max(end, high)
    if group:
        yield group


def _repeats(array: Array) -> bool:
    low, high = byte_bounds(array)
    return array.nbytes > high - low


def _place_alone(p: Placed, arrays: dict[str, Array]) -> None:
    arrays[p.name] = np.asarray(p.array, order="C")
    p.form["tensor"] = p.name
    strides = element_strides(p.array)
    if not p.array.flags.c_contiguous and is_dense(p.array.shape, strides):
        p.form["strides"] = strides


def _place_shared(group: list[Placed], arrays: dict[str, Array], names: set[str]) -> None:
    dtype = group[0].array.dtype
    if any(p.array.dtype != dtype for p in group):
        raise RuntimeError(
            "Cannot save multiple tensors or storages that view the same data as different types: "
            + ", ".join(f"{p.name!r} of {p.array.dtype}" for p in group[:4])
        )
    bounds = [byte_bounds(p.array) for p in group]
    low, high = bounds[0][0], max(high for _, high in bounds)
    owner = next(
        (p for p in group if p.array.flags.c_contiguous and p.array.nbytes == high - low), None
    )
    if owner is None:
        name = free_name(f"{group[0].name}.storage", names)
        first = group[0].array
        arrays[name] = as_strided(
            first, ((high - low) // first.itemsize,), (first.itemsize,)
        ).copy()
    else:
        name = owner.name
        arrays[name] = owner.array
    for p, (start, _) in zip(group, bounds, strict=True):
        p.form["tensor"] = name
        if p is not owner:
            p.form["offset"] = (start - low) // dtype.itemsize
            p.form["shape"] = list(p.array.shape)
            p.form["strides"] = element_strides(p.array)


def free_name(name: str, taken: set[str]) -> str:
    """The name, or one like it that is not taken; it is then."""
    while name in taken:
        name += "_"
    taken.add(name)
    return name
