"""Optimizers of small problems: a step evaluates a closure as often as it needs to.

All parameters are one vector, in one group; the first parameter has the state of all.
`LBFGS`, which torch has, stands beside this folder.
"""

from minigrad.core.public_names import show_public_names
from minigrad.optim.closures.bounded import LBFGSB
from minigrad.optim.closures.conjugate_gradient import NonlinearCG
from minigrad.optim.closures.least_squares import GaussNewton, LevenbergMarquardt
from minigrad.optim.closures.nelder_mead import NelderMead

__all__ = ["LBFGSB", "GaussNewton", "LevenbergMarquardt", "NelderMead", "NonlinearCG"]

show_public_names(__name__)
