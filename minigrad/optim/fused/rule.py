"""An update rule, written once: its signature as a schema, its text as NumPy and as a trace."""

import inspect
import linecache
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from functools import partial
from typing import Any, ClassVar, overload

import numpy as np

from minigrad.core.types import Array
from minigrad.optim.fused.gradient_changes import GradientChange
from minigrad.optim.fused.lookahead import Settings, Trace
from minigrad.optim.fused.matrices import as_matrix
from minigrad.optim.fused.scalar import Scalar
from minigrad.optim.fused.trace import Results, trace, with_line
from minigrad.optim.optimizer.hyperparameters import Interval

Start = str | float | Callable[[Array, Mapping[str, Any]], Any]
"""Of a state: "theta", the name of a hyper-parameter, a number, or a function of theta and
of the hyper-parameters."""


class Rule:
    """An update rule, made by `rule` from a function; a call runs the function on NumPy arrays.

    `states` maps the symbols of the text to the names that `state_dict` has for them; `numbers`
    does so for the states that are one number for a whole parameter and follow from settings alone,
    `measured` for such that are made of norms and sums.  `parts` are the functions that the text
    calls, if it is composed.  `masks` say for which parameters a setting holds;
    `on_gradients` change whole gradients before the text.  `defaults` has the hyper-parameters,
    `fixed` the names of those that an optimizer does not take as arguments.
    `eight_bits` has the codes of states that are kept in 8 bits, see `kernels.fused_optimizer`.
    `state_names_of_all` has the names of states of all rules.
    """

    state_names_of_all: ClassVar[set[str]] = set()

    def __init__(
        self,
        text: Callable[..., Any],
        paper: str | None,
        state: Mapping[str, str],
        numbers: Sequence[str],
        start: Mapping[str, Start],
        legal: Mapping[str, str],
        measured: Sequence[str] = (),
        whole: bool = False,
    ) -> None:
        self.text = text
        self.is_whole = whole
        self.parts: Sequence[Callable[..., Any]] = ()
        self.masks: Mapping[str, Callable[[str, Any], bool]] = {}
        self.on_gradients: Sequence[GradientChange] = ()
        self.name = text.__name__
        self.paper = paper
        self.__doc__ = text.__doc__
        parameters = inspect.signature(text).parameters.values()
        positional = [p for p in parameters if p.kind is not p.KEYWORD_ONLY]
        self.defaults = {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}
        _refuse_unreadable(self, positional)
        self._order = [p.name for p in positional[2:]]
        self.counts_steps = "t" in self._order
        symbols = [p for p in positional[2:] if p.name != "t"]
        names = {p.name: state.get(p.name, p.name) for p in symbols}
        apart = {*numbers, *measured}
        self.states = {symbol: name for symbol, name in names.items() if symbol not in apart}
        self.numbers = {symbol: name for symbol, name in names.items() if symbol in numbers}
        self.measured = {symbol: name for symbol, name in names.items() if symbol in measured}
        self.may_be_absent = tuple(p.default is None for p in symbols if p.name in self.states)
        self.start = dict(start)
        # Their start is where the parameter was before the first step, not where it is later.
        self.follows_theta = tuple(
            start.get(s) == "theta" or callable(start.get(s)) for s in self.states
        )
        self.legal = {name: Interval(written) for name, written in legal.items()}
        self._returned = list(names)
        self._refuse_unknown(set(names), {*state, *apart, *start})
        self._refuse_unknown(set(self.defaults), legal)
        sources = {source for source in start.values() if isinstance(source, str)}
        self._refuse_unknown({*self.defaults, "theta"}, sources)
        self.fixed: frozenset[str] = frozenset()
        self.eight_bits: Mapping[str, str] = {}
        self.state_names_of_all.update(names.values())

    def variant(
        self,
        *,
        paper: str,
        defaults: Mapping[str, Any] | None = None,
        fixed: Mapping[str, Any] | None = None,
        eight_bits: Mapping[str, str] | None = None,
    ) -> "Rule":
        """The rule with the same text and other defaults.

        An optimizer made from it does not take the hyper-parameters in `fixed` as arguments.
        `eight_bits` says in which code states are kept in 8 bits: "signed", or "positive" for those
        that are never negative.  Raises ValueError for a name that is not there.
        """
        defaults, fixed = defaults or {}, fixed or {}
        self._refuse_unknown(set(self.defaults), {*defaults, *fixed})
        self._refuse_unknown(set(self.states), eight_bits or {})
        variant = copy(self)
        variant.paper = paper
        variant.defaults = self.defaults | dict(defaults) | dict(fixed)
        variant.fixed = frozenset(fixed)
        variant.eight_bits = eight_bits or {}
        variant.state_names_of_all.update(variant.largest.values())
        return variant

    @property
    def largest(self) -> dict[str, str]:
        """The names of what states in 8 bits have for each block, by the states' names."""
        return {self.states[s]: f"{self.states[s]}_largest" for s in self.eight_bits}

    def _refuse_unknown(self, known: set[str], named: Iterable[str]) -> None:
        if unknown := set(named) - known:
            raise ValueError(f"the rule {self.name} has no {', '.join(sorted(unknown))}")

    def __call__(self, *arguments: Any, **hyper: Any) -> Any:
        return self.text(*arguments, **hyper)

    def __repr__(self) -> str:
        return f"<rule {self.name}{inspect.signature(self.text)}>"

    def apply(
        self,
        settings: Settings,
        theta: Any,
        g: Any,
        states: Iterable[Any],
        measured: Iterable[Any] = (),
    ) -> Results:
        """The new parameter and states, the new numbers by their symbols, the measured numbers."""
        t, hyper, maximize, numbers = settings
        values = dict(zip(self.states, states, strict=True), t=t, **numbers)
        values.update(zip(self.measured, measured, strict=True))
        given = [values[name] for name in self._order]
        returned = self.text(theta, -g if maximize else g, *given, **hyper)
        results = returned if isinstance(returned, tuple) else (returned,)
        if len(results) != 1 + len(self._returned):
            raise ValueError(
                f"the rule {self.name} must return {', '.join(['theta', *self._returned])}; "
                f"it returned {len(results)} value{'s' * (len(results) != 1)}"
            )
        if not (numbers or self.measured):
            return results, {}, ()
        named = dict(zip(self._returned, results[1:], strict=True))
        arrays = [results[0], *(named[symbol] for symbol in self.states)]
        after = {symbol: _plain(named[symbol]) for symbol in self.numbers}
        return arrays, after, [named[symbol] for symbol in self.measured]

    def on_symbols(self, settings: Settings, inputs: Sequence[Any], measures: list[Any]) -> Results:
        """The text run on theta, g, the states, and what else is among the inputs."""
        theta, g, *states = inputs[: 2 + len(self.states)]
        return self.apply(settings, theta, g, states, measures)

    def trace(self, present: Sequence[bool], settings: Settings) -> Trace:
        """The rule as a program.  Raises RuleError, with the line, if no kernel can run it."""
        try:
            coded = tuple(
                (k, self.eight_bits[s]) for k, s in enumerate(self.states) if s in self.eight_bits
            )
            run = partial(self.on_symbols, settings)
            return trace(self.name, run, present, len(self.measured), coded)
        except (TypeError, AttributeError) as error:
            raise with_line(error, self.text, self.parts) from error

    def first_state(self, symbol: str, theta: Array, hyper: Mapping[str, Any]) -> Array:
        """A state before the first step; None if a rule of whole parameters has none for this."""
        start = self.start.get(symbol, 0)
        if start == "theta":
            return theta.copy()
        if callable(start):
            return start(theta, hyper)  # type: ignore[no-any-return]
        return np.full(theta.shape, self.first_number(symbol, hyper), theta.dtype)

    def first_number(self, symbol: str, hyper: Mapping[str, Any], theta: Any = None) -> float:
        """The value before the first step of a state whose elements are all equal."""
        start = self.start.get(symbol, 0)
        if callable(start):
            return float(start(theta, hyper))
        return float(hyper[start] if isinstance(start, str) else start)

    def on_arrays(
        self,
        settings: Settings,
        theta: Array,
        g: Array,
        states: Sequence[Array | None],
        measured: Sequence[float] = (),
    ) -> tuple[list[Any], dict[str, float]]:
        """The text run by NumPy, on copies; None for a state that was absent and still is.

        The dict has the numbers, by their symbols.
        """
        firsts = [
            None if optional or s is not None else self.first_state(symbol, theta, settings.hyper)
            for symbol, s, optional in zip(self.states, states, self.may_be_absent, strict=True)
        ]
        given = [
            None if first is s else (first if s is None else s).copy()  # type: ignore[union-attr]
            for first, s in zip(firsts, states, strict=True)
        ]
        with np.errstate(all="ignore"):
            first, second, *others = [
                as_matrix(a) if self.is_whole else a for a in (theta.copy(), g.copy(), *given)
            ]
            results, numbers, after = self.apply(settings, first, second, others, measured)
        kept = [
            None
            if not follows and first is not None and np.array_equal(result, first, equal_nan=True)
            else result
            for result, first, follows in zip(results[1:], firsts, self.follows_theta, strict=True)
        ]
        numbers |= dict(zip(self.measured, map(float, after), strict=True))
        return [results[0], *kept], numbers

    @property
    def source(self) -> str:
        """The text as it was written, or its signature alone if the file cannot be read."""
        return "\n\n".join(map(_written, self.parts or (self.text,)))


def _plain(number: Any) -> Any:
    return number if isinstance(number, Scalar) else float(number)


def _written(text: Callable[..., Any]) -> str:
    code = text.__code__
    # The line of its last expression.  inspect.getsource takes a millisecond for each rule.
    last = max(end for _, end, _, _ in code.co_positions() if end is not None)
    lines = linecache.getlines(code.co_filename)[code.co_firstlineno - 1 : last]
    if not lines:
        return f"def {text.__name__}{inspect.signature(text)}: ..."
    lines = textwrap.dedent("".join(lines)).splitlines()
    start = next(k for k, line in enumerate(lines) if line.startswith("def "))
    return "\n".join(lines[start:])


def _refuse_unreadable(rule: Rule, positional: list[inspect.Parameter]) -> None:
    variadic = [p for p in positional if p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    given_start = [p for p in positional if p.default not in (p.empty, None)]
    if len(positional) < 2 or variadic or given_start:
        raise TypeError(
            f"the rule {rule.name} must read (theta, g, *states, t, *, hyper-parameters), "
            f"where a state starts from zero, or is absent if its default is None; "
            f"got {inspect.signature(rule.text)}"
        )
    for name, default in rule.defaults.items():
        if default is inspect.Parameter.empty:
            raise TypeError(f"the hyper-parameter {name} of {rule.name} needs a default")


@overload
def rule(text: Callable[..., Any]) -> Rule: ...


@overload
def rule(
    *,
    paper: str | None = None,
    state: Mapping[str, str] = ...,
    numbers: Sequence[str] = ...,
    start: Mapping[str, Start] = ...,
    legal: Mapping[str, str] = ...,
    measured: Sequence[str] = ...,
    whole: bool = ...,
) -> Callable[[Callable[..., Any]], Rule]: ...


def rule(
    text: Callable[..., Any] | None = None,
    *,
    paper: str | None = None,
    state: Mapping[str, str] | None = None,
    numbers: Sequence[str] = (),
    start: Mapping[str, Start] | None = None,
    legal: Mapping[str, str] | None = None,
    measured: Sequence[str] = (),
    whole: bool = False,
) -> Any:
    """Declare an update rule: the change of one element of a parameter in one step.

    The signature is the schema: `theta`, its gradient `g`, the states, the step count `t` (1 in
    the first step) if the rule needs it, and after `*` the hyper-parameters.  A state starts from
    zero, or as None if its default is None.  The text returns the new theta and the new states.

    `state` gives states their names in `state_dict`.  `numbers` lists the states that are one
    number for a whole parameter and follow from settings alone, `measured` those that are made of
    norms, sums and means.  `start` lets states start from a number, from the value of a
    hyper-parameter, from "theta", or from a function of theta.  `legal` gives
    hyper-parameters the interval of their legal values.  `paper` is the source of the rule.

    With `whole` the text takes whole parameters as arrays, and NumPy runs it: for rules of matrices
    and rows, with `@`, `optim.fused.matrices`, and states of any shape, which functions of theta
    make in `start`.

    With hyper-parameters, `t` and numbers the text may compute anything, and branch on them.  With
    elements it may use arithmetic, comparisons, NumPy's elementwise functions, `numpy.where`
    in place of a branch, `numpy.linalg.norm`, `sum` and `mean` of a whole parameter, and
    `optim.global_norm` and `optim.global_sum` over all parameters.

    Raises TypeError for a signature of another form, ValueError for a name that is not in it.

    >>> from numpy import sign
    >>> from minigrad.optim import RuleOptimizer, rule
    >>> @rule(paper="Chen et al. 2023, arXiv:2302.06675", legal={"lr": "[0, inf)"})
    ... def lion(theta, g, m, *, lr=1e-4, betas=(0.9, 0.99), weight_decay=0.0):
    ...     beta1, beta2 = betas
    ...     step = sign(beta1 * m + (1 - beta1) * g) + weight_decay * theta
    ...     return theta - lr * step, beta2 * m + (1 - beta2) * g
    >>> class Lion(RuleOptimizer, rule=lion):
    ...     pass
    """

    def declare(text: Callable[..., Any]) -> Rule:
        return Rule(text, paper, state or {}, numbers, start or {}, legal or {}, measured, whole)

    return declare if text is None else declare(text)
