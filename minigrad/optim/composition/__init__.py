"""Optimizers composed of transformations of the gradient, compiled to one kernel."""

from minigrad.core.public_names import show_public_names
from minigrad.optim.composition.compose import ChainOptimizer, chain
from minigrad.optim.composition.declaration import (
    Ratio,
    Transformation,
    masked,
    transformation,
)
from minigrad.optim.composition.limits import (
    bounds,
    cautious,
    centralize,
    clip_by_norm,
    clip_by_value,
    normalize,
    sign,
    trust_ratio,
)
from minigrad.optim.composition.scaling import (
    add_decayed_weights,
    add_noise,
    decoupled_weight_decay,
    scale,
    scale_by_adam,
    scale_by_lion,
    scale_by_rms,
    scale_by_schedule,
    trace,
)

__all__ = [
    "ChainOptimizer",
    "Ratio",
    "Transformation",
    "add_decayed_weights",
    "add_noise",
    "bounds",
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
]

show_public_names(__name__)
