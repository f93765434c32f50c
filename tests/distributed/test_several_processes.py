"""Groups of 2 and 4 processes: one start of each, with all checks in `programs`."""

import subprocess
import sys

import pytest

import minigrad.distributed as dist
from tests.support.ranks import needs_mpi, run_ranks


@needs_mpi
@pytest.mark.parametrize("count", [2, 4])
def test_all_checks(count):
    modules = ["exchanges", "data_parallel", "layers_and_optimizers", "fixed_reduction"]
    modules += ["compiled_steps"]
    assert f"checks passed on {count} ranks" in run_ranks(count, "run_checks.py", *modules)


@needs_mpi
def test_different_collectives_are_named():
    out = run_ranks(3, "mismatches.py", MINIGRAD_DISTRIBUTED_DEBUG="1")
    assert "all mismatches named" in out


def test_several_processes_without_mpi_are_refused_with_a_remedy(monkeypatch):
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(RuntimeError, match=r"minigrad\[mpi\].*minigrad run -n 4 script.py"):
        dist.init_process_group("gloo")
    assert not dist.is_initialized()


def test_one_process_needs_no_mpi():
    program = """
import sys
sys.modules["mpi4py"] = None  # as if it were not installed
import minigrad as mg, minigrad.distributed as dist
dist.init_process_group(rank=0, world_size=1)
x = mg.ones(2)
assert dist.all_reduce(x, async_op=True).wait() and x.tolist() == [1, 1]
dist.destroy_process_group()
"""
    subprocess.run([sys.executable, "-c", program], check=True)
