"""Modules on several devices, under the names of torch.nn.parallel; there is one device here."""

from minigrad.core.public_names import show_public_names
from minigrad.nn.parallel.data_parallel import DataParallel, data_parallel
from minigrad.nn.parallel.distributed import DistributedDataParallel

__all__ = ["DataParallel", "DistributedDataParallel", "data_parallel"]

show_public_names(__name__)
