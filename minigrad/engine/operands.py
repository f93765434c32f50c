"""Operands of operations: which are taken, and what is said of others."""

from typing import Any

import numpy as np

from minigrad.core.errors import OutOfMemoryError
from minigrad.core.shapes import dims_that_differ
from minigrad.engine.graph import Value
from minigrad.engine.operation import Op
from minigrad.engine.overrides import first_seen_in_function, is_asked, named_kind

_OPERANDS = (Value, int, float, complex, np.generic)


def is_foreign(operand: Any) -> bool:
    """True if an operand of an operator is neither a tensor nor a number."""
    return not isinstance(operand, _OPERANDS) and not is_asked(operand)


def advice_on(given: Any) -> str:
    """What makes a tensor of an argument that is none, to be written behind the name of its type.

    A list of tensors is what a DataLoader makes of samples that are lists of numbers.
    """
    if isinstance(given, np.ndarray):
        return "; from_numpy(array) makes one"
    if not isinstance(given, list | tuple) or not given:
        return ""
    if all(isinstance(each, Value) for each in given):
        return (
            " of tensors.  If a DataLoader made it, its dataset's samples are lists of numbers: "
            "let __getitem__ return a tensor"
        )
    return "; tensor(...) makes one"


def wrapped_around(arrays: list[Any]) -> list[Any]:
    """The operands, with Python's integers as the arrays' dtype holds them, modulo its range."""
    dtype = next(a.dtype for a in arrays if isinstance(a, np.ndarray))
    return [np.array(a, np.int64).astype(dtype) if type(a) is int else a for a in arrays]


def plain(operation: Op, position: int, arg: Any, as_operator: bool) -> Any:
    """A NumPy number as a Python number, None for an optional tensor.

    An object whose class overrides the operation is left as it is.  Nothing else will do: of an
    operator the result is NotImplemented, else TypeError is raised.
    """
    if as_operator and is_foreign(arg):
        return NotImplemented
    only_tensors = position in operation.declaration.tensors_at
    if isinstance(arg, np.generic) and not only_tensors:
        return arg.item()
    if isinstance(arg, int | float | complex) and not only_tensors:
        return arg
    name = operation.tensors[position] if position < len(operation.tensors) else "tensors"
    only_tensors = only_tensors or len(operation.tensors) == 1
    if arg is None and name in operation.optional:
        return None
    if is_asked(arg) and not first_seen_in_function():
        return arg
    raise TypeError(
        f"{operation.name}(): argument '{name}' (position {position + 1}) must be Tensor"
        f"{'' if only_tensors else ' or a number'}, not {named_kind(arg)}{advice_on(arg)}"
    )


def put(args: tuple[Any, ...], position: int, arg: Any) -> tuple[Any, ...]:
    """The arguments, which nodes keep, with another one at a position."""
    return (*args[:position], arg, *args[position + 1 :])


def not_a_tensor(operation: Op, args: tuple[Any, ...]) -> TypeError:
    given = named_kind(args[0]) + advice_on(args[0]) if args else "nothing"
    first = operation.tensors[0] if operation.tensors else "tensors"
    return TypeError(
        f"{operation.name}(): argument '{first}' (position 1) must be Tensor, not {given}"
    )


def explained(operation: Op, arrays: list[Any], error: Exception) -> Exception:
    """torch's error if memory is short, or shapes do not broadcast; else the error itself."""
    if isinstance(error, MemoryError):
        return OutOfMemoryError(f"not enough memory for {operation.name}(): {error}")
    shapes = [a.shape for a in arrays if isinstance(a, np.ndarray)]
    sizes = dims_that_differ(shapes) if operation.declaration.broadcasts else None
    if sizes is None:
        return error
    first, second, dim = sizes
    given = " and ".join(str(list(shape)) for shape in shapes)
    return RuntimeError(
        f"The size of tensor a ({first}) must match the size of tensor b ({second}) at "
        f"non-singleton dimension {dim}: {operation.name}() got the shapes {given}; they do not "
        f"broadcast"
    )
