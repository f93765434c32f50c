"""torch.backends.cpu: the vector instructions of this CPU."""

from minigrad.core.public_names import show_public_names
from minigrad.kernels.cpu_info import vector_features

__all__ = ["get_cpu_capability"]


def get_cpu_capability() -> str:
    """ "AVX512", "AVX2" or "DEFAULT": the widest vectors that kernels are compiled for."""
    features = " ".join(vector_features()).lower()
    found = [name for name in ("avx512", "avx2") if name in features]
    return found[0].upper() if found else "DEFAULT"


show_public_names(__name__)
