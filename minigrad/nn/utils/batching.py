"""Ensembles of modules: their states stacked, for vmap over the parameters."""

from collections.abc import Sequence
from typing import TypeVar

from minigrad import ops
from minigrad.nn.batchnorm import BatchNorm1d, BatchNorm2d
from minigrad.nn.module import Module
from minigrad.tensor import Tensor

M = TypeVar("M", bound=Module)


def stack_module_state(models: Sequence[Module]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The parameters and the buffers of modules, stacked by name along a new first dimension.

    Raises RuntimeError for no modules, and for modules of different modes or classes.
    """
    if not models:
        raise RuntimeError("stack_module_state: Expected at least one model, got 0.")
    if len({model.training for model in models}) > 1:
        raise RuntimeError(
            "stack_module_state: Expected all models to have the same training/eval mode."
        )
    kinds = {type(model) for model in models}
    if len(kinds) > 1:
        raise RuntimeError(
            f"stack_module_state: Expected all models to be of the same class, got "
            f"{', '.join(sorted(kind.__name__ for kind in kinds))}."
        )
    parameters: list[dict[str, Tensor]] = [dict(model.named_parameters()) for model in models]
    buffers = [dict(model.named_buffers()) for model in models]
    return _stacked(parameters), _stacked(buffers)


def _stacked(states: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    """The tensors of the states, stacked by name: leaves with the requires_grad of the first."""
    out = {}
    for name, first in states[0].items():
        stacked = ops.stack([state[name].detach() for state in states])
        out[name] = stacked.requires_grad_() if first.requires_grad else stacked
    return out


def replace_all_batch_norm_modules_(root: M) -> M:
    """Remove the running statistics of every batch norm in a module, in place; returns root."""
    for module in root.modules():
        if isinstance(module, BatchNorm1d | BatchNorm2d):
            module.running_mean = module.running_var = module.num_batches_tracked = None
            module.track_running_stats = False
    return root
