"""Compiled loops over arrays.  They know arrays, addresses and numbers, and nothing above."""

from minigrad.kernels.compiler.kernel import kernel, prange
from minigrad.kernels.deferred_modules import defer_modules

defer_modules(
    __name__,
    (
        "accumulation",
        "attention",
        "conv",
        "distances",
        "drawing",
        "fused_optimizer",
        "matmul",
        "pointwise",
        "pooling",
        "rearrange",
        "recurrent",
        "reduction",
        "replay",
        "resampling",
        "selection",
        "special",
    ),
)
