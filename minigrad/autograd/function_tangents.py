"""The tangents of what a user's Function returns: by its `jvp`, or by its `backward` transposed."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

from minigrad.autograd.forward_ad import require_size_of_tangent
from minigrad.engine.forward_mode import set_tangent, tangent_of, transposed
from minigrad.engine.grad_mode import thread
from minigrad.tensor import Tensor


def carry_through(
    function: Any, jvp: Callable[..., Any] | None, ctx: Any,
    args: Sequence[Any], outputs: Sequence[Any], saved: Sequence[Any],
) -> None:  # fmt: skip
    """Give the outputs their tangents at all levels.

    jvp: the user's, or None.  saved: what `save_for_backward` kept, for a Function without `jvp`.
    """
    mode = thread.mode
    levels = mode.dual_levels
    for i, level in enumerate(levels):
        tangents = [tangent_of(arg, level) for arg in args]
        if all(tangent is None for tangent in tangents):
            continue
        mode.dual_levels = levels[:i]
        try:
            if jvp is not None:
                found = _by_jvp(function, jvp, ctx, args, tangents, outputs)
            else:
                found = _by_backward(function, ctx, args, tangents, outputs, saved)
        finally:
            mode.dual_levels = levels
        for output, tangent in zip(outputs, found, strict=True):
            if tangent is not None:
                set_tangent(output, level, tangent)


def _by_jvp(
    function: Any, jvp: Callable[..., Any], ctx: Any,
    args: Sequence[Any], tangents: Sequence[Any], outputs: Sequence[Any],
) -> list[Any]:  # fmt: skip
    given = [
        arg.new_zeros(arg.shape)
        if tangent is None and ctx.materialize_grads and _is_floating(arg)
        else tangent
        for arg, tangent in zip(args, tangents, strict=True)
    ]
    ctx._saved = ctx.saved_for_forward
    try:
        result = jvp(ctx, *given)
    finally:
        ctx._saved = None
    found = list(result) if isinstance(result, tuple) else [result]
    if len(found) != len(outputs):
        raise RuntimeError(
            f"{function.__name__}.jvp returned an incorrect number of tangents (expected "
            f"{len(outputs)}, got {len(found)})"
        )
    for i, (tangent, output) in enumerate(zip(found, outputs, strict=True)):
        if tangent is None:
            continue
        if not isinstance(tangent, Tensor):
            raise RuntimeError(
                f"expected Variable or None (got {type(tangent).__name__}) for grad output {i}: "
                f"{function.__name__}.jvp must return tensors"
            )
        require_size_of_tangent(output, tangent)
    return [tangent if _is_floating(o) else None for tangent, o in zip(found, outputs, strict=True)]


def _by_backward(
    function: Any, ctx: Any, args: Sequence[Any], tangents: Sequence[Any],
    outputs: Sequence[Any], saved: Sequence[Any],
) -> list[Any]:  # fmt: skip
    wanted = [i for i, tangent in enumerate(tangents) if tangent is not None]

    def pull(position: int, v: Any) -> list[Any]:
        parts = [
            v
            if i == position
            else output.new_zeros(output.shape)
            if ctx.materialize_grads and isinstance(output, Tensor)
            else None
            for i, output in enumerate(outputs)
        ]
        ctx._saved = tuple(saved)
        try:
            given = function._backward_rule(ctx, *parts)
        finally:
            ctx._saved = None
        given = given if isinstance(given, tuple) else (given,)
        return [None if given[i] is None else given[i].sum_to_size(args[i].shape) for i in wanted]

    directions = [tangents[i] for i in wanted]
    excluded = {id(output) for output in ctx.non_differentiable}
    return [
        transposed(functools.partial(pull, i), output, directions)
        if _is_floating(output) and id(output) not in excluded
        else None
        for i, output in enumerate(outputs)
    ]


def _is_floating(given: Any) -> bool:
    return isinstance(given, Tensor) and given.array.dtype.kind in "fc"
