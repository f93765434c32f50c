"""Optimizers made from rules: arguments, checks and documentation that follow from the text."""

import inspect
import textwrap
from collections.abc import Callable, Iterable, Mapping
from itertools import chain
from typing import Any, ClassVar

from minigrad.engine.grad_mode import enable_grad
from minigrad.engine.graph import grads_of
from minigrad.optim.fused.hyperparameters import check_setting, plain
from minigrad.optim.fused.param_batch import Plan, StateView, StepRequest
from minigrad.optim.fused.rule import Rule
from minigrad.optim.optimizer import Group, Optimizer
from minigrad.tensor import Tensor

_REFUSED = {
    "differentiable": "a step is a kernel that autograd does not see; write the update over "
    "tensors to differentiate through it",
    "capturable": "it is for steps inside a CUDA graph, and this library runs on the CPU",
}


def _options(rule: Rule) -> dict[str, Any]:
    """The arguments of torch's that every optimizer takes beside its hyper-parameters."""
    options = {"maximize": False, "foreach": None, "differentiable": False, "fused": None}
    return options | ({"capturable": False} if rule.counts_steps else {})


class RuleOptimizer(Optimizer):
    """The optimizer that a rule describes: `class Lion(RuleOptimizer, rule=lion)`.

    Its arguments are the rule's hyper-parameters, and for every rule `maximize`.  `foreach` and
    `fused` are accepted and change nothing: there is one implementation, and it is fused.
    `differentiable=True` and `capturable=True` are refused with RuntimeError.

    A parameter without gradient is left out of a step.  A rule that no kernel can hold runs as
    NumPy, after a warning that names the line; so do float16 parameters.
    """

    rule: ClassVar[Rule]

    def __init_subclass__(cls, rule: Rule | None = None, **settings: Any) -> None:
        super().__init_subclass__(**settings)
        if rule is not None:
            cls.rule = rule
            cls.__signature__ = _signature(rule)  # type: ignore[attr-defined]
            cls.__doc__ = _documentation(inspect.cleandoc(cls.__doc__ or ""), rule)

    def __init__(self, params: Iterable[Any], *settings: Any, **named: Any) -> None:
        if not hasattr(self, "rule"):
            raise TypeError("RuleOptimizer needs a rule: class Mine(RuleOptimizer, rule=mine)")
        bound = self.__signature__.bind(params, *settings, **named)  # type: ignore[attr-defined]
        bound.apply_defaults()
        defaults = dict(bound.arguments)
        del defaults["params"]
        self._check_group(defaults)
        self._plan: Plan | None = None
        super().__init__(params, defaults)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update every parameter that has a gradient, in one pass over memory.

        `closure`, if given, computes the loss again and returns it.  Raises RuntimeError, before
        anything has changed, if a gradient does not fit its parameter.
        """
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        asked, held = self._asked(), StateView(self._state, self._state_is_known)
        try:
            if self._plan is None or not self._plan.fits(asked, held):
                self._plan = Plan(self.rule, asked, held)
            self._plan.prepare(asked)
        except Exception:
            self._plan = None
            raise
        self._plan.run()
        return loss

    def _asked(self) -> StepRequest:
        groups = self.param_groups
        members = [group["params"] for group in groups]
        params = tuple(chain.from_iterable(members))
        names = list(self.rule.defaults)
        return StepRequest(
            sizes=list(map(len, members)),
            params=params,
            gradients=grads_of(params),
            hypers=[{name: plain(group[name]) for name in names} for group in groups],
            maximize=[bool(group["maximize"]) for group in groups],
        )

    # --- checks ---

    def check_together(self, hyper: Mapping[str, Any]) -> None:
        """Raise ValueError if hyper-parameters exclude each other; an optimizer may override it."""

    def _check_group(self, group: Group) -> None:
        hyper = {name: plain(group[name]) for name in self.rule.defaults}
        for name, value in hyper.items():
            default, legal = self.rule.defaults[name], self.rule.legal.get(name)
            check_setting(f"{type(self).__name__}: {name}", value, default, legal)
        self.check_together(hyper)
        check_setting(f"{type(self).__name__}: maximize", group["maximize"], False, None)
        for name in ("differentiable", "capturable"):
            if group.get(name):
                raise RuntimeError(f"{name}=True is not supported: {_REFUSED[name]}")
        if group["foreach"] and group["fused"]:
            raise RuntimeError("foreach and fused cannot both be True")

    def _numbers(self) -> set[str]:
        return {*self.rule.numbers.values(), *(["step"] * self.rule.counts_steps)}

    def _completed(self, settings: Group) -> Group:
        own = self.rule.defaults
        missing = [name for name, default in own.items() if name not in settings and default]
        if missing:
            raise ValueError(
                f"the loaded state is not that of {type(self).__name__}: its groups have no "
                + ", ".join(missing)
            )
        return _options(self.rule) | {n: d for n, d in own.items() if not d} | settings

    def _check_entry(self, group: Group, param: Tensor, entry: Mapping[str, Any]) -> None:
        numbers = self._numbers()
        known = {*self.rule.states.values(), *numbers}
        if not entry.keys() <= known:
            raise ValueError(
                f"the loaded state is not that of {type(self).__name__}: it holds "
                f"{', '.join(sorted(entry.keys() - known))}, not {', '.join(sorted(known))}"
            )
        if entry and self.rule.counts_steps and "step" not in entry:
            raise ValueError(f"the loaded state lacks 'step', it has {', '.join(sorted(entry))}")
        for name, value in entry.items():
            shape = () if name in numbers else param.shape
            found = getattr(value, "shape", ())
            if value is not None and found != shape:
                raise ValueError(
                    f"the loaded {name} has shape {found}, its parameter {param.shape}"
                )

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._plan = None


def _signature(rule: Rule) -> inspect.Signature:
    parameter = inspect.Parameter
    return inspect.Signature(
        [parameter("params", parameter.POSITIONAL_OR_KEYWORD)]
        + [
            parameter(name, parameter.POSITIONAL_OR_KEYWORD, default=default)
            for name, default in rule.defaults.items()
        ]
        + [
            parameter(name, parameter.KEYWORD_ONLY, default=default)
            for name, default in _options(rule).items()
        ]
    )


def _documentation(written: str, rule: Rule) -> str:
    """The class's own words, then what the rule says of itself."""
    settings = [
        f"    {name} = {default!r}" + (f", in {rule.legal[name]}" if name in rule.legal else "")
        for name, default in (rule.defaults | _options(rule)).items()
    ]
    named = rule.states | rule.numbers
    states = [f"    {name}: `{symbol}` in the rule" for symbol, name in named.items()]
    parts = [
        written or inspect.cleandoc(rule.__doc__ or ""),
        f"Paper: {rule.paper}" * bool(rule.paper),
    ]
    parts += ["Settings and their defaults:\n\n" + "\n".join(settings)]
    parts += ["State of each parameter:\n\n" + "\n".join(states)] if states else []
    parts += ["The rule, as it is compiled:\n\n" + textwrap.indent(rule.source, "    ")]
    return "\n\n".join(filter(None, parts))
