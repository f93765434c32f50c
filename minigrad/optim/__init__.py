"""Optimizers under torch's names, one file for each rule, and `rule` for rules of users.

`chain` composes optimizers of transformations, in `composition`.
"""

from typing import TYPE_CHECKING

from minigrad.core.public_names import show_public_names
from minigrad.optim import lr_scheduler, swa_utils, visualize
from minigrad.optim.adadelta import Adadelta
from minigrad.optim.adafactor import Adafactor
from minigrad.optim.adagrad import Adagrad
from minigrad.optim.adam import Adam
from minigrad.optim.adamax import Adamax
from minigrad.optim.adamw import AdamW
from minigrad.optim.adopt import ADOPT
from minigrad.optim.asgd import ASGD
from minigrad.optim.fused.global_sums import global_norm, global_sum
from minigrad.optim.fused.rule import rule
from minigrad.optim.fused.rule_optimizer import RuleOptimizer
from minigrad.optim.fused.trace import RuleError
from minigrad.optim.lamb import LAMB
from minigrad.optim.lars import LARS
from minigrad.optim.lbfgs import LBFGS
from minigrad.optim.lion import Lion
from minigrad.optim.muon import Muon
from minigrad.optim.nadam import NAdam
from minigrad.optim.optimizer import Optimizer
from minigrad.optim.radam import RAdam
from minigrad.optim.rmsprop import RMSprop
from minigrad.optim.rprop import Rprop
from minigrad.optim.schedule_free import AdamWScheduleFree, SGDScheduleFree
from minigrad.optim.sgd import SGD
from minigrad.optim.sparse_adam import SparseAdam

if TYPE_CHECKING:  # imported when they are first read
    from minigrad.optim.composition import (
        add_decayed_weights,
        cautious,
        centralize,
        chain,
        clip_by_norm,
        clip_by_value,
        decoupled_weight_decay,
        masked,
        normalize,
        scale,
        scale_by_adam,
        scale_by_lion,
        scale_by_rms,
        scale_by_schedule,
        sign,
        trace,
        transformation,
        trust_ratio,
    )

__all__ = [
    "ADOPT",
    "ASGD",
    "LAMB",
    "LARS",
    "LBFGS",
    "SGD",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "AdamWScheduleFree",
    "Adamax",
    "Lion",
    "Muon",
    "NAdam",
    "Optimizer",
    "RAdam",
    "RMSprop",
    "Rprop",
    "RuleError",
    "RuleOptimizer",
    "SGDScheduleFree",
    "SparseAdam",
    "add_decayed_weights",
    "cautious",
    "centralize",
    "chain",
    "clip_by_norm",
    "clip_by_value",
    "decoupled_weight_decay",
    "global_norm",
    "global_sum",
    "lr_scheduler",
    "masked",
    "normalize",
    "rule",
    "scale",
    "scale_by_adam",
    "scale_by_lion",
    "scale_by_rms",
    "scale_by_schedule",
    "sign",
    "swa_utils",
    "trace",
    "transformation",
    "trust_ratio",
    "visualize",
]

LAZY_NAMES = dict.fromkeys(
    (
        "add_decayed_weights",
        "cautious",
        "centralize",
        "chain",
        "clip_by_norm",
        "clip_by_value",
        "decoupled_weight_decay",
        "masked",
        "normalize",
        "scale",
        "scale_by_adam",
        "scale_by_lion",
        "scale_by_rms",
        "scale_by_schedule",
        "sign",
        "trace",
        "transformation",
        "trust_ratio",
    ),
    "composition",
)

show_public_names(__name__, lazy=("composition",), lazy_names=LAZY_NAMES)
