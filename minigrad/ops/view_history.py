"""The history of a base and its views after a recorded change in place.

A change through a view is recorded on the base, as a copy of the base with the view's elements
replaced.  Other views of the base are then taken again, from the base as it is now.
"""

from typing import Any

import numpy as np

from minigrad.core.complex_arrays import parts_of
from minigrad.core.types import Array
from minigrad.engine.grad_mode import enable_grad, ignore_fp_errors, thread
from minigrad.engine.graph import V, Value, wrap
from minigrad.engine.op import label_node
from minigrad.ops.complex_numbers.parts import view_as_complex, view_as_real
from minigrad.ops.indexing.getitem import Index, getitem, index_put
from minigrad.ops.shape.strided import as_strided_scatter, as_strided_view, is_dense, memory_order


def before_change(value: V) -> V:
    """A value with the array and node that this one has now, to record the operation on."""
    old: V = wrap(value.kind, value.array)
    old.node, old._requires_grad = value.node, value._requires_grad
    old._storage = value.change_record()
    if value._is_inference:
        old.mark_inference()
    if value._tangents is not None:
        old._tangents, old._needs_check = value._tangents, True
    if thread.mode.observed:  # a hook of saved tensors may keep the memory itself
        copy_elements(old)
    return old


def copy_elements(old: Value | None) -> None:
    """Copy the elements of the value before the change if the graph has saved it."""
    if old is not None:
        old.array = ignore_fp_errors(np.copy, old.array)
        old._storage = None


def overwrite_view(view: Value, result: Value) -> None:
    """Write `result` over a view and record that on its base; the view is taken from it anew."""
    base: Any = view._base
    changed = _replaced(before_change(base), view.array, result)
    ignore_fp_errors(np.copyto, view.array, result.array)
    base.bump_version()
    base.rebase_history(changed.node, retake)
    view.rebase_history(_taken(base, view.array).node, retake)
    view._moves = base._moves


def retake(view: Any) -> None:
    """Give a view the node of the same view of its base as the base is now."""
    with enable_grad():
        taken = _taken(view._base, view.array)
    view.node, view._requires_grad = taken.node, taken._requires_grad


def _taken(base: Value, view: Array) -> Value:
    """The view as an operation on its base."""
    if view.dtype != base.array.dtype:  # a part of a complex base, or parts as complex numbers
        if base._is_complex:
            return _taken(view_as_real(base), view)
        return view_as_complex(_taken(base, parts_of(view)))
    if is_dense(base.array):
        return as_strided_view(base, **_strides_in(view, base.array))
    positions, _ = _positions_in(view, base.array)
    taken = getitem(base.reshape(-1), index=Index((positions,)))
    return label_node(taken, "AsStridedBackward0")


def _replaced(base: Value, view: Array, values: Value) -> Value:
    """A copy of the base with other values in a view of it."""
    if view.dtype != base.array.dtype:
        if base._is_complex:
            return view_as_complex(_replaced(view_as_real(base), view, values))
        return _replaced(base, parts_of(view), view_as_real(values))
    if is_dense(base.array):
        return as_strided_scatter(base, values, **_strides_in(view, base.array))
    positions, first = _positions_in(view, base.array)
    changed = index_put(base.reshape(-1), values, index=Index((positions,)))
    if first is not None:
        changed = getitem(changed, index=Index((first,)))
    return label_node(changed.reshape(base.shape), "CopySlices")


def _strides_in(view: Array, base: Array) -> dict[str, Any]:
    """The settings of `as_strided_view` that give the view of a dense base."""
    size = base.itemsize
    return {
        "shape": view.shape,
        "strides": tuple(s // size for s in view.strides),
        "offset": (view.ctypes.data - base.ctypes.data) // size,
        "order": memory_order(base),
    }


def _positions_in(view: Array, base: Array) -> tuple[Array, Array | None]:
    """Where a view's elements are in a base that has gaps in memory, or elements in common.

    The second array has, for each element of the flattened base, the position of the first one with
    the same memory; it is None if no two have.  Raises RuntimeError if the view has elements that
    the base does not have.
    """
    known, first, which = np.unique(_addresses(base), return_index=True, return_inverse=True)
    wanted = _addresses(view)
    found = np.searchsorted(known, wanted).clip(max=known.size - 1)
    if (known[found] != wanted).any():
        raise RuntimeError(
            f"a view of shape {list(view.shape)} has elements between those of its base, of shape "
            f"{list(base.shape)} and strides {[s // base.itemsize for s in base.strides]}; clone() "
            f"the base first"
        )
    return first[found], None if known.size == base.size else first[which].reshape(-1)


def _addresses(array: Array) -> Array:
    """The address of each element."""
    addresses = np.array(array.ctypes.data)
    for size, stride in zip(array.shape, array.strides, strict=True):
        addresses = addresses[..., None] + np.arange(size) * stride
    return addresses
