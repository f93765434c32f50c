"""`chain`: one rule, and one kernel, from several transformations."""

import inspect
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from minigrad.optim.composition.declaration import (
    CONTEXT,
    Ratio,
    Transformation,
    selects,
)
from minigrad.optim.fused.gradient_changes import GradientChange
from minigrad.optim.fused.rule import Rule
from minigrad.optim.fused.rule_optimizer import RuleOptimizer


class ChainOptimizer(RuleOptimizer):
    """The base of the classes that `chain` makes."""


class _Part(NamedTuple):
    """A transformation in a chain: its symbols and settings by the names that the chain has."""

    transformation: Transformation
    states: Mapping[str, str]  # the chain's symbol of each of its own
    settings: Mapping[str, str]  # the chain's name of each of its own
    switch: str | None  # the setting that says whether it acts on a parameter

    def __call__(self, values: dict[str, Any], hyper: Mapping[str, Any]) -> None:
        """Apply the text to `values`, which has the update, the context and all states."""
        if self.switch is not None and not hyper[self.switch]:
            return
        declaration = self.transformation.declaration
        if declaration.changes == "u" and isinstance(values["u"], Ratio):
            values["u"] = values["u"].scaled(1.0)
        given = [values[self.states.get(name, name)] for name in declaration.positional]
        fixed = {name: self.transformation.settings[name] for name in declaration.fixed}
        own = {name: hyper[theirs] for name, theirs in self.settings.items()}
        returned = declaration.text(values[declaration.changes], *given, **own, **fixed)
        is_ratio = isinstance(returned, Ratio)
        results = returned if isinstance(returned, tuple) and not is_ratio else (returned,)
        symbols = list(self.states.values())
        if len(results) != 1 + len(symbols):
            wanted = ", ".join([declaration.changes, *self.states])
            raise ValueError(
                f"the transformation {self.transformation.name} must return {wanted}; it returned "
                f"{len(results)} value{'s' * (len(results) != 1)}"
            )
        values.update(zip([declaration.changes, *symbols], results, strict=True))


def chain(*transformations: Transformation, lr: float = 1e-3) -> type[ChainOptimizer]:
    """An optimizer class that applies transformations to the gradient, one after the other.

    Each gets the update that the one before it has made, and the first the gradient; the last
    update, times the learning rate, is subtracted from the parameter.  All of it is one kernel;
    norms over all parameters are a pass before it.

    The settings of the transformations are arguments of the class, and of its parameter groups.
    Where two have the same name, the transformation's name stands before it.

    Raises TypeError for what is not a transformation, ValueError for none.

    >>> from minigrad import nn, optim
    >>> Clipped = optim.chain(
    ...     optim.clip_by_norm(1.0),
    ...     optim.scale_by_adam(),
    ...     optim.cautious(),
    ...     optim.decoupled_weight_decay(0.01, mask=["bias"]),
    ... )
    >>> optimizer = Clipped(nn.Linear(3, 2).named_parameters(), lr=0.01)
    >>> optimizer.param_groups[0]["max_norm"], optimizer.param_groups[0]["weight_decay"]
    (1.0, 0.01)
    """
    if not transformations:
        raise ValueError("chain() needs at least one transformation")
    for given in transformations:
        if not isinstance(given, Transformation):
            hint = "; call it" if callable(given) else ""
            raise TypeError(f"chain() takes transformations, got {given!r}{hint}")
    rule = _composed(transformations, lr)
    title = " -> ".join(map(repr, transformations))
    return type("Chain", (ChainOptimizer,), {"__doc__": f"{title}."}, rule=rule)


def _composed(transformations: Sequence[Transformation], lr: float) -> Rule:
    parts = _parts(transformations)
    whole = [part for part in parts if part.transformation.declaration.is_whole]
    if whole != parts[: len(whole)]:
        name = whole[-1].transformation.name
        raise ValueError(f"{name} takes whole gradients: it must stand at the start of the chain")
    for part in whole:
        if part.switch is not None:
            raise ValueError(f"{part.transformation.name} takes whole gradients and has no mask")
    last = [part for part in parts if part.transformation.declaration.changes == "new"]
    if last != parts[len(parts) - len(last) :]:
        name = last[0].transformation.name
        raise ValueError(f"{name} changes new parameters: it must stand at the end of the chain")
    pairs = [(p, p.transformation.declaration) for p in parts]
    states = [chains for part in parts for chains in part.states.values()]
    counts_steps = any("t" in declaration.positional for _, declaration in pairs)

    def text(theta: Any, g: Any, *given: Any, lr: Any, **hyper: Any) -> Any:
        values = dict(zip([*states, "t"] if counts_steps else states, given, strict=True))
        values |= {"theta": theta, "g": g, "u": g, "lr": lr}
        for part in parts[len(whole) : len(parts) - len(last)]:
            part(values, hyper)
        u = values["u"]
        step = u.scaled(lr) if isinstance(u, Ratio) else lr * u
        values["new"] = values["theta"] - step
        for part in last:
            part(values, hyper)
        return (values["new"], *(values[symbol] for symbol in states))

    hyper = {"lr": lr}
    masks: dict[str, Callable[..., bool]] = {}
    for part in parts:
        settings = part.transformation.settings
        hyper |= {chains: settings[own] for own, chains in part.settings.items()}
        if part.switch is not None:
            hyper[part.switch] = True
            masks[part.switch] = selects(part.transformation.mask)  # type: ignore[arg-type]
    text.__signature__ = _signature(states, counts_steps, hyper)  # type: ignore[attr-defined]
    text.__name__ = "_".join(part.transformation.name for part in parts)
    papers = dict.fromkeys(declaration.paper for _, declaration in pairs if declaration.paper)
    rule = Rule(
        text,
        paper="; ".join(papers) or None,
        state={s: s for s in states},
        numbers=(),
        start={
            p.states[s]: p.settings.get(str(v), v) for p, d in pairs for s, v in d.start.items()
        },
        legal={"lr": "[0, inf]"}
        | {p.settings[s]: v for p, d in pairs for s, v in d.legal.items() if s in p.settings},
        measured=[p.states[s] for p, d in pairs for s in d.measured],
    )
    rule.parts = [declaration.text for _, declaration in pairs]
    rule.masks = masks
    rule.fixed = frozenset(masks)
    rule.may_be_absent = tuple(symbol in _absent(pairs) for symbol in rule.states)
    rule.on_gradients = list(map(_change_of, whole))
    return rule


def _change_of(part: _Part) -> GradientChange:
    of_many = part.transformation.declaration.of_many
    return GradientChange(partial(_on_whole_gradient, part), of_many)


def _on_whole_gradient(part: _Part, g: Any, hyper: Mapping[str, Any]) -> Any:
    values = {"u": g}
    part(values, hyper)
    return values["u"]


def _absent(pairs: Sequence[Any]) -> set[str]:
    """The states that are None before the first step."""
    return {
        part.states[symbol]
        for part, declaration in pairs
        for symbol in part.states
        if inspect.signature(declaration.text).parameters[symbol].default is None
    }


def _parts(transformations: Sequence[Transformation]) -> list[_Part]:
    """The parts, with names for states and settings that no other part has."""
    names = Counter(t.name for t in transformations)
    seen: Counter[str] = Counter()
    states = Counter(s for t in transformations for s in t.declaration.states.values())
    settings = Counter(["lr", *(s for t in transformations for s in _settings(t))])
    parts = []
    for t in transformations:
        seen[t.name] += 1
        prefix = f"{t.name}_{seen[t.name]}" if names[t.name] > 1 else t.name

        def own(name: str, taken: Counter[str], prefix: str = prefix) -> str:
            return f"{prefix}_{name}" if taken[name] > 1 or name in CONTEXT else name

        parts.append(
            _Part(
                t,
                {s: own(name, states) for s, name in t.declaration.states.items()},
                {s: own(s, settings) for s in _settings(t)},
                f"{prefix}_applies" if t.mask is not None else None,
            )
        )
    return parts


def _settings(given: Transformation) -> list[str]:
    return [name for name in given.settings if name not in given.declaration.fixed]


def _signature(
    states: Sequence[str], counts_steps: bool, hyper: Mapping[str, Any]
) -> inspect.Signature:
    """The signature of the composed text."""
    parameter = inspect.Parameter
    either = parameter.POSITIONAL_OR_KEYWORD
    first = [parameter(name, either) for name in ("theta", "g", *states)]
    first += [parameter("t", either)] * counts_steps
    more = [parameter(name, parameter.KEYWORD_ONLY, default=v) for name, v in hyper.items()]
    return inspect.Signature([*first, *more])
