"""The argument `out`: tensors that the caller has, into which a result is written.

It is looked for where a call has settings that its operation does not know, so calls without it
cost nothing.  The result is computed first: `out` may be one of the operands.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from minigrad.core import dtypes
from minigrad.core.types import Shape
from minigrad.core.warn import warn_caller
from minigrad.engine.grad_mode import ignore_fp_errors, thread
from minigrad.engine.graph import Value


def call_into(
    function: Callable[..., Any], name: str, args: tuple[Any, ...], settings: Mapping[str, Any]
) -> Any:
    """`function(*args, **settings)` written into `out`, which is among the settings.

    Raises RuntimeError, before anything is written, where gradients would be recorded, and for a
    dtype that cannot hold the result; TypeError if `out` has another form than the result.
    """
    settings = dict(settings)
    out = settings.pop("out")
    if out is None:
        return function(*args, **settings)
    return write_into(name, function(*args, **settings), out)


def write_into(name: str, result: Any, out: Any) -> Any:
    """Write a result, one tensor or a tuple of them, into `out`, and return that."""
    if not isinstance(result, tuple):
        if not isinstance(out, Value):
            raise TypeError(f"{name}(): argument 'out' must be Tensor, not {type(out).__name__}")
        write_all(name, (result,), (out,))
        return out
    if not isinstance(out, tuple | list) or not all(isinstance(each, Value) for each in out):
        raise TypeError(
            f"{name}(): argument 'out' must be tuple of Tensors, not {type(out).__name__}"
        )
    if len(out) != len(result):
        raise TypeError(
            f"{name}(): argument 'out' must be tuple of {len(result)} Tensors, got {len(out)}"
        )
    write_all(name, result, tuple(out))
    return type(result)._make(out) if hasattr(result, "_make") else tuple(out)


def write_new(new: Value, out: Any, dtype: np.dtype[Any] | None) -> Any:
    """Write a tensor that a function makes of no others into `out`, cast to its dtype.

    Raises RuntimeError if another dtype was asked for.
    """
    if not isinstance(out, Value):
        raise TypeError(f"argument 'out' must be Tensor, not {type(out).__name__}")
    if dtype is not None and dtype != out.array.dtype:
        raise RuntimeError(
            f"dtype {dtypes.torch_name(dtype)} does not match dtype of out parameter "
            f"({dtypes.torch_name(out.array.dtype)})"
        )
    _require_no_gradient("out", new, out)
    require_own_elements(out)
    if out.array.shape != new.array.shape:
        _resize(out, new.array.shape)
    ignore_fp_errors(np.copyto, out.array, new.array, "unsafe")
    out.bump_version()
    return out


def write_all(name: str, results: tuple[Any, ...], outs: tuple[Any, ...]) -> None:
    """Write each result into its `out`, all of which are checked first."""
    for result, out in zip(results, outs, strict=True):
        _require_no_gradient(name, result, out)
        require_castable(result.array.dtype, out.array.dtype)
        require_own_elements(out)
    for result, out in zip(results, outs, strict=True):
        if out.array.shape != result.array.shape:
            _warn_of_resizing(out, result)
            _resize(out, result.array.shape)
        ignore_fp_errors(np.copyto, out.array, result.array, "unsafe")
        out.bump_version()


def _require_no_gradient(name: str, result: Value, out: Value) -> None:
    if thread.mode.grad and (result._requires_grad or out._requires_grad):
        raise RuntimeError(
            f"{name}(): functions with out=... arguments don't support automatic differentiation, "
            f"but one of the arguments requires grad; call it under no_grad(), or without out="
        )
    if out._is_inference and not thread.mode.inference:
        raise RuntimeError(
            f"{name}(): Inplace update to inference tensor outside InferenceMode is not allowed; "
            f"out= was made in inference mode"
        )


def require_castable(given: np.dtype[Any], wanted: np.dtype[Any]) -> None:
    """Raise torch's RuntimeError unless results of one dtype may be stored in another."""
    if not dtypes.castable(given, wanted):
        raise RuntimeError(
            f"result type {dtypes.torch_name(given)} can't be cast to the desired output type "
            f"{dtypes.torch_name(wanted)}"
        )


def require_own_elements(value: Value) -> None:
    """Raise torch's RuntimeError unless every element has memory of its own, to be written."""
    if not value.array.flags.writeable:
        raise RuntimeError(
            "unsupported operation: more than one element of the written-to tensor refers to a "
            "single memory location, or its memory is read-only. Please clone() the tensor before "
            "changing it in place"
        )


def _warn_of_resizing(out: Value, result: Value) -> None:
    if out.array.size:
        warn_caller(
            f"An output with one or more elements was resized since it had shape "
            f"{list(out.array.shape)}, which does not match the required output shape "
            f"{list(result.array.shape)}. This behavior is deprecated: give out= of that shape, or "
            f"of no elements"
        )


def _resize(out: Value, shape: Shape) -> None:
    """Give `out` another shape: in its memory if there is enough, else in new memory."""
    array, size = out.array, math.prod(shape)
    if array.flags.c_contiguous and array.size >= size:
        out.array = array.reshape(-1)[:size].reshape(shape)
    else:
        out.array = np.empty(shape, array.dtype)
        out._storage = out._base = None
