"""Gradient checks: derivatives compared with differences of function values.

`gradcheck` has the functions that users call, `checker` the order of the checks.  `comparison`
goes through the entries and directions of one gradient, `judgement` decides about one of them from
the estimates of `numeric`, `diagnosis` names the likely mistake.  `backward_properties` and
`forward_properties` check what needs no differences; `strictness` has the tolerances.
"""

from minigrad.autograd.gradcheck.failures import GradcheckError, NotSmoothError
from minigrad.autograd.gradcheck.gradcheck import gradcheck, gradgradcheck
