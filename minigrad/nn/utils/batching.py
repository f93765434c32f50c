"""Several modules of one kind run as one, by vmap over their parameters."""

from collections.abc import Sequence
from typing import Any

from minigrad import ops
from minigrad.nn.batchnorm import BatchNorm1d, BatchNorm2d


def stack_module_state(models: Sequence[Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The parameters and the buffers of modules, stacked by name along a new first dimension.

    Raises RuntimeError for no modules, for some in training and others not, and for different
    classes.
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
    parameters = [dict(model.named_parameters()) for model in models]
    buffers = [dict(model.named_buffers()) for model in models]
    return _stacked(parameters), _stacked(buffers)


def _stacked(states: list[dict[str, Any]]) -> dict[str, Any]:
    """By name what the states have, as leaves that ask for gradients where all of them do."""
    out = {}
    for name, first in states[0].items():
        joined = ops.stack([state[name].detach() for state in states])
        out[name] = joined.requires_grad_() if first.requires_grad else joined
    return out


def replace_all_batch_norm_modules_(root: Any) -> Any:
    """Have every batch norm in a module use its batch's statistics, and keep none; gives root."""
    for module in root.modules():
        if isinstance(module, BatchNorm1d | BatchNorm2d):
            module.running_mean = module.running_var = module.num_batches_tracked = None
            module.track_running_stats = False
    return root
