"""Distributions for tests: how each is built, with the same parameters, in PyTorch and here."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np


class Case:
    """A family, and how its parameters are drawn."""

    def __init__(
        self, name: str, make: Callable[..., Any], **parameters: Callable[..., Any]
    ) -> None:
        self.name = name
        self.make = make
        self.parameters = parameters
        self._leaves: dict[str, list[Any]] = {}

    def build(self, module: ModuleType, library: ModuleType, seed: int = 0) -> Any:
        """The distribution of a library; its parameters are `leaves` afterwards."""
        rng = np.random.default_rng(seed)
        leaves = {
            name: library.tensor(draw(rng)).requires_grad_()
            for name, draw in self.parameters.items()
        }
        self._leaves[library.__name__] = list(leaves.values())
        return self.make(module, library, **leaves)

    def leaves(self, library: ModuleType) -> list[Any]:
        """The parameters that the last call of `build` made."""
        return self._leaves[library.__name__]


Draw = Callable[[np.random.Generator], Any]


def real(*shape: int) -> Draw:
    """Numbers in (-2, 2)."""
    return lambda rng: rng.uniform(-2, 2, shape)


def positive(*shape: int, low: float = 0.3, high: float = 3.0) -> Draw:
    """Numbers in (low, high)."""
    return lambda rng: rng.uniform(low, high, shape)


def share(*shape: int) -> Draw:
    """Probabilities in (0.1, 0.9)."""
    return positive(*shape, low=0.1, high=0.9)


def simplex(*shape: int) -> Draw:
    """Points of a simplex."""
    return lambda rng: rng.dirichlet(np.ones(shape[-1]), shape[:-1])


def definite(*shape: int) -> Draw:
    """Positive definite matrices."""

    def draw(rng: np.random.Generator) -> Any:
        x = rng.uniform(-1, 1, shape)
        return x @ x.swapaxes(-1, -2) + np.eye(shape[-1])

    return draw


def triangle(*shape: int) -> Draw:
    """Lower triangles with a positive diagonal."""

    def draw(rng: np.random.Generator) -> Any:
        x = np.tril(rng.uniform(-1, 1, shape), -1)
        return x + np.eye(shape[-1]) * rng.uniform(0.5, 2, shape)

    return draw


def plain(name: str, label: str = "", **parameters: Draw) -> Case:
    """A family whose constructor takes the parameters by name."""
    return Case(f"{name} {label}".strip(), lambda d, lib, **p: getattr(d, name)(**p), **parameters)


def fixed(name: str, settings: dict[str, Any], label: str = "", **parameters: Draw) -> Case:
    """The same, with further arguments that are no tensors."""
    return Case(
        f"{name} {label}".strip(),
        lambda d, lib, **p: getattr(d, name)(**settings, **p),
        **parameters,
    )


CASES = [
    plain("Bernoulli", probs=share(3)),
    plain("Bernoulli", "logits", logits=real(2, 3)),
    plain("Beta", concentration1=positive(3), concentration0=positive(3)),
    fixed("Binomial", {"total_count": 6}, probs=share(3)),
    fixed("Binomial", {"total_count": 4}, "logits", logits=real(3)),
    plain("Categorical", probs=simplex(3, 4)),
    plain("Categorical", "logits", logits=real(4)),
    plain("Cauchy", loc=real(3), scale=positive(3)),
    plain("Chi2", df=positive(3)),
    plain("ContinuousBernoulli", probs=share(3)),
    plain("ContinuousBernoulli", "logits", logits=real(3)),
    plain("ContinuousBernoulli", "near 1/2", probs=positive(3, low=0.4995, high=0.5005)),
    plain("Dirichlet", concentration=positive(2, 3)),
    plain("Exponential", rate=positive(3)),
    plain("FisherSnedecor", df1=positive(3), df2=positive(3, low=3, high=9)),
    plain("Gamma", concentration=positive(3), rate=positive(3)),
    plain("GeneralizedPareto", loc=real(3), scale=positive(3), concentration=share(3)),
    plain("Geometric", probs=share(3)),
    plain("Geometric", "logits", logits=real(3)),
    plain("Gumbel", loc=real(3), scale=positive(3)),
    plain("HalfCauchy", scale=positive(3)),
    plain("HalfNormal", scale=positive(3)),
    Case(
        "Independent",
        lambda d, lib, **p: d.Independent(d.Normal(**p), 1),
        loc=real(2, 3),
        scale=positive(2, 3),
    ),
    plain("InverseGamma", concentration=positive(3), rate=positive(3)),
    plain("Kumaraswamy", concentration1=positive(3), concentration0=positive(3)),
    fixed("LKJCholesky", {"dim": 3}, concentration=positive(2)),
    plain("Laplace", loc=real(3), scale=positive(3)),
    plain("LogNormal", loc=real(3), scale=share(3)),
    plain("LogisticNormal", loc=real(2, 3), scale=share(2, 3)),
    plain(
        "LowRankMultivariateNormal",
        loc=real(2, 4), cov_factor=real(2, 4, 2), cov_diag=positive(2, 4),
    ),
    Case(
        "MixtureSameFamily",
        lambda d, lib, probs, **p: d.MixtureSameFamily(d.Categorical(probs), d.Normal(**p)),
        probs=simplex(2, 4), loc=real(2, 4), scale=positive(2, 4),
    ),
    Case(
        "MixtureSameFamily of vectors",
        lambda d, lib, probs, **p: d.MixtureSameFamily(
            d.Categorical(logits=probs), d.Independent(d.Normal(**p), 1)
        ),
        probs=real(4), loc=real(4, 3), scale=positive(4, 3),
    ),
    fixed("Multinomial", {"total_count": 5}, probs=simplex(2, 3)),
    fixed("Multinomial", {"total_count": 5}, "logits", logits=real(3)),
    plain("MultivariateNormal", loc=real(2, 4), covariance_matrix=definite(2, 4, 4)),
    plain("MultivariateNormal", "of a precision", loc=real(4), precision_matrix=definite(2, 4, 4)),
    plain("MultivariateNormal", "of a factor", loc=real(2, 4), scale_tril=triangle(4, 4)),
    plain("NegativeBinomial", total_count=positive(3), probs=share(3)),
    plain("NegativeBinomial", "logits", total_count=positive(3), logits=real(3)),
    plain("Normal", loc=real(3), scale=positive(3)),
    fixed("Normal", {"loc": 0.5}, "of a number", scale=positive(3)),
    plain("OneHotCategorical", probs=simplex(2, 4)),
    plain("OneHotCategoricalStraightThrough", logits=real(2, 4)),
    plain("Pareto", scale=positive(3), alpha=positive(3, low=2.2, high=4)),
    plain("Poisson", rate=positive(3)),
    plain("RelaxedBernoulli", temperature=positive(), probs=share(3)),
    plain("RelaxedOneHotCategorical", temperature=positive(), logits=real(2, 4)),
    plain("StudentT", df=positive(3, low=2.1, high=6), loc=real(3), scale=positive(3)),
    Case(
        "TransformedDistribution",
        lambda d, lib, **p: d.TransformedDistribution(
            d.Normal(**p), [d.AffineTransform(0.5, -2.0), d.SigmoidTransform()]
        ),
        loc=real(3), scale=positive(3),
    ),
    Case(
        "TransformedDistribution of vectors",
        lambda d, lib, **p: d.TransformedDistribution(
            d.Normal(**p), [d.StickBreakingTransform(), d.PowerTransform(lib.tensor(2.0))]
        ),
        loc=real(2, 3), scale=positive(2, 3),
    ),
    plain("Uniform", low=real(3), high=positive(3, low=2.5, high=4)),
    plain("VonMises", loc=real(3), concentration=positive(3)),
    plain("Weibull", scale=positive(3), concentration=positive(3)),
    plain("Wishart", df=positive(2, low=4, high=7), covariance_matrix=definite(2, 3, 3)),
    plain("Wishart", "of a factor", df=positive(low=4, high=7), scale_tril=triangle(2, 3, 3)),
]  # fmt: skip
LISTED = [case.name for case in CASES]
