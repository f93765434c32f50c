"""Pruning: weights multiplied with masks of zeros and ones before each forward.

>>> from minigrad import nn
>>> from minigrad.nn.utils import prune
>>> layer = prune.l1_unstructured(nn.Linear(4, 2), "weight", amount=3)
>>> int((layer.weight == 0).sum()), list(layer.state_dict())
(3, ['bias', 'weight_orig', 'weight_mask'])
"""

from minigrad.core.public_names import show_public_names
from minigrad.nn.utils.prune.functions import (
    custom_from_mask,
    global_unstructured,
    identity,
    is_pruned,
    l1_unstructured,
    ln_structured,
    random_structured,
    random_unstructured,
    remove,
)
from minigrad.nn.utils.prune.method import BasePruningMethod, PruningContainer
from minigrad.nn.utils.prune.recipes import (
    CustomFromMask,
    Identity,
    L1Unstructured,
    LnStructured,
    RandomStructured,
    RandomUnstructured,
)

__all__ = [
    "BasePruningMethod",
    "CustomFromMask",
    "Identity",
    "L1Unstructured",
    "LnStructured",
    "PruningContainer",
    "RandomStructured",
    "RandomUnstructured",
    "custom_from_mask",
    "global_unstructured",
    "identity",
    "is_pruned",
    "l1_unstructured",
    "ln_structured",
    "random_structured",
    "random_unstructured",
    "remove",
]

show_public_names(__name__)
