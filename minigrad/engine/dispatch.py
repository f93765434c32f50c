"""The call of a declared operation: computed on arrays, and recorded in the graph.

This is on the path of every operation, and calls and loops cost more here than the statements in
them.  `_general` takes whatever may be given.  `_unary` and `_binary` write out, a statement for
each step, what is given nearly always, and leave the rest to it, errors too.  They stay apart:
one path for both was measured at 3 % more time for x + y of 3 x 3 elements (2.2 us).
"""

import functools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from minigrad.core import dtypes
from minigrad.engine.complex_form import complex_form
from minigrad.engine.forward_mode import carry_tangents
from minigrad.engine.grad_mode import Mode, thread
from minigrad.engine.graph import Node, Value
from minigrad.engine.half_precision import holds_half, through_float32
from minigrad.engine.memory import view_mode
from minigrad.engine.operands import (
    explained,
    not_a_tensor,
    plain,
    put,
    wrapped_around,
)
from minigrad.engine.operation import Op
from minigrad.engine.out_argument import call_into
from minigrad.engine.overrides import SWITCH, ask, overriding, public_function
from minigrad.engine.saved_hooks import observe

Call = Callable[..., Any]

_ndarray = np.ndarray
_new = object.__new__
_FLOAT32, _FLOAT64 = np.dtype(np.float32), np.dtype(np.float64)
_PLAIN = frozenset({int, float, bool})
_NO_POSITIONS: tuple[int, ...] = ()
_NOTHING = object()


def recorded(operation: Op, as_operator: bool = False) -> Call:
    """The function that users call.

    as_operator: NotImplemented for an operand that is neither tensor nor number, an array say;
        Python then tries the operator of that operand.
    """
    general = _general(operation, as_operator)
    if operation.is_complex_form:
        return general
    if operation.variadic or _derivable(operation) is not None:
        return general
    if len(operation.tensors) == 1:
        return _unary(operation, general)
    if len(operation.tensors) == 2 and not operation.declaration.views:
        return _binary(operation, general)
    return general


def _unary(operation: Op, general: Call) -> Call:
    """The call of an operation of one tensor that has a rule."""
    forward, names = operation.forward, frozenset(operation.settings)
    checks_dtype, views = operation.declaration.checks_dtype, operation.declaration.views
    most = 1 + len(names)

    def call(*args: Any, **settings: Any) -> Any:
        if 1 < len(args) <= most and not settings:
            settings = dict(zip(operation.settings, args[1:], strict=False))
            args = args[:1]
        elif len(args) != 1 or (settings and not names.issuperset(settings)):
            return general(*args, **settings)
        (a,) = args
        if not isinstance(a, Value) or (a._needs_check and not a.is_current()):
            return general(a, **settings)
        x = a.array
        if checks_dtype and x.dtype is not _FLOAT32 and x.dtype is not _FLOAT64:
            return general(a, **settings)
        mode = thread.mode
        try:
            array = mode.ignore_fp_errors(forward, x, **settings)
        except (ValueError, MemoryError, RuntimeError):
            array = None
        byproducts = None
        if type(array) is not _ndarray:
            if array is None:
                return general(a, **settings)
            array, byproducts = _unpacked(array, a.kind)
        out = _new(a.kind)
        out.array = array
        if views:
            _alias(out, a)
        if mode.grad:
            if a._requires_grad:
                _record(mode, operation, out, args, (0,), settings, byproducts)
        elif mode.inference and out._base is None:
            out.mark_inference()
        return out if byproducts is None else (out, *byproducts)

    return call


def _binary(operation: Op, general: Call) -> Call:
    """The call of an operation of two operands that both have a rule."""
    forward, names = operation.forward, frozenset(operation.settings)
    checks_dtype = operation.declaration.checks_dtype
    numbers = frozenset() if 1 in operation.declaration.tensors_at else _PLAIN

    def call(*args: Any, **settings: Any) -> Any:  # noqa: PLR0911, PLR0912
        if len(args) != 2 or (settings and not names.issuperset(settings)):
            return general(*args, **settings)
        a, b = args
        if not isinstance(a, Value) or (a._needs_check and not a.is_current()):
            return general(a, b, **settings)
        x = a.array
        dtype = x.dtype
        if checks_dtype and dtype is not _FLOAT32 and dtype is not _FLOAT64:
            return general(a, b, **settings)
        if isinstance(b, Value):
            y = b.array
            if (b._needs_check and not b.is_current()) or (checks_dtype and y.dtype is not dtype):
                return general(a, b, **settings)
            b_requires_grad = b._requires_grad
        elif type(b) in numbers:
            y, b_requires_grad = b, False
        else:
            return general(a, b, **settings)
        mode = thread.mode
        try:
            array = mode.ignore_fp_errors(forward, x, y, **settings)
        except (ValueError, MemoryError, RuntimeError):
            array = None
        byproducts = None
        if type(array) is not _ndarray:
            if array is None:
                return general(a, b, **settings)
            array, byproducts = _unpacked(array, a.kind)
        out = _new(a.kind)
        out.array = array
        if mode.grad:
            if a._requires_grad:
                needs = (0, 1) if b_requires_grad else (0,)
                _record(mode, operation, out, args, needs, settings, byproducts)
            elif b_requires_grad:
                _record(mode, operation, out, args, (1,), settings, byproducts)
        elif mode.inference:
            out.mark_inference()
        return out if byproducts is None else (out, *byproducts)

    return call


def _general(operation: Op, as_operator: bool) -> Call:
    """The call of any operation, whatever it is given."""
    forward, how, arity = operation.forward, operation.declaration, operation.arity
    checks_dtype, views, tensors_at = how.checks_dtype, how.views, how.tensors_at
    derivable, names = _derivable(operation), frozenset(operation.settings)
    own, of_complex = how.takes_complex, functools.partial(_of_complex, operation, as_operator)

    def call(*args: Any, **settings: Any) -> Any:  # noqa: PLR0912
        if len(args) != arity or (settings and not names.issuperset(settings)):
            if "out" in settings and not views:
                return call_into(call, operation.name, args, settings)
            args, settings = operation.arrange(args, settings)
        recording, arrays, byproducts = (mode := thread.mode).grad, [], None
        kind, dtype, mixed, suspect, needs = None, None, False, False, _NO_POSITIONS
        for position, arg in enumerate(args):
            if isinstance(arg, Value):
                arrays.append(array := arg.array)
                if kind is None:
                    kind, dtype = arg.kind, array.dtype
                elif array.dtype is not dtype:
                    mixed = True
                if arg._needs_check:
                    if arg._is_complex and not own:
                        return of_complex(args, settings)
                    suspect = True
                    if recording:
                        arg.refresh_view()
                if recording and arg._requires_grad:
                    needs += (position,)
            else:
                if type(arg) not in _PLAIN or position in tensors_at:
                    args = put(args, position, arg := plain(operation, position, arg, as_operator))
                    if arg is NotImplemented or (type(arg) is complex and not own):
                        return arg if arg is NotImplemented else of_complex(args, settings)
                arrays.append(arg)
        cast = checks_dtype and (mixed or (dtype is not _FLOAT32 and dtype is not _FLOAT64))
        if cast or kind is None or SWITCH.on:
            result = _instead(call, operation, as_operator, args, arrays, settings)
            if result is not _NOTHING:
                return result
        try:
            array = mode.ignore_fp_errors(forward, *arrays, **settings)
        except (ValueError, MemoryError, RuntimeError, OverflowError) as error:
            array = _retry(mode, operation, arrays, settings, error)
        if type(array) is not _ndarray:
            array, byproducts = _unpacked(array, kind)  # type: ignore[arg-type]
        (out := _new(kind)).array = array  # type: ignore[arg-type]
        if views or own:
            _describe(out, args[0], views)
        if needs and (suspect or derivable is not None):
            needs = _recordable(operation, args, needs, derivable)
        if needs:
            _record(mode, operation, out, args, needs, settings, byproducts)
        elif mode.inference and not recording and out._base is None:
            out.mark_inference()
        if suspect and mode.dual_levels:
            carry_tangents(operation, call, args, settings, out, byproducts)
        return out if byproducts is None else (out, *byproducts)

    return call


def _of_complex(
    operation: Op, as_operator: bool, args: tuple[Any, ...], settings: dict[str, Any]
) -> Any:
    """The operation of complex tensors or numbers, by its form for them."""
    form = complex_form(operation)
    if not any(isinstance(arg, Value) and arg._is_complex for arg in args):
        arrays = [arg.array if isinstance(arg, Value) else arg for arg in args]
        args = _cast(args, dtypes.result_type(*arrays))  # of real tensors and a complex number
    call = form.calls.get(as_operator)
    if call is None:
        call = form.calls[as_operator] = _general(form, as_operator)
    return call(*args, **settings)


def _retry(
    mode: Mode, operation: Op, arrays: list[Any], settings: dict[str, Any], error: Exception
) -> Any:
    """Call the forward again if the error can be mended; else raise it.

    An integer that the tensor's dtype cannot hold wraps around.  A call may interrupt another.
    """
    if isinstance(error, RuntimeError):
        return mode.reenter(error, operation.forward, *arrays, **settings)
    if isinstance(error, OverflowError):
        return mode.ignore_fp_errors(operation.forward, *wrapped_around(arrays), **settings)
    raise explained(operation, arrays, error) from None


def _unpacked(result: Any, kind: type[Value]) -> tuple[Any, list[Value] | None]:
    """The array that a forward gave, and its by-products if there are any."""
    if type(result) is not tuple:
        return np.asarray(result), None
    byproducts: list[Value] = []
    for array in result[1:]:
        (byproduct := _new(kind)).array = array if type(array) is _ndarray else np.asarray(array)
        if byproduct.array.dtype.kind == "c":
            byproduct.mark_complex()
        byproducts.append(byproduct)
    return np.asarray(result[0]), byproducts


def _record(
    mode: Mode,
    operation: Op,
    out: Value,
    args: tuple[Any, ...],
    needs: tuple[int, ...],
    settings: Mapping[str, Any],
    byproducts: list[Value] | None,
) -> None:
    array = out.array
    if (of := array.dtype.kind) != "f" and of != "c":  # a cast to integers: nothing can flow back
        return
    kept = operation.keeps[needs, len(args)]
    if operation.defaults:
        settings = {**operation.defaults, **settings} if settings else operation.defaults
    if len(needs) == 1:
        edges: tuple[Any, ...] = (args[needs[0]].node or args[needs[0]],)
    else:
        edges = tuple([args[i].node or args[i] for i in needs])
    inputs = args if kept.everything else kept.of(args)
    node = Node(operation, needs, edges, inputs, settings)
    if kept.output:
        node.keeps_values = True
        if byproducts is None:
            node.out = (array, out.kind)
            node.out_storage = out._storage
        else:
            node.out = byproducts
    elif kept.values:
        node.keeps_values = True
    if operation.declaration.broadcasts:
        shape = array.shape
        for i in needs:
            if args[i].array.shape != shape:
                node.shapes = tuple([args[j].array.shape for j in needs])
                break
    out.node = node
    out._requires_grad = True
    if mode.observed:
        observe(mode, node)


def _recordable(
    operation: Op, args: tuple[Any, ...], needs: tuple[int, ...], derivable: frozenset[int] | None
) -> tuple[int, ...]:
    """The positions that have a rule, of those that require gradients.

    Raises RuntimeError if a tensor made in inference mode would have to be kept for them.
    """
    if derivable is not None:
        needs = tuple([i for i in needs if i in derivable])
    for i in operation.keeps[needs, len(args)].values if needs else ():
        if isinstance(args[i], Value) and args[i]._is_inference:
            raise RuntimeError(
                f"Inference tensors cannot be saved for backward. Please do not use Tensors "
                f"created in inference mode in computation tracked by autograd: "
                f"{operation.name}() would save one; make it outside the mode, or clone() it"
            )
    return needs


def _derivable(operation: Op) -> frozenset[int] | None:
    """Positions that have a rule; None if all have."""
    if operation.vjp_rules is None:
        return frozenset()
    if callable(operation.vjp_rules) or all(rule is not None for rule in operation.vjp_rules):
        return None
    return frozenset(i for i, rule in enumerate(operation.vjp_rules) if rule is not None)


def _alias(out: Value, base: Value) -> None:
    """Make `out` a view of `base` if it shares its memory."""
    array, given = out.array, base.array
    if (
        array is given
        or (owner := array.base) is given
        or (owner is not None and (owner is given.base or np.may_share_memory(array, given)))
    ):
        out.become_view(base, None if thread.mode.grad else view_mode())


def _describe(out: Value, base: Value, views: bool) -> None:
    """Note that a result is complex, and that it is a view of `base` if it may be one."""
    if out.array.dtype.kind == "c":
        out.mark_complex()
    if views:
        _alias(out, base)


def _instead(
    call: Call,
    operation: Op,
    as_operator: bool,
    args: tuple[Any, ...],
    arrays: list[Any],
    settings: dict[str, Any],
) -> Any:
    """The result of arguments whose classes override the operation, or that have to be cast.

    Gives _NOTHING if the arrays can go in as they are: floats of one type do, and Python's numbers
    adapt to them.  Raises TypeError if there is no tensor.
    """
    if SWITCH.on and (asked := overriding(args, settings)):
        return ask(public_function(operation, as_operator), asked, args, settings)
    if not any(type(array) is np.ndarray for array in arrays):
        raise not_a_tensor(operation, args)
    declaration = operation.declaration
    if declaration.accumulates and holds_half(args):
        return through_float32(call, args, settings)
    common = None
    if declaration.promotes or declaration.floats:
        common = _common(arrays, declaration.floats)
    return _NOTHING if common is None else call(*_cast(args, common), **settings)


def _common(arrays: list[Any], floats: bool) -> np.dtype[Any] | None:
    """The dtype to cast to before the forward; None if the arrays can go in as they are."""
    if not floats and _are_equal_integers(arrays):
        return None
    target = dtypes.result_type(*(a for a in arrays if a is not None))
    if floats and target.kind not in "fc":
        target = dtypes.default_numpy()
    if all(a.dtype == target for a in arrays if type(a) is np.ndarray):
        return None
    return target


def _are_equal_integers(arrays: list[Any]) -> bool:
    """True for arrays of one integer dtype, and Python's ints, which take theirs."""
    dtype = None
    for array in arrays:
        if type(array) is np.ndarray:
            if dtype is None:
                dtype = array.dtype
            elif array.dtype is not dtype:
                return False
        elif type(array) is not int:
            return False
    return dtype is not None and dtype.kind in "iu"


def _cast(args: tuple[Any, ...], dtype: np.dtype[Any]) -> tuple[Any, ...]:
    to = dtypes.of_numpy(dtype)
    return tuple([a.to(to) if hasattr(a, "to") else a for a in args])
