"""state_dict and load_state_dict: a state is checked completely before it stays written."""

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple

from minigrad.engine.grad_mode import no_grad
from minigrad.nn.module_tree import ModuleTree
from minigrad.nn.parameter import Parameter, is_lazy
from minigrad.tensor import Tensor

EXTRA = "_extra_state"
ASSIGN = "assign_to_params_buffers"  # torch's key in a module's metadata

# The attribute of a state that has each module's version by path, as in torch.
METADATA = "_metadata"

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


# --- saving ---------------------------------------------------------------------------------------


def collect(module: Any, destination: StateDict | None, prefix: str, keep_vars: bool) -> StateDict:
    """Put the state of a module and its descendants into `destination`, or into a new dictionary.

    Its attribute `_metadata` has the version of each module by path.
    """
    if destination is None:
        destination = OrderedDict()
        setattr(destination, METADATA, OrderedDict())
    hooks = module._hooks
    metadata = {"version": module._version}
    if hasattr(destination, METADATA):
        getattr(destination, METADATA)[prefix[:-1]] = metadata
    for pre in list(hooks.state_dict_pre.values()) if hooks else ():
        pre(module, prefix, keep_vars)
    module._save_to_state_dict(destination, prefix, keep_vars)
    for name, child in module._modules.items():
        if child is not None:
            child.state_dict(
                destination=destination, prefix=f"{prefix}{name}.", keep_vars=keep_vars
            )
    for post in list(hooks.state_dict_post.values()) if hooks else ():
        replaced = post.call(module, destination, prefix, metadata)
        if replaced is not None and not post.may_replace:
            raise RuntimeError("state_dict post-hook must return None")
        destination = destination if replaced is None else replaced
    return destination


# --- loading --------------------------------------------------------------------------------------


def load(
    module: Any, state_dict: Mapping[str, Any], strict: bool, assign: bool
) -> IncompatibleKeys:
    """Write a state into a module, or raise with all that does not fit and change nothing."""
    if not isinstance(state_dict, Mapping):
        raise TypeError(f"Expected state_dict to be dict-like, got {type(state_dict)}.")
    plan = LoadPlan(getattr(state_dict, METADATA, None), assign)
    plan.visit(module, state_dict, "")
    incompatible = IncompatibleKeys(plan.missing, plan.unexpected)
    hooks = [(m, hook) for m in plan.visited if m._hooks for hook in m._hooks.load_post.values()]
    if plan.fits(strict) or hooks:
        plan.write()
    for owner, hook in hooks:
        if hook(owner, incompatible) is not None:
            plan.undo()
            raise AssertionError(
                "Hooks registered with register_load_state_dict_post_hook are not expected to "
                "return new values; change the lists of incompatible_keys in place."
            )
    if not plan.fits(strict):
        plan.undo()
        raise RuntimeError(
            f"Error(s) in loading state_dict for {type(module).__name__}:\n\t"
            + "\n\t".join(plan.problems(strict))
        )
    return incompatible


def _key_list(what: str, keys: list[str]) -> str:
    names = ", ".join(f'"{key}"' for key in keys)
    return f"{what} key(s) in state_dict: {names}. "


class LoadPlan:
    """What a state writes to each module, and the keys that do not fit."""

    def __init__(self, metadata: Mapping[str, Any] | None, assign: bool) -> None:
        self.metadata = metadata or {}
        self.assign = assign
        self.missing: list[str] = []
        self.unexpected: list[str] = []
        self.errors: list[str] = []
        self.visited: list[Any] = []
        self.writes: list[_Write] = []
        self.undoing: list[Callable[[], object]] = []

    def visit(self, module: Any, state_dict: Mapping[str, Any], prefix: str) -> None:
        """Match the keys of a module and its descendants."""
        state = _State(state_dict)
        setattr(state, METADATA, self.metadata)
        state.plan = self
        metadata = dict(self.metadata.get(prefix[:-1], {}))
        if self.assign:
            metadata[ASSIGN] = True
        module._load_from_state_dict(
            state, prefix, metadata, True, self.missing, self.unexpected, self.errors
        )
        for name, child in module._modules.items():
            if child is not None:
                path = f"{prefix}{name}."
                # A copy, as in torch: a child's hooks change what the child sees.
                self.visit(child, {k: v for k, v in state.items() if k.startswith(path)}, path)
        self.visited.append(module)

    def fits(self, strict: bool) -> bool:
        """True if nothing speaks against the state."""
        return not (self.errors or (strict and (self.missing or self.unexpected)))

    def problems(self, strict: bool) -> list[str]:
        """The lines of the error: keys first, then what does not fit."""
        lines = []
        if strict and self.missing:
            lines.append(_key_list("Missing", self.missing))
        if strict and self.unexpected:
            lines.append(_key_list("Unexpected", self.unexpected))
        return lines + self.errors

    def add(self, module: Any, writes: "list[_Write]") -> None:
        """Plan writes; a class with its own loader may read the values next, so make those now."""
        if has_own_loader(module):
            for write in writes:
                self.undoing.append(write.undoing())
                write.run()
        else:
            self.writes += writes

    def write(self) -> None:
        """Write what is planned, and keep the old values if hooks have yet to forgive keys."""
        if not self.fits(strict=True):
            self.undoing += [write.undoing() for write in self.writes]
        for write in self.writes:
            write.run()

    def undo(self) -> None:
        """Put back what has been written."""
        for put_back in reversed(self.undoing):
            put_back()


class _State(OrderedDict[str, Any]):
    """The part of a state that one module sees."""

    plan: LoadPlan


def has_own_loader(module: Any) -> bool:
    """True if the module's class or the module overrides `_load_from_state_dict`."""
    loader = module._load_from_state_dict
    return getattr(loader, "__func__", None) is not module._default_load_from_state_dict.__func__


class _Write(NamedTuple):
    """A value for one member of a module: a tensor, or for the name `EXTRA` its extra state."""

    module: Any
    name: str
    given: Any
    assign: bool

    def run(self) -> None:
        """Write the value."""
        if self.name == EXTRA:
            self.module.set_extra_state(self.given)
            return
        tensor = getattr(self.module, self.name)
        if self.assign:
            _assign(self.module, self.name, tensor, self.given)
        else:
            with no_grad():
                tensor.copy_(self.given)

    def undoing(self) -> Callable[[], object]:
        """A function that brings the present value back."""
        if self.name == EXTRA:
            return partial(self.module.set_extra_state, self.module.get_extra_state())
        tensor = getattr(self.module, self.name)
        if self.assign:
            return partial(setattr, self.module, self.name, tensor)
        return no_grad()(partial(tensor.copy_, tensor.detach().clone()))


def load_members(
    module: Any,
    state: Mapping[str, Any],
    prefix: str,
    metadata: Mapping[str, Any],
    strict: bool,
    missing: list[str],
    unexpected: list[str],
    errors: list[str],
) -> None:
    """The values of one module's own tensors and its extra state from a state."""
    assign = metadata.get(ASSIGN, False)
    writes = []
    members = persistent_tensors(module)
    for name, tensor in members.items():
        key = prefix + name
        if key in state:
            given, problem = _fitting(tensor, state[key], key)
            if problem:
                errors.append(problem)
            else:
                writes.append(_Write(module, name, given, assign))
        elif strict:
            missing.append(key)
    takes_extra = module._takes_extra_state()
    if takes_extra and prefix + EXTRA in state:
        writes.append(_Write(module, EXTRA, state[prefix + EXTRA], assign))
    elif takes_extra and strict:
        missing.append(prefix + EXTRA)
    if strict:
        known = {*members, EXTRA} if takes_extra else members
        unexpected += _unexpected(module, state, prefix, known)
    if isinstance(state, _State):
        state.plan.add(module, writes)
    else:  # a loader of the class's own has handed on another dictionary
        for write in writes:
            write.run()


def _unexpected(module: Any, state: Mapping[str, Any], prefix: str, known: Any) -> Iterator[str]:
    """The keys under `prefix` that neither the module nor a child of it has."""
    for key in state:
        if key.startswith(prefix):
            name, dot, _ = key[len(prefix) :].partition(".")
            if name not in (module._modules if dot else known):
                yield key


def _fitting(tensor: Tensor, given: Any, key: str) -> tuple[Any, str | None]:
    """The given value in the form of the tensor, and what is wrong with it, or None."""
    if not isinstance(given, Tensor):
        return given, (
            f'While copying the parameter named "{key}", expected minigrad.Tensor or '
            f"Tensor-like object from checkpoint but received {type(given)}"
        )
    if is_lazy(tensor) or is_lazy(given):
        if is_lazy(tensor) and is_lazy(given):
            return tensor.data, None
        where = "current model" if is_lazy(tensor) else "checkpoint"
        return given, f"{key} has no shape yet in the {where}: call the lazy module once"
    if tensor.shape == () and given.shape == (1,):  # before PyTorch 0.4 no tensor had 0 dimensions
        given = given[0]
    if given.shape != tensor.shape:
        return given, (
            f"size mismatch for {key}: copying a param with shape {list(given.shape)} from "
            f"checkpoint, the shape in current model is {list(tensor.shape)}."
        )
    return given, None


def _assign(module: AnyModule, name: str, tensor: Tensor, given: Tensor) -> None:
    if isinstance(tensor, Parameter):
        new = given if isinstance(given, Parameter) else Parameter(given, requires_grad=False)
        setattr(module, name, new.requires_grad_(tensor.requires_grad))
    else:
        setattr(module, name, given)
