"""The chi-squared distribution."""

from minigrad.distributions import constraints
from minigrad.distributions.gamma import Gamma
from minigrad.distributions.utils import Number
from minigrad.tensor import Tensor


class Chi2(Gamma):
    """The sum of `df` squared standard normal numbers: Gamma(df / 2, 1 / 2)."""

    arg_constraints = constraints.legal(df=constraints.positive)

    def __init__(self, df: Number, validate_args: bool | None = None) -> None:
        super().__init__(0.5 * df, 0.5, validate_args=validate_args)

    @property
    def df(self) -> Tensor:
        """The degrees of freedom."""
        return self.concentration * 2
