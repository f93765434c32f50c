"""Forward mode: values that carry tangents, and the tangent of an operation's result.

A value holds a tangent for each dual level that it was made in.  Levels nest; the thread's mode
lists those that are open, and tangents of others do not count.  Values with tangents take the
general path of `dispatch`, so that others pay nothing.

The tangent of a result follows from what is declared already:

- of an elementwise operation, and others whose Jacobian is symmetric, it is the rule for cotangents
  applied to the tangent;
- of an operation that is linear in an argument, it is the operation of the tangent;
- else it is the rule transposed: the rule is linear in its cotangent, so its own gradient with
  respect to it, started from the tangent, is the Jacobian times the tangent.
"""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from minigrad.engine.backward import backward
from minigrad.engine.grad_mode import thread
from minigrad.engine.graph import Value, wrap
from minigrad.engine.node_interface import fit_shapes
from minigrad.engine.operation import Op
from minigrad.engine.saved_hooks import leaf_alias, restoring

_next_level = itertools.count(1).__next__


# --- levels ---------------------------------------------------------------------------------


def open_level() -> int:
    """A new innermost level of this thread."""
    mode, level = thread.mode, _next_level()
    mode.dual_levels = (*mode.dual_levels, level)
    return level


def close_level(level: int) -> None:
    """Close a level: its tangents no longer count."""
    mode = thread.mode
    mode.dual_levels = tuple(open for open in mode.dual_levels if open != level)


@contextmanager
def dual_level() -> Iterator[int]:
    """A level that is open inside the block."""
    level = open_level()
    try:
        yield level
    finally:
        close_level(level)


# --- values with tangents -------------------------------------------------------------------


def tangent_of(value: Any, level: int) -> Any:
    """The tangent of a value at a level, or None."""
    tangents = value._tangents if isinstance(value, Value) else None
    return None if tangents is None else tangents.get(level)


def set_tangent(value: Value, level: int, tangent: Any) -> None:
    """Give a value a tangent; the node that made it hands it to rules that read the output."""
    still_open = thread.mode.dual_levels
    kept = {l: t for l, t in (value._tangents or {}).items() if l in still_open or l < level}
    value._tangents = {**kept, level: tangent}
    value._needs_check = True
    node = value.node
    if node is not None and node.out is not None:
        restoring(node).out_tangents = value._tangents


def without_tangent(value: Value, level: int) -> Any:
    """The same memory and place in the graph, without the tangent of this level."""
    if tangent_of(value, level) is None:
        return value
    alias = wrap(value.kind, value.array)
    alias._storage = value.change_record()
    if value.node is None and value._requires_grad:
        alias.node = leaf_alias(value)
    else:
        alias.node = value.node
    alias._requires_grad = value._requires_grad
    for other, tangent in (value._tangents or {}).items():
        if other != level:
            set_tangent(alias, other, tangent)
    return alias


def detached(value: Value) -> Any:
    """The same memory outside the graph, with its tangents."""
    alias = value.detach()
    if value._tangents is not None:
        alias._tangents, alias._needs_check = value._tangents, True
    return alias


# --- the tangent of a result ----------------------------------------------------------------


def carry_tangents(
    op: Op,
    call: Callable[..., Any],
    args: Sequence[Any],
    settings: Mapping[str, Any],
    out: Value,
    byproducts: Any,
) -> None:
    """Give the result of an operation the tangents that follow from those of its arguments."""
    if op.vjp_rules is None or out.array.dtype.kind not in "fc":
        return
    settings = {**op.defaults, **settings}
    seen = out if byproducts is None else byproducts
    mode = thread.mode
    levels = mode.dual_levels
    for i, level in enumerate(levels):
        tangents = [tangent_of(arg, level) for arg in args]
        if all(tangent is None for tangent in tangents):
            continue
        mode.dual_levels = levels[:i]  # the tangent itself belongs to the levels around this one
        try:
            rule = _symmetric if op.symmetric else _linear if op.degree == 1 else _transposed
            tangent = rule(op, call, args, tangents, settings, out, seen)
        finally:
            mode.dual_levels = levels
        if tangent is not None:
            if not op.declaration.views and _shares(tangent, tangents):
                tangent = tangent.clone()
            set_tangent(out, level, tangent)


def _shares(tangent: Any, others: Sequence[Any]) -> bool:
    """True if a tangent lies in memory of another, or is spread over memory."""
    array = tangent.array
    return not array.flags.writeable or any(
        other is not None and np.may_share_memory(array, other.array) for other in others
    )


def _symmetric(
    op: Op,
    call: Callable[..., Any],
    args: Sequence[Any],
    tangents: Sequence[Any],
    settings: Mapping[str, Any],
    out: Value,
    seen: Any,
) -> Any:
    total: Any = None
    for i, tangent in enumerate(tangents):
        if tangent is None or not op.rules((i,)):
            continue
        spread = tangent if tangent.shape == out.array.shape else tangent.expand(out.array.shape)
        part = op.vjp(spread, seen, args, settings, (i,))[0]
        total = part if total is None else total + part
    return total


def _linear(
    op: Op,
    call: Callable[..., Any],
    args: Sequence[Any],
    tangents: Sequence[Any],
    settings: Mapping[str, Any],
    out: Value,
    seen: Any,
) -> Any:
    """The operation of the tangents, where no rule reads more than the other arguments."""
    given = [i for i, tangent in enumerate(tangents) if tangent is not None and op.rules((i,))]
    if op.variadic:  # of all arguments together
        zeros = [
            t if t is not None else _zero(a, False) for t, a in zip(tangents, args, strict=True)
        ]
        return call(*zeros, **settings)
    total: Any = None
    for i in given:
        kept = op.keeps[(i,), len(args)]
        if kept.output or i in kept.values:
            return _transposed(op, call, args, tangents, settings, out, seen)
        replaced = [
            tangents[i]
            if j == i
            else arg
            if j in kept.values
            else _zero(arg, op.tensors[j] in op.optional)
            for j, arg in enumerate(args)
        ]
        part = call(*replaced, **settings)
        total = part if total is None else total + part
    return total


def _zero(arg: Any, optional: bool) -> Any:
    """What takes the place of an argument whose tangent is zero."""
    if optional or arg is None:
        return None
    if not isinstance(arg, Value):
        return 0
    return wrap(arg.kind, np.zeros(arg.array.shape, arg.array.dtype))


def _transposed(
    op: Op,
    call: Callable[..., Any],
    args: Sequence[Any],
    tangents: Sequence[Any],
    settings: Mapping[str, Any],
    out: Value,
    seen: Any,
) -> Any:
    wanted = [i for i, tangent in enumerate(tangents) if tangent is not None and op.rules((i,))]
    if op.vjp_rules is not None and not callable(op.vjp_rules):
        wanted = [i for i in wanted if op.vjp_rules[i] is not None]

    def pull(v: Any) -> Sequence[Any]:
        found = op.vjp(v, seen, args, settings, wanted)
        return fit_shapes(found, [args[i].array.shape for i in wanted])

    return transposed(pull, out, [tangents[i] for i in wanted])


def transposed(pull: Callable[[Any], Sequence[Any]], out: Value, tangents: Sequence[Any]) -> Any:
    """The Jacobian times the tangents, where `pull` maps a cotangent of `out` to those of inputs.

    It is differentiated with respect to its argument, in which it is linear.
    """
    mode = thread.mode
    v = wrap(out.kind, np.zeros(out.array.shape, out.array.dtype))
    v._requires_grad = True
    recording, mode.grad = mode.grad, True
    try:
        pulled = pull(v)
    finally:
        mode.grad = recording
    pairs = [
        (cotangent, tangent)
        for cotangent, tangent in zip(pulled, tangents, strict=True)
        if cotangent is not None and cotangent._requires_grad and tangent is not None
    ]
    if not pairs:
        return None
    roots, starts = zip(*pairs, strict=True)
    record = recording and any(x._requires_grad for x in (*starts, out))
    return backward(roots, starts, targets=[v], retain_graph=record, create_graph=record)[0]


# --- changes in place -----------------------------------------------------------------------


def overwrite_tangents(value: Value, result: Any) -> None:
    """Give a value that was overwritten with `result` the tangents of it, views of it too."""
    for level in thread.mode.dual_levels:
        new, old = tangent_of(result, level), tangent_of(value, level)
        if new is None and old is None:
            continue
        if new is None:
            new = old * 0
        if old is not None and not old._requires_grad and not new._requires_grad:
            old.copy_(new)  # views of it see that
        elif value._base is None:
            set_tangent(value, level, new.clone())
        else:
            _write_through_view(value, value._base, level, new)


def _write_through_view(view: Value, base: Value, level: int, new: Any) -> None:
    """Give the base a tangent, zero elsewhere, and the view the same view of it."""
    whole = tangent_of(base, level)
    if whole is None or whole.array.strides != base.array.strides:
        laid_out = np.empty_like(base.array)
        laid_out.fill(0)
        if whole is not None:
            laid_out[...] = whole.array
        whole = wrap(base.kind, laid_out)
        set_tangent(base, level, whole)
    offset = view.array.ctypes.data - base.array.ctypes.data
    part = np.ndarray(
        view.array.shape, view.array.dtype, whole.array, offset=offset, strides=view.array.strides
    )
    part[...] = new.array
    set_tangent(view, level, wrap(view.kind, part))
