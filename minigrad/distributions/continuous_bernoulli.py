"""The continuous Bernoulli distribution (Loaiza-Ganem & Cunningham 2019, arXiv:1907.06845)."""

import math
from collections.abc import Iterable

from minigrad.distributions import constraints, draws
from minigrad.distributions.binary import Trial
from minigrad.distributions.distribution import NO_SIZE
from minigrad.distributions.exp_family import ExponentialFamily
from minigrad.distributions.utils import Number, broadcast_all, clamp_probs
from minigrad.nn.functional import binary_cross_entropy_with_logits
from minigrad.ops import atanh, where
from minigrad.tensor import Tensor


class ContinuousBernoulli(Trial, ExponentialFamily):
    """p(x) = C p^x (1 - p)^(1 - x) on [0, 1], C = 2 atanh(1 - 2p) / (1 - 2p), or 2 at p = 1/2.

    `lims` is the interval of p in which series about 1/2 are used.
    """

    arg_constraints = Trial.arg_constraints
    support = constraints.unit_interval
    has_rsample = True

    def __init__(
        self,
        probs: Number | None = None,
        logits: Number | None = None,
        lims: tuple[float, float] = (0.499, 0.501),
        validate_args: bool | None = None,
    ) -> None:
        self._lims = lims
        self._set_probability(probs, logits)
        super().__init__(self.param_shape, validate_args=False)
        if validate_args is not None:
            self._validate_args = validate_args
        if self._validate_args:
            self._check_parameters()
        if "probs" in vars(self):
            self.probs = clamp_probs(self.probs)

    def _outside(self) -> Tensor:
        return (self.probs <= self._lims[0]) | (self.probs > self._lims[1])

    def _safe(self) -> Tensor:
        """The probabilities, those near 1/2 replaced by a bound: formulas divide by p - 1/2."""
        return where(self._outside(), self.probs, self._lims[0])

    def _log_constant(self) -> Tensor:
        p = self._safe()
        far = (2 * atanh(1 - 2 * p).abs()).log() - (1 - 2 * p).abs().log()
        x = (self.probs - 0.5).square()
        near = math.log(2.0) + (4.0 / 3.0 + 104.0 / 45.0 * x) * x
        return where(self._outside(), far, near)

    @property
    def mean(self) -> Tensor:
        p = self._safe()
        far = p / (2 * p - 1) + 1 / (2 * atanh(1 - 2 * p))
        x = self.probs - 0.5
        near = 0.5 + (1.0 / 3.0 + 16.0 / 45.0 * x.square()) * x
        return where(self._outside(), far, near)

    @property
    def variance(self) -> Tensor:
        p = self._safe()
        far = p * (p - 1) / (1 - 2 * p).square() + 1 / (2 * atanh(1 - 2 * p)).square()
        x = (self.probs - 0.5).square()
        near = 1.0 / 12.0 - (1.0 / 15.0 - 128.0 / 945.0 * x) * x
        return where(self._outside(), far, near)

    def rsample(self, sample_shape: Iterable[int] = NO_SIZE) -> Tensor:
        return self.icdf(draws.uniform(self._extended_shape(sample_shape), self.probs))

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        logits, value = broadcast_all(self.logits, value)
        loss = binary_cross_entropy_with_logits(logits, value, reduction="none")
        return self._log_constant() - loss

    def cdf(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        p = self._safe()
        far = (p.pow(value) * (1 - p).pow(1 - value) + p - 1) / (2 * p - 1)
        return where(self._outside(), far, value).clamp(min=0, max=1)

    def icdf(self, value: Tensor) -> Tensor:
        p = self._safe()
        far = ((-p + value * (2 * p - 1)).log1p() - (-p).log1p()) / (p.log() - (-p).log1p())
        return where(self._outside(), far, value)

    def entropy(self) -> Tensor:
        log_p, log_q = self.probs.log(), (-self.probs).log1p()
        return self.mean * (log_q - log_p) - self._log_constant() - log_q

    @property
    def _natural_params(self) -> tuple[Tensor]:
        return (self.logits,)

    def _log_normalizer(self, *natural_params: Tensor) -> Tensor:
        """log((e^x - 1) / x), by its series about 0."""
        (x,) = natural_params
        outside = (x <= self._lims[0] - 0.5) | (x > self._lims[1] - 0.5)
        safe = where(outside, x, (self._lims[0] - 0.5) * x.new_ones(x.shape))
        far = safe.exp().sub(1).abs().log() - safe.abs().log()
        return where(outside, far, 0.5 * x + x.square() / 24 - x.pow(4) / 2880)
