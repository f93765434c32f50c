"""The attributes of a module: parameters, buffers and submodules, registered when assigned."""

from collections.abc import Callable, Mapping
from typing import Any

from minigrad.nn.parameter import Buffer, Parameter, type_name
from minigrad.tensor import Tensor

REGISTRATION_HOOKS: dict[str, dict[int, Callable[..., Any]]] = {
    "parameter": {},
    "buffer": {},
    "module": {},
}
"""Hooks of all modules, called with what is registered; see `global_hooks`."""


def _hooked(kind: str, module: Any, name: str, value: Any) -> Any:
    """The value to register: the given one, or what the last hook made of it."""
    for hook in list(REGISTRATION_HOOKS[kind].values()):
        replaced = hook(module, name, value)
        if replaced is not None:
            value = replaced
    return value


class ModuleAttributes:
    """Registers Parameters, Buffers and modules under the attributes they are assigned to."""

    training: bool
    _parameters: dict[str, Parameter | None]
    _buffers: dict[str, Tensor | None]
    _modules: dict[str, Any]
    _non_persistent_buffers_set: set[str]

    def __init__(self) -> None:
        set_attribute = super().__setattr__
        set_attribute("training", True)
        set_attribute("_parameters", {})
        set_attribute("_buffers", {})
        set_attribute("_modules", {})
        set_attribute("_non_persistent_buffers_set", set())

    # --- attributes ------------------------------------------------------------------------------

    def __getattr__(self, name: str) -> Any:
        attributes = self.__dict__
        if "_parameters" in attributes:  # three copies, no loop: each forward reads attributes here
            if name in (members := attributes["_parameters"]):
                return members[name]
            if name in (members := attributes["_modules"]):
                return members[name]
            if name in (members := attributes["_buffers"]):
                return members[name]
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    def __setattr__(self, name: str, value: Any) -> None:
        attributes = self.__dict__
        if isinstance(value, Parameter):
            self._require_init("parameters")
            self._remove(name, keep="_parameters")
            self.register_parameter(name, value)
        elif name in attributes.get("_parameters", ()):
            _require_none(value, name, "parameter", "minigrad.nn.Parameter or None")
            attributes["_parameters"][name] = None
        elif isinstance(value, ModuleAttributes):
            self._require_init("module")
            self._remove(name, keep="_modules")
            _check_name(name, "module")
            attributes["_modules"][name] = _hooked("module", self, name, value)
        elif name in attributes.get("_modules", ()):
            _require_none(value, name, "child module", "minigrad.nn.Module or None")
            attributes["_modules"][name] = None
        elif isinstance(value, Buffer) or name in attributes.get("_buffers", ()):
            self._assign_buffer(name, value)
        else:
            super().__setattr__(name, value)

    def _assign_buffer(self, name: str, value: Any) -> None:
        self._require_init("buffer")
        if value is not None and not isinstance(value, Tensor):
            raise TypeError(
                f"cannot assign '{type_name(value)}' as buffer '{name}' "
                f"(minigrad.nn.Buffer, minigrad.Tensor or None expected)"
            )
        if isinstance(value, Buffer):
            self._remove(name, keep="_buffers")
            self.register_buffer(name, value, value.persistent)
        else:
            self._buffers[name] = value

    def __delattr__(self, name: str) -> None:
        for members in (self._parameters, self._buffers, self._modules):
            if name in members:
                del members[name]
                self._non_persistent_buffers_set.discard(name)
                return
        super().__delattr__(name)

    def __dir__(self) -> list[str]:
        names = {*super().__dir__(), *self._parameters, *self._modules, *self._buffers}
        return sorted(name for name in names if not name[0].isdigit())

    def _require_init(self, what: str) -> None:
        """Raise AttributeError if a subclass has not called `super().__init__()` yet."""
        if "_parameters" not in self.__dict__:
            raise AttributeError(
                f"cannot assign {what} before Module.__init__() call: begin the class's own "
                f"__init__ with super().__init__()"
            )

    def _remove(self, name: str, keep: str) -> None:
        """Delete `name` as a plain attribute and from all dictionaries but `keep`."""
        self.__dict__.pop(name, None)
        for kind in ("_parameters", "_buffers", "_modules"):
            if kind != keep:
                self.__dict__[kind].pop(name, None)
        if keep != "_buffers":
            self._non_persistent_buffers_set.discard(name)

    # --- registration ----------------------------------------------------------------------------

    def _check_free(self, name: str, kind: str, members: Mapping[str, Any]) -> None:
        """Raise KeyError or TypeError for a name that cannot be registered."""
        _check_name(name, kind)
        if hasattr(self, name) and name not in members:
            raise KeyError(f"attribute '{name}' already exists")

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Register a parameter under `name`.

        Raises KeyError for a name that exists, is empty or has a dot, TypeError for another type
        than Parameter, ValueError for the result of an operation.
        """
        self._require_init("parameter")
        self._check_free(name, "parameter", self._parameters)
        if param is not None and not isinstance(param, Parameter):
            raise TypeError(
                f"cannot assign '{type_name(param)}' object to parameter '{name}' "
                f"(minigrad.nn.Parameter or None required)"
            )
        if param is not None and param.node is not None:
            raise ValueError(
                f"Cannot assign non-leaf Tensor to parameter '{name}'. Model parameters must be "
                f"created explicitly. To express '{name}' as a function of another Tensor, "
                f"compute the value in the forward() method."
            )
        self._parameters[name] = _hooked("parameter", self, name, param)

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Register a tensor that is state but no parameter, such as running statistics.

        One that is not persistent is not in state_dict.  Raises as register_parameter does.
        """
        self._require_init("buffer")
        self._check_free(name, "buffer", self._buffers)
        if tensor is not None and not isinstance(tensor, Tensor):
            raise TypeError(
                f"cannot assign '{type_name(tensor)}' object to buffer '{name}' "
                f"(minigrad.Tensor or None required)"
            )
        self._buffers[name] = _hooked("buffer", self, name, tensor)
        if persistent:
            self._non_persistent_buffers_set.discard(name)
        else:
            self._non_persistent_buffers_set.add(name)

    def add_module(self, name: str, module: "ModuleAttributes | None") -> None:
        """Register a module under `name`.  Raises KeyError and TypeError as register_parameter."""
        if module is not None and not isinstance(module, ModuleAttributes):
            raise TypeError(f"{type_name(module)} is not a Module subclass")
        self._require_init("module")
        self._check_free(name, "module", self._modules)
        self._modules[name] = _hooked("module", self, name, module)

    def register_module(self, name: str, module: "ModuleAttributes | None") -> None:
        """An alias of `add_module`."""
        self.add_module(name, module)


def _check_name(name: str, kind: str) -> None:
    if not isinstance(name, str):
        raise TypeError(f"{kind} name should be a string. Got {type_name(name)}")
    if "." in name:
        raise KeyError(f'{kind} name can\'t contain ".", got: {name}')
    if name == "":
        raise KeyError(f'{kind} name can\'t be empty string ""')


def _require_none(value: Any, name: str, kind: str, expected: str) -> None:
    if value is not None:
        raise TypeError(
            f"cannot assign '{type_name(value)}' as {kind} '{name}' ({expected} expected)"
        )
