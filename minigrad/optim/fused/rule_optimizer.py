"""Optimizers made from rules: arguments, checks and documentation follow from the rule's text."""

import inspect
import textwrap
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Any, ClassVar, overload

import numpy as np

from minigrad.engine.graph import grads_of
from minigrad.kernels.fused_optimizer.eight_bits import CODES, blocks_of
from minigrad.optim.fused.differentiable import members_of, take_steps
from minigrad.optim.fused.native_step import NativeStep
from minigrad.optim.fused.param_batch import Plan, StateView, StepRequest
from minigrad.optim.fused.repeated_step import RepeatedStep
from minigrad.optim.fused.rule import Rule
from minigrad.optim.optimizer import Optimizer, ParamGroup, ParamsT
from minigrad.optim.optimizer.hyperparameters import check_setting, plain
from minigrad.optim.optimizer.optimizer import Loss, loss_of
from minigrad.tensor import Tensor

Setting = float | str | Tensor | Sequence[float] | None
"""The value of a hyper-parameter or of another argument of an optimizer."""


def _options(rule: Rule) -> dict[str, Setting]:
    """The arguments that torch's optimizers have besides their hyper-parameters."""
    options: dict[str, Setting] = {
        "maximize": False,
        "foreach": None,
        "differentiable": False,
        "fused": None,
    }
    return options | ({"capturable": False} if rule.counts_steps else {})


class RuleOptimizer(Optimizer):
    """The base of optimizers that are made from a rule: `class Lion(RuleOptimizer, rule=lion)`.

    Their arguments are the rule's hyper-parameters, then the keyword arguments of torch's
    optimizers.  `maximize` works with every rule.  `foreach` and `fused` are accepted and change
    nothing: the only implementation is fused.  With `differentiable=True` derivatives pass through
    a step, which then is no kernel but operations on tensors.  `capturable=True` raises
    RuntimeError.

    A parameter without gradient is skipped.  A rule that no kernel can run is run by NumPy, after
    a warning with the line of its text; float16 parameters are too.
    """

    rule: ClassVar[Rule]
    __signature__: ClassVar[inspect.Signature]
    _rule_signature: ClassVar[inspect.Signature]
    _plan: Plan | None = None
    _repeated: RepeatedStep | None = None  # the last step, if the next one may be like it

    def __init_subclass__(cls, rule: Rule | None = None, **settings: Any) -> None:
        super().__init_subclass__(**settings)
        if rule is not None:
            cls.rule = rule
            cls.__signature__ = cls._rule_signature = _signature(rule)
            cls.__doc__ = _documentation(inspect.cleandoc(cls.__doc__ or ""), rule)
        elif "__init__" in cls.__dict__:  # a user's subclass has arguments of its own
            own = inspect.signature(cls.__init__)
            cls.__signature__ = own.replace(parameters=list(own.parameters.values())[1:])

    def __init__(self, params: ParamsT, *settings: Setting, **named_settings: Setting) -> None:
        if not hasattr(self, "rule"):
            raise TypeError("RuleOptimizer needs a rule: class Mine(RuleOptimizer, rule=mine)")
        try:
            bound = self._rule_signature.bind(params, *settings, **named_settings)
        except TypeError as error:
            names = ", ".join(self._rule_signature.parameters)
            raise TypeError(
                f"{type(self).__name__}.__init__() {error}; its arguments are {names}"
            ) from None
        bound.apply_defaults()
        defaults = dict(bound.arguments) | self._fixed()
        del defaults["params"]
        self._check_group(defaults)
        super().__init__(params, defaults)

    def _fixed(self) -> dict[str, Any]:
        """The hyper-parameters that are not arguments, with their values."""
        return {name: self.rule.defaults[name] for name in self.rule.fixed}

    @overload
    def step(self, closure: None = None) -> None: ...
    @overload
    def step(self, closure: Callable[[], Loss]) -> Loss: ...
    def step(self, closure: Callable[[], Loss] | None = None) -> Loss | None:
        """Update every parameter that has a gradient, in one pass over memory.

        `closure`, if given, is called first: it computes the loss and its gradients, and returns
        the loss, which is the result.  Raises RuntimeError if a gradient does not fit its
        parameter; no parameter has changed then.
        """
        loss = loss_of(closure)
        state, is_shared, repeated = self._state, self._state_is_shared, self._repeated
        if repeated is not None and repeated.take(self.param_groups, state, is_shared):
            return loss
        if self.defaults.get("differentiable"):
            members = members_of(self.rule, self.param_groups, self._names())
            take_steps(self.rule, members, self.state)
            return loss
        request, view = self._request(), StateView(state, is_shared)
        try:
            if self._plan is None or not self._plan.fits(request, view):
                self._plan = Plan(self.rule, request, view)
            self._plan.prepare(request)
        except Exception:
            self._plan = self._repeated = None
            raise
        self._plan.run()
        self._repeated = RepeatedStep.of(self._plan, self.param_groups, state)
        return loss

    def _native_step(self) -> NativeStep | None:
        """A step like the last one as native tasks, for compiled steps; None if it needs Python."""
        if type(self).step is not RuleOptimizer.step:
            return None
        return NativeStep.of(self, self._repeated)

    def _request(self) -> StepRequest:
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
            names=self._names() if self.rule.masks else (),
        )

    def _names(self) -> list[str]:
        """The names of all parameters; empty for those without."""
        return [
            name
            for group in self.param_groups
            for name in group.get("param_names") or [""] * len(group["params"])
        ]

    # --- checks ---

    def check_together(self, hyper: Mapping[str, Any]) -> None:
        """Raise ValueError if the values are illegal together; a subclass may override it."""

    def _check_group(self, group: ParamGroup) -> None:
        if self.rule.eight_bits and any(p.is_complex() for p in group.get("params", ())):
            raise NotImplementedError(
                f"{type(self).__name__} does not take complex parameters; give it view_as_real(p)"
            )
        hyper = {name: plain(group[name]) for name in self.rule.defaults}
        for name, value in hyper.items():
            default, legal = self.rule.defaults[name], self.rule.legal.get(name)
            check_setting(f"{type(self).__name__}: {name}", value, default, legal)
        self.check_together(hyper)
        check_setting(f"{type(self).__name__}: maximize", group["maximize"], False, None)
        if group.get("capturable"):
            raise RuntimeError(
                "capturable=True is not supported: it is for steps inside a CUDA graph, and this "
                "library runs on the CPU"
            )
        if group["differentiable"]:
            self._check_differentiable(group)
        if group["foreach"] and group["fused"]:
            raise RuntimeError("foreach and fused cannot both be True")

    def _check_differentiable(self, group: ParamGroup) -> None:
        if group["fused"]:
            raise RuntimeError("`fused` does not support `differentiable`")
        if any(p.is_complex() for p in group.get("params", ())):
            raise RuntimeError(
                "differentiable=True is not supported for complex parameters; give it "
                "view_as_real(p)"
            )
        if self.rule.is_whole or self.rule.eight_bits:
            why = "keeps its states in 8 bits" if self.rule.eight_bits else "runs on whole arrays"
            raise RuntimeError(f"differentiable=True is not supported: {type(self).__name__} {why}")

    def _number_names(self) -> set[str]:
        numbers = (*self.rule.numbers.values(), *self.rule.measured.values())
        return {*numbers, *(["step"] * self.rule.counts_steps)}

    def _names_of_own_dtype(self) -> set[str]:
        return {*self._number_names(), *self.rule.largest.values()}

    def _with_defaults(self, settings: ParamGroup) -> ParamGroup:
        settings = settings | self._fixed()
        defaults = self.rule.defaults
        missing = [name for name, default in defaults.items() if name not in settings and default]
        if missing:
            raise ValueError(
                f"the loaded state is not that of {type(self).__name__}: its groups have no "
                + ", ".join(missing)
            )
        return _options(self.rule) | {n: d for n, d in defaults.items() if not d} | settings

    def _check_state(self, group: ParamGroup, param: Tensor, entry: Mapping[str, Any]) -> None:
        numbers = self._number_names()
        largest = self.rule.largest
        known = {*self.rule.states.values(), *numbers, *largest.values()}
        others = entry.keys() & self.rule.state_names_of_all - known
        if others and not entry.keys() & known - {"step"}:  # other keys are the user's
            raise ValueError(
                f"the loaded state is not that of {type(self).__name__}: it holds "
                f"{', '.join(sorted(others))}, not {', '.join(sorted(known))}"
            )
        if entry.keys() & known and self.rule.counts_steps and "step" not in entry:
            raise ValueError(f"the loaded state lacks 'step', it has {', '.join(sorted(entry))}")
        for name, code in ((self.rule.states[s], c) for s, c in self.rule.eight_bits.items()):
            dtype = getattr(getattr(entry.get(name), "array", None), "dtype", None)
            if dtype is not None and dtype != CODES[code][0]:
                raise ValueError(
                    f"the loaded {name} is of {dtype}, but {type(self).__name__} keeps it as "
                    f"{np.dtype(CODES[code][0])}"
                )
        for name, value in entry.items():
            if name not in known or (self.rule.is_whole and name not in numbers):
                continue
            shape: tuple[int, ...] = () if name in numbers else param.shape
            if name in largest.values():
                shape = (blocks_of(param.array.size),)
            found = getattr(value, "shape", ())
            if value is not None and found != shape:
                raise ValueError(
                    f"the loaded {name} has shape {found}, its parameter {param.shape}"
                )

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for group in self.param_groups:
            group.update(self._fixed())
        self._plan = self._repeated = None


def _arguments(rule: Rule) -> dict[str, Setting]:
    """The hyper-parameters that are arguments, and their defaults."""
    return {name: default for name, default in rule.defaults.items() if name not in rule.fixed}


def _signature(rule: Rule) -> inspect.Signature:
    parameter = inspect.Parameter
    return inspect.Signature(
        [parameter("params", parameter.POSITIONAL_OR_KEYWORD)]
        + [
            parameter(name, parameter.POSITIONAL_OR_KEYWORD, default=default)
            for name, default in _arguments(rule).items()
        ]
        + [
            parameter(name, parameter.KEYWORD_ONLY, default=default)
            for name, default in _options(rule).items()
        ]
    )


def _documentation(docstring: str, rule: Rule) -> str:
    """The class's docstring, followed by paper, arguments, states and text of the rule."""
    arguments = [
        f"    {name} = {default!r}" + (f", in {rule.legal[name]}" if name in rule.legal else "")
        for name, default in (_arguments(rule) | _options(rule)).items()
    ]
    named = rule.states | rule.numbers | rule.measured
    states = [f"    {name}: `{symbol}` in the rule" for symbol, name in named.items()]
    fixed = [f"    {name} = {rule.defaults[name]!r}" for name in sorted(rule.fixed)]
    parts = [
        docstring or inspect.cleandoc(rule.__doc__ or ""),
        f"Paper: {rule.paper}" * bool(rule.paper),
        "Arguments and their defaults:\n\n" + "\n".join(arguments),
    ]
    parts += ["Fixed:\n\n" + "\n".join(fixed)] if fixed else []
    parts += ["State of each parameter:\n\n" + "\n".join(states)] if states else []
    parts += ["The rule, as it is compiled:\n\n" + textwrap.indent(rule.source, "    ")]
    return "\n\n".join(filter(None, parts))
