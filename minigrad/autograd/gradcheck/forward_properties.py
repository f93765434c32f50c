"""The check of forward mode: tangents of the outputs against differences of function values."""

import functools
from collections.abc import Iterator
from typing import Any

import numpy as np

from minigrad.autograd.forward_ad import dual_of
from minigrad.autograd.gradcheck.checked_function import CheckedFunction
from minigrad.autograd.gradcheck.numeric import away_from_zero, directional_derivative, unit
from minigrad.autograd.vmap import vmap
from minigrad.core.types import Array
from minigrad.engine.forward_mode import dual_level, tangent_of
from minigrad.engine.graph import wrap
from minigrad.ops import stack
from minigrad.tensor import Tensor


def check_forward_mode(checked: CheckedFunction) -> None:
    """Fail unless the tangents along random directions, and along entries, are the differences."""
    for position in range(len(checked.point)):
        for direction in _directions(checked, position):
            found = tangents_along(checked, position, wrap(Tensor, direction))
            numeric = directional_derivative(
                functools.partial(_values, checked, position),
                checked.point[position],
                direction,
                linear=checked.strict.linear,
                step=checked.strict.step,
            )
            flat = np.concatenate([tangent.array.ravel() for tangent in found])
            if not checked.agree(flat, numeric):
                checked.fail(
                    f"forward mode: the tangents of the outputs along {checked.labels[position]}, "
                    f"direction\n{direction}\nare\n{flat}\nbut differences of function values give"
                    f"\n{numeric}"
                )


def check_batched_forward_mode(checked: CheckedFunction) -> None:
    """Fail unless vmap over directions gives the tangents along each."""
    for position, x in enumerate(checked.point):
        pair = [wrap(Tensor, away_from_zero(checked.rng, x.shape)) for _ in range(2)]
        each = [tangents_along(checked, position, direction) for direction in pair]
        together = vmap(functools.partial(tangents_along, checked, position))(stack(pair))
        for batched, *alone in zip(together, *each, strict=True):
            if not checked.agree(batched.array, stack(alone).array):
                checked.fail(
                    f"forward mode under vmap gives other tangents along {checked.labels[position]}"
                )


def tangents_along(checked: CheckedFunction, position: int, direction: Any) -> tuple[Any, ...]:
    """The tangents of the outputs where one input has this tangent, and the others none."""
    with dual_level() as level:
        leaves = checked.leaves()
        leaves[position] = dual_of(leaves[position], direction, level)
        outputs = checked.function(*leaves)
        found = [tangent_of(output, level) for output in outputs]
    return tuple(
        output.new_zeros(output.shape) if tangent is None else tangent.detach()
        for output, tangent in zip(outputs, found, strict=True)
    )


def _directions(checked: CheckedFunction, position: int) -> Iterator[Array]:
    shape = checked.point[position].shape
    yield away_from_zero(checked.rng, shape)
    if checked.strict.entrywise:
        yield from (unit(shape, index) for index in np.ndindex(shape))


def _values(checked: CheckedFunction, position: int, x: Array) -> Array:
    """All elements of the outputs where one input is `x`."""
    leaves = checked.leaves()
    leaves[position] = wrap(Tensor, np.array(x)).requires_grad_()
    return np.concatenate([output.array.ravel() for output in checked.function(*leaves)])
