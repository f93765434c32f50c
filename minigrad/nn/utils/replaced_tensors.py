"""Calls of a module with other parameters and buffers in place of its registered ones."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from minigrad.nn.module import Module
from minigrad.tensor import Tensor


def functional_call(
    module: Module,
    parameter_and_buffer_dicts: Mapping[str, Tensor] | Sequence[Mapping[str, Tensor]],
    args: Any = None,
    kwargs: Mapping[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """`module(*args, **kwargs)` with tensors in place of its parameters and buffers.

    parameter_and_buffer_dicts: a dictionary from names as in `named_parameters` to tensors, or a
        tuple of such dictionaries without common names; the module's tensors take the other names.
    args: the arguments; a single one need not be a tuple.
    tie_weights: a tensor that the module has under several names is replaced under all of them.
    strict: raise RuntimeError unless all parameters and buffers are named.

    Raises RuntimeError for names that the module does not have, ValueError for a name given twice.

    >>> import minigrad as mg
    >>> layer = mg.nn.Linear(2, 1, bias=False)
    >>> new = {"weight": mg.tensor([[1.0, 2.0]])}
    >>> mg.func.functional_call(layer, new, mg.tensor([3.0, 4.0]))
    tensor([11.])
    """
    tensors = _merged(parameter_and_buffer_dicts)
    registered: dict[str, Tensor] = {}
    registered |= dict(module.named_parameters(remove_duplicate=False))
    registered |= dict(module.named_buffers(remove_duplicate=False))
    unknown = [name for name in tensors if name not in registered]
    missing = [name for name in registered if name not in tensors] if strict else []
    if unknown or missing:
        raise RuntimeError(
            f"functional_call: unexpected keys {unknown} and missing keys {missing} for "
            f"{type(module).__name__}"
        )
    if tie_weights:
        tensors = _tied(tensors, registered)
    given = () if args is None else args if isinstance(args, tuple) else (args,)
    with _replaced(module, tensors):
        return module(*given, **(kwargs or {}))


def _merged(
    given: Mapping[str, Tensor] | Sequence[Mapping[str, Tensor]],
) -> dict[str, Tensor]:
    """One dictionary of all names.  Raises ValueError for other types and repeated names."""
    if isinstance(given, Mapping):
        return dict(given)
    if not isinstance(given, Sequence) or not all(isinstance(each, Mapping) for each in given):
        raise ValueError(
            f"Expected parameter_and_buffer_dicts to be a dict, or a list/tuple of dicts, but got "
            f"{type(given)}"
        )
    names = [name for each in given for name in each]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ValueError(f"{repeated} appeared in multiple dictionaries; behavior is ambiguous")
    return {name: tensor for each in given for name, tensor in each.items()}


def _tied(tensors: dict[str, Tensor], registered: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors, under all names under which the module has the same tensor."""
    names_of: dict[int, list[str]] = {}
    for name, tensor in registered.items():
        names_of.setdefault(id(tensor), []).append(name)
    found = dict(tensors)
    for names in names_of.values():
        given = [name for name in names if name in tensors]
        if len({id(tensors[name]) for name in given}) > 1:
            raise ValueError(
                f"functional_call got different values for {given}, which are tied: pass one of "
                f"them, or tie_weights=False"
            )
        for name in names if given else ():
            found[name] = tensors[given[0]]
    return found


@contextmanager
def _replaced(module: Module, tensors: dict[str, Tensor]) -> Iterator[None]:
    before = []
    try:
        for name, tensor in tensors.items():
            path, _, last = name.rpartition(".")
            holder = module.get_submodule(path)
            members: Any = holder._parameters if last in holder._parameters else holder._buffers
            before.append((members, last, members[last]))
            members[last] = tensor
        yield
    finally:
        for members, last, tensor in reversed(before):
            members[last] = tensor
