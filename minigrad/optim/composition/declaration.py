"""Transformations: texts that make of a gradient a step, one element at a time, as rules are."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from minigrad.core.types import Array
from minigrad.optim.fused.gradient_changes import OfMany
from minigrad.optim.optimizer.hyperparameters import Interval, check_setting
from minigrad.tensor import Tensor

Mask = Sequence[str] | Callable[[str, Tensor], bool]
"""Parts of names whose parameters are left out, or a function of a name and a parameter."""

# What a text may ask for besides states: the parameter, its gradient, the step count, the rate.
CONTEXT = ("theta", "g", "t", "lr")


class Ratio(NamedTuple):
    """An update `factor * numerator / denominator`, not multiplied yet.

    The last transformation of a chain may return it: the learning rate is multiplied with the
    factor, once for all elements, where `lr * update` would multiply every element again.
    """

    numerator: Any
    denominator: Any
    divisor: Any  # a number: the factor is 1 / divisor

    def scaled(self, rate: Any) -> Any:
        """The update times `rate`."""
        return rate / self.divisor * self.numerator / self.denominator


class Declaration(NamedTuple):
    """The schema of a transformation, read from the signature of its text."""

    text: Callable[..., Any]
    paper: str | None
    changes: str  # "u", the update; "theta", the parameter before the update, or "new", after it
    positional: tuple[str, ...]  # of the text, after the first
    states: Mapping[str, str]  # their names in state_dict, by symbol
    defaults: Mapping[str, Any]
    legal: Mapping[str, str]
    start: Mapping[str, str | float]
    measured: tuple[str, ...]
    fixed: tuple[str, ...]  # arguments that are no settings of an optimizer
    is_whole: bool  # it takes the gradient of a whole parameter, as an array
    of_many: Callable[[Sequence[Array]], OfMany] | None  # the same of all gradients, if so


class Transformation(NamedTuple):
    """A transformation with its settings, to be put into a chain."""

    declaration: Declaration
    settings: Mapping[str, Any]
    mask: Mask | None = None

    @property
    def name(self) -> str:
        """The name of its text."""
        return self.declaration.text.__name__

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in self.settings.items())
        return f"{self.name}({shown})"


def transformation(
    *,
    paper: str | None = None,
    state: Mapping[str, str] | None = None,
    legal: Mapping[str, str] | None = None,
    start: Mapping[str, str | float] | None = None,
    measured: Sequence[str] = (),
    fixed: Sequence[str] = (),
    whole: bool = False,
    of_many: Callable[[Sequence[Array]], OfMany] | None = None,
) -> Callable[[Callable[..., Any]], Callable[..., Transformation]]:
    """Declare a transformation: the change of one element of the update `u` in one step.

    The signature is the schema, as with `rule`: the update `u`, states, and after `*` the
    settings.  `theta`, `g`, `t` and `lr` are the parameter, its gradient, the step count and the
    learning rate.  The text returns the new update and the new states.  If its first argument is
    `theta`, it changes the parameter and not the update; if it is `new`, it changes the parameter
    that the update has been subtracted from, and stands at the end of a chain.

    `state`, `legal`, `start` and `measured` are those of `rule`.  `fixed` names settings that stay
    as they are: no parameter group has them.  With `whole` the text takes the gradient of a
    parameter as an array, has no states, and stands first in a chain; what it returns is `g` for
    the others.  For one without settings `of_many` makes of the arrays of all parameters a
    function that does the same to all gradients in one call, or returns None where it cannot.

    The result is a function of the settings that makes a Transformation for `chain`.

    >>> from minigrad import optim
    >>> from minigrad.optim.composition import transformation
    >>> @transformation(legal={"most": "[0, inf]"})
    ... def soften(u, *, most=1.0):
    ...     return u * most / (most + abs(u))
    >>> Soft = optim.chain(soften(2.0), optim.scale_by_adam())
    >>> list(Soft.rule.defaults)
    ['lr', 'most', 'betas', 'eps']
    """

    def declare(text: Callable[..., Any]) -> Callable[..., Transformation]:
        if of_many is not None and not (whole and len(inspect.signature(text).parameters) == 1):
            raise TypeError(f"{text.__name__}: of_many is for a text that reads (u), with whole")
        declaration = _declaration(
            text, paper, state or {}, legal or {}, start or {}, tuple(measured), tuple(fixed), whole
        )._replace(of_many=of_many)
        return _maker(declaration)

    return declare


def _maker(declaration: Declaration) -> Callable[..., Transformation]:
    """The function that makes transformations of a declared text: its arguments are settings."""
    text = declaration.text
    signature = inspect.Signature(
        [
            inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=default)
            for name, default in declaration.defaults.items()
        ]
        + [inspect.Parameter("mask", inspect.Parameter.KEYWORD_ONLY, default=None)]
    )

    def make(*arguments: Any, **named: Any) -> Transformation:
        bound = signature.bind(*arguments, **named)
        bound.apply_defaults()
        mask = bound.arguments.pop("mask")
        for name, default in declaration.defaults.items():
            interval = Interval(declaration.legal[name]) if name in declaration.legal else None
            title = f"{text.__name__}: {name}"
            check_setting(title, bound.arguments[name], default, interval)
        return Transformation(declaration, dict(bound.arguments), mask)

    make.__name__ = make.__qualname__ = text.__name__
    make.__module__ = text.__module__
    make.__doc__ = text.__doc__
    make.__signature__ = signature  # type: ignore[attr-defined]
    return make


def _declaration(
    text: Callable[..., Any],
    paper: str | None,
    state: Mapping[str, str],
    legal: Mapping[str, str],
    start: Mapping[str, str | float],
    measured: tuple[str, ...],
    fixed: tuple[str, ...],
    whole: bool,
) -> Declaration:
    parameters = list(inspect.signature(text).parameters.values())
    positional = [p for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    settings = {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}
    if (
        len(positional) + len(settings) != len(parameters)
        or not positional
        or positional[0].name not in ("u", "theta", "new")
        or any(p.default not in (p.empty, None) for p in positional)
        or inspect.Parameter.empty in settings.values()
    ):
        raise TypeError(
            f"the transformation {text.__name__} must read (u, *states, *, settings), with "
            "`theta` or `new` in place of u if it changes parameters, and with a default for each "
            f"setting; got {inspect.signature(text)}"
        )
    first, *others = (p.name for p in positional)
    symbols = [name for name in others if name not in CONTEXT]
    known = {"state": symbols, "start": symbols, "legal": settings, "fixed": settings}
    given = {"state": state, "start": start, "legal": legal, "fixed": fixed}
    for title, names in given.items():
        if unknown := set(names) - set(known[title]):
            raise ValueError(f"{text.__name__} has no {', '.join(sorted(unknown))} for {title}")
    if whole and (len(positional) > 1 or first != "u"):
        raise TypeError(f"{text.__name__} takes a whole gradient: it reads (u, *, settings) alone")
    if unknown := set(measured) - set(symbols):
        raise ValueError(f"{text.__name__} has no state {', '.join(sorted(unknown))}")
    states = {symbol: state.get(symbol, symbol) for symbol in symbols}
    return Declaration(
        text, paper, first, tuple(others), states, settings, legal, start, measured, fixed, whole,
        None,
    )  # fmt: skip


def masked(inner: Transformation, mask: Mask) -> Transformation:
    """`inner` for the parameters that the mask selects; for the others it does nothing.

    `mask` is a function of a parameter's name and of the parameter, or a list of parts of names
    whose parameters are left out.
    """
    return inner._replace(mask=mask)


def selects(mask: Mask) -> Callable[[str, Tensor], bool]:
    """The mask as a function of a name and a parameter.

    It raises ValueError for parts of names if the parameter has no name.
    """
    if callable(mask):
        return mask
    parts = tuple(mask)

    def holds(name: str, param: Tensor) -> bool:
        if not name:
            raise ValueError(
                f"a mask of names ({', '.join(parts)}) needs parameters with names: give the "
                "optimizer model.named_parameters()"
            )
        return not any(part in name for part in parts)

    return holds
