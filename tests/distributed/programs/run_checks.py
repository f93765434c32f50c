"""Run the functions `check_...(rank, size)` of modules beside this one, on all ranks in step.

mpiexec -n 2 python -m mpi4py tests/distributed/programs/run_checks.py MODULE... [-k WORD]
"""

import argparse
import importlib
import sys
from pathlib import Path

import minigrad.distributed as dist


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("modules", nargs="+")
    parser.add_argument("-k", default="")
    options = parser.parse_args()
    sys.path.insert(0, str(Path(__file__).parent))
    dist.init_process_group("mpi")
    rank, size = dist.get_rank(), dist.get_world_size()
    done = 0
    for name in options.modules:
        for check in [
            f for n, f in vars(importlib.import_module(name)).items() if n[:6] == "check_"
        ]:
            if options.k in check.__name__:
                check(rank, size)
                dist.barrier()
                done += 1
    dist.destroy_process_group()
    if rank == 0:
        print(f"{done} checks passed on {size} ranks")


if __name__ == "__main__":
    main()
