"""Parameters and buffers of one process for all: one exchange for each dtype."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.distributed import ProcessGroup, broadcast
from minigrad.tensor import Tensor
from minigrad.tensor.creation import from_numpy


def broadcast_tensors(tensors: Sequence[Tensor], source: int, group: ProcessGroup) -> None:
    """Every process's tensors become those of the process `source` of the group."""
    by_dtype: dict[Any, list[Tensor]] = {}
    for tensor in tensors:
        by_dtype.setdefault(tensor.array.dtype, []).append(tensor)
    for alike in by_dtype.values():
        flat = np.concatenate([tensor.array.reshape(-1) for tensor in alike])
        broadcast(from_numpy(flat), group_src=source, group=group)
        if group.rank() != source:
            _spread(flat, alike)


def _spread(flat: np.ndarray[Any, Any], tensors: Sequence[Tensor]) -> None:
    start = 0
    for tensor in tensors:
        array = tensor.array
        array[...] = flat[start : start + array.size].reshape(array.shape)
        tensor.bump_version()
        start += array.size
