"""A wrong derivative, and how tables of them are written."""

from typing import Any, NamedTuple

from minigrad.autograd import Function
from minigrad.engine.op import Sample, op, sample


class Planted(NamedTuple):
    """A function with a fault in its derivative, inputs that show it, and words of the report.

    kind: of the fault; the diagnosis must be of this kind, or there must be none.
    """

    function: Any
    case: Sample
    cause: str
    kind: str


FAULTS: dict[str, Planted] = {}


def planted(forward, rules, *inputs, cause, kind, broadcasts=False, **settings):
    """Declare an operation with these rules under the fault's name."""

    def of(name):
        call = op(vjp=rules, broadcasts=broadcasts)(forward)
        FAULTS[name] = Planted(call, sample(*inputs, **settings), cause, kind)

    return of


def backward_of(forward, backward, *inputs, cause, kind):
    """Declare an `autograd.Function` with this backward, given (ctx, g), under the fault's name."""

    def of(name):
        members = {"forward": staticmethod(forward), "backward": staticmethod(backward)}
        wrong: Any = type("Wrong", (Function,), members)
        call = wrong.apply
        FAULTS[name] = Planted(call, sample(*inputs), cause, kind)

    return of


def written(function, *inputs, cause, kind):
    """Declare a function of tensors, derived by its parts, under the fault's name."""

    def of(name):
        FAULTS[name] = Planted(function, sample(*inputs), cause, kind)

    return of
