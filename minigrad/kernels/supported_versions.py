"""The versions of NumPy and Numba that minigrad runs with, checked before anything uses them."""

import importlib
from types import ModuleType

import numpy as np

from minigrad.kernels.compiler.cache_folder import say_once

LEAST_NUMPY, LEAST_NUMBA, TRIED_NUMBA = "2.0", "0.62", "0.68"

# What kernels use of Numba's interior, which another version may have changed.
_INTERIOR = {
    "numba.core.caching": "FunctionCache IndexDataCacheFile UserWideCacheLocator CacheImpl",
    "numba.core.ccallback": "CFunc",
    "numba.core.codegen": "CPUCodeLibrary get_host_cpu_features",
    "numba.core.compiler": "CompilerBase DefaultPassBuilder",
    "numba.core.compiler_lock": "global_compiler_lock",
    "numba.core.event": "Listener register trigger_event",
    "numba.core.typed_passes": "NativeLowering",
    "numba.np.ufunc": "parallel",
}


def check_versions() -> None:
    """Return if NumPy and Numba fit together and fit minigrad.

    Raises ImportError, which says what was found and what to install.  Says on stderr if kernels
    would be compiled for another CPU than this one.
    """
    if _numbers(np.__version__) < _numbers(LEAST_NUMPY):
        raise ImportError(
            f"minigrad needs NumPy {LEAST_NUMPY} or later, and found {np.__version__}: "
            "pip install -U numpy numba"
        )
    numba = _numba()
    if _numbers(numba.__version__) < _numbers(LEAST_NUMBA):
        raise ImportError(
            f"minigrad needs Numba {LEAST_NUMBA} or later, and found {numba.__version__}: "
            "pip install -U numba"
        )
    for name, attributes in _INTERIOR.items():
        for attribute in attributes.split():
            _check_interior(numba, name, attribute)
    _check_cpu(numba)


def _check_cpu(numba: ModuleType) -> None:
    """Warn if code is compiled for a CPU that has what this one lacks."""
    asked = numba.config.CPU_FEATURES
    if not asked:
        return
    host = importlib.import_module("numba.core.codegen").get_host_cpu_features().split(",")
    lacking = [word[1:] for word in asked.split(",") if word[:1] == "+" and word not in host]
    if lacking:
        say_once(
            f"NUMBA_CPU_FEATURES asks for {', '.join(lacking)}, which this CPU does not have: "
            "kernels may end the process with an illegal instruction; unset it, or set what all "
            "machines that share the cache have"
        )


def _numba() -> ModuleType:
    try:
        return importlib.import_module("numba")
    except ModuleNotFoundError as error:
        if error.name != "numba":
            raise
        raise ImportError("minigrad needs Numba: pip install numba", name="numba") from error
    except (ImportError, AttributeError, SystemError) as error:  # of its check, or of its C code
        raise ImportError(
            f"Numba cannot be imported with NumPy {np.__version__}: {error}.  A version of each "
            "that fits the other: pip install -U numba numpy",
            name="numba",
        ) from error


def _check_interior(numba: ModuleType, name: str, attribute: str) -> None:
    try:
        getattr(importlib.import_module(name), attribute)
    except (ImportError, AttributeError) as error:
        raise ImportError(
            f"Numba {numba.__version__} has no {name}.{attribute}, which minigrad uses; it was "
            f"tried with Numba {LEAST_NUMBA} to {TRIED_NUMBA}: "
            f"pip install 'numba>={LEAST_NUMBA},<={TRIED_NUMBA}.99'"
        ) from error


def _numbers(version: str) -> tuple[int, ...]:
    """The first two numbers of a version."""
    return tuple(int(part) for part in version.split(".")[:2])
