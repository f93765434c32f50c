"""Operations in place: the out-of-place operation, then its result written over the tensor.

The tensor takes over the node of the result, so its history stays right; what an earlier operation
saved of it is noticed as stale through the storage's version.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad import dtypes
from minigrad.graph import Value, wrap
from minigrad.modes import mode


def in_place(operation: Callable[..., Any]) -> Callable[..., Any]:
    """The method `x.operation_(...)` that belongs to `operation(x, ...)`."""

    def method(self: Any, *args: Any, **settings: Any) -> Any:
        check_writable(self)
        return overwrite(self, operation(before_change(self), *args, **settings))

    method.__name__ = method.__qualname__ = f"{operation.__name__}_"
    method.__doc__ = f"`{operation.__name__}` in place: changes this tensor and returns it."
    return method


def check_writable(value: Value) -> None:
    """Raise torch's RuntimeError if the value must not be changed now."""
    if mode.grad and value.requires_grad:
        if value.node is None:
            raise RuntimeError(
                "a leaf Variable that requires grad is being used in an in-place operation; "
                "do it inside no_grad(), or out of place"
            )
        _refuse_recorded_view(value)
    if value._is_inference and not mode.inference:
        raise RuntimeError(
            "Inplace update to inference tensor outside InferenceMode is not allowed; clone() it "
            "first"
        )
    if not value.array.flags.writeable:
        raise RuntimeError(
            "unsupported operation: more than one element of the written-to tensor refers to a "
            "single memory location, or its memory is read-only. Please clone() the tensor before "
            "changing it in place"
        )


def _refuse_recorded_view(value: Value) -> None:
    base = value._base
    if base is not None:
        leaf = "a view of a leaf Variable that requires grad" if base.node is None else "a view"
        raise RuntimeError(
            f"{leaf} is being changed in place while gradients are recorded, which minigrad does "
            f"not support: change its base instead, as in base[...] = value"
        )


def before_change(value: Any) -> Any:
    """The value as it stands in the graph now, for the operation to be recorded on."""
    if not value.requires_grad:
        return value
    old = wrap(value.kind, value.array)
    old.requires_grad, old.node = value.requires_grad, value.node
    old._storage = value.storage()
    return old


def overwrite(value: Any, result: Any) -> Any:
    """Write `result` over the value's memory and hand its place in the graph on."""
    if result.array.shape != value.array.shape:
        raise RuntimeError(
            f"output with shape {list(value.array.shape)} doesn't match the broadcast shape "
            f"{list(result.array.shape)}"
        )
    if result.array.dtype != value.array.dtype:
        if not np.can_cast(result.array.dtype, value.array.dtype, "same_kind"):
            raise RuntimeError(
                f"result type {dtypes.of_numpy(result.array.dtype)} can't be cast to the desired "
                f"output type {dtypes.of_numpy(value.array.dtype)}"
            )
        result = result.to(value.dtype)
    if result.requires_grad:
        _refuse_recorded_view(value)
    np.copyto(value.array, result.array)
    value.touch()
    if result.requires_grad:
        value.node, value.requires_grad = result.node, True
    return value
