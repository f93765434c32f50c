"""Parameter groups: tensors that share hyper-parameters, checked before they are added."""

from collections.abc import Iterable, Sequence
from typing import Any

from minigrad.tensor import Tensor

ParamGroup = dict[str, Any]
"""`"params"`, the tensors; the hyper-parameters by name; `"param_names"` if they have names."""

ParamsT = Iterable[Tensor] | Iterable[tuple[str, Tensor]] | Iterable[ParamGroup]
"""The parameters of an optimizer: tensors, named tensors, or groups of either."""


class _RequiredParameter:
    """The type of `required`."""

    def __repr__(self) -> str:
        return "<required parameter>"


required = _RequiredParameter()
"""A default that means: every parameter group must give a value of its own."""


def make_group(param_group: ParamGroup, defaults: ParamGroup) -> ParamGroup:
    """A complete group: the defaults, overridden by `param_group`, and its tensors as a list.

    Raises TypeError or ValueError if it is not a dict with parameters that can be optimized.
    """
    if not isinstance(param_group, dict):
        raise TypeError(f"a parameter group is a dict, got {type(param_group).__name__}")
    if "params" not in param_group:
        raise ValueError(f"a parameter group needs 'params', got {sorted(param_group)}")
    group = {**defaults, **param_group}
    for name, value in group.items():
        if value is required:
            raise ValueError(
                f"parameter group didn't specify a value of required optimization parameter {name}"
            )
    names, group["params"] = _names_and_tensors(
        param_group["params"], leaves=not group.get("differentiable")
    )
    if names:
        group["param_names"] = names
    return group


def _names_and_tensors(params: Any, leaves: bool) -> tuple[list[str], list[Tensor]]:
    if isinstance(params, Tensor):
        params = [params]
    if isinstance(params, set | frozenset):
        raise TypeError("parameters must come in an order that stays the same; a set has none")
    given = list(params)
    pairs = [p for p in given if isinstance(p, tuple)]
    if pairs and len(pairs) != len(given):
        raise ValueError(
            f"either all parameters have names or none: {len(pairs)} of {len(given)} do"
        )
    names = [name for name, _ in pairs]
    tensors = [p for _, p in pairs] if pairs else given
    for p in tensors:
        if not isinstance(p, Tensor):
            raise TypeError(
                f"optimizer can only optimize Tensors, but one of the params is {type(p).__name__}"
            )
        if leaves and not (p.is_leaf or p.retains_grad):
            raise ValueError(
                f"can't optimize a non-leaf Tensor: one of shape {p.shape} is the result of an "
                "operation"
            )
        if not (p.is_floating_point() or p.is_complex()):
            raise ValueError(f"can only optimize floating-point Tensors, got one of {p.dtype}")
    return names, tensors


def check_distinct(group: ParamGroup, others: Sequence[ParamGroup]) -> None:
    """Raise ValueError if a parameter or a name is in two groups, or twice in this one."""
    taken = {id(p) for other in others for p in other["params"]}
    ids = [id(p) for p in group["params"]]
    if len(set(ids)) != len(ids):
        raise ValueError("a parameter appears more than once in a parameter group")
    if not taken.isdisjoint(ids):
        raise ValueError("some parameters appear in more than one parameter group")
    if any(("param_names" in group) != ("param_names" in other) for other in others):
        raise ValueError(
            "either all parameter groups have names or none: the new one comes "
            + ("with" if "param_names" in group else "without")
        )
    names = [n for g in (*others, group) for n in g.get("param_names", ())]
    if len(set(names)) != len(names):
        repeated = sorted({n for n in names if names.count(n) > 1})
        raise ValueError(f"parameter names appear more than once: {', '.join(repeated)}")
