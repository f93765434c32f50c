"""The tree of modules: submodules, parameters and buffers by path, iteration and printing."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Generic, TypeVar

from minigrad.nn.module_attributes import ModuleAttributes
from minigrad.nn.parameter import Parameter
from minigrad.tensor import Tensor

M = TypeVar("M", bound="ModuleTree[Any]")
T = TypeVar("T", bound=Tensor)


class ModuleTree(ModuleAttributes, Generic[M]):
    """A module as the root of a tree of modules, each of class M."""

    # --- finding by path -------------------------------------------------------------------------

    def get_submodule(self: M, target: str) -> M:
        """The module at a dotted path; this one for "".  Raises AttributeError if there is none."""
        module = self
        for name in target.split(".") if target else ():
            if not hasattr(module, name):
                raise AttributeError(f"{type(module).__name__} has no attribute `{name}`")
            module = getattr(module, name)
            if not isinstance(module, ModuleTree):
                raise AttributeError(f"`{name}` is not an nn.Module")
        return module

    def set_submodule(self: M, target: str, module: M, strict: bool = False) -> None:
        """Register a module at a dotted path, whose last name may be new unless strict.

        Raises ValueError for an empty path or another type, AttributeError if the parent is absent.
        """
        if not target:
            raise ValueError("Cannot set the submodule without a target name!")
        if not isinstance(module, ModuleTree):
            raise ValueError(f"`module` is not an nn.Module, found {type(module)}")
        path, _, name = target.rpartition(".")
        parent = self.get_submodule(path)
        if strict and not hasattr(parent, name):
            raise AttributeError(f"{type(parent).__name__} has no attribute `{name}`")
        if isinstance(getattr(parent, name, parent), ModuleTree):
            setattr(parent, name, module)
        else:
            raise AttributeError(f"`{name}` is not an nn.Module")

    def get_parameter(self: M, target: str) -> Parameter:
        """The parameter at a dotted path.  Raises AttributeError if there is none."""
        found = self._get_member(target)
        if not isinstance(found, Parameter):
            raise AttributeError(f"`{target.rpartition('.')[2]}` is not an nn.Parameter")
        return found

    def get_buffer(self: M, target: str) -> Tensor:
        """The buffer at a dotted path.  Raises AttributeError if there is none."""
        found = self._get_member(target)
        parent, _, name = target.rpartition(".")
        if name not in self.get_submodule(parent)._buffers:
            raise AttributeError(f"`{name}` is not a buffer")
        buffer: Tensor = found
        return buffer

    def _get_member(self: M, target: str) -> Any:
        parent, _, name = target.rpartition(".")
        module = self.get_submodule(parent)
        if not hasattr(module, name):
            raise AttributeError(f"{type(module).__name__} has no attribute `{name}`")
        return getattr(module, name)

    # --- iteration -------------------------------------------------------------------------------

    def named_modules(
        self: M, memo: set[M] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, M]]:
        """(path, module) of this module and of all its descendants.

        A module with several paths appears once, or with remove_duplicate=False at each of them.
        """
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

    def modules(self: M) -> Iterator[M]:
        """This module and all its descendants, each once."""
        for _, module in self.named_modules():
            yield module

    def named_children(self) -> Iterator[tuple[str, M]]:
        """(name, module) of the direct submodules, each once."""
        seen = set()
        for name, module in self._modules.items():
            if module is not None and module not in seen:
                seen.add(module)
                yield name, module

    def children(self) -> Iterator[M]:
        """The direct submodules, each once."""
        for _, module in self.named_children():
            yield module

    def _named_members(
        self: M,
        members_of: Callable[[M], Mapping[str, T | None]],
        prefix: str,
        recurse: bool,
        remove_duplicate: bool,
    ) -> Iterator[tuple[str, T]]:
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
        self: M, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """(path, parameter) of this module and, with recurse, of its descendants."""
        return self._named_members(lambda m: m._parameters, prefix, recurse, remove_duplicate)

    def parameters(self: M, recurse: bool = True) -> Iterator[Parameter]:
        """The parameters of this module and, with recurse, of its descendants, each once."""
        for _, parameter in self.named_parameters(recurse=recurse):
            yield parameter

    def named_buffers(
        self: M, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """(path, buffer) of this module and, with recurse, of its descendants."""
        return self._named_members(lambda m: m._buffers, prefix, recurse, remove_duplicate)

    def buffers(self: M, recurse: bool = True) -> Iterator[Tensor]:
        """The buffers of this module and, with recurse, of its descendants, each once."""
        for _, buffer in self.named_buffers(recurse=recurse):
            yield buffer

    # --- printing --------------------------------------------------------------------------------

    def _get_name(self) -> str:
        return type(self).__name__

    def extra_repr(self) -> str:
        """The text between the parentheses in `repr`; subclasses override it."""
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
