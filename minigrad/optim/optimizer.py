"""What every optimizer has: parameter groups, state, hooks, and their saving and loading."""

import functools
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from itertools import chain
from typing import Any

import numpy as np

from minigrad.engine.graph import RemovableHandle, wrap
from minigrad.tensor import Tensor

Group = dict[str, Any]
Hook = Callable[..., Any]

_HOOKS = ("step_pre", "step_post", "save_pre", "save_post", "load_pre", "load_post")


class Optimizer:
    """The base of all optimizers; a subclass gives `step(closure=None)`.

    `params` is an iterable of tensors, of `(name, tensor)` pairs, or of dicts with `"params"` and
    settings of their own.  `param_groups` lists the groups as dicts, to be changed between steps
    at will; `state` maps each parameter to a dict of tensors.

    Raises TypeError for what is not a tensor, ValueError for an empty list, a tensor that is not
    a floating-point leaf, or one given twice.
    PyTorch differs: it only warns of a parameter that stands twice in one group.
    """

    has_stepped = False  # since it was made; a schedule wants to know
    _state_is_known = False  # to anybody else, who may then change it at any time

    def __init__(self, params: Iterable[Any], defaults: dict[str, Any]) -> None:
        if isinstance(params, Tensor | np.ndarray):
            raise TypeError(
                "params should be an iterable of Tensors or dicts, but a single "
                f"{type(params).__name__} was given; put it in a list"
            )
        self.defaults = defaults
        self._state: defaultdict[Any, dict[str, Any]] = defaultdict(dict)
        self.param_groups: list[Group] = []
        self._forget_hooks()
        given = list(params)
        if not given:
            raise ValueError("optimizer got an empty parameter list")
        for group in given if isinstance(given[0], dict) else [{"params": given}]:
            self.add_param_group(group)

    @property
    def state(self) -> defaultdict[Any, dict[str, Any]]:
        """A dict of tensors for each parameter."""
        self._state_is_known = True
        return self._state

    @state.setter
    def state(self, state: defaultdict[Any, dict[str, Any]]) -> None:
        self._state, self._state_is_known = state, True

    def __init_subclass__(cls, **settings: Any) -> None:
        super().__init_subclass__(**settings)
        if "step" in cls.__dict__:
            cls.step = _with_hooks(cls.step)  # type: ignore[method-assign]

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update the parameters; `closure`, if given, computes the loss again and returns it."""
        raise NotImplementedError(f"{type(self).__name__} does not define step()")

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Drop the gradients of all parameters, or fill them with zeros."""
        for group in self.param_groups:
            for p in group["params"]:
                if set_to_none:
                    p.grad = None
                elif p.grad is not None:
                    p.grad = p.grad.detach()
                    p.grad.array[...] = 0
                    p.grad.bump_version()

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__} ("]
        for number, group in enumerate(self.param_groups):
            lines.append(f"Parameter Group {number}")
            lines += [f"    {key}: {group[key]}" for key in sorted(group) if key != "params"]
        return "\n".join(lines) + "\n)"

    # --- groups ---

    def add_param_group(self, param_group: Group) -> None:
        """Add parameters, with settings of their own where the dict names any.

        Raises what the constructor raises, and changes nothing then.
        """
        if not isinstance(param_group, dict):
            raise TypeError(f"a parameter group is a dict, got {type(param_group).__name__}")
        if "params" not in param_group:
            raise ValueError(f"a parameter group needs 'params', got {sorted(param_group)}")
        group = {**self.defaults, **param_group}
        names, group["params"] = _names_and_tensors(param_group["params"])
        if names:
            group["param_names"] = names
        self._refuse_repetition(group)
        self._check_group(group)
        self.param_groups.append(group)

    def _refuse_repetition(self, group: Group) -> None:
        taken = {id(p) for other in self.param_groups for p in other["params"]}
        own = [id(p) for p in group["params"]]
        if len(set(own)) != len(own):
            raise ValueError("a parameter appears more than once in a parameter group")
        if not taken.isdisjoint(own):
            raise ValueError("some parameters appear in more than one parameter group")
        if any(("param_names" in group) != ("param_names" in o) for o in self.param_groups):
            raise ValueError(
                "either all parameter groups have names or none: the new one comes "
                + ("with" if "param_names" in group else "without")
            )
        names = [n for g in (*self.param_groups, group) for n in g.get("param_names", ())]
        if len(set(names)) != len(names):
            repeated = sorted({n for n in names if names.count(n) > 1})
            raise ValueError(f"parameter names appear more than once: {', '.join(repeated)}")

    def _check_group(self, group: Group) -> None:
        """Raise if the group's settings make no sense; optimizers with rules of their own do."""

    # --- saving and loading ---

    def state_dict(self) -> dict[str, Any]:
        """The state in torch's format: `state` by parameter number, and `param_groups`.

        The tensors in it are the optimizer's own, not copies.
        """
        for hook in list(self._hooks["save_pre"].values()):
            hook(self)
        numbers = {id(p): n for n, p in enumerate(self._all_params())}
        groups = [
            {key: value for key, value in group.items() if key != "params"}
            | {"params": [numbers[id(p)] for p in group["params"]]}
            for group in self.param_groups
        ]
        state = {
            numbers[id(p)] if isinstance(p, Tensor) else p: entry
            for p, entry in self.state.items()
            if not isinstance(p, Tensor) or id(p) in numbers
        }
        result: dict[str, Any] = {"state": state, "param_groups": groups}
        for hook in list(self._hooks["save_post"].values()):
            replaced = hook(self, result)
            result = result if replaced is None else replaced
        return result

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over a state saved by this class, or by torch's of the same name.

        Parameters are matched by name where both sides have names, by position otherwise.
        Tensors are copied, and cast to their parameter's dtype.  Raises ValueError, with nothing
        changed, if groups, names or shapes do not fit.
        PyTorch differs: it matches by position alone.
        """
        saved: Any = dict(state_dict)
        for hook in list(self._hooks["load_pre"].values()):
            replaced = hook(self, saved)
            saved = saved if replaced is None else replaced
        if not {"state", "param_groups"} <= saved.keys():
            raise ValueError(
                f"an optimizer's state has 'state' and 'param_groups', got {sorted(saved)}"
            )
        groups, owners = self._matched(saved["param_groups"])
        state: defaultdict[Any, dict[str, Any]] = defaultdict(dict)
        for key, entry in saved["state"].items():
            owner = owners.get(key, key)
            is_entry = isinstance(owner, Tensor)
            state[owner] = self._copied(entry, owner) if is_entry else deepcopy(entry)
        for group in groups:
            self._check_group(group)
            for p in group["params"]:
                self._check_entry(group, p, state.get(p, {}))
        self.param_groups, self._state = groups, state
        for hook in list(self._hooks["load_post"].values()):
            hook(self)

    def _matched(self, saved_groups: Any) -> tuple[list[Group], dict[Any, Any]]:
        """The groups as they will be, and which parameter each saved number belongs to."""
        if len(saved_groups) != len(self.param_groups):
            raise ValueError(
                f"the loaded state has {len(saved_groups)} parameter groups, "
                f"this optimizer has {len(self.param_groups)}"
            )
        groups: list[Group] = []
        owners: dict[Any, Any] = {}
        for position, group in enumerate(self.param_groups):
            saved = _counterpart(group, position, saved_groups)
            params = dict(zip(group.get("param_names", ()), group["params"], strict=False))
            if params and "param_names" in saved:
                owners |= {
                    number: params[name]
                    for number, name in zip(saved["params"], saved["param_names"], strict=True)
                }
            else:
                owners |= dict(zip(saved["params"], group["params"], strict=True))
            settings = deepcopy({k: v for k, v in saved.items() if k not in _MEMBERS})
            members = {k: group[k] for k in _MEMBERS if k in group}
            groups.append(self._completed(settings) | members)
        return groups, owners

    def _copied(self, value: Any, param: Tensor, key: str | None = None) -> Any:
        """A copy of a loaded state: arrays of any library as Tensors, floats in the param's dtype.

        The step count and its like keep their dtype: float16 counts to 2048 only.
        """
        if isinstance(value, Mapping):
            return {k: self._copied(v, param, k) for k, v in value.items()}
        if isinstance(value, list | tuple):
            return type(value)(self._copied(v, param) for v in value)
        if not hasattr(value, "__array__"):
            return deepcopy(value)
        array = np.array(value.__array__())
        if array.dtype.kind == "f" and key not in self._numbers():
            array = array.astype(param.array.dtype, copy=False)
        return wrap(Tensor, np.ascontiguousarray(array).reshape(array.shape))

    def _numbers(self) -> set[str]:
        """The states that are one number, whatever their parameter's shape and dtype."""
        return {"step"}

    def _completed(self, settings: Group) -> Group:
        """Loaded settings, with the default for each that an older version did not save."""
        return settings

    def _check_entry(self, group: Group, param: Tensor, entry: Mapping[str, Any]) -> None:
        """Raise if a loaded state cannot belong to its parameter."""

    def _all_params(self) -> Iterable[Tensor]:
        return chain.from_iterable(group["params"] for group in self.param_groups)

    def __getstate__(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("defaults", "state", "param_groups")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name, value in state.items():
            setattr(self, name, value)
        self._forget_hooks()

    # --- hooks ---

    def _forget_hooks(self) -> None:
        self._hooks: dict[str, dict[int, Hook]] = {kind: {} for kind in _HOOKS}

    def _add_hook(self, kind: str, hook: Hook, prepend: bool = False) -> RemovableHandle:
        hooks = self._hooks[kind]
        earlier = dict(hooks)
        handle = RemovableHandle(hooks, hook)
        if prepend:
            for number, other in earlier.items():
                del hooks[number]
                hooks[number] = other
        return handle

    def register_step_pre_hook(self, hook: Hook) -> RemovableHandle:
        """Call `hook(optimizer, args, kwargs)` before each step; it may return new ones."""
        return self._add_hook("step_pre", hook)

    def register_step_post_hook(self, hook: Hook) -> RemovableHandle:
        """Call `hook(optimizer, args, kwargs)` after each step."""
        return self._add_hook("step_post", hook)

    def register_state_dict_pre_hook(self, hook: Hook, prepend: bool = False) -> RemovableHandle:
        """Call `hook(optimizer)` before `state_dict()`."""
        return self._add_hook("save_pre", hook, prepend)

    def register_state_dict_post_hook(self, hook: Hook, prepend: bool = False) -> RemovableHandle:
        """Call `hook(optimizer, state_dict)` on the result of `state_dict()`; it may replace it."""
        return self._add_hook("save_post", hook, prepend)

    def register_load_state_dict_pre_hook(
        self, hook: Hook, prepend: bool = False
    ) -> RemovableHandle:
        """Call `hook(optimizer, state_dict)` before loading; it may replace the state."""
        return self._add_hook("load_pre", hook, prepend)

    def register_load_state_dict_post_hook(
        self, hook: Hook, prepend: bool = False
    ) -> RemovableHandle:
        """Call `hook(optimizer)` after loading."""
        return self._add_hook("load_post", hook, prepend)


_MEMBERS = ("params", "param_names")


def _with_hooks(step: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(step)
    def hooked(self: Optimizer, *args: Any, **kwargs: Any) -> Any:
        if type(self).step is not hooked:  # called by the step of a subclass, which has run them
            return step(self, *args, **kwargs)
        for hook in list(self._hooks["step_pre"].values()):
            replaced = hook(self, args, kwargs)
            if replaced is not None:
                if not (isinstance(replaced, tuple) and len(replaced) == 2):
                    raise RuntimeError(
                        f"a step pre-hook returns None or (args, kwargs), got {replaced!r}"
                    )
                args, kwargs = replaced
        result = step(self, *args, **kwargs)
        self.has_stepped = True
        for hook in list(self._hooks["step_post"].values()):
            hook(self, args, kwargs)
        return result

    return hooked


def _names_and_tensors(params: Any) -> tuple[list[str], list[Tensor]]:
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
            raise TypeError(f"an optimizer can only optimize Tensors, got {type(p).__name__}")
        if not (p.is_leaf or p.retains_grad):
            raise ValueError(
                f"can't optimize a non-leaf Tensor: one of shape {p.shape} is the result of an "
                "operation"
            )
        if not p.is_floating_point():
            raise ValueError(f"can only optimize floating-point Tensors, got one of {p.dtype}")
    return names, tensors


def _counterpart(group: Group, position: int, saved_groups: Any) -> Any:
    """The saved group that is to become `group`: the one with its names, or at its place."""
    saved = saved_groups[position]
    if "param_names" in group and all("param_names" in other for other in saved_groups):
        names = sorted(group["param_names"])
        fitting = [o for o in saved_groups if sorted(o["param_names"]) == names]
        if not fitting:
            missing = set(names) ^ set(saved["param_names"])
            raise ValueError(
                f"no loaded parameter group has the names of group {position}; they differ in "
                + ", ".join(sorted(missing))
            )
        return fitting[0]
    if len(saved["params"]) != len(group["params"]):
        raise ValueError(
            f"the loaded parameter group {position} has {len(saved['params'])} parameters, "
            f"this optimizer's has {len(group['params'])}"
        )
    return saved
