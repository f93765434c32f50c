"""torch.backends: what scripts ask of torch's libraries, and settings that choose among them.

minigrad has one implementation of nearly everything, so that torch's settings are kept and results
are the same.  `winograd` and `sharing`, which torch does not have, do switch something.
"""

from typing import TYPE_CHECKING

from minigrad.backends import cuda, cudnn, mkl, mkldnn, mps, openmp
from minigrad.core.public_names import show_public_names

if TYPE_CHECKING:  # imported when they are first read
    from minigrad.backends import (
        cpu,
        cusparselt,
        kleidiai,
        mha,
        nnpack,
        opt_einsum,
        quantized,
        sharing,
        winograd,
    )  # fmt: skip

__all__ = [
    "cpu", "cuda", "cudnn", "cusparselt", "fp32_precision", "kleidiai", "mha", "mkl", "mkldnn",
    "mps", "nnpack", "openmp", "opt_einsum", "quantized", "sharing", "winograd",
]  # fmt: skip

fp32_precision = "none"

show_public_names(
    __name__,
    lazy=(
        "cpu",
        "cusparselt",
        "kleidiai",
        "mha",
        "nnpack",
        "opt_einsum",
        "quantized",
        "sharing",
        "winograd",
    ),
)
