"""Parametrizations: a tensor of a module computed from other parameters by modules."""

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NoReturn

from minigrad.core.public_names import show_public_names
from minigrad.engine.grad_mode import no_grad
from minigrad.engine.graph import wrap
from minigrad.nn.container import ModuleDict, ModuleList
from minigrad.nn.module import Module
from minigrad.nn.parameter import Buffer, Parameter
from minigrad.tensor import Tensor


class ParametrizationList(ModuleList):
    """The original tensors of one parametrized tensor, and the modules applied to them in order.

    The names are `original`, or `original0`, `original1`, ... if the first module's right_inverse
    returns several tensors.
    """

    def __init__(self, modules: Sequence[Module], original: Tensor, unsafe: bool = False) -> None:
        if not modules:
            raise ValueError("ParametrizationList requires one or more modules.")
        super().__init__(modules)
        self.unsafe = unsafe
        given = _inverted(self, original)
        self.is_tensor = isinstance(given, Tensor)
        self.ntensors = 1 if isinstance(given, Tensor) else len(given)
        if isinstance(given, Tensor):
            if given.dtype != original.dtype:
                raise ValueError(
                    f"When `right_inverse` outputs one tensor, it may not change the dtype: "
                    f"{original.dtype} became {given.dtype}"
                )
            leaves = [_leaf_like(original, given)]
        else:
            leaves = [_leaf_like(original, each) for each in given]
        for name, leaf in zip(self.names(), leaves, strict=True):
            setattr(self, name, leaf)
        if not unsafe:
            _require_alike(original, self())
        if isinstance(given, Tensor):  # the tensor itself: an optimizer may have it already
            original.data = leaves[0].data
            _register_as(self, "original", original)

    def names(self) -> list[str]:
        """The names of the originals."""
        return ["original"] if self.is_tensor else [f"original{i}" for i in range(self.ntensors)]

    def right_inverse(self, value: Tensor) -> None:
        """Set the originals so that the tensor becomes `value`.

        Raises RuntimeError if a module has no right_inverse.
        """
        with no_grad():
            given: Any = value
            for module in reversed(list(self)):
                if not hasattr(module, "right_inverse"):
                    raise RuntimeError(
                        f"parametrization {type(module).__name__} does not implement right_inverse."
                    )
                given = module.right_inverse(given)
            for name, new in zip(self.names(), [given] if self.is_tensor else given, strict=True):
                getattr(self, name).copy_(new)

    def forward(self) -> Tensor:
        first, *others = list(self)
        value: Tensor = first(*[getattr(self, name) for name in self.names()])
        for module in others:
            value = module(value)
        return value


def register_parametrization(
    module: Module, tensor_name: str, parametrization: Module, *, unsafe: bool = False
) -> Module:
    """Replace the parameter or buffer `tensor_name` by `parametrization(original)`.

    Its right_inverse, if there is one, computes the original from the current tensor.  The state
    has it as `parametrizations.<tensor_name>.original`.  Raises ValueError if the module has no
    such tensor; unless unsafe, also if shape or dtype would change.
    """
    if is_parametrized(module, tensor_name):
        entry = module.parametrizations[tensor_name]
        if not unsafe:
            _require_alike(entry(), parametrization(entry()))
        entry.append(parametrization)
        entry.unsafe |= unsafe
        return module
    tensor = module._parameters.get(tensor_name, module._buffers.get(tensor_name))
    if tensor is None:
        raise ValueError(
            f"Module '{type(module).__name__}' does not have a parameter, a buffer, or a "
            f"parametrized element with name '{tensor_name}'"
        )
    entry = ParametrizationList([parametrization], tensor, unsafe)
    delattr(module, tensor_name)
    if not is_parametrized(module):
        module.__class__ = _parametrized_class(type(module))
        module.parametrizations = ModuleDict()
    type.__setattr__(type(module), tensor_name, _parametrized_property(tensor_name))
    module.parametrizations[tensor_name] = entry
    return module


def _inverted(modules: ParametrizationList, tensor: Tensor) -> Tensor | Sequence[Tensor]:
    """The originals from which the modules compute a tensor, as far as they can be inverted."""
    with no_grad():
        given: Any = tensor
        for module in reversed(list(modules)):
            if hasattr(module, "right_inverse"):
                given = module.right_inverse(given)
    if not isinstance(given, Tensor | list | tuple):
        raise ValueError(
            f"'right_inverse' must return a Tensor or a Sequence of tensors (list, tuple...). "
            f"Got {type(given).__name__}."
        )
    return given


def _leaf_like(tensor: Tensor, value: Tensor) -> Tensor:
    """The value as a Parameter or Buffer, as the tensor is one, which may require a gradient."""
    leaf_type = Parameter if isinstance(tensor, Parameter) else Buffer
    return leaf_type(wrap(Tensor, value.array), requires_grad=tensor.requires_grad)


def _register_as(module: Module, name: str, tensor: Tensor) -> None:
    """Register a tensor as a parameter if it is one, else as a buffer."""
    delattr(module, name)
    if isinstance(tensor, Parameter):
        module.register_parameter(name, tensor)
    else:
        module.register_buffer(name, tensor)


def _require_alike(before: Tensor, after: object) -> None:
    if not isinstance(after, Tensor) or after.shape != before.shape or after.dtype != before.dtype:
        found = (
            f"shape {list(after.shape)} and dtype {after.dtype}"
            if isinstance(after, Tensor)
            else type(after).__name__
        )
        raise ValueError(
            f"Registering a parametrization may not change the shape or the dtype of the tensor, "
            f"unless `unsafe` flag is enabled: {list(before.shape)} of {before.dtype} became "
            f"{found}"
        )


def _parametrized_class(kind: type[Module]) -> type[Module]:
    """A subclass for one module, to which the parametrized tensors are added as properties."""
    methods = {"__module__": kind.__module__, "__getstate__": _refuse_pickle}
    if not hasattr(kind, "__deepcopy__"):
        methods["__deepcopy__"] = _deepcopied
    return type(f"Parametrized{kind.__name__}", (kind,), methods)


def _refuse_pickle(self: Module) -> NoReturn:
    raise RuntimeError(
        "Serialization of parametrized modules is only supported through state_dict()."
    )


def _deepcopied(self: Module, memo: dict[int, Any]) -> Module:
    """A copy with a class of its own: parametrizations of one are then removed there alone."""
    twin = object.__new__(_parametrized_class(type(self).__bases__[0]))
    memo[id(self)] = twin
    twin.__dict__.update(copy.deepcopy(self.__dict__, memo))
    for name in self.parametrizations:
        type.__setattr__(type(twin), name, _parametrized_property(name))
    return twin


_Cache = dict[tuple[int, str], Tensor]
_cache: ContextVar[_Cache | None] = ContextVar("parametrized tensors", default=None)


@contextmanager
def cached() -> Iterator[None]:
    """A context in which each parametrized tensor is computed once, when it is first read."""
    if _cache.get() is not None:
        yield
        return
    token = _cache.set({})
    try:
        yield
    finally:
        _cache.reset(token)


def _parametrized_property(name: str) -> property:
    def get(self: Module) -> Tensor:
        found = _cache.get()
        value: Tensor
        if found is None:
            value = self.parametrizations[name]()
        elif (key := (id(self), name)) in found:
            value = found[key]
        else:
            value = found[key] = self.parametrizations[name]()
        return value

    def put(self: Module, value: Tensor) -> None:
        self.parametrizations[name].right_inverse(value)

    return property(get, put)


def is_parametrized(module: Module, tensor_name: str | None = None) -> bool:
    """True if the module has a parametrized tensor, or one with this name."""
    found = module._modules.get("parametrizations")
    if not isinstance(found, ModuleDict):
        return False
    return len(found) > 0 if tensor_name is None else tensor_name in found


def remove_parametrizations(
    module: Module, tensor_name: str, leave_parametrized: bool = True
) -> Module:
    """Make `tensor_name` a plain parameter again, with its current value.

    leave_parametrized=False: with the value of its original.  Raises ValueError if it is not
    parametrized, or if several originals exist and leave_parametrized is False.
    """
    if not is_parametrized(module, tensor_name):
        raise ValueError(f"Module {type(module).__name__} does not have a parametrization on "
                         f"{tensor_name}")  # fmt: skip
    entry = module.parametrizations[tensor_name]
    if not leave_parametrized and not entry.is_tensor:
        raise ValueError(
            "You can leave unparametrized (leave_parametrized=False) only tensors with one "
            f"original, {tensor_name} has {entry.ntensors}"
        )
    plain = getattr(entry, entry.names()[0])
    if leave_parametrized:
        with no_grad():
            value = entry().clone()
        if entry.is_tensor:  # the tensor itself: an optimizer may have it
            plain.data = value
        else:
            plain = _leaf_like(plain, value)
    del module.parametrizations[tensor_name]
    type.__delattr__(type(module), tensor_name)
    if len(module.parametrizations) == 0:
        del module.parametrizations
        module.__class__ = type(module).__bases__[0]
    if isinstance(plain, Parameter):
        module.register_parameter(tensor_name, plain)
    else:
        module.register_buffer(tensor_name, plain)
    return module


def type_before_parametrizations(module: Module) -> type[Module]:
    """The class of a module without its parametrizations."""
    if is_parametrized(module):
        before: type[Module] = type(module).__bases__[0]
        return before
    return type(module)


def transfer_parametrizations_and_params(
    from_module: Module, to_module: Module, tensor_name: str | None = None
) -> Module:
    """Parametrize a module's tensors as another's are, with the same originals.

    tensor_name: the one tensor to do so for; None for all.  Returns to_module.
    """
    if not is_parametrized(from_module):
        return to_module
    entries = from_module.parametrizations
    for name in entries if tensor_name is None else [tensor_name]:
        entry = entries[name]
        if not hasattr(to_module, name):
            setattr(to_module, name, Parameter(getattr(from_module, name).detach()))
        for parametrization in entry:
            register_parametrization(to_module, name, parametrization, unsafe=entry.unsafe)
        for original in entry.names():
            setattr(to_module.parametrizations[name], original, getattr(entry, original))
    return to_module


__all__ = [
    "ParametrizationList",
    "cached",
    "is_parametrized",
    "register_parametrization",
    "remove_parametrizations",
    "transfer_parametrizations_and_params",
    "type_before_parametrizations",
]

show_public_names(__name__)
