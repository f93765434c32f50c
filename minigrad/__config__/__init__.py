"""torch.__config__: what the library computes with, as text."""

from minigrad.core.public_names import show_public_names
from minigrad.kernels.compiler.kernel import get_num_threads
from minigrad.utils.collect_env import get_pretty_env_info

__all__ = ["parallel_info", "show"]

# Scripts look for torch's build settings by these words.
_SETTINGS = "Build settings: USE_CUDA=OFF, USE_MKL=OFF, USE_MKLDNN=OFF, USE_MPI=OFF, USE_OPENMP=ON"


def show() -> str:
    """Return the versions, the CPU and the threads, and torch's build settings as they are here."""
    return f"{get_pretty_env_info()}\n{_SETTINGS}\n"


def parallel_info() -> str:
    """Return how many threads kernels use."""
    return f"Numba kernels:\n\tget_num_threads() : {get_num_threads()}\n"


show_public_names(__name__)
