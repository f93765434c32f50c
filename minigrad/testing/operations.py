"""Gradient checks of declared operations, generated from their samples."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from minigrad.autograd import grad
from minigrad.autograd.gradcheck.checker import Checker
from minigrad.autograd.gradcheck.comparison import Coverage
from minigrad.autograd.gradcheck.failures import GradcheckError, NotSmoothError
from minigrad.autograd.gradcheck.numeric import away_from_zero
from minigrad.autograd.gradcheck.situation import gradients_of, leaf_of
from minigrad.autograd.gradcheck.strictness import Strictness
from minigrad.core.memory_format import contiguous_format
from minigrad.engine.graph import wrap
from minigrad.engine.op import Operation, Sample, arr
from minigrad.ops import stack, table
from minigrad.tensor import Tensor
from minigrad.testing.samples import describe, draw

Array = np.ndarray[Any, Any]

DRAWS = 4
FLOAT32_TOLERANCE = 2e-4


class Layout(NamedTuple):
    """A memory layout of an argument: the leaf that holds it, and the argument as a view of it."""

    leaf: Callable[[Array], Array]
    view: Callable[[Tensor, tuple[int, ...]], Tensor]
    repeats: bool = False  # elements: of no use where they must be distinct


def _every_second_transposed(array: Array) -> Array:
    return np.repeat(array.T, 2, axis=0) if array.ndim else array


def _transposed_back(leaf: Tensor, shape: tuple[int, ...]) -> Tensor:
    return leaf[::2].permute(*range(leaf.ndim)[::-1]) if leaf.ndim else leaf


def _every_second_by_columns(tensor: Tensor) -> Tensor:
    """The same elements with gaps between them, the first dimension's beside each other."""
    turned = tensor.permute(*range(tensor.ndim)[::-1]) if tensor.ndim else tensor
    turned = turned.contiguous()
    view: Tensor = stack((turned, turned), -1).select(-1, 0)
    return view.permute(*range(view.ndim)[::-1]) if view.ndim else view


LAYOUTS = {
    "contiguous": Layout(lambda array: array, lambda leaf, shape: leaf),
    "strided": Layout(_every_second_transposed, _transposed_back),
    "broadcast": Layout(
        lambda array: array[:1] if array.ndim else array,
        lambda leaf, shape: leaf.expand(shape),
        repeats=True,
    ),
}


def differentiable() -> dict[str, Operation]:
    """The declared operations that have a derivative, by name."""
    return {name: call for name, call in table.declared().items() if call.op.vjp_rules is not None}


class _Worst(NamedTuple):
    first: float
    second: float | None


class Errors(_Worst):
    """The worst errors of a check that passed, relative to the size of what was compared.

    coverages: what was looked at of arguments that were too large for every entry.
    """

    coverages: tuple[Coverage, ...] = ()

    def covering(self, coverages: Iterable[Coverage]) -> "Errors":
        """These errors, of a check that looked at so much."""
        self.coverages = tuple(coverages)
        return self


def check_operation(
    operation: Operation, sample: Sample, layout: str = "contiguous", seed: int = 0
) -> Errors:
    """Check first and second derivatives of an operation at one of its samples, and float32.

    The arguments lie in memory as `layout` names it: contiguous, strided or broadcast.  A point
    near a kink is drawn again.  Raises GradcheckError naming the operation and the sample.
    """
    name = f"{operation.op.name}, sample {describe(sample)}, {layout}"
    strictness = Strictness(linear=operation.op.degree == 1)

    def check(point_seed: int) -> Errors:
        case = _Case(operation, sample, LAYOUTS[layout], point_seed)
        checker = Checker(case.function, case.leaves, name, strictness, seed, case.labels)
        errors = Errors(checker.first_order(), checker.second_order())
        case.check_float32(name)
        return errors

    return drawn_again_at_kinks(check, seed)


def check_layout(operation: Operation, sample: Sample, layout: str, seed: int = 0) -> Errors:
    """Compare an operation of arguments in a memory layout with the same of contiguous copies.

    Outputs and gradients of first and second order must be the same, with cotangents that are not
    contiguous either; those in float32 are compared with float64.  Whether they are right is for
    `check_operation` to say.  Raises GradcheckError naming the operation and the sample.
    """
    name = f"{operation.op.name}, sample {describe(sample)}, {layout}"
    case = _Case(operation, sample, LAYOUTS[layout], seed)
    checked = Checker(case.function, case.leaves, name, Strictness(), seed, case.labels)
    rng, copied = np.random.default_rng(seed), checked.function_like(case.function_of_copies)
    outputs, expected = checked.function(*checked.leaves()), copied(*checked.leaves())
    checked.require_same("output", outputs, expected)
    cotangents = [away_from_zero(rng, o.shape) for o in outputs]
    starts = [away_from_zero(rng, x.shape) for x in checked.point]
    found = [
        _two_orders(function, checked.point, cotangents, starts, is_strided)
        for function, is_strided in ((checked.function, True), (copied, False))
    ]
    worst = [
        checked.require_same(f"{order} gradient", *pair)
        for order, pair in zip(("first", "second"), zip(*found, strict=True), strict=True)
    ]
    case.check_float32(name)
    return Errors(*worst)


def _two_orders(
    function: Callable[..., Any], point: Iterable[Array], cotangents: Iterable[Array],
    starts: Iterable[Array], is_strided: bool,
) -> tuple[Sequence[Tensor], Sequence[Tensor]]:  # fmt: skip
    """Gradients of first order at a point, and the gradients of these."""
    leaves, given = list(map(leaf_of, point)), list(map(leaf_of, cotangents))
    used = list(map(_every_second_by_columns, given)) if is_strided else given
    first = gradients_of(function(*leaves), leaves, used, create_graph=True)
    weights = [wrap(Tensor, np.array(start)) for start in starts]
    return first, gradients_of(first, [*leaves, *given], weights)


def drawn_again_at_kinks(check: Callable[[int], Errors], seed: int) -> Errors:
    """`check` with the seed, and with others where it happens upon a kink."""
    for attempt in range(DRAWS - 1):
        try:
            return check(seed + 7919 * attempt)
        except NotSmoothError:
            continue
    return check(seed + 7919 * (DRAWS - 1))


class _Case:
    """An operation with arguments drawn for it; its leaves are the differentiable ones."""

    def __init__(self, operation: Operation, sample: Sample, layout: Layout, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.operation = operation
        self.sample = sample
        apart = any(isinstance(a, arr) and (a.distinct or a.diagonal) for a in sample.args)
        self.layout = LAYOUTS["contiguous"] if apart and layout.repeats else layout
        vjp = operation.op.vjp_rules
        self.args: list[Any] = []
        self.places: list[int] = []
        self.leaves: list[Tensor] = []
        for place, wanted in enumerate(sample.args):
            if not isinstance(wanted, arr):
                self.args.append(wanted)
                continue
            array = draw(wanted, rng)
            self.args.append(wrap(Tensor, array))
            has_rule = callable(vjp) or (vjp is not None and vjp[place] is not None)
            if array.dtype.kind == "f" and has_rule:
                self.places.append(place)
                leaf: Tensor = wrap(Tensor, np.array(self.layout.leaf(array), order="C"))
                leaf.requires_grad = True
                self.leaves.append(leaf)

    @property
    def labels(self) -> list[str]:
        return [f"argument {place}" for place in self.places]

    def function(self, *leaves: Tensor) -> Any:
        """The operation of its leaves, by-products left out."""
        return self._of(self._arranged(leaves))

    def function_of_copies(self, *leaves: Tensor) -> Any:
        """The same of contiguous copies."""
        return self._of([a.clone(memory_format=contiguous_format) for a in self._arranged(leaves)])

    def _arranged(self, leaves: Sequence[Tensor]) -> list[Tensor]:
        """The arguments that are differentiated, in the layout."""
        pairs = zip(self.places, leaves, strict=True)
        return [self.layout.view(leaf, self.args[place].shape) for place, leaf in pairs]

    def _of(self, arranged: Sequence[Tensor]) -> Any:
        args = list(self.args)
        for place, argument in zip(self.places, arranged, strict=True):
            args[place] = argument
        result = self.operation(*args, **self.sample.settings)
        return result[0] if isinstance(result, tuple) else result

    def check_float32(self, name: str) -> None:
        """Compare the gradients in float32 with those in float64."""
        halves = [leaf.detach().float().requires_grad_() for leaf in self.leaves]
        self.args = [a.float() if isinstance(a, Tensor) and a.is_floating_point() else a
                     for a in self.args]  # fmt: skip
        exact, rounded = self.function(*self.leaves), self.function(*halves)
        start = away_from_zero(np.random.default_rng(0), exact.shape)
        wide = grad(exact, self.leaves, wrap(Tensor, start), materialize_grads=True)
        narrow = grad(rounded, halves, wrap(Tensor, start.astype(rounded.array.dtype)),
                      materialize_grads=True)  # fmt: skip
        for place, a, b in zip(self.places, narrow, wide, strict=True):
            scale = 1.0 + np.abs(b.array).max(initial=0.0)
            apart = np.abs(a.array - b.array).max(initial=0.0)
            if a.array.dtype != np.float32 or not apart <= FLOAT32_TOLERANCE * scale:
                raise GradcheckError(
                    f"{name}: in float32 the gradient of argument {place} is {a.array.dtype} and "
                    f"up to {apart:.3g} away from the one in float64, of size {scale:.3g}"
                )
