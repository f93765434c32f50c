"""Parameter groups from the names of a model's parameters."""

import re
from collections.abc import Sequence
from typing import Any

from minigrad.nn.modules import Module
from minigrad.optim.optimizer import ParamGroup
from minigrad.tensor import Tensor


def groups(
    model: Module,
    *,
    no_decay: Sequence[str] = (),
    layer_decay: float | None = None,
    lr: float | None = None,
    **settings: Any,
) -> list[ParamGroup]:
    """Groups of a model's named parameters, for any optimizer.

    Parameters with one of the parts in `no_decay` in their name, or in the name of their module's
    class, have `weight_decay` 0: `no_decay=("bias", "norm")`.  With `layer_decay` the rate of
    each layer is that of the one after it times `layer_decay`: the number in a name counts layers,
    what stands before the first one is below them, what comes after the last one above.
    `settings` are those of all groups.

    Raises ValueError for a part that is in no name, for `layer_decay` without `lr`, and for a
    model without parameters.

    >>> from minigrad import nn, optim
    >>> model = nn.Sequential(nn.Linear(3, 4), nn.LayerNorm(4), nn.Linear(4, 2))
    >>> for group in optim.groups(model, no_decay=("bias", "norm"), weight_decay=0.1):
    ...     print(group["weight_decay"], [name for name, _ in group["params"]])
    0.1 ['0.weight', '2.weight']
    0.0 ['0.bias', '1.weight', '1.bias', '2.bias']
    """
    named = list(model.named_parameters())
    if not named:
        raise ValueError("the model has no parameters")
    if layer_decay is not None and lr is None:
        raise ValueError("layer_decay scales the rate: give lr, too")
    modules = dict(model.named_modules())
    kinds = {n: type(modules[n.rpartition(".")[0]]).__name__ for n, _ in named}
    texts = {name: f"{name} {kind}".lower() for name, kind in kinds.items()}
    for part in no_decay:
        if not any(part.lower() in text for text in texts.values()):
            raise ValueError(f"no parameter has {part!r} in its name or in its module's class")
    layers = _layers([name for name, _ in named])
    last = max(layers.values())
    found: dict[tuple[bool, int], list[tuple[str, Tensor]]] = {}
    for name, p in named:
        is_kept = any(part.lower() in texts[name] for part in no_decay)
        key = (is_kept, layers[name] if layer_decay is not None else 0)
        found.setdefault(key, []).append((name, p))
    result = []
    for (is_kept, layer), params in found.items():
        group: ParamGroup = {"params": params, **settings}
        if lr is not None:
            group["lr"] = lr * layer_decay ** (last - layer) if layer_decay is not None else lr
        if is_kept:
            group["weight_decay"] = 0.0
        result.append(group)
    return result


def _layers(names: Sequence[str]) -> dict[str, int]:
    """The layer of each parameter: 0 before the first numbered one, by number, then the rest."""
    numbers = [re.search(r"(?:^|\.)(\d+)(?:\.|$)", name) for name in names]
    top = max((int(n.group(1)) for n in numbers if n), default=0)
    layers, seen = {}, False
    for name, number in zip(names, numbers, strict=True):
        seen = seen or number is not None
        if number is not None:
            layers[name] = int(number.group(1)) + 1
        else:
            layers[name] = top + 2 if seen else 0
    return layers
