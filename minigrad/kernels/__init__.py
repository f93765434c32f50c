"""Compiled loops over arrays.  They know arrays, addresses and numbers, and nothing above."""

from minigrad.kernels.supported_versions import check_versions

check_versions()  # before the imports below, which other versions may not have

from minigrad.kernels.compiler.kernel import kernel, prange  # noqa: E402
from minigrad.kernels.deferred_modules import defer_modules  # noqa: E402

defer_modules(
    __name__,
    (
        "accumulation",
        "attention",
        "conv",
        "distances",
        "drawing",
        "elementary",
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
