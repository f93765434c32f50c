"""torch.backends: what scripts ask of torch's libraries, and settings that choose among them.

minigrad has one implementation of everything, so the settings are kept and results are the same.
"""

from minigrad.backends import cuda, cudnn, mkl, mkldnn, mps, openmp
from minigrad.core.public_names import show_public_names

__all__ = ["cuda", "cudnn", "mkl", "mkldnn", "mps", "openmp"]

show_public_names(__name__)
