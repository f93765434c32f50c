"""Optimizers under torch's names, one file for each rule, and `rule` for rules of users.

`rules` has the rules beyond torch's.  `chain` composes optimizers of transformations, in
`composition`; `partition` gives each part of a model its optimizer, in `routing`; optimizers around
optimizers are in `wrappers`, optimizers that ask a closure as often as they need in `closures`.
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
from minigrad.optim.fused.draws import normal_like
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
    from minigrad.optim.closures import (
        LBFGSB,
        GaussNewton,
        LevenbergMarquardt,
        NelderMead,
        NonlinearCG,
    )
    from minigrad.optim.composition import (
        add_decayed_weights,
        add_noise,
        bounds,
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
    from minigrad.optim.rate_search import lr_finder
    from minigrad.optim.routing import Partition, groups, partition
    from minigrad.optim.rules import (
        CAME,
        FTRL,
        MADGRAD,
        MARS,
        PID,
        PNM,
        QHM,
        SGDP,
        SM3,
        SOAP,
        SRMM,
        AccSGD,
        AdaBelief,
        AdaBound,
        Adai,
        Adam8bit,
        AdaMod,
        AdamP,
        AdamW8bit,
        Adan,
        AdaNorm,
        AdaShift,
        AdEMAMix,
        AggMo,
        Amos,
        Apollo,
        AvaGrad,
        CautiousAdamW,
        DAdaptAdam,
        DAdaptLion,
        DAdaptSGD,
        DiffGrad,
        Fromage,
        GaLore,
        Grams,
        Gravity,
        Kron,
        LaProp,
        Lion8bit,
        MuonAll,
        Nero,
        NovoGrad,
        PAdam,
        Prodigy,
        QHAdam,
        Ranger,
        RpropPlus,
        Shampoo,
        SignSGD,
        SophiaG,
        SPlus,
        StableAdamW,
        Tiger,
        Yogi,
    )
    from minigrad.optim.wrappers import (
        SAM,
        GradientDropout,
        GradientNoise,
        Lookahead,
        MultiSteps,
        SkipNonfinite,
        WeightEMA,
        follow_mode,
    )

__all__ = [
    "ADOPT",
    "ASGD",
    "CAME",
    "FTRL",
    "LAMB",
    "LARS",
    "LBFGS",
    "LBFGSB",
    "MADGRAD",
    "MARS",
    "PID",
    "PNM",
    "QHM",
    "SAM",
    "SGD",
    "SGDP",
    "SM3",
    "SOAP",
    "SRMM",
    "AccSGD",
    "AdEMAMix",
    "AdaBelief",
    "AdaBound",
    "AdaMod",
    "AdaNorm",
    "AdaShift",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adai",
    "Adam",
    "Adam8bit",
    "AdamP",
    "AdamW",
    "AdamW8bit",
    "AdamWScheduleFree",
    "Adamax",
    "Adan",
    "AggMo",
    "Amos",
    "Apollo",
    "AvaGrad",
    "CautiousAdamW",
    "DAdaptAdam",
    "DAdaptLion",
    "DAdaptSGD",
    "DiffGrad",
    "Fromage",
    "GaLore",
    "GaussNewton",
    "GradientDropout",
    "GradientNoise",
    "Grams",
    "Gravity",
    "Kron",
    "LaProp",
    "LevenbergMarquardt",
    "Lion",
    "Lion8bit",
    "Lookahead",
    "MultiSteps",
    "Muon",
    "MuonAll",
    "NAdam",
    "NelderMead",
    "Nero",
    "NonlinearCG",
    "NovoGrad",
    "Optimizer",
    "PAdam",
    "Partition",
    "Prodigy",
    "QHAdam",
    "RAdam",
    "RMSprop",
    "Ranger",
    "Rprop",
    "RpropPlus",
    "RuleError",
    "RuleOptimizer",
    "SGDScheduleFree",
    "SPlus",
    "Shampoo",
    "SignSGD",
    "SkipNonfinite",
    "SophiaG",
    "SparseAdam",
    "StableAdamW",
    "Tiger",
    "WeightEMA",
    "Yogi",
    "add_decayed_weights",
    "add_noise",
    "bounds",
    "cautious",
    "centralize",
    "chain",
    "clip_by_norm",
    "clip_by_value",
    "decoupled_weight_decay",
    "follow_mode",
    "global_norm",
    "global_sum",
    "groups",
    "lr_finder",
    "lr_scheduler",
    "masked",
    "normal_like",
    "normalize",
    "partition",
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

# The rules come last: they are the most to import.
show_public_names(
    __name__, parts=("closures", "composition", "routing", "wrappers", "rate_search", "rules")
)
