"""Checks and normal forms of the arguments of functional layers."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.engine.operands import advice_on
from minigrad.engine.overrides import named_kind
from minigrad.tensor import Tensor

Pair = tuple[int, int]
"""Two sizes of an image: the vertical one and the horizontal one."""

INTEGERS = (int, np.integer)
"""What is taken where a whole number is asked for."""

# The first number that 64 bits with a sign cannot hold.
OVERFLOW = 2**63

IntOrSequence = int | Sequence[int]
"""A size for all spatial dimensions, or one for each."""


def sizes(value: Any, name: str, count: int, least: int = 1) -> tuple[int, ...]:
    """One size for each of `count` dimensions, from an int for all or a sequence of one or `count`.

    Raises TypeError for other types, RuntimeError for another length or a number below `least`.
    """
    if isinstance(value, INTEGERS) and not isinstance(value, bool):
        found: tuple[int, ...] = (int(value),) * count
    elif isinstance(value, Sequence) and all(isinstance(v, INTEGERS) for v in value):
        if len(value) not in (1, count):
            raise RuntimeError(
                f"{name} must be an int or a sequence of {count}, got {name}={value}"
            )
        found = tuple(map(int, value)) if len(value) == count else (int(value[0]),) * count
    else:
        raise TypeError(f"{name} must be an int or a sequence of {count} ints, got {value!r}")
    for size in found:
        if size < least:
            raise RuntimeError(f"{name} must be at least {least}, got {name}={value}")
        if size >= OVERFLOW:
            raise RuntimeError(f"{name} must fit into 64 bits, got {name}={value}")
    return found


def pair(value: Any, name: str, least: int = 1) -> Pair:
    """(vertical, horizontal) from an int for both, or from a sequence of one or two ints.

    Raises TypeError for other types, RuntimeError for another length or a number below `least`.
    """
    return sizes(value, name, 2, least)  # type: ignore[return-value]


def single_int(value: Any, name: str, least: int = 1) -> int:
    """An int, given as itself or in a sequence of length 1.

    Raises TypeError for other types, RuntimeError for another length or a number below `least`.
    """
    if isinstance(value, Sequence) and not isinstance(value, str):
        if len(value) != 1:
            raise RuntimeError(f"{name} must be an int or a sequence of 1, got {name}={value}")
        (value,) = value
    return sizes(value, name, 1, least)[0]


def require_countable(name: str, *shapes: Sequence[int]) -> None:
    """Raise RuntimeError if elements of 8 bytes, of an array of such a shape, overflow 64 bits."""
    for shape in shapes:
        if 8 * math.prod(shape) >= OVERFLOW:
            raise RuntimeError(
                f"{name}: Storage size calculation overflowed with sizes={list(shape)}: 64 bits do "
                f"not count its bytes"
            )


def require_tensor(name: str, **arguments: Any) -> None:
    """Raise TypeError unless all the named arguments are tensors."""
    for argument, value in arguments.items():
        if not isinstance(value, Tensor):
            position = 1 + list(arguments).index(argument)
            raise TypeError(
                f"{name}(): argument '{argument}' (position {position}) must be Tensor, "
                f"not {named_kind(value)}{advice_on(value)}"
            )


def require_floating(name: str, input: Tensor) -> None:
    """Raise RuntimeError unless the tensor is floating."""
    if input.array.dtype.kind != "f":
        raise RuntimeError(f"{name} expects a floating input, got {input.dtype}")


def batched(name: str, input: Tensor, dimensions: int = 2) -> tuple[Tensor, bool]:
    """The input with a batch dimension, and True if that dimension was added.

    `dimensions` is the number of spatial dimensions: 1 for (N, C, L) and (C, L), 2 for
    (N, C, H, W) and (C, H, W), 3 for (N, C, D, H, W) and (C, D, H, W).  Raises RuntimeError for
    another number.
    """
    require_tensor(name, input=input)
    if input.ndim == dimensions + 2:
        return input, False
    if input.ndim == dimensions + 1:
        return input.unsqueeze(0), True
    raise RuntimeError(
        f"Expected {dimensions + 1}D (unbatched) or {dimensions + 2}D (batched) input to {name}, "
        f"but got input of size: {list(input.shape)}"
    )
