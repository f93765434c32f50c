"""The Kullback-Leibler divergence: which formula belongs to a pair of families."""

from collections.abc import Callable
from typing import Any, TypeVar

from minigrad.distributions.distribution import Distribution
from minigrad.tensor import Tensor

Formula = Callable[[Any, Any], Tensor]
F = TypeVar("F", bound=Formula)

_formulas: dict[tuple[type[Distribution], type[Distribution]], Formula] = {}


def register_kl(type_p: type[Distribution], type_q: type[Distribution]) -> Callable[[F], F]:
    """Decorate the formula of KL(p || q) for two families, and for their subclasses.

    Of several that fit a pair the closest is used: the one whose class for p is nearest, and of
    these the one whose class for q is.
    """
    for given in (type_p, type_q):
        if not (isinstance(given, type) and issubclass(given, Distribution)):
            raise TypeError(f"Expected a subclass of Distribution but got {given}")

    def decorate(formula: F) -> F:
        _formulas[type_p, type_q] = formula
        return formula

    return decorate


def _find(type_p: type, type_q: type) -> Formula | None:
    for p in type_p.__mro__:
        for q in type_q.__mro__:
            if (p, q) in _formulas:
                return _formulas[p, q]
    return None


def kl_divergence(p: Distribution, q: Distribution) -> Tensor:
    """The divergence KL(p || q) = E_p[log p - log q], of the batch shape.

    Raises NotImplementedError if no formula is registered for the pair.
    """
    formula = _find(type(p), type(q))
    if formula is None:
        raise NotImplementedError(
            f"No KL(p || q) is implemented for p type {type(p).__name__} and q type "
            f"{type(q).__name__}"
        )
    return formula(p, q)
