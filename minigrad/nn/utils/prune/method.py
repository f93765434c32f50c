"""Methods of pruning: how a mask comes onto a parameter, stays there and goes away again."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any

from minigrad.nn.module import Module
from minigrad.tensor import Tensor
from minigrad.tensor.creation import ones_like


class BasePruningMethod(ABC):
    """The base of methods of pruning; a method is the hook that masks one parameter of a module.

    A class of its own defines `compute_mask` and `PRUNING_TYPE`: "unstructured" if it prunes single
    elements, "structured" if it prunes what has one index in the dimension `self.dim`, "global" if
    it wants the elements that are pruned already, too.
    """

    PRUNING_TYPE: str
    _tensor_name: str | None = None

    def __call__(self, module: Module, inputs: object) -> None:
        setattr(module, self._name(module), self.apply_mask(module))

    @abstractmethod
    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The mask for a tensor of scores, zero wherever `default_mask` is."""

    def apply_mask(self, module: Module) -> Tensor:
        """The parameter, zero where the mask is.  Raises AssertionError before `apply`."""
        name = self._name(module)
        mask, original = getattr(module, f"{name}_mask"), getattr(module, f"{name}_orig")
        masked: Tensor = mask.to(dtype=original.dtype) * original
        return masked

    def _name(self, module: Module) -> str:
        if self._tensor_name is None:
            raise AssertionError(f"Module {module} has to be pruned")
        return self._tensor_name

    @classmethod
    def apply(
        cls, module: Module, name: str, *args: Any, importance_scores: Tensor | None = None,
        **kwargs: Any,
    ) -> "BasePruningMethod":  # fmt: skip
        """Prune the parameter `name`, with a method made of the other arguments.

        The parameter becomes `name_orig`, the mask is the buffer `name_mask`, and `name` their
        product.  A parameter that is pruned already keeps its zeros, and gets the new ones, too.
        importance_scores: what the method compares in place of the parameter's elements.

        Raises AssertionError for scores of another shape, before anything is changed.
        """
        key, earlier = _find(module, name)
        method = cls(*args, **kwargs)
        method._tensor_name = name
        tensor = getattr(module, name)
        scores = _scores(importance_scores, tensor, f"parameter {name} of {module}")
        if earlier is None:
            mask = method.compute_mask(scores, default_mask=ones_like(tensor))
            module.register_parameter(f"{name}_orig", tensor)
            del module._parameters[name]
        else:
            before = getattr(module, f"{name}_mask").detach().clone()
            mask = combined_mask(method, scores, before)
            assert module._hooks is not None
            assert key is not None
            del module._hooks.forward_pre[key]
            if not isinstance(earlier, PruningContainer):
                earlier = PruningContainer(earlier)
            earlier.add_pruning_method(method)
        hook = method if earlier is None else earlier
        module.register_buffer(f"{name}_mask", mask)
        setattr(module, name, hook.apply_mask(module))
        module.register_forward_pre_hook(hook)
        return hook

    def prune(
        self, t: Tensor, default_mask: Tensor | None = None, importance_scores: Tensor | None = None
    ) -> Tensor:
        """A tensor with zeros where this method, given it or the scores, prunes."""
        scores = _scores(importance_scores, t, "tensor t")
        if default_mask is None:
            default_mask = ones_like(t)
        pruned: Tensor = t * self.compute_mask(scores, default_mask=default_mask)
        return pruned

    def remove(self, module: Module) -> None:
        """Make the pruned parameter a plain one, which keeps its zeros."""
        name = self._name(module)
        masked = self.apply_mask(module)
        original = getattr(module, f"{name}_orig")
        original.data = masked.detach()
        for kept in (name, f"{name}_orig", f"{name}_mask"):
            delattr(module, kept)
        setattr(module, name, original)


class PruningContainer(BasePruningMethod):
    """Several methods that prune one parameter after each other."""

    def __init__(self, *args: BasePruningMethod) -> None:
        self._pruning_methods: tuple[BasePruningMethod, ...] = ()
        if len(args) == 1:
            self._tensor_name = args[0]._tensor_name
        for method in args:
            self.add_pruning_method(method)

    def add_pruning_method(self, method: BasePruningMethod) -> None:
        """Add a method for the same parameter."""
        if not isinstance(method, BasePruningMethod):
            raise TypeError(f"{type(method)} is not a BasePruningMethod subclass")
        if self._tensor_name != method._tensor_name:
            raise ValueError(
                f"Can only add pruning methods acting on the parameter named "
                f"'{self._tensor_name}' to PruningContainer {self}. Found '{method._tensor_name}'"
            )
        self._pruning_methods += (method,)

    def __len__(self) -> int:
        return len(self._pruning_methods)

    def __iter__(self) -> Iterator[BasePruningMethod]:
        return iter(self._pruning_methods)

    def __getitem__(self, idx: int) -> BasePruningMethod:
        return self._pruning_methods[idx]

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The mask with the zeros of `default_mask`, and those of the newest method."""
        return combined_mask(self._pruning_methods[-1], t, default_mask)


def combined_mask(method: BasePruningMethod, t: Tensor, mask: Tensor) -> Tensor:
    """The mask with further zeros, for which the method is asked about what is not pruned yet."""
    part = _unpruned(method, t, mask)
    combined: Tensor = mask.to(dtype=t.dtype, copy=True)
    combined[part] = method.compute_mask(t[part], default_mask=mask[part]).to(dtype=combined.dtype)
    return combined


def _unpruned(method: BasePruningMethod, t: Tensor, mask: Tensor) -> Any:
    """The index of what a method is asked about."""
    if method.PRUNING_TYPE == "global":
        return (slice(None),) * t.dim()
    if method.PRUNING_TYPE == "unstructured":
        return mask == 1
    if method.PRUNING_TYPE != "structured":
        raise ValueError(f"Unrecognized PRUNING_TYPE {method.PRUNING_TYPE}")
    if not hasattr(method, "dim"):
        raise AttributeError(
            'Pruning methods of PRUNING_TYPE "structured" need to have the attribute `dim` defined.'
        )
    dim = method.dim + t.dim() if method.dim < 0 else method.dim
    if not 0 <= dim < t.dim():
        raise IndexError(f"Index is out of bounds for tensor with dimensions {t.dim()}")
    others = [other for other in range(t.dim()) if other != dim]
    index: list[Any] = [slice(None)] * t.dim()
    index[dim] = mask.sum(dim=others) != 0
    return tuple(index)


def _scores(given: Tensor | None, tensor: Tensor, what: str) -> Tensor:
    """The scores of a tensor's elements: itself, or what is given in its place."""
    if given is None:
        return tensor
    if given.shape != tensor.shape:
        raise AssertionError(
            f"importance_scores should have the same shape as {what}, got {given.shape} vs "
            f"{tensor.shape}"
        )
    return given


def pruning_hooks(module: Module) -> dict[int, BasePruningMethod]:
    """The methods that prune a module's parameters, by the keys of the hooks they are."""
    hooks = module._hooks.forward_pre if module._hooks else {}
    return {k: h.call for k, h in hooks.items() if isinstance(h.call, BasePruningMethod)}


def _find(module: Module, name: str) -> tuple[int | None, BasePruningMethod | None]:
    """The method that prunes a parameter, and its key; None twice if there is none."""
    found = [(k, m) for k, m in pruning_hooks(module).items() if m._tensor_name == name]
    if len(found) > 1:
        raise AssertionError(
            f"Avoid adding multiple pruning hooks to the same tensor {name} of module {module}. "
            f"Use a PruningContainer."
        )
    return found[0] if found else (None, None)


def remove_pruning(module: Module, name: str) -> bool:
    """Make a pruned parameter a plain one; False if it is not pruned."""
    key, method = _find(module, name)
    if key is None or method is None:
        return False
    method.remove(module)
    assert module._hooks is not None
    del module._hooks.forward_pre[key]
    return True
