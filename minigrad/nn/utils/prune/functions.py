"""The functions that prune a module's parameter in place, and make it plain again."""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from minigrad.nn.module import Module
from minigrad.nn.utils.convert_parameters import parameters_to_vector
from minigrad.nn.utils.prune.method import (
    BasePruningMethod,
    PruningContainer,
    pruning_hooks,
    remove_pruning,
)
from minigrad.nn.utils.prune.recipes import (
    Amount,
    CustomFromMask,
    Identity,
    L1Unstructured,
    LnStructured,
    RandomStructured,
    RandomUnstructured,
)
from minigrad.tensor import Tensor
from minigrad.tensor.creation import ones_like

M = TypeVar("M", bound=Module)


def identity(module: M, name: str) -> M:
    """Give a parameter a mask of ones, and return the module."""
    Identity.apply(module, name)
    return module


def random_unstructured(module: M, name: str, amount: Amount) -> M:
    """Prune elements of a parameter by chance, and return the module.

    amount: how many of those not pruned yet, an int, or a fraction of them, a float.
    """
    RandomUnstructured.apply(module, name, amount)
    return module


def l1_unstructured(
    module: M, name: str, amount: Amount, importance_scores: Tensor | None = None
) -> M:
    """Prune the elements of a parameter nearest to zero, and return the module."""
    L1Unstructured.apply(module, name, amount, importance_scores=importance_scores)
    return module


def random_structured(module: M, name: str, amount: Amount, dim: int) -> M:
    """Prune channels of a parameter by chance, and return the module."""
    RandomStructured.apply(module, name, amount, dim)
    return module


def ln_structured(
    module: M, name: str, amount: Amount, n: float | str, dim: int,
    importance_scores: Tensor | None = None,
) -> M:  # fmt: skip
    """Prune the channels of a parameter with the smallest norm of order n; return the module."""
    LnStructured.apply(module, name, amount, n, dim, importance_scores=importance_scores)
    return module


def global_unstructured(
    parameters: Iterable[tuple[Module, str]],
    pruning_method: Callable[..., BasePruningMethod],
    importance_scores: dict[tuple[Module, str], Tensor] | None = None,
    **kwargs: Any,
) -> None:
    """Prune several parameters as if they were one.

    parameters: pairs of a module and the parameter's name in it.
    pruning_method: a class whose PRUNING_TYPE is "unstructured", made with `kwargs`.
    importance_scores: what is compared in place of the elements, for some of the pairs or all.

    Raises TypeError for other types, before anything is changed.
    """
    if not isinstance(parameters, Iterable):
        raise TypeError("global_unstructured(): parameters is not an Iterable")
    if importance_scores is not None and not isinstance(importance_scores, dict):
        raise TypeError("global_unstructured(): importance_scores must be of type dict")
    pairs, given = list(parameters), importance_scores or {}
    method = pruning_method(**kwargs)
    if method.PRUNING_TYPE != "unstructured":
        raise TypeError(
            f'Only "unstructured" PRUNING_TYPE supported for the `pruning_method`. Found method '
            f"{pruning_method} of type {method.PRUNING_TYPE}"
        )
    tensors = [getattr(*pair) for pair in pairs]
    scores = parameters_to_vector(given.get(p, t) for p, t in zip(pairs, tensors, strict=True))
    before = parameters_to_vector(
        getattr(module, f"{name}_mask", ones_like(tensor))
        for (module, name), tensor in zip(pairs, tensors, strict=True)
    )
    mask = PruningContainer(method).compute_mask(scores, before)
    sizes = [tensor.numel() for tensor in tensors]
    for (module, name), tensor, part in zip(pairs, tensors, mask.split(sizes), strict=True):
        custom_from_mask(module, name, mask=part.view(tensor.shape))


def custom_from_mask(module: M, name: str, mask: Tensor) -> M:
    """Prune the elements of a parameter that are zero in the mask, and return the module."""
    CustomFromMask.apply(module, name, mask)
    return module


def remove(module: M, name: str) -> M:
    """Make a pruned parameter a plain one, which keeps its zeros, and return the module.

    Raises ValueError if it is not pruned.
    """
    if not remove_pruning(module, name):
        raise ValueError(
            f"Parameter '{name}' of module {module} has to be pruned before pruning can be removed"
        )
    return module


def is_pruned(module: Module) -> bool:
    """True if a parameter of the module, or of one within it, is pruned."""
    return any(pruning_hooks(part) for part in module.modules())
