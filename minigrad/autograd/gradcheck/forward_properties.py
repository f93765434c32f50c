"""The check of forward mode: tangents of the outputs against differences of function values."""

import functools
from collections.abc import Iterator
from typing import Any

import numpy as np

from minigrad.autograd.forward_ad import dual_of
from minigrad.autograd.gradcheck.checked_function import CheckedFunction
from minigrad.autograd.gradcheck.numeric import (
    away_from_zero,
    best,
    central,
    exact,
    identity,
    steps_from,
    unit,
)
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
            numeric = _differences(checked, position, direction)
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


def _differences(checked: CheckedFunction, position: int, direction: Array) -> Array:
    """The derivatives of all elements of the outputs along a direction of one input."""

    def terms(distance: float) -> Array:
        leaves = checked.leaves()
        x = checked.point[position]
        moved = (x + distance * direction).astype(x.dtype)
        leaves[position] = wrap(Tensor, moved).requires_grad_()
        values = [np.ravel(o.array) for o in checked.function(*leaves)]
        return np.concatenate(values).astype(np.float64)

    bounds = checked.bounds
    if checked.strict.linear:
        return np.asarray(exact(terms, bounds.rounding, identity).value)
    estimates = (
        central(terms, step, bounds.rounding, identity) for step in steps_from(bounds.step)
    )
    found = best(
        estimates, lambda e: e.worst <= bounds.rtol * float(np.abs(e.value).max(initial=1.0))
    )
    return np.asarray(found.value)
