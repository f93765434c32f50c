"""MPI, through mpi4py, which is optional: `pip install "minigrad[mpi]"`."""

import importlib.util
import os
from typing import Any

import numpy as np

from minigrad.distributed.reduce_op import ReduceOp

__all__ = ["as_bytes", "is_installed", "launched_size", "library", "reduction", "remedy"]

# The variables in which launchers tell a process how many there are.
_SIZES = ("PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "PMIX_SIZE", "MPI_LOCALNRANKS")


def is_installed() -> bool:
    """Whether mpi4py can be imported."""
    return importlib.util.find_spec("mpi4py") is not None


def launched_size() -> int:
    """The number of processes that `mpiexec` or `srun` started, by its variables; 0 without any."""
    sizes = [int(os.environ[name]) for name in _SIZES if os.environ.get(name, "").isdigit()]
    if not sizes and "SLURM_PROCID" in os.environ and "SLURM_STEP_NUM_TASKS" in os.environ:
        sizes = [int(os.environ["SLURM_STEP_NUM_TASKS"])]
    return max(sizes, default=0)


def library() -> Any:
    """The module `mpi4py.MPI`; its import begins MPI.  Raises RuntimeError without mpi4py."""
    try:
        from mpi4py import MPI  # noqa: PLC0415  optional
    except ImportError as error:
        raise RuntimeError(f"Distributed package doesn't have MPI built in: {remedy()}") from error
    return MPI


def remedy() -> str:
    """Words for those who lack mpi4py or the processes."""
    return (
        'several processes exchange through MPI: pip install "minigrad[mpi]", and start them with '
        "`minigrad run -n 4 script.py`"
    )


def reduction(op: ReduceOp) -> Any:
    """MPI's name of a reduction; of AVG, the sum."""
    MPI = library()
    return {
        ReduceOp.SUM: MPI.SUM,
        ReduceOp.AVG: MPI.SUM,
        ReduceOp.PRODUCT: MPI.PROD,
        ReduceOp.MIN: MPI.MIN,
        ReduceOp.MAX: MPI.MAX,
        ReduceOp.BAND: MPI.BAND,
        ReduceOp.BOR: MPI.BOR,
        ReduceOp.BXOR: MPI.BXOR,
    }[op]


def as_bytes(array: np.ndarray[Any, Any]) -> Any:
    """The memory of a contiguous array, for MPI to move as it is."""
    return [array.reshape(-1).view(np.uint8), library().BYTE]
