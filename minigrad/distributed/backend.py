"""The backends that torch knows, and which of them are there."""

import os
from typing import Any

from minigrad.distributed import mpi

__all__ = [
    "Backend", "get_default_backend_for_device", "get_node_local_rank", "is_available",
    "is_backend_available", "is_gloo_available", "is_mpi_available", "is_nccl_available",
    "is_torchelastic_launched", "is_ucc_available", "is_xccl_available", "require_backend",
]  # fmt: skip


class Backend(str):
    """The name of a backend, in lower case."""

    UNDEFINED, GLOO, NCCL, MPI, UCC, XCCL = "undefined", "gloo", "nccl", "mpi", "ucc", "xccl"

    def __new__(cls, name: str) -> "Backend":
        return super().__new__(cls, name.lower())


def require_backend(backend: str | None) -> str:
    """The backend's name, "gloo" for None.  Raises ValueError or RuntimeError for others.

    "cpu:gloo,cuda:nccl" names one of each device.
    """
    name = (backend or Backend.GLOO).lower()
    devices = dict(pair.split(":", 1) for pair in name.split(",") if ":" in pair)
    name = devices.get("cpu", name)
    if name in (Backend.NCCL, Backend.UCC, Backend.XCCL):
        raise RuntimeError(
            f"Distributed package doesn't have {name.upper()} built in: the CPU's backends are mpi "
            "and gloo"
        )
    if name == Backend.MPI and not mpi.is_installed():
        raise RuntimeError(f"Distributed package doesn't have MPI built in: {mpi.remedy()}")
    if name not in (Backend.GLOO, Backend.MPI):
        raise ValueError(f"Invalid backend: '{backend}'; the CPU's backends are 'mpi' and 'gloo'")
    return name


def is_available() -> bool:
    """True: a group of one process can be made, with mpi4py one of several."""
    return True


def is_gloo_available() -> bool:
    """True: the name is taken for one process, and for several that exchange through MPI."""
    return True


def is_mpi_available() -> bool:
    """Whether mpi4py is installed."""
    return mpi.is_installed()


def is_nccl_available() -> bool:
    """False: there is no such device."""
    return False


is_ucc_available = is_xccl_available = is_nccl_available


def is_backend_available(backend: str) -> bool:
    """Whether it is "gloo", or "mpi" and mpi4py is installed."""
    name = backend.lower()
    return name == Backend.GLOO or (name == Backend.MPI and mpi.is_installed())


def is_torchelastic_launched() -> bool:
    """Whether torchrun started this process."""
    return "TORCHELASTIC_RUN_ID" in os.environ


def get_default_backend_for_device(device: Any) -> str:
    """The backend of a device, "gloo"."""
    return Backend.GLOO


def get_node_local_rank(fallback_rank: int | None = None) -> int:
    """The variable LOCAL_RANK of the environment, or `fallback_rank`; RuntimeError without both."""
    if "LOCAL_RANK" in os.environ:
        return int(os.environ["LOCAL_RANK"])
    if fallback_rank is None:
        raise RuntimeError(
            "LOCAL_RANK is not in the environment. Consider passing fallback_rank to allow "
            "`get_node_local_rank` to work"
        )
    return fallback_rank
