"""Dynamic axes: what the user says of them, and the sizes at which the model is tried."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np

from minigrad.onnx.errors import OnnxExporterError
from minigrad.onnx.graph import Tensor
from minigrad.onnx.sizes import Varying

# Of more names than this all sizes grow together, or shrink.
MOST_SIGNS = 4

Axes = list[dict[int, str]]
"""For each input the names of its dynamic axes."""


def axes_by_input(
    inputs: Sequence[str], outputs: Sequence[str], dynamic_axes: Any, dynamic_shapes: Any
) -> Axes:
    """The dynamic axes of each input.  Raises ValueError for names that there are not."""
    if dynamic_axes and dynamic_shapes:
        raise ValueError("dynamic_axes and dynamic_shapes say the same: give one of them")
    for key in dynamic_axes or ():
        if key not in inputs and key not in outputs:
            raise ValueError(
                f"Provided key {key} for dynamic axes is not a valid input/output name: there are "
                f"{', '.join((*inputs, *outputs))}"
            )
    return [_named(name, given) for name, given in zip(
        inputs, _in_order(inputs, dynamic_axes or dynamic_shapes), strict=True)]  # fmt: skip


def _in_order(inputs: Sequence[str], given: Any) -> list[Any]:
    """What is said of each input, in their order."""
    if given is None:
        return [None] * len(inputs)
    if isinstance(given, Mapping):
        unknown = [key for key in given if key not in inputs]
        if unknown and not any(key in inputs for key in given) and len(unknown) == len(inputs):
            return list(given.values())  # under the names of the model's arguments
        return [given.get(name) for name in inputs]
    if len(given) != len(inputs):
        raise ValueError(
            f"dynamic_shapes has {len(given)} entries for {len(inputs)} inputs of the model"
        )
    return list(given)


def _named(name: str, given: Any) -> dict[int, str]:
    """Names of the dynamic axes of one input: as they are, or made of its name."""
    if given is None:
        return {}
    pairs: Iterable[tuple[int, Any]]
    pairs = given.items() if isinstance(given, Mapping) else enumerate(given)
    if not isinstance(given, Mapping) and all(type(each) is int for each in given):
        pairs = ((axis, f"{name}_dynamic_axes_{k}") for k, axis in enumerate(given, 1))
    found = {}
    for axis, called in pairs:
        if called is not None:
            own = getattr(called, "__name__", called)  # of torch.export.Dim
            found[int(axis)] = own if isinstance(own, str) else f"{name}_dim_{axis}"
    return found


def shapes_tried(arrays: Sequence[np.ndarray], axes: Axes) -> Iterator[list[list[tuple[int, ...]]]]:
    """Pairs of other shapes for the inputs: larger, smaller, and multiples of the example's.

    Axes of one name have one size.  Raises OnnxExporterError if they have not in the example.
    """
    sizes: dict[str, int] = {}
    for number, (array, named) in enumerate(zip(arrays, axes, strict=True)):
        for axis, name in named.items():
            if not -array.ndim <= axis < array.ndim:
                raise ValueError(f"input {number} has no axis {axis}: its shape is {array.shape}")
            size = array.shape[axis]
            if sizes.setdefault(name, size) != size:
                raise OnnxExporterError(
                    f"the dynamic axis {name!r} has the sizes {sizes[name]} and {size} in the "
                    f"example; axes of one name have one size"
                )
    for tried in _other_sizes(sizes):
        if all(size > 0 for each in tried for size in each.values()):
            yield [
                [_with(*pair, each) for pair in zip((a.shape for a in arrays), axes, strict=True)]
                for each in tried
            ]


def _other_sizes(sizes: Mapping[str, int]) -> Iterator[list[dict[str, int]]]:
    """Two other sizes for each name: each a little larger or smaller, or multiples of all."""
    ways = product((1, -1), repeat=len(sizes)) if len(sizes) <= MOST_SIGNS else [(1,), (-1,)]
    for signs in ways:
        yield [
            {
                name: size + signs[k % len(signs)] * (turn * (k + 2) - 1)
                for k, (name, size) in enumerate(sizes.items())
            }
            for turn in (1, 2)
        ]
    for more in (2, 3):
        yield [
            {name: size * (turn + k + more) for k, (name, size) in enumerate(sizes.items())}
            for turn in (0, 1)
        ]


def _with(
    shape: tuple[int, ...], named: dict[int, str], sizes: Mapping[str, int]
) -> tuple[int, ...]:
    found = list(shape)
    for axis, name in named.items():
        found[axis] = sizes[name]
    return tuple(found)


def name_sizes(inputs: Sequence[Tensor], outputs: Sequence[Tensor], axes: Axes, given: Any) -> None:
    """Put names in the place of dynamic sizes: the user's, those of inputs, or new ones."""
    known: dict[Any, str] = {}
    for tensor, named in zip(inputs, axes, strict=True):
        for axis, name in named.items():
            known.setdefault(tensor.shape[axis], name)
            tensor.shape[axis] = name
    for tensor in outputs:
        own = _named(tensor.name, (given or {}).get(tensor.name))
        for axis, size in enumerate(tensor.shape):
            if axis in own or axis - len(tensor.shape) in own:
                tensor.shape[axis] = own.get(axis) or own[axis - len(tensor.shape)]
            elif isinstance(size, Varying):
                tensor.shape[axis] = known.get(size, f"{tensor.name}_dim_{axis}")
