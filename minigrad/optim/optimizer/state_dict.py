"""An optimizer's state in torch's format: parameters by number, matched when it is loaded."""

from collections.abc import Collection, Mapping, Sequence
from copy import deepcopy
from typing import Any

import numpy as np

from minigrad.engine.graph import wrap
from minigrad.optim.optimizer.param_groups import ParamGroup
from minigrad.tensor import Tensor

State = dict[Any, dict[str, Any]]
"""The states of each parameter by name; users may add entries under other keys."""

_MEMBERS = ("params", "param_names")


def pack(groups: Sequence[ParamGroup], state: State) -> dict[str, Any]:
    """Groups and state with each parameter replaced by its number, counted over all groups."""
    params = [p for group in groups for p in group["params"]]
    numbers = {id(p): number for number, p in enumerate(params)}
    packed_groups = [
        {key: value for key, value in group.items() if key != "params"}
        | {"params": [numbers[id(p)] for p in group["params"]]}
        for group in groups
    ]
    packed_state = {
        numbers[id(p)] if isinstance(p, Tensor) else p: entry
        for p, entry in state.items()
        if not isinstance(p, Tensor) or id(p) in numbers
    }
    return {"state": packed_state, "param_groups": packed_groups}


def match_groups(
    groups: Sequence[ParamGroup], saved_groups: Sequence[ParamGroup]
) -> tuple[list[ParamGroup], list[ParamGroup], dict[Any, Tensor]]:
    """The saved settings and the present members of each group; the parameter of each number.

    Raises ValueError if the groups do not fit: another count of groups or parameters, other names.
    """
    if len(saved_groups) != len(groups):
        raise ValueError(
            f"loaded state dict has a different number of parameter groups: it has "
            f"{len(saved_groups)} parameter groups, this optimizer has {len(groups)}"
        )
    settings: list[ParamGroup] = []
    members: list[ParamGroup] = []
    params: dict[Any, Tensor] = {}
    for index, group in enumerate(groups):
        saved = _saved_group(group, index, saved_groups)
        named = dict(zip(group.get("param_names", ()), group["params"], strict=False))
        if named and "param_names" in saved:
            pairs = zip(saved["params"], saved["param_names"], strict=True)
            params |= {number: named[name] for number, name in pairs}
        else:
            params |= dict(zip(saved["params"], group["params"], strict=True))
        settings.append(deepcopy({k: v for k, v in saved.items() if k not in _MEMBERS}))
        members.append({k: group[k] for k in _MEMBERS if k in group})
    return settings, members, params


def _saved_group(group: ParamGroup, index: int, saved_groups: Sequence[ParamGroup]) -> ParamGroup:
    """The saved group with the names of `group`, or without names the one at the same index."""
    saved = saved_groups[index]
    if "param_names" in group and all("param_names" in other for other in saved_groups):
        names = sorted(group["param_names"])
        fitting = [other for other in saved_groups if sorted(other["param_names"]) == names]
        if not fitting:
            missing = set(names) ^ set(saved["param_names"])
            raise ValueError(
                f"no loaded parameter group has the names of group {index}; they differ in "
                + ", ".join(sorted(missing))
            )
        return fitting[0]
    if len(saved["params"]) != len(group["params"]):
        raise ValueError(
            f"loaded state dict contains a parameter group that doesn't match the size of "
            f"optimizer's group: group {index} has {len(saved['params'])} parameters, this "
            f"optimizer's has {len(group['params'])}"
        )
    return saved


def copy_state(
    value: Any, param: Tensor, number_names: Collection[str], name: str | None = None
) -> Any:
    """A copy of a loaded state: arrays of any library as Tensors, floats in the param's dtype.

    The states in `number_names`, such as the step count, keep their dtype: float16 counts to
    2048 only.
    """
    if isinstance(value, Mapping):
        return {k: copy_state(v, param, number_names, k) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(copy_state(v, param, number_names, name) for v in value)
    if not hasattr(value, "__array__"):
        return deepcopy(value)
    array = np.array(value.__array__())
    if array.dtype.kind in "fc" and name not in number_names:
        array = array.astype(param.array.dtype, copy=False)
    return wrap(Tensor, np.ascontiguousarray(array).reshape(array.shape))
