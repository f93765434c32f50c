"""The base of all optimizers: parameter groups, hooks, saving, and checks of hyper-parameters."""

from minigrad.core.public_names import show_public_names
from minigrad.optim.optimizer.array_optimizer import ArrayOptimizer
from minigrad.optim.optimizer.hooks import (
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
)
from minigrad.optim.optimizer.optimizer import Optimizer
from minigrad.optim.optimizer.param_groups import ParamGroup, ParamsT, required

__all__ = [
    "ArrayOptimizer",
    "Optimizer",
    "ParamGroup",
    "ParamsT",
    "register_optimizer_step_post_hook",
    "register_optimizer_step_pre_hook",
    "required",
]

show_public_names(__name__)
