"""state_dict and load_state_dict: a state is checked completely before anything is written."""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, NamedTuple

from minigrad.engine.grad_mode import no_grad
from minigrad.nn.module_tree import ModuleTree
from minigrad.nn.parameter import Parameter
from minigrad.tensor import Tensor

EXTRA = "_extra_state"

StateDict = dict[str, Any]
"""Tensors by path, and the extra state of modules, which may be anything."""

AnyModule = ModuleTree[Any]


class IncompatibleKeys(NamedTuple):
    """The keys that `load_state_dict(strict=False)` could not match."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return (
            f"IncompatibleKeys(missing_keys={self.missing_keys}, "
            f"unexpected_keys={self.unexpected_keys})"
        )


def persistent_tensors(module: AnyModule) -> dict[str, Tensor]:
    """The parameters and persistent buffers of one module by name."""
    buffers = {
        name: buffer
        for name, buffer in module._buffers.items()
        if name not in module._non_persistent_buffers_set
    }
    members = {**module._parameters, **buffers}
    return {name: tensor for name, tensor in members.items() if tensor is not None}


def has_extra_state(module: AnyModule) -> bool:
    """True if the module's class defines `get_extra_state`."""
    return hasattr(type(module), "get_extra_state")


def collect(module: Any, destination: StateDict, prefix: str, keep_vars: bool) -> StateDict:
    """Put the state of a module and its descendants into `destination`."""
    hooks = module._hooks
    for pre in list(hooks.state_dict_pre.values()) if hooks else ():
        pre(module, prefix, keep_vars)
    for name, tensor in persistent_tensors(module).items():
        destination[prefix + name] = tensor if keep_vars else tensor.detach()
    if has_extra_state(module):
        destination[prefix + EXTRA] = module.get_extra_state()
    for name, child in module._modules.items():
        if child is not None:
            child.state_dict(
                destination=destination, prefix=f"{prefix}{name}.", keep_vars=keep_vars
            )
    for post in list(hooks.state_dict_post.values()) if hooks else ():
        if post(module, destination, prefix, {}) is not None:
            raise RuntimeError("state_dict post-hook must return None")
    return destination


def load(
    module: Any, state_dict: Mapping[str, Any], strict: bool, assign: bool
) -> IncompatibleKeys:
    """Write a state into a module, or raise with everything that does not fit and write nothing."""
    if not isinstance(state_dict, Mapping):
        raise TypeError(f"Expected state_dict to be dict-like, got {type(state_dict)}.")
    plan = _LoadPlan(OrderedDict(state_dict), strict)
    plan.visit(module, "")
    incompatible = IncompatibleKeys(plan.missing, plan.unexpected())
    plan.call_post_hooks(incompatible)
    errors = list(plan.errors)
    if strict:
        if incompatible.unexpected_keys:
            errors.insert(0, _key_list("Unexpected", incompatible.unexpected_keys))
        if incompatible.missing_keys:
            errors.insert(0, _key_list("Missing", incompatible.missing_keys))
    if errors:
        raise RuntimeError(
            f"Error(s) in loading state_dict for {type(module).__name__}:\n\t" + "\n\t".join(errors)
        )
    plan.write(assign)
    return incompatible


def _key_list(what: str, keys: list[str]) -> str:
    names = ", ".join(f'"{key}"' for key in keys)
    return f"{what} key(s) in state_dict: {names}. "


class _LoadPlan:
    """The tensors that a state writes to each module, and the keys that do not fit."""

    def __init__(self, state_dict: StateDict, strict: bool) -> None:
        self.state_dict = state_dict
        self.strict = strict
        self.missing: list[str] = []
        self.errors: list[str] = []
        self.unexpected_by_hooks: list[str] = []
        self.used: set[str] = set()
        self.tensors: list[tuple[AnyModule, str, Tensor, Tensor]] = []
        self.extras: list[tuple[Any, Any]] = []
        self.visited: list[Any] = []

    def visit(self, module: Any, prefix: str) -> None:
        """Match the keys of a module and its descendants."""
        hooks = module._hooks
        for pre in list(hooks.load_pre.values()) if hooks else ():
            pre(
                module, self.state_dict, prefix, {}, self.strict, self.missing,
                self.unexpected_by_hooks, self.errors,
            )  # fmt: skip
        for name, tensor in persistent_tensors(module).items():
            self._match(module, name, tensor, prefix + name)
        if has_extra_state(module):
            if prefix + EXTRA in self.state_dict:
                self.used.add(prefix + EXTRA)
                self.extras.append((module, self.state_dict[prefix + EXTRA]))
            else:
                self.missing.append(prefix + EXTRA)
        for name, child in module._modules.items():
            if child is not None:
                self.visit(child, f"{prefix}{name}.")
        self.visited.append(module)

    def _match(self, module: AnyModule, name: str, tensor: Tensor, key: str) -> None:
        if key not in self.state_dict:
            self.missing.append(key)
            return
        self.used.add(key)
        given = self.state_dict[key]
        if not isinstance(given, Tensor):
            self.errors.append(
                f'While copying the parameter named "{key}", expected minigrad.Tensor or '
                f"Tensor-like object from checkpoint but received {type(given)}"
            )
        elif given.shape != tensor.shape:
            self.errors.append(
                f"size mismatch for {key}: copying a param with shape {list(given.shape)} from "
                f"checkpoint, the shape in current model is {list(tensor.shape)}."
            )
        else:
            self.tensors.append((module, name, tensor, given))

    def unexpected(self) -> list[str]:
        """The keys that no module has, and those that hooks reported."""
        return [
            *self.unexpected_by_hooks,
            *(key for key in self.state_dict if key not in self.used),
        ]

    def call_post_hooks(self, incompatible: IncompatibleKeys) -> None:
        """Call the post-hooks, which may remove keys from the lists."""
        for module in self.visited:
            for post in list(module._hooks.load_post.values()) if module._hooks else ():
                if post(module, incompatible) is not None:
                    raise RuntimeError(
                        "Hooks registered with register_load_state_dict_post_hook are not expected "
                        "to return new values; change the lists of incompatible_keys in place."
                    )

    def write(self, assign: bool) -> None:
        """Copy or assign the tensors, and set the extra states."""
        for module, name, tensor, given in self.tensors:
            if assign:
                _assign(module, name, tensor, given)
            else:
                with no_grad():
                    tensor.copy_(given)
        for module, extra in self.extras:
            module.set_extra_state(extra)


def _assign(module: AnyModule, name: str, tensor: Tensor, given: Tensor) -> None:
    if isinstance(tensor, Parameter):
        new = given if isinstance(given, Parameter) else Parameter(given, requires_grad=False)
        setattr(module, name, new.requires_grad_(tensor.requires_grad))
    else:
        setattr(module, name, given)
