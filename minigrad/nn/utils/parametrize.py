"""Parametrizations: a tensor of a module computed from other parameters by modules."""

from typing import Any

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

    def __init__(self, modules: list[Module], tensor: Tensor) -> None:
        super().__init__(modules)
        with no_grad():
            given: Any = tensor
            for module in reversed(list(self)):
                if hasattr(module, "right_inverse"):
                    given = module.right_inverse(given)
        self.ntensors = 1 if isinstance(given, Tensor) else len(given)
        self.is_tensor = isinstance(given, Tensor)
        leaf_type = Parameter if isinstance(tensor, Parameter) else Buffer
        for name, original in zip(self.names(), [given] if self.is_tensor else given, strict=True):
            leaf = leaf_type(wrap(Tensor, original.array), requires_grad=tensor.requires_grad)
            setattr(self, name, leaf)

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
        first, *others = self
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
        _require_alike(entry(), parametrization(entry()), unsafe)
        entry.append(parametrization)
        return module
    tensor = module._parameters.get(tensor_name, module._buffers.get(tensor_name))
    if tensor is None:
        raise ValueError(
            f"Module '{type(module).__name__}' does not have a parameter, a buffer, or a "
            f"parametrized element with name '{tensor_name}'"
        )
    entry = ParametrizationList([parametrization], tensor)
    _require_alike(tensor, entry(), unsafe)
    delattr(module, tensor_name)
    if not is_parametrized(module):
        module.__class__ = _parametrized_class(type(module))
        module.parametrizations = ModuleDict()
    type.__setattr__(type(module), tensor_name, _parametrized_property(tensor_name))
    module.parametrizations[tensor_name] = entry
    return module


def _require_alike(before: Tensor, after: object, unsafe: bool) -> None:
    if unsafe:
        return
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
    return type(f"Parametrized{kind.__name__}", (kind,), {"__module__": kind.__module__})


def _parametrized_property(name: str) -> property:
    def get(self: Module) -> Tensor:
        value: Tensor = self.parametrizations[name]()
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
    original = getattr(entry, entry.names()[0])
    with no_grad():
        value = entry().clone() if leave_parametrized else original
    leaf_type = Parameter if isinstance(original, Parameter) else Buffer
    plain = leaf_type(wrap(Tensor, value.array), requires_grad=original.requires_grad)
    del module.parametrizations[tensor_name]
    type.__delattr__(type(module), tensor_name)
    if len(module.parametrizations) == 0:
        del module.parametrizations
        module.__class__ = type(module).__bases__[0]
    setattr(module, tensor_name, plain)
    return module
