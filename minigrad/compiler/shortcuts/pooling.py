"""Shortcuts of pooling."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from minigrad.compiler.shortcuts.declaration import Array, Rule, Shortcut, is_dense
from minigrad.kernels.pooling import max_pool
from minigrad.kernels.replay.chains import BlockCall
from minigrad.kernels.replay.products import fill_zeros
from minigrad.kernels.replay.task_list import Seen, flat
from minigrad.ops.nn.pool import max_pool2d, scatter_planes


def _scatter_planes(args: Sequence[Any], settings: Mapping[str, Any]) -> Shortcut | None:
    """Parts of the gradient of max pooling: some planes."""
    (g,) = args
    indices = settings["indices"]
    if not is_dense(g) or g.ndim < 2 or indices.dtype != np.int64:
        return None
    if not indices.flags.c_contiguous or indices.shape != g.shape or g.size == 0:
        return None

    def blocks(given: Sequence[Any], out: Sequence[Array]) -> list[BlockCall]:
        arrays = out[0], *given
        planes = [Seen(a, a.reshape(math.prod(a.shape[:-2]), -1)) for a in arrays]
        return [
            BlockCall(fill_zeros, (flat(out[0]),)),
            BlockCall(max_pool._scatter_add, (0, *planes)),
        ]

    return Shortcut(None, {}, ("indices",), blocks=blocks)


_SIDE_BY_SIDE = {
    "kernel_size": (2, 2), "stride": (2, 2), "padding": (0, 0), "dilation": (1, 1),
}  # fmt: skip


def _max_pool2d(args: Sequence[Any], settings: Mapping[str, Any]) -> Shortcut | None:
    """Parts of max pooling over windows of 2x2 that do not overlap; it fails where there is NaN."""
    (x,) = args
    if not is_dense(x) or x.ndim < 3 or x.size == 0 or x.shape[-2] % 2 or x.shape[-1] % 2:
        return None
    if any(tuple(settings[name]) != value for name, value in _SIDE_BY_SIDE.items()):
        return None
    planes, rows, columns = math.prod(x.shape[:-2]), x.shape[-2] // 2, x.shape[-1] // 2
    has_nan = np.zeros(planes, np.uint8)

    def blocks(given: Sequence[Any], out: Sequence[Array]) -> list[BlockCall]:
        windows = Seen(given[0], given[0].reshape(planes, rows, 2, columns, 2))
        results = [Seen(a, a.reshape(planes, rows, columns)) for a in out]
        return [BlockCall(max_pool._max_pool_2x2, (0, *results, has_nan, windows))]

    return Shortcut(None, {}, blocks=blocks, fails=has_nan)


RULES: dict[int, Rule] = {
    id(max_pool2d.op.forward): _max_pool2d,
    id(scatter_planes.op.forward): _scatter_planes,
}
