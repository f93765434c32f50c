"""What torch's top level answers of devices that are not there."""

from typing import Any


def is_vulkan_available() -> bool:
    """False: minigrad computes on the CPU."""
    return False


def get_device(input: Any) -> int:
    """-1, torch's number for the CPU."""
    return int(input.get_device())


# What torch was built with; here NumPy's LAPACK and Fourier transforms, and kernels of minigrad's.
has_lapack, has_spectral = True, True
has_mkl, has_openmp = False, False
