"""A program for two processes: how long reductions of few and of many bytes take between them.

minigrad run -n 2 minigrad/distributed/launch/measure_exchange.py FILE
"""

import json
import sys
import time
from pathlib import Path

import numpy as np

from minigrad.distributed import all_reduce, get_rank, init_process_group
from minigrad.distributed.launch.command import Launch
from minigrad.distributed.launch.estimate import Network, fitted
from minigrad.distributed.launch.job import run_job
from minigrad.tensor.creation import from_numpy

__all__ = ["measured"]

# Bytes, and how many exchanges in a row are timed together.  A single one may seem to take no time,
# to the process that comes last and finds the other's part there already.
_SIZES = {8: 20, 8_000_000: 3}
_REPEATS = 5


def main(file: str) -> None:
    """Write the least seconds of an exchange of each size."""
    init_process_group("mpi")
    times = {}
    for size, count in _SIZES.items():
        tensor = from_numpy(np.ones(size // 4, np.float32))
        found = []
        for _ in range(_REPEATS):
            began = time.perf_counter()
            for _ in range(count):
                all_reduce(tensor)
            found.append((time.perf_counter() - began) / count)
        times[size] = min(found)
    if get_rank() == 0:
        Path(file).write_text(json.dumps(times), encoding="utf-8")


def measured(file: Path, hosts: Path | None = None) -> Network:
    """The network between two processes, here or on hosts, measured now; `file` is written.

    Raises RuntimeError if they fail.
    """
    if run_job(Launch(2, __file__, [str(file)], hosts)):
        raise RuntimeError("exchanges between two processes could not be measured")
    times = json.loads(file.read_text(encoding="utf-8"))
    return fitted({int(size): seconds for size, seconds in times.items()})


if __name__ == "__main__":
    main(sys.argv[1])
