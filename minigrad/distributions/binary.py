"""Distributions of trials with two outcomes: probabilities given as `probs` or as `logits`."""

from collections.abc import Mapping

from minigrad.core.types import Size
from minigrad.distributions import constraints
from minigrad.distributions.constraints import Constraint
from minigrad.distributions.utils import (
    Number,
    broadcast_all,
    lazy_property,
    logits_to_probs,
    probs_to_logits,
)
from minigrad.tensor import Tensor


class Trial:
    """The probability of success, given as `probs` or as `logits`; the other follows from it."""

    arg_constraints: Mapping[str, Constraint] = constraints.legal(
        probs=constraints.unit_interval, logits=constraints.real
    )

    def _set_probability(
        self, probs: Number | None, logits: Number | None, *others: Number
    ) -> list[Tensor]:
        """Store what was given, broadcast with the others, which are returned."""
        if (probs is None) == (logits is None):
            raise ValueError("Either `probs` or `logits` must be specified, but not both.")
        name, given = ("probs", probs) if logits is None else ("logits", logits)
        assert given is not None
        found, *rest = broadcast_all(given, *others)
        vars(self)[name] = found
        return rest

    @lazy_property
    def probs(self) -> Tensor:
        """The probability of success."""
        return logits_to_probs(self.logits, is_binary=True)

    @lazy_property
    def logits(self) -> Tensor:
        """Its log odds."""
        return probs_to_logits(self.probs, is_binary=True)

    @property
    def _param(self) -> Tensor:
        return self.probs if "probs" in vars(self) else self.logits

    @property
    def param_shape(self) -> Size:
        """The shape of the parameter that was given."""
        return self._param.size()
