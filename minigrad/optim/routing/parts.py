"""One optimizer of several, each with its part of a model's parameters."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, overload

from minigrad.nn.modules import Module
from minigrad.optim.optimizer import Optimizer, ParamGroup
from minigrad.optim.optimizer.optimizer import Loss, loss_of
from minigrad.tensor import Tensor

Selector = str | type[Module] | Callable[[str, Tensor], bool] | Sequence[Any]
"""A pattern of names, a class of modules, a function of name and parameter, or several of these."""


class Partition(Optimizer):
    """Optimizers that step together; `parts` has them by name.

    `param_groups` are those of all parts, so that one schedule drives all; `state_dict` has the
    parts' by name.
    """

    def __init__(self, parts: Mapping[str, Optimizer]) -> None:
        if not parts:
            raise ValueError("a Partition needs at least one part")
        self.parts = dict(parts)
        self.defaults: dict[str, Any] = {}

    @property
    def param_groups(self) -> list[ParamGroup]:  # type: ignore[override]
        """The groups of all parts, in the order of the parts."""
        return [group for part in self.parts.values() for group in part.param_groups]

    @property  # type: ignore[misc]
    def state(self) -> defaultdict[Any, dict[str, Any]]:
        """The states of the parameters of all parts."""
        merged: defaultdict[Any, dict[str, Any]] = defaultdict(dict)
        for part in self.parts.values():
            merged.update(part.state)
        return merged

    @overload
    def step(self, closure: None = None) -> None: ...
    @overload
    def step(self, closure: Callable[[], Loss]) -> Loss: ...
    def step(self, closure: Callable[[], Loss] | None = None) -> Loss | None:
        """Take a step of each part; `closure`, if given, is called once, before."""
        loss = loss_of(closure)
        for part in self.parts.values():
            part.step()
        return loss

    def add_param_group(self, param_group: ParamGroup) -> None:
        """Raises RuntimeError: parameters belong to a part."""
        raise RuntimeError("add parameters to one of the parts: optimizer.parts[name]")

    def state_dict(self) -> dict[str, Any]:
        """The states of the parts, by name."""
        return {"parts": {name: part.state_dict() for name, part in self.parts.items()}}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over the states of parts of the same names.  Raises ValueError for others."""
        saved = state_dict.get("parts", {})
        if saved.keys() != self.parts.keys():
            raise ValueError(
                f"the loaded state has the parts {sorted(saved)}, this optimizer "
                f"{sorted(self.parts)}"
            )
        for name, part in self.parts.items():
            part.load_state_dict(saved[name])

    def __getstate__(self) -> dict[str, Any]:
        return dict(self.__dict__)

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)

    def __repr__(self) -> str:
        lines = ["Partition ("]
        for name, part in self.parts.items():
            params = [p for group in part.param_groups for p in group["params"]]
            lines.append(
                f"  {name}: {type(part).__name__}, {len(params)} parameters, "
                f"{sum(p.numel() for p in params)} elements"
            )
            for group in part.param_groups:
                names = group.get("param_names") or [""] * len(group["params"])
                for own, p in zip(names, group["params"], strict=True):
                    lines.append(f"    {own} {list(p.shape)}, lr {group.get('lr')}")
        return "\n".join([*lines, ")"])


def partition(
    model: Module,
    optimizers: Mapping[str, Callable[[Any], Optimizer]],
    by: Mapping[str, Selector] | Callable[[str, Tensor, Module], str],
) -> Partition:
    """Optimizers for the parts of a model: `optimizers` makes one for each part.

    `by` selects the parameters of each part: by a pattern of names ("*.weight"), by the class of
    the module that holds them, by a function of a name and a parameter, or by several of these.
    One part may be left out of `by`: it has the rest.  Or `by` is a function of a name, a
    parameter and its module that gives the part's name.

    Raises ValueError for a parameter in two parts or in none, for a part without parameters, and
    for a part without an optimizer.

    >>> from functools import partial
    >>> from minigrad import nn, optim
    >>> model = nn.Sequential(nn.Embedding(5, 4), nn.Linear(4, 4), nn.LayerNorm(4))
    >>> optimizer = optim.partition(
    ...     model,
    ...     {"hidden": partial(optim.MuonAll, lr=0.02), "rest": optim.AdamW},
    ...     by={"hidden": lambda name, p: p.ndim == 2 and not name.startswith("0.")},
    ... )
    >>> print(optimizer)
    Partition (
      hidden: MuonAll, 1 parameters, 16 elements
        1.weight [4, 4], lr 0.02
      rest: AdamW, 4 parameters, 32 elements
        0.weight [5, 4], lr 0.001
        1.bias [4], lr 0.001
        2.weight [4], lr 0.001
        2.bias [4], lr 0.001
    )
    """
    members: dict[str, list[tuple[str, Tensor]]] = {name: [] for name in optimizers}
    modules = dict(model.named_modules())
    choose = by if callable(by) else _chooser(by, list(optimizers))
    for name, p in model.named_parameters():
        part = choose(name, p, modules[name.rpartition(".")[0]])
        if part not in members:
            raise ValueError(f"the parameter {name} goes to {part!r}, which has no optimizer")
        members[part].append((name, p))
    if empty := [name for name, params in members.items() if not params]:
        raise ValueError(f"no parameter is in {', '.join(empty)}")
    return Partition({name: make(members[name]) for name, make in optimizers.items()})


def _chooser(
    by: Mapping[str, Selector], parts: Sequence[str]
) -> Callable[[str, Tensor, Module], str]:
    """The function that gives the part of a parameter."""
    if unknown := [name for name in by if name not in parts]:
        raise ValueError(f"no optimizer is given for {', '.join(unknown)}")
    others = [name for name in parts if name not in by]
    if len(others) > 1:
        raise ValueError(f"only one part can have the rest, but {' and '.join(others)} would")

    def choose(name: str, p: Tensor, module: Module) -> str:
        found = [part for part, how in by.items() if _selects(how, name, p, module)]
        if len(found) > 1:
            raise ValueError(f"the parameter {name} is in two parts: {' and '.join(found)}")
        if not found and not others:
            raise ValueError(f"the parameter {name} {list(p.shape)} is in no part")
        return found[0] if found else others[0]

    return choose


def _selects(how: Any, name: str, p: Tensor, module: Module) -> bool:
    if isinstance(how, str):
        return fnmatchcase(name, how)
    if isinstance(how, type):
        return isinstance(module, how)
    if callable(how):
        return bool(how(name, p))
    return any(_selects(each, name, p, module) for each in how)
