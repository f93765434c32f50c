"""What is checked: a name, and the check, which raises if it fails."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from minigrad.autograd.gradcheck.checker import Checker
from minigrad.autograd.gradcheck.strictness import Strictness
from minigrad.engine.op import Operation, Sample
from minigrad.testing import differentiable
from minigrad.testing.frameworks import adapted, bridged
from minigrad.testing.operations import (
    LAYOUTS,
    Errors,
    _Case,
    check_operation,
    drawn_again_at_kinks,
)
from minigrad.testing.samples import as_inputs, describe


class Subject(NamedTuple):
    """A right function: its family, its name, and its check at points drawn from a seed."""

    family: str
    name: str
    check: Callable[[int], object]


def operations() -> Iterator[Subject]:
    """Every declared operation at every sample, in both dtypes."""
    for name, operation in differentiable().items():
        for sample in operation.op.samples:
            label = f"{name}{describe(sample)}"
            check = partial(_double, operation, sample)
            yield Subject("minigrad, float64", label, check)
            yield Subject("minigrad, float32", label, partial(_single, operation, sample))


def _double(operation: Operation, sample: Sample, seed: int) -> object:
    return check_operation(operation, sample, seed=seed)


def _single(operation: Operation, sample: Sample, seed: int) -> object:
    """The first order at inputs that are float32 themselves."""

    def check(point_seed: int) -> Errors:
        case = _Case(operation, sample, LAYOUTS["contiguous"], point_seed)
        leaves = [leaf.detach().float().requires_grad_() for leaf in case.leaves]
        case.args = [
            a.float() if hasattr(a, "is_floating_point") and a.is_floating_point() else a
            for a in case.args
        ]
        strictness = Strictness(linear=operation.op.degree == 1, entrywise=True)
        name = f"{operation.op.name}{describe(sample)} in float32"
        return Errors(Checker(case.function, leaves, name, strictness, seed).first_order(), None)

    return drawn_again_at_kinks(check, seed)


def single(
    name: str, function: Any, inputs: Sequence[Any], framework: str | None, vjp: Any, seed: int
) -> object:
    """The first order of a framework's function at inputs that are float32 themselves."""
    made = adapted(function, framework, vjp)
    call = function if made is None else bridged(made)

    def check(point_seed: int) -> Errors:
        drawn = as_inputs(inputs, np.random.default_rng(point_seed))
        leaves = [
            x.detach().float().requires_grad_() if x.is_floating_point() else x for x in drawn
        ]
        checker = Checker(call, leaves, f"{name} in float32", Strictness(entrywise=True), seed)
        return Errors(checker.first_order(), None)

    return drawn_again_at_kinks(check, seed)


def seeds(count: int, seed: int) -> list[int]:
    """Seeds of points, the same for a seed in every run."""
    return [int(seed) for seed in np.random.default_rng(20 + seed).integers(0, 2**31, count)]
