"""What a module is made of: parameters, buffers and modules by name, and how they are found."""

from collections.abc import Callable, Iterator
from typing import Any, Self

from minigrad.nn.parameter import Buffer, Parameter, type_name
from minigrad.tensor import Tensor

Path = str


class ModuleTree:
    """Owns parameters, buffers and other modules, each under the attribute it was assigned to."""

    training: bool
    _parameters: dict[str, Parameter | None]
    _buffers: dict[str, Tensor | None]
    _modules: dict[str, Any]
    _non_persistent_buffers_set: set[str]

    def __init__(self) -> None:
        setattr_plainly = super().__setattr__
        setattr_plainly("training", True)
        setattr_plainly("_parameters", {})
        setattr_plainly("_buffers", {})
        setattr_plainly("_modules", {})
        setattr_plainly("_non_persistent_buffers_set", set())

    # --- attributes ------------------------------------------------------------------------------

    def __getattr__(self, name: str) -> Any:
        own = self.__dict__
        if "_parameters" in own:  # written out, as every forward comes by here
            if name in (members := own["_parameters"]):
                return members[name]
            if name in (members := own["_modules"]):
                return members[name]
            if name in (members := own["_buffers"]):
                return members[name]
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    def __setattr__(self, name: str, value: Any) -> None:
        own = self.__dict__
        if isinstance(value, Parameter):
            self._require_init("parameters")
            self._forget(name, but="_parameters")
            self.register_parameter(name, value)
        elif name in own.get("_parameters", ()):
            _require_none(value, name, "parameter", "minigrad.nn.Parameter or None")
            own["_parameters"][name] = None
        elif isinstance(value, ModuleTree):
            self._require_init("module")
            self._forget(name, but="_modules")
            _check_name(name, "module")
            own["_modules"][name] = value
        elif name in own.get("_modules", ()):
            _require_none(value, name, "child module", "minigrad.nn.Module or None")
            own["_modules"][name] = None
        elif isinstance(value, Buffer) or name in own.get("_buffers", ()):
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
            self._forget(name, but="_buffers")
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
        if "_parameters" not in self.__dict__:
            raise AttributeError(f"cannot assign {what} before Module.__init__() call")

    def _forget(self, name: str, but: str) -> None:
        """Make room for `name`: it may be a plain attribute or a member of another kind."""
        self.__dict__.pop(name, None)
        for kind in ("_parameters", "_buffers", "_modules"):
            if kind != but:
                self.__dict__[kind].pop(name, None)
        if but != "_buffers":
            self._non_persistent_buffers_set.discard(name)

    # --- registration ----------------------------------------------------------------------------

    def _check_free(self, name: Any, kind: str, members: dict[str, Any]) -> None:
        _check_name(name, kind)
        if hasattr(self, name) and name not in members:
            raise KeyError(f"attribute '{name}' already exists")

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Own a parameter under `name`.

        Raises KeyError for a name that is taken, empty or dotted, TypeError for what is not a
        Parameter, ValueError for one that an operation made.
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
        self._parameters[name] = param

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Own a tensor that is not trained; one that is not persistent stays out of state_dict."""
        self._require_init("buffer")
        self._check_free(name, "buffer", self._buffers)
        if tensor is not None and not isinstance(tensor, Tensor):
            raise TypeError(
                f"cannot assign '{type_name(tensor)}' object to buffer '{name}' "
                f"(minigrad.Tensor or None required)"
            )
        self._buffers[name] = tensor
        if persistent:
            self._non_persistent_buffers_set.discard(name)
        else:
            self._non_persistent_buffers_set.add(name)

    def add_module(self, name: str, module: "ModuleTree | None") -> None:
        """Own a module under `name`."""
        if module is not None and not isinstance(module, ModuleTree):
            raise TypeError(f"{type_name(module)} is not a Module subclass")
        self._require_init("module")
        self._check_free(name, "module", self._modules)
        self._modules[name] = module

    def register_module(self, name: str, module: "ModuleTree | None") -> None:
        """`add_module` by its other name."""
        self.add_module(name, module)

    # --- finding by path -------------------------------------------------------------------------

    def get_submodule(self, target: Path) -> Any:
        """The module at a dotted path; this one for "".  Raises AttributeError if none is there."""
        module: Any = self
        for name in target.split(".") if target else ():
            if not hasattr(module, name):
                raise AttributeError(f"{type(module).__name__} has no attribute `{name}`")
            module = getattr(module, name)
            if not isinstance(module, ModuleTree):
                raise AttributeError(f"`{name}` is not an nn.Module")
        return module

    def set_submodule(self, target: Path, module: "ModuleTree") -> None:
        """Put a module at a dotted path, the last name of which may be new."""
        if not target:
            raise ValueError("Cannot set the submodule without a target name!")
        if not isinstance(module, ModuleTree):
            raise ValueError(f"`module` is not an nn.Module, found {type(module)}")
        parent, _, name = target.rpartition(".")
        setattr(self.get_submodule(parent), name, module)

    def get_parameter(self, target: Path) -> Parameter:
        """The parameter at a dotted path.  Raises AttributeError if none is there."""
        found = self._get_member(target)
        if not isinstance(found, Parameter):
            raise AttributeError(f"`{target.rpartition('.')[2]}` is not an nn.Parameter")
        return found

    def get_buffer(self, target: Path) -> Tensor:
        """The buffer at a dotted path.  Raises AttributeError if none is there."""
        found = self._get_member(target)
        parent, _, name = target.rpartition(".")
        if name not in self.get_submodule(parent)._buffers:
            raise AttributeError(f"`{name}` is not a buffer")
        return found  # type: ignore[no-any-return]

    def _get_member(self, target: Path) -> Any:
        parent, _, name = target.rpartition(".")
        module = self.get_submodule(parent)
        if not hasattr(module, name):
            raise AttributeError(f"{type(module).__name__} has no attribute `{name}`")
        return getattr(module, name)

    # --- walking ---------------------------------------------------------------------------------

    def named_modules(
        self, memo: set[Any] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Any]]:
        """This module and all below it, each with its path, once unless duplicates are wanted."""
        memo = set() if memo is None else memo
        if self in memo:
            return
        if remove_duplicate:
            memo.add(self)
        yield prefix, self
        for name, module in self._modules.items():
            if module is not None:
                path = f"{prefix}.{name}" if prefix else name
                yield from module.named_modules(memo, path, remove_duplicate)

    def modules(self) -> Iterator[Any]:
        """This module and all below it."""
        for _, module in self.named_modules():
            yield module

    def named_children(self) -> Iterator[tuple[str, Any]]:
        """The modules assigned to this one, each once, with its name."""
        seen = set()
        for name, module in self._modules.items():
            if module is not None and module not in seen:
                seen.add(module)
                yield name, module

    def children(self) -> Iterator[Any]:
        """The modules assigned to this one."""
        for _, module in self.named_children():
            yield module

    def _named_members(
        self,
        members_of: Callable[["ModuleTree"], dict[str, Any]],
        prefix: str,
        recurse: bool,
        remove_duplicate: bool,
    ) -> Iterator[tuple[str, Any]]:
        seen: set[int] = set()
        modules = (
            self.named_modules(prefix=prefix, remove_duplicate=remove_duplicate)
            if recurse
            else [(prefix, self)]
        )
        for path, module in modules:
            for name, member in members_of(module).items():
                if member is None or (remove_duplicate and id(member) in seen):
                    continue
                seen.add(id(member))
                yield f"{path}.{name}" if path else name, member

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """The parameters of this module and, with recurse, of all below it, with their paths."""
        return self._named_members(lambda m: m._parameters, prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """The parameters of this module and, with recurse, of all below it, each once."""
        for _, parameter in self.named_parameters(recurse=recurse):
            yield parameter

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """The buffers of this module and, with recurse, of all below it, with their paths."""
        return self._named_members(lambda m: m._buffers, prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """The buffers of this module and, with recurse, of all below it, each once."""
        for _, buffer in self.named_buffers(recurse=recurse):
            yield buffer

    def apply(self, fn: Callable[[Any], Any]) -> Self:
        """Call `fn` on every module below this one, and then on this one."""
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    # --- printing --------------------------------------------------------------------------------

    def _get_name(self) -> str:
        return type(self).__name__

    def extra_repr(self) -> str:
        """What the module's line says between its parentheses; subclasses override it."""
        return ""

    def __repr__(self) -> str:
        extra = self.extra_repr()
        lines = extra.split("\n") if extra else []
        children = [
            f"({name}): " + repr(module).replace("\n", "\n  ")
            for name, module in self._modules.items()
        ]
        if not children and len(lines) <= 1:
            return f"{self._get_name()}({extra})"
        inside = "".join(f"\n  {line}" for line in lines + children)
        return f"{self._get_name()}({inside}\n)"


def _check_name(name: Any, kind: str) -> None:
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
