"""The CPU, the vector extensions and the threading layer that Numba finds on this machine."""

import llvmlite
import numba
import numpy as np
from numba.core.codegen import get_host_cpu_features

from minigrad.kernels.compiler.kernel import ALWAYS_SHARED, kernel, prange
from minigrad.kernels.compiler.vector_unit import REGISTERS, VECTOR_BYTES

VERSIONS = {"numba": numba.__version__, "llvmlite": llvmlite.__version__}


def cpu_name() -> str:
    """Return LLVM's name of the CPU, or `NUMBA_CPU_NAME`."""
    given: str | None = numba.config.CPU_NAME
    if given is not None:
        return given
    return str(llvmlite.binding.get_host_cpu_name())


def vector_features() -> list[str]:
    """Return the vector extensions that kernels may use."""
    given: str | None = numba.config.CPU_FEATURES
    features = (get_host_cpu_features() if given is None else given).split(",")
    families = ("avx", "fma", "sse4", "neon", "sve", "f16c")
    return sorted(f[1:] for f in features if f.startswith("+") and f[1:].startswith(families))


def vector_registers() -> str:
    """Return the number and size of the registers that kernels are tiled for."""
    return f"{REGISTERS} of {8 * VECTOR_BYTES} bits"


@kernel
def _count(out):
    for i in prange(out.size):
        out[i] = i


def threading_layer() -> str:
    """Return the layer that runs parallel kernels, found by running one."""
    _count.run(ALWAYS_SHARED, np.empty(2))
    return str(numba.threading_layer())
