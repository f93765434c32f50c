"""torch.special: special functions of mathematics.

>>> minigrad.special.expit(minigrad.zeros(1))
tensor([0.5000])
"""

from minigrad.core.public_names import show_public_names
from minigrad.ops import (
    digamma,
    entr,
    erf,
    erfc,
    erfinv,
    exp2,
    expm1,
    i0,
    i1,
    log1p,
    logit,
    logsumexp,
    ndtr,
    polygamma,
    round,
    sinc,
    xlog1py,
    xlogy,
)
from minigrad.ops import digamma as psi
from minigrad.ops import lgamma as gammaln
from minigrad.ops import log_softmax_in as log_softmax
from minigrad.ops import mvlgamma as multigammaln
from minigrad.ops import sigmoid as expit
from minigrad.ops import softmax_in as softmax

__all__ = [
    "digamma",
    "entr",
    "erf",
    "erfc",
    "erfinv",
    "exp2",
    "expit",
    "expm1",
    "gammaln",
    "i0",
    "i1",
    "log1p",
    "log_softmax",
    "logit",
    "logsumexp",
    "multigammaln",
    "ndtr",
    "polygamma",
    "psi",
    "round",
    "sinc",
    "softmax",
    "xlog1py",
    "xlogy",
]

show_public_names(__name__)
