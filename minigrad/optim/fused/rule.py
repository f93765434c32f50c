"""An update rule, stated once: what its text says of itself, and its text as NumPy."""

import inspect
import linecache
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, overload

import numpy as np

from minigrad.optim.fused.hyperparameters import Interval
from minigrad.optim.fused.lookahead import Settings
from minigrad.optim.fused.trace import Traced, explained, trace

Array = np.ndarray[Any, Any]


class Rule:
    """What `rule` makes of a function: call it, and the text runs as it stands, on NumPy.

    `states` maps the text's symbols to the names under which `state_dict` knows them; `numbers`
    does so for the states that are one number for a whole parameter.
    """

    def __init__(
        self,
        text: Callable[..., Any],
        paper: str | None,
        state: Mapping[str, str],
        numbers: Sequence[str],
        start: Mapping[str, str | float],
        legal: Mapping[str, str],
    ) -> None:
        self.text = text
        self.name = text.__name__
        self.paper = paper
        self.__doc__ = text.__doc__
        parameters = inspect.signature(text).parameters.values()
        positional = [p for p in parameters if p.kind is not p.KEYWORD_ONLY]
        self.defaults = {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}
        self._refuse_unreadable(positional)
        self._order = [p.name for p in positional[2:]]
        self.counts_steps = "t" in self._order
        symbols = [p for p in positional[2:] if p.name != "t"]
        names = {p.name: state.get(p.name, p.name) for p in symbols}
        self.states = {symbol: name for symbol, name in names.items() if symbol not in numbers}
        self.numbers = {symbol: name for symbol, name in names.items() if symbol in numbers}
        self.may_be_absent = tuple(p.default is None for p in symbols if p.name in self.states)
        self.start = dict(start)
        self.legal = {name: Interval(written) for name, written in legal.items()}
        self._returned = list(names)
        self._refuse_unknown(set(names), {*state, *numbers, *start})
        self._refuse_unknown(set(self.defaults), legal)
        sources = {source for source in start.values() if isinstance(source, str)}
        self._refuse_unknown({*self.defaults, "theta"}, sources)

    def _refuse_unknown(self, known: set[str], named: Iterable[str]) -> None:
        if unknown := set(named) - known:
            raise ValueError(f"the rule {self.name} has no {', '.join(sorted(unknown))}")

    def _refuse_unreadable(self, positional: list[inspect.Parameter]) -> None:
        variadic = [p for p in positional if p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
        given_start = [p for p in positional if p.default not in (p.empty, None)]
        if len(positional) < 2 or variadic or given_start:
            raise TypeError(
                f"the rule {self.name} must read (theta, g, *states, t, *, hyper-parameters), "
                f"where a state starts from zero, or is absent if its default is None; "
                f"got {inspect.signature(self.text)}"
            )
        for name, default in self.defaults.items():
            if default is inspect.Parameter.empty:
                raise TypeError(f"the hyper-parameter {name} of {self.name} needs a default")

    def __call__(self, *arguments: Any, **hyper: Any) -> Any:
        return self.text(*arguments, **hyper)

    def __repr__(self) -> str:
        return f"<rule {self.name}{inspect.signature(self.text)}>"

    def apply(
        self, settings: Settings, theta: Any, g: Any, states: Iterable[Any]
    ) -> tuple[Sequence[Any], dict[str, float]]:
        """The new parameter and states, and the new numbers by their symbols."""
        t, hyper, maximize, numbers = settings
        values = dict(zip(self.states, states, strict=True), t=t, **numbers)
        given = [values[name] for name in self._order]
        returned = self.text(theta, -g if maximize else g, *given, **hyper)
        results = returned if isinstance(returned, tuple) else (returned,)
        if len(results) != 1 + len(self._returned):
            raise ValueError(
                f"the rule {self.name} must return {', '.join(['theta', *self._returned])}; "
                f"it returned {len(results)} value{'s' * (len(results) != 1)}"
            )
        if not numbers:
            return results, {}
        named = dict(zip(self._returned, results[1:], strict=True))
        arrays = [results[0], *(named[symbol] for symbol in self.states)]
        return arrays, {symbol: float(named[symbol]) for symbol in self.numbers}

    def traced(self, settings: Settings, present: Sequence[bool]) -> Traced:
        """The rule as a program.  Raises RuleError, with the line, if it cannot be one."""
        try:
            return trace(self.name, partial(self.apply, settings), present)
        except (TypeError, AttributeError) as error:
            raise explained(error, self.text) from error

    def first_state(self, symbol: str, theta: Array, hyper: Mapping[str, Any]) -> Array:
        """What a state is before the first step."""
        if self.start.get(symbol) == "theta":
            return theta.copy()
        return np.full(theta.shape, self.first_number(symbol, hyper), theta.dtype)

    def first_number(self, symbol: str, hyper: Mapping[str, Any]) -> float:
        """What a state that is one number, or all alike, is before the first step."""
        start = self.start.get(symbol, 0)
        return float(hyper[start] if isinstance(start, str) else start)

    def on_arrays(
        self, settings: Settings, theta: Array, g: Array, states: Sequence[Array | None]
    ) -> tuple[list[Any], dict[str, float]]:
        """The text run by NumPy, on copies; None for a state that was absent and still is."""
        firsts = [
            None if optional or s is not None else self.first_state(symbol, theta, settings.hyper)
            for symbol, s, optional in zip(self.states, states, self.may_be_absent, strict=True)
        ]
        given = [
            None if first is s else (first if s is None else s).copy()  # type: ignore[union-attr]
            for first, s in zip(firsts, states, strict=True)
        ]
        with np.errstate(all="ignore"):
            results, numbers = self.apply(settings, theta.copy(), g.copy(), given)
        kept = [
            None if first is not None and np.array_equal(result, first, equal_nan=True) else result
            for result, first in zip(results[1:], firsts, strict=True)
        ]
        return [results[0], *kept], numbers

    @property
    def source(self) -> str:
        """The text as it was written; its signature alone where the file is not at hand."""
        code = self.text.__code__
        # Where its last expression ends; inspect.getsource reads on, a millisecond for each rule.
        last = max(end for _, end, _, _ in code.co_positions() if end is not None)
        lines = linecache.getlines(code.co_filename)[code.co_firstlineno - 1 : last]
        if not lines:
            return f"def {self.name}{inspect.signature(self.text)}: ..."
        lines = textwrap.dedent("".join(lines)).splitlines()
        start = next(k for k, line in enumerate(lines) if line.startswith("def "))
        return "\n".join(lines[start:])


@overload
def rule(text: Callable[..., Any]) -> Rule: ...


@overload
def rule(
    *,
    paper: str | None = None,
    state: Mapping[str, str] = ...,
    numbers: Sequence[str] = ...,
    start: Mapping[str, str | float] = ...,
    legal: Mapping[str, str] = ...,
) -> Callable[[Callable[..., Any]], Rule]: ...


def rule(
    text: Callable[..., Any] | None = None,
    *,
    paper: str | None = None,
    state: Mapping[str, str] | None = None,
    numbers: Sequence[str] = (),
    start: Mapping[str, str | float] | None = None,
    legal: Mapping[str, str] | None = None,
) -> Any:
    """Declare an update rule: how one element of a parameter changes in one step.

    The signature is the schema: `theta`, its gradient `g`, states, the step count `t` (1 in the
    first step) if the rule wants it, and after `*` the hyper-parameters.  A state starts from
    zero, or as None if its default is None.  The text returns the new theta and the states.

    `state` gives states the names they have in `state_dict`.  `numbers` lists states that are one
    number for a whole parameter.  `start` has states begin from a number, the value of a
    hyper-parameter, or "theta".  `legal` gives hyper-parameters the interval they must lie in,
    `paper` says where the rule comes from.

    The text may compute whatever it likes from hyper-parameters, `t` and numbers, and branch on
    them; of elements it takes arithmetic, comparisons and NumPy's functions, `numpy.where` for a
    choice, and `numpy.linalg.norm` for the norm of a whole parameter.

    >>> from numpy import sign
    >>> @rule(paper="Chen et al. 2023, arXiv:2302.06675", legal={"lr": "[0, inf)"})
    ... def lion(theta, g, m, *, lr=1e-4, betas=(0.9, 0.99), weight_decay=0.0):
    ...     beta1, beta2 = betas
    ...     step = sign(beta1 * m + (1 - beta1) * g) + weight_decay * theta
    ...     return theta - lr * step, beta2 * m + (1 - beta2) * g
    >>> class Lion(RuleOptimizer, rule=lion):
    ...     pass
    """

    def declare(text: Callable[..., Any]) -> Rule:
        return Rule(text, paper, state or {}, numbers, start or {}, legal or {})

    return declare if text is None else declare(text)
