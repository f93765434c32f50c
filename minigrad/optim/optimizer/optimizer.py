"""Optimizer: the base class, with parameter groups, state, hooks, saving and loading."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from typing import Any, TypeVar, overload

import numpy as np

from minigrad.engine.grad_mode import enable_grad
from minigrad.nn.parameter import zero_gradient
from minigrad.optim.optimizer.hooks import OptimizerHooks, with_step_hooks
from minigrad.optim.optimizer.param_groups import (
    ParamGroup,
    ParamsT,
    check_distinct,
    make_group,
)
from minigrad.optim.optimizer.state_dict import copy_state, match_groups, pack
from minigrad.tensor import Tensor

Loss = TypeVar("Loss", bound=float | Tensor)


def loss_of(closure: Callable[[], Loss] | None) -> Loss | None:
    """The loss that a step's closure computes, with gradients; None if there is no closure."""
    if closure is None:
        return None
    with enable_grad():
        return closure()


class Optimizer(OptimizerHooks):
    """The base of all optimizers; a subclass defines `step(closure=None)`.

    `params` is an iterable of tensors, of `(name, tensor)` pairs, or of dicts with `"params"` and
    settings for these.  `param_groups` lists the groups as dicts, which may be changed between
    steps; `state` maps each parameter to a dict of tensors.

    Raises TypeError for what is not a tensor, ValueError for an empty list, a tensor that is not
    a floating-point leaf, or one given twice.
    PyTorch differs: it only warns of a parameter that is in one group twice.
    """

    # Whether code outside of this class has seen the state, and may change it at any time.
    _state_is_shared = False

    def __init__(self, params: ParamsT, defaults: dict[str, Any]) -> None:
        if isinstance(params, Tensor | np.ndarray):
            raise TypeError(
                "params argument given to the optimizer should be an iterable of Tensors or dicts, "
                f"but a single {type(params).__name__} was given; put it in a list"
            )
        if not isinstance(params, Iterable):
            has_some = callable(getattr(params, "parameters", None))
            raise TypeError(
                f"'{type(params).__name__}' object is not iterable: params argument given to the "
                f"optimizer should be an iterable of Tensors or dicts"
                + "; pass its parameters()"
                * has_some
            )
        self.defaults = defaults
        self._state: defaultdict[Any, dict[str, Any]] = defaultdict(dict)
        self.param_groups: list[ParamGroup] = []
        given: list[Any] = list(params)
        if not given:
            raise ValueError(
                "optimizer got an empty parameter list: a generator gives its parameters once, and "
                "layers in a plain list are no part of a module (nn.ModuleList is)"
            )
        for group in given if isinstance(given[0], dict) else [{"params": given}]:
            self.add_param_group(group)

    @property
    def state(self) -> defaultdict[Any, dict[str, Any]]:
        """A dict of tensors for each parameter."""
        self._state_is_shared = True
        return self._state

    @state.setter
    def state(self, state: defaultdict[Any, dict[str, Any]]) -> None:
        self._state, self._state_is_shared = state, True

    def __init_subclass__(cls, **settings: Any) -> None:
        super().__init_subclass__(**settings)
        if "step" in cls.__dict__:
            cls.step = with_step_hooks(cls.step)  # type: ignore[method-assign]

    @overload
    def step(self, closure: None = None) -> None: ...
    @overload
    def step(self, closure: Callable[[], Loss]) -> Loss: ...
    def step(self, closure: Callable[[], Loss] | None = None) -> Loss | None:
        """Update every parameter that has a gradient.

        `closure`, if given, is called first: it computes the loss and its gradients, and returns
        the loss, which is the result.  Raises RuntimeError if a gradient does not fit its
        parameter; no parameter has changed then.
        """
        raise NotImplementedError(f"{type(self).__name__} does not define step()")

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Drop the gradients of all parameters, or fill them with zeros."""
        for group in self.param_groups:
            for p in group["params"]:
                if set_to_none:
                    p.grad = None
                elif p.grad is not None:
                    zero_gradient(p)

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__} ("]
        for number, group in enumerate(self.param_groups):
            lines.append(f"Parameter Group {number}")
            lines += [f"    {key}: {group[key]}" for key in sorted(group) if key != "params"]
        return "\n".join(lines) + "\n)"

    def add_param_group(self, param_group: ParamGroup) -> None:
        """Add parameters, with the settings in the dict in place of the defaults.

        Raises what the constructor raises, and changes nothing then.
        """
        group = make_group(param_group, self.defaults)
        check_distinct(group, self.param_groups)
        self._check_group(group)
        # The given dict itself, as in torch: two optimizers over one group share its settings.
        param_group.update(group)
        self.param_groups.append(param_group)

    def state_dict(self) -> dict[str, Any]:
        """The state in torch's format: `state` by parameter number, and `param_groups`.

        The tensors in it are the optimizer's tensors, not copies.
        """
        for hook in self._hooks_of("save_pre"):
            hook(self)
        result = pack(self.param_groups, self.state)
        for hook in self._hooks_of("save_post"):
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
        for hook in self._hooks_of("load_pre"):
            replaced = hook(self, saved)
            saved = saved if replaced is None else replaced
        if not {"state", "param_groups"} <= saved.keys():
            raise ValueError(
                f"an optimizer's state has 'state' and 'param_groups', got {sorted(saved)}"
            )
        settings, members, params = match_groups(self.param_groups, saved["param_groups"])
        groups = [
            self._with_defaults(loaded) | kept
            for loaded, kept in zip(settings, members, strict=True)
        ]
        state: defaultdict[Any, dict[str, Any]] = defaultdict(dict)
        for key, entry in saved["state"].items():
            owner = params.get(key, key)
            if isinstance(owner, Tensor):
                state[owner] = copy_state(entry, owner, self._names_of_own_dtype())
            else:
                state[owner] = deepcopy(entry)
        for group in groups:
            self._check_group(group)
            for p in group["params"]:
                self._check_state(group, p, state.get(p, {}))
        self.__setstate__({"state": state, "param_groups": groups})
        for hook in self._hooks_of("load_post"):
            hook(self)

    def __getstate__(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("defaults", "state", "param_groups")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name, value in state.items():
            setattr(self, name, value)

    # --- for subclasses ---

    def _check_group(self, group: ParamGroup) -> None:
        """Raise if the group's settings are not legal."""

    def _check_state(self, group: ParamGroup, param: Tensor, entry: Mapping[str, Any]) -> None:
        """Raise ValueError if a loaded state cannot belong to its parameter."""

    def _with_defaults(self, settings: ParamGroup) -> ParamGroup:
        """Loaded settings, with the default for each that an older version did not save."""
        return settings

    def _number_names(self) -> set[str]:
        """The states that are one number, whatever their parameter's shape and dtype."""
        return {"step"}

    def _names_of_own_dtype(self) -> set[str]:
        """The states that keep their dtype when they are loaded."""
        return self._number_names()
