"""torch.distributed.nn: exchanges that derivatives pass through."""

from minigrad.core.public_names import show_public_names
from minigrad.distributed.nn import functional
from minigrad.distributed.nn.functional import all_gather, all_reduce

__all__ = ["all_gather", "all_reduce", "functional"]

show_public_names(__name__)
