"""The base of all distributions."""

import warnings
from collections.abc import Iterable, Mapping
from typing import Any, Self

from minigrad.core.types import Size
from minigrad.distributions.constraints import Constraint, is_dependent, legal
from minigrad.distributions.utils import lazy_property
from minigrad.engine.grad_mode import no_grad
from minigrad.tensor import Tensor

NO_SIZE = Size(())


class Distribution:
    """A probability distribution, or a batch of them.

    `batch_shape` is the shape of the batch; `event_shape` that of one point.  `sample(s)` has shape
    `s + batch_shape + event_shape`, and `log_prob` of it `s + batch_shape`.

    A subclass names its parameters in `arg_constraints`, stores each as an attribute that is
    broadcast to the batch, and calls this constructor last: it checks them.
    """

    has_rsample = False
    has_enumerate_support = False
    arg_constraints: Mapping[str, Constraint] = legal()
    support: Any
    _validate_args: bool = __debug__

    def __init__(
        self,
        batch_shape: Iterable[int] = NO_SIZE,
        event_shape: Iterable[int] = NO_SIZE,
        validate_args: bool | None = None,
    ) -> None:
        self._batch_shape = Size(batch_shape)
        self._event_shape = Size(event_shape)
        if validate_args is not None:
            self._validate_args = validate_args
        if self._validate_args:
            self._check_parameters()

    def _check_parameters(self) -> None:
        for name, constraint in self.arg_constraints.items():
            value = vars(self).get(name)
            if value is None or is_dependent(constraint):
                continue
            if not constraint.check(value).all():
                raise ValueError(
                    f"Expected parameter {name} ({type(value).__name__} of shape "
                    f"{tuple(value.shape)}) of distribution {self!r} to satisfy the constraint "
                    f"{constraint!r}, but found invalid values:\n{value}"
                )

    @staticmethod
    def set_default_validate_args(value: bool) -> None:
        """Set whether distributions check their parameters and values; they do by default."""
        if not isinstance(value, bool):
            raise ValueError(f"expected True or False, got {value!r}")
        Distribution._validate_args = value

    def expand(self, batch_shape: Iterable[int], _instance: Any = None) -> Self:
        """The distribution with its parameters expanded to a batch; without copies."""
        wanted = Size(batch_shape)
        new = object.__new__(type(self)) if _instance is None else _instance
        legal: dict[str, Constraint] = {}
        for base in reversed(type(self).__mro__):
            legal |= vars(base).get("arg_constraints", {})
        for name, value in vars(self).items():
            if name in legal and isinstance(value, Tensor):
                point = value.shape[value.ndim - legal[name].event_dim :]
                vars(new)[name] = value.expand(*wanted, *point)
            elif isinstance(value, Distribution) and value.batch_shape == self._batch_shape:
                vars(new)[name] = value.expand(wanted)
            elif not isinstance(getattr(type(self), name, None), lazy_property):
                vars(new)[name] = value
        new._batch_shape = wanted
        return new

    @property
    def batch_shape(self) -> Size:
        """The shape of the batch of distributions."""
        return self._batch_shape

    @property
    def event_shape(self) -> Size:
        """The shape of one point."""
        return self._event_shape

    # --- what a distribution has to say; those without a closed form raise NotImplementedError ---

    @property
    def mean(self) -> Tensor:
        """The mean."""
        raise NotImplementedError(f"{type(self).__name__} has no mean in closed form")

    @property
    def mode(self) -> Tensor:
        """The most probable point."""
        raise NotImplementedError(f"{type(self).__name__} has no mode in closed form")

    @property
    def variance(self) -> Tensor:
        """The variance."""
        raise NotImplementedError(f"{type(self).__name__} has no variance in closed form")

    @property
    def stddev(self) -> Tensor:
        """The standard deviation."""
        return self.variance.sqrt()

    def sample(self, sample_shape: Iterable[int] = NO_SIZE) -> Tensor:
        """Draw `sample_shape` points from every distribution of the batch; without a graph."""
        with no_grad():
            return self.rsample(sample_shape)

    def rsample(self, sample_shape: Iterable[int] = NO_SIZE) -> Tensor:
        """Draw points as a function of the parameters, so that gradients flow to these."""
        raise NotImplementedError(f"{type(self).__name__} has no reparametrised samples")

    def sample_n(self, n: int) -> Tensor:
        """Draw n points; deprecated in torch, as `sample((n,))` does the same."""
        warnings.warn("sample_n(n) will be deprecated. Use .sample((n,)) instead.", UserWarning, 2)
        return self.sample((n,))

    def log_prob(self, value: Tensor) -> Tensor:
        """The logarithm of the density, or of the probability, at `value`."""
        raise NotImplementedError(f"{type(self).__name__} has no density in closed form")

    def cdf(self, value: Tensor) -> Tensor:
        """The probability of points up to `value`."""
        raise NotImplementedError(f"{type(self).__name__} has no cdf in closed form")

    def icdf(self, value: Tensor) -> Tensor:
        """The point up to which the probability is `value`."""
        raise NotImplementedError(f"{type(self).__name__} has no inverse cdf in closed form")

    def enumerate_support(self, expand: bool = True) -> Tensor:
        """All points, along a new first dimension; for distributions over finitely many."""
        raise NotImplementedError(f"the support of {type(self).__name__} cannot be listed")

    def entropy(self) -> Tensor:
        """The entropy, in nats."""
        raise NotImplementedError(f"{type(self).__name__} has no entropy in closed form")

    def perplexity(self) -> Tensor:
        """exp(entropy)."""
        return self.entropy().exp()

    # --- for subclasses ---

    def _extended_shape(self, sample_shape: Iterable[int] = NO_SIZE) -> Size:
        return Size((*sample_shape, *self._batch_shape, *self._event_shape))

    def _validate_sample(self, value: Tensor) -> None:
        """Raise ValueError if points have another shape, or are not in the support."""
        if not self._validate_args:
            return
        if not isinstance(value, Tensor):
            raise ValueError("The value argument to log_prob must be a Tensor")
        at = value.ndim - len(self._event_shape)
        if at < 0 or value.shape[at:] != self._event_shape:
            raise ValueError(
                f"The right-most size of value must match event_shape: {tuple(value.shape)} vs "
                f"{tuple(self._event_shape)}."
            )
        expected = (*self._batch_shape, *self._event_shape)
        for i, j in zip(reversed(value.shape), reversed(expected), strict=False):
            if i != 1 and j not in (1, i):
                raise ValueError(
                    f"Value is not broadcastable with batch_shape+event_shape: "
                    f"{tuple(value.shape)} vs {expected}."
                )
        valid = self.support.check(value)
        if not valid.all():
            raise ValueError(
                f"Expected value argument ({type(value).__name__} of shape {tuple(value.shape)}) "
                f"to be within the support ({self.support!r}) of the distribution {self!r}, but "
                f"found invalid values:\n{value}"
            )

    def __repr__(self) -> str:
        values = {n: v for n in self.arg_constraints if (v := vars(self).get(n)) is not None}
        shown = [f"{n}: {v if v.numel() == 1 else v.size()}" for n, v in values.items()]
        return f"{type(self).__name__}({', '.join(shown)})"
