"""The transform from unconstrained numbers to a set: `biject_to` and `transform_to`."""

from collections.abc import Callable
from typing import Any, TypeVar

from minigrad.distributions import constraints, transforms
from minigrad.distributions.constraints import Constraint
from minigrad.distributions.transforms import Transform

__all__ = ["ConstraintRegistry", "biject_to", "transform_to"]

Factory = Callable[[Any], Transform]
F = TypeVar("F", bound=Factory)


class ConstraintRegistry:
    """A table from kinds of sets to transforms onto them."""

    def __init__(self) -> None:
        self._registry: dict[type[Constraint], Factory] = {}

    def register(self, constraint: Constraint | type[Constraint], factory: F | None = None) -> Any:
        """Register a function from a constraint to a transform; usable as a decorator."""
        if factory is None:
            return lambda function: self.register(constraint, function)
        kind = type(constraint) if isinstance(constraint, Constraint) else constraint
        if not (isinstance(kind, type) and issubclass(kind, Constraint)):
            raise TypeError(
                f"Expected constraint to be either a Constraint subclass or instance, "
                f"but got {constraint}"
            )
        self._registry[kind] = factory
        return factory

    def __call__(self, constraint: Constraint) -> Transform:
        """The transform onto a set.  Raises NotImplementedError if none is registered."""
        factory = self._registry.get(type(constraint))
        if factory is None:
            raise NotImplementedError(f"Cannot transform {type(constraint).__name__} constraints")
        return factory(constraint)


biject_to = ConstraintRegistry()
"""Bijective transforms: densities can be carried through them, as in Hamiltonian Monte Carlo."""
transform_to = ConstraintRegistry()
"""Transforms that need not be bijective, as simple as possible: for optimisation."""


def _register(registries: list[ConstraintRegistry], *kinds: Any) -> Callable[[F], F]:
    def decorate(factory: F) -> F:
        for registry in registries:
            for kind in kinds:
                registry.register(kind, factory)
        return factory

    return decorate


BOTH = [biject_to, transform_to]


@_register(BOTH, constraints.real)
def _real(constraint: Any) -> Transform:
    return transforms.identity_transform


def _independent(registry: ConstraintRegistry) -> None:
    @registry.register(constraints.independent)  # type: ignore[untyped-decorator]
    def _(constraint: Any) -> Transform:
        base = registry(constraint.base_constraint)
        return transforms.IndependentTransform(base, constraint.reinterpreted_batch_ndims)


for _registry in BOTH:
    _independent(_registry)


@_register(BOTH, constraints.positive, constraints.nonnegative)
def _positive(constraint: Any) -> Transform:
    return transforms.ExpTransform()


@_register(BOTH, constraints.greater_than, constraints.greater_than_eq)
def _above(constraint: Any) -> Transform:
    if isinstance(constraint.lower_bound, float | int) and constraint.lower_bound == 0:
        return transforms.ExpTransform()
    return transforms.ComposeTransform(
        [transforms.ExpTransform(), transforms.AffineTransform(constraint.lower_bound, 1)]
    )


@_register(BOTH, constraints.less_than)
def _below(constraint: Any) -> Transform:
    return transforms.ComposeTransform(
        [transforms.ExpTransform(), transforms.AffineTransform(constraint.upper_bound, -1)]
    )


@_register(BOTH, constraints.interval, constraints.half_open_interval)
def _between(constraint: Any) -> Transform:
    low, high = constraint.lower_bound, constraint.upper_bound
    if isinstance(low, float | int) and isinstance(high, float | int) and low == 0 and high == 1:
        return transforms.SigmoidTransform()
    return transforms.ComposeTransform(
        [transforms.SigmoidTransform(), transforms.AffineTransform(low, high - low)]
    )


@_register([biject_to], constraints.simplex)
def _simplex_by_bijection(constraint: Any) -> Transform:
    return transforms.StickBreakingTransform()


@_register([transform_to], constraints.simplex)
def _simplex(constraint: Any) -> Transform:
    return transforms.SoftmaxTransform()


@_register([transform_to], constraints.lower_cholesky)
def _lower_cholesky(constraint: Any) -> Transform:
    return transforms.LowerCholeskyTransform()


@_register([transform_to], constraints.positive_definite, constraints.positive_semidefinite)
def _positive_definite(constraint: Any) -> Transform:
    return transforms.PositiveDefiniteTransform()


@_register(BOTH, constraints.corr_cholesky)
def _corr_cholesky(constraint: Any) -> Transform:
    return transforms.CorrCholeskyTransform()


def _joined(registry: ConstraintRegistry) -> None:
    @registry.register(constraints.cat)  # type: ignore[untyped-decorator]
    def _cat(constraint: Any) -> Transform:
        parts = [registry(c) for c in constraint.cseq]
        return transforms.CatTransform(parts, constraint.dim, constraint.lengths)

    @registry.register(constraints.stack)  # type: ignore[untyped-decorator]
    def _stack(constraint: Any) -> Transform:
        return transforms.StackTransform([registry(c) for c in constraint.cseq], constraint.dim)


for _registry in BOTH:
    _joined(_registry)
