"""Operations in place: the operation out of place, then its result written over the tensor.

The tensor takes the node of the result, so its history stays right.  The version counter of the
memory tells backward that a saved tensor has changed.  A change through a view is recorded on the
view's base, and other views of the base are taken again before they are used.
"""

import weakref
from collections.abc import Callable
from typing import Any, Protocol, overload

import numpy as np

from minigrad.core.types import Array, Number
from minigrad.engine.forward_mode import overwrite_tangents
from minigrad.engine.grad_mode import ignore_fp_errors, thread
from minigrad.engine.graph import V, Value, wrap_like
from minigrad.engine.old_forms import with_old_alpha
from minigrad.engine.out_argument import require_castable, require_own_elements
from minigrad.kernels.simd.math import FLOATS
from minigrad.ops.indexing.getitem import Index, index_put
from minigrad.ops.shape.strided import disjoint
from minigrad.ops.view_history import before_change, copy_elements, overwrite_view, retake

_EVERYWHERE = Index((Ellipsis,))


class InPlaceMethod(Protocol):
    """A method that changes a tensor and returns it."""

    __name__: str

    def __call__(self, tensor: V, /, *args: Any, **settings: Any) -> V: ...
    @overload
    def __get__(self, instance: None, owner: Any) -> "InPlaceMethod": ...
    @overload
    def __get__(self, instance: V, owner: Any) -> Callable[..., V]: ...


def in_place(
    operation: Callable[..., Any], ufunc: Callable[..., Any] | None = None
) -> InPlaceMethod:
    """The method `x.operation_(...)` for `operation(x, ...)`.

    If nothing is recorded, `ufunc` may write the result of the operation directly over x.
    Of an operator it is `x += other`, where an array is taken as a tensor.
    PyTorch differs: of `x += array` it makes a new tensor, and x itself stays as it is.
    """

    def method(self: Any, *args: Any, **settings: Any) -> Any:
        check_writable(self)
        mode = thread.mode
        if not mode.grad and not mode.dual_levels:
            if ufunc is not None and not settings and _ufunc_applies(self, *args):
                return _write_over(self, ufunc, *args)
            result = operation(self, *args, **settings)
            return (
                _foreign(method, self, *args)
                if result is NotImplemented
                else overwrite(self, result)
            )
        old = before_change(self)
        result = operation(old, *args, **settings)
        if result is NotImplemented:
            return _foreign(method, self, *args)
        saved = weakref.ref(old)
        del old
        copy_elements(saved())
        return overwrite(self, result)

    method.__name__ = method.__qualname__ = f"{operation.__name__}_"
    method.__doc__ = f"`{operation.__name__}` in place: changes this tensor and returns it."
    return method


def _foreign(method: Callable[..., Any], value: Value, operand: Any) -> Any:
    """An in-place operator of an operand that is neither tensor nor number.

    NotImplemented unless it is an array; Python then tries the operator of that operand.
    """
    if isinstance(operand, np.ndarray):
        return method(value, wrap_like(value, operand))
    return NotImplemented


def scaled_in_place(change: Callable[..., Any], name: str) -> InPlaceMethod:
    """The method `x.name(other, alpha=...)`: the method `change` with alpha * other."""

    def method(self: Any, other: Any, old_other: Any = None, *, alpha: float = 1) -> Any:
        if old_other is not None:
            other, alpha = with_old_alpha(name, other, old_other, alpha)
        return change(self, other if alpha == 1 else other * alpha)

    method.__name__ = method.__qualname__ = name
    method.__doc__ = f"`{name[:-1]}` in place: changes this tensor by alpha * other, returns it."
    return method


def _ufunc_applies(value: Value, *args: Any) -> bool:
    """True for one argument that is a number, or a tensor of the same shape and float dtype."""
    array = value.array
    if len(args) != 1 or array.dtype not in FLOATS:
        return False
    (other,) = args
    if isinstance(other, Value):
        return bool(other.array.dtype == array.dtype and other.array.shape == array.shape)
    return type(other) in (int, float)


def _write_over(value: V, ufunc: Callable[..., Any], other: Value | Number) -> V:
    y = other.array if isinstance(other, Value) else other
    mode = thread.mode
    try:
        mode.ignore_fp_errors(ufunc, value.array, y, value.array)
    except RuntimeError as error:
        mode.reenter(error, ufunc, value.array, y, value.array)
    value.bump_version()
    return value


def in_place_view(operation: Callable[..., Any]) -> InPlaceMethod:
    """The method `x.operation_(...)` that makes the tensor itself the view `operation(x, ...)`.

    The memory and other views of it stay as they are.
    """

    def method(self: Any, *args: Any, **settings: Any) -> Any:
        check_changeable(self)
        view = operation(before_change(self), *args, **settings)
        self.array = view.array
        if view._requires_grad:
            moves = self._moves
            self.rebase_history(view.node, retake)
            if self._base is not None:
                self._moves = moves
        return self

    method.__name__ = method.__qualname__ = f"{operation.__name__}_"
    method.__doc__ = f"`{operation.__name__}` in place: this tensor becomes the view."
    return method


def check_changeable(value: Value) -> None:
    """Raise torch's RuntimeError if the value must not get another node now."""
    if thread.mode.grad:
        value.refresh_view()
        base: Any = value if value._base is None else value._base
        if value._requires_grad or base._requires_grad:
            refuse_untracked(value)
        if base._requires_grad and base.node is None:
            what = "a leaf Variable" if base is value else "a view of a leaf Variable"
            raise RuntimeError(
                f"{what} that requires grad is being used in an in-place operation; do it inside "
                f"no_grad(), or out of place"
            )
    if value._is_inference and not thread.mode.inference:
        raise RuntimeError(
            "Inplace update to inference tensor outside InferenceMode is not allowed; clone() it "
            "first"
        )


def refuse_untracked(value: Value) -> None:
    """Raise torch's RuntimeError for a view whose base must not be given a history."""
    if value._untracked is not None:
        value._untracked.refuse("is being modified inplace")


def check_writable(value: Value) -> None:
    """Raise torch's RuntimeError if the value must not be changed now."""
    check_changeable(value)
    if not value.array.flags.writeable and not _made_writeable(value.array):
        require_own_elements(value)


def _made_writeable(array: Array) -> bool:
    """Make an array writeable that is read-only for having been cut from one with repeats."""
    if not disjoint(array.shape, array.strides):
        return False
    try:
        array.flags.writeable = True
    except ValueError:  # the memory itself is read-only
        return False
    return True


def overwrite(value: V, result: Any) -> V:
    """Write `result` over the value's memory and give the value the node of the result."""
    if result.array.shape != value.array.shape:
        raise RuntimeError(
            f"output with shape {list(value.array.shape)} doesn't match the broadcast shape "
            f"{list(result.array.shape)}"
        )
    mode = thread.mode
    if mode.grad and value._requires_grad and not result._requires_grad:
        # The result does not depend on the value: its gradient becomes zero.
        result = index_put(before_change(value), result.to(value.dtype), index=_EVERYWHERE)
    if result.array.dtype != value.array.dtype:
        require_castable(result.array.dtype, value.array.dtype)
        result = result.to(value.dtype)
    if not result._requires_grad:
        ignore_fp_errors(np.copyto, value.array, result.array)
        value.bump_version()
    else:
        refuse_untracked(value)
        if value._base is not None:
            overwrite_view(value, result)
        else:
            ignore_fp_errors(np.copyto, value.array, result.array)
            value.bump_version()
            value.rebase_history(result.node, retake)
    if mode.dual_levels:
        overwrite_tangents(value, result)
    return value
