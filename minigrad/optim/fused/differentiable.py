"""A step that derivatives pass through: what a rule's text does, by operations on tensors."""

import operator
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from minigrad import ops
from minigrad.engine.grad_mode import enable_grad
from minigrad.engine.graph import grads_of
from minigrad.kernels.fused_optimizer.program import index_of, is_global, kind_of
from minigrad.optim.fused.lookahead import Settings
from minigrad.optim.fused.rule import Rule
from minigrad.optim.fused.trace import Recording, RuleError, record, with_line
from minigrad.optim.optimizer.hyperparameters import plain
from minigrad.optim.optimizer.param_groups import ParamGroup
from minigrad.optim.optimizer.state_dict import State
from minigrad.tensor import Tensor

_OPERATIONS: dict[str, Callable[..., Any]] = {
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
    "divide": operator.truediv,
    "power": operator.pow,
    "negative": operator.neg,
    "absolute": abs,
    "sqrt": ops.sqrt,
    "exp": ops.exp,
    "log": ops.log,
    "cube_root": lambda x: x ** (1 / 3),
    "tanh": ops.tanh,
    "sign": ops.sign,
    "maximum": ops.maximum,
    "minimum": ops.minimum,
    "less": operator.lt,
    "less_equal": operator.le,
    "greater": operator.gt,
    "greater_equal": operator.ge,
    "equal": operator.eq,
    "not_equal": operator.ne,
    "and": operator.and_,
    "or": operator.or_,
    "not": operator.invert,
    "where": ops.where,
    "norm": ops.vector_norm,
    "sum": lambda x: x.sum(),
    "max": lambda x: x.max(),
}


class Member(NamedTuple):
    """A parameter, its settings, of which some may be tensors with derivatives, and the sign."""

    param: Tensor
    hyper: dict[str, Any]
    maximize: bool


def members_of(rule: Rule, groups: Sequence[ParamGroup], names: Iterable[str]) -> list[Member]:
    """The parameters with gradients; `names` are those of all parameters."""
    following = iter(names)
    members = []
    for group in groups:
        hyper = {
            name: value if getattr(value, "requires_grad", False) else plain(value)
            for name, value in ((name, group[name]) for name in rule.defaults)
        }
        for p, g in zip(group["params"], grads_of(group["params"]), strict=True):
            name = next(following)
            off = {setting: False for setting, mask in rule.masks.items() if not mask(name, p)}
            if g is not None:
                members.append(Member(p, hyper | off, bool(group["maximize"])))
    return members


class Step:
    """A parameter's step: its tensors, and the recording of the text at its settings."""

    def __init__(self, rule: Rule, member: Member, entry: Mapping[str, Any]) -> None:
        param, hyper = member.param, member.hyper
        self.rule = rule
        self.param = param
        self._theta = param.clone()  # which the step will not have changed in place
        self._grad: Any = param.grad
        for change in rule.on_gradients:
            self._grad = change.of_one(self._grad, hyper)
        # Settings that are tensors with derivatives are values of the text like any other.
        self._free = {name: value for name, value in hyper.items() if isinstance(value, Tensor)}
        self._taken = float(entry.get("step", 0))
        self._states = [self._state(symbol, entry, hyper) for symbol in rule.states]
        self._numbers = {
            symbol: float(self._number(symbol, name, entry, hyper))
            for symbol, name in rule.numbers.items()
        }
        self._measures = [self._number(s, n, entry, hyper) for s, n in rule.measured.items()]
        self._recording = self._record(member)

    def _state(self, symbol: str, entry: Mapping[str, Any], hyper: Any) -> Tensor | None:
        found: Tensor | None = entry.get(self.rule.states[symbol])
        optional = dict(zip(self.rule.states, self.rule.may_be_absent, strict=True))[symbol]
        if found is not None or optional:
            return found
        first = self.rule.first_state(symbol, self.param.array, hyper)
        return self.param.new_tensor(first)

    def _number(self, symbol: str, name: str, entry: Mapping[str, Any], hyper: Any) -> Any:
        if name in entry:
            return entry[name]
        return self.rule.first_number(symbol, hyper, self.param.array)

    def _record(self, member: Member) -> Recording:
        """Run the text on symbols."""
        rule, states = self.rule, self._states
        t = int(self._taken) + 1 if rule.counts_steps else 0

        def run(inputs: Sequence[Any], measures: list[Any]) -> Any:
            free = dict(zip(self._free, inputs[2 + len(states) :], strict=True))
            settings = Settings(t, {**member.hyper, **free}, member.maximize, self._numbers)
            return rule.on_symbols(settings, inputs, measures)

        present = [state is not None for state in states]
        try:
            return record(run, present, len(self._measures), len(self._free))
        except (TypeError, AttributeError) as error:
            raise with_line(error, rule.text, rule.parts) from error

    def values(self) -> Generator[Any, Any, list[Any]]:
        """Compute all values; gives its part of sums over all parameters, and takes the sum."""
        recording = self._recording
        values: list[Any] = [self._theta, self._grad, *self._states, *self._free.values()]

        def given(operand: int) -> Any:
            return values[operand] if operand >= 0 else self._tensor(recording.scalars[~operand])

        for op, *operands in recording.instructions:
            arguments = list(map(given, operands))
            kind = kind_of(op)
            if is_global(op):
                values.append((yield kind, arguments[0]))
            elif kind == "measure":
                values.append(self._tensor(self._measures[index_of(op)]))
            elif kind == "size":
                values.append(self._tensor(self.param.numel()))
            elif kind == "number":
                values.append(arguments[0].to(self.param.dtype))
            elif kind in _OPERATIONS:
                values.append(_OPERATIONS[kind](*arguments))
            else:
                raise RuleError(f"no derivatives pass through {kind}")
        results = (*recording.results, *recording.measured)
        return [None if operand is None else given(operand) for operand in results]

    def _tensor(self, x: Any) -> Tensor:
        return x if isinstance(x, Tensor) else self.param.new_tensor(x)

    def store(self, results: list[Any], entry: dict[str, Any]) -> None:
        """Change the parameter and its state to what the step has computed."""
        self.param.copy_(results[0])
        rule = self.rule
        names = zip(rule.states.values(), rule.follows_theta, strict=True)
        values = zip(self._states, results[1:], strict=False)
        for (name, follows), (before, value) in zip(names, values, strict=False):
            # A state that has not been used stays absent.
            if value is not None and (value is not before or follows or name in entry):
                entry[name] = value
        measured = results[1 + len(rule.states) :]
        for name, value in zip(rule.measured.values(), measured, strict=True):
            entry[name] = self._tensor(value)
        for symbol, value in self._recording.numbers.items():
            entry[rule.numbers[symbol]] = self._tensor(value)
        if rule.counts_steps:
            entry["step"] = self.param.new_tensor(self._taken + 1)


def take_steps(rule: Rule, members: Sequence[Member], state: State) -> None:
    """Change parameters by operations that derivatives pass through.

    Raises RuleError if the text cannot be run on symbols, or draws random numbers.
    """
    with enable_grad():
        steps = [Step(rule, member, state.get(member.param, {})) for member in members]
        for step, results in zip(steps, _in_lockstep([s.values() for s in steps]), strict=True):
            step.store(results, state[step.param])


def _in_lockstep(running: list[Generator[Any, Any, list[Any]]]) -> list[list[Any]]:
    """The results of computations, each of which waits for the others at sums over all of them."""
    totals: list[Any] = [None] * len(running)
    while True:
        parts, results = [], []
        for computation, total in zip(running, totals, strict=True):
            try:
                parts.append(computation.send(total))
            except StopIteration as end:
                results.append(end.value)
        if not parts:
            return results
        if results:
            raise RuleError("the text takes norms over all parameters for some of them only")
        kind = parts[0][0]
        if kind == "global_norm":
            total = ops.vector_norm(ops.stack([ops.vector_norm(x) for _, x in parts]))
        else:
            total = sum(x.sum() for _, x in parts)
        totals = [total] * len(parts)
