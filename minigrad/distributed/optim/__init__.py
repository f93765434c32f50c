"""torch.distributed.optim: optimizers of several processes.

`ZeroRedundancyOptimizer` keeps each parameter's state on one process.  `DiLoCo` has processes train
for themselves, and meet every so many steps: for slow networks.
"""

from minigrad.core.public_names import show_public_names
from minigrad.distributed.optim.diloco import DiLoCo
from minigrad.distributed.optim.zero_redundancy import ZeroRedundancyOptimizer

__all__ = ["DiLoCo", "ZeroRedundancyOptimizer"]

show_public_names(__name__)
