"""No kernel reads or writes one element outside its arrays.

Every family of kernels runs between guard pages, where a fault kills its process.  Where kernels
index plainly, they run once more with Numba checking each index.  The tests of the kernels' values
run so by

    NUMBA_BOUNDSCHECK=1 MINIGRAD_CACHE=/tmp/checked python -m pytest tests/kernels
"""

import itertools
import os
import subprocess
import sys
from pathlib import Path

import pytest

from minigrad.kernels.compiler.cache import cache_dir
from tests.support import guarded_families

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="guard pages are made by Linux's system calls"
)

ROOT = Path(__file__).parents[2]
PROGRAM = "tests.support.guarded_kernels"
# Each row in one process, which would be half the time of most families if each had its own.
FAMILIES = (
    ("products", "implicit_gemm", "direct", "depthwise", "winograd", "recurrences"),
    (
        "pointwise",
        "vectors",
        "pools",
        "optimizers",
        "gathers",
        "replayed",
        "attentions",
        "resamplings",
        "rows_of_elements",
    ),
    ("reductions", "softmaxes", "label_losses", "alignments", "norms", "layer_norms"),
)
INDEXING_PLAINLY = (
    "reductions", "softmaxes", "label_losses", "alignments", "norms", "pools", "gathers",
)  # fmt: skip
FAULTS = ("read_beyond", "read_before", "write_beyond", "index_beyond", "own_beyond", "own_before")
CHECKED = {"NUMBA_BOUNDSCHECK": "1", "MINIGRAD_CACHE": str(cache_dir() / "bounds-checked")}


def run(*families: str, **environment: str) -> tuple[int, list[str], str]:
    """Status of the process, negative if a signal ended it, its lines, and its complaints."""
    ended = subprocess.run(
        [sys.executable, "-m", PROGRAM, *families],
        cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return ended.returncode, ended.stdout.splitlines() or ["nothing"], ended.stderr


def assert_no_fault(*families: str, **environment: str) -> None:
    status, lines, complaints = run(*families, **environment)
    assert status == 0, f"{lines[-1]}\n{complaints}"
    done = [line.partition(":")[0] for line in lines if line.endswith("calls without a fault")]
    assert done == [*families]


def test_every_family_is_run() -> None:
    assert sorted(itertools.chain(*FAMILIES)) == sorted(guarded_families.FAMILIES)


@pytest.mark.parametrize("families", FAMILIES, ids="-".join)
def test_kernels_between_guard_pages(families: tuple[str, ...]) -> None:
    assert_no_fault(*families)


def test_kernels_with_every_index_checked() -> None:
    assert_no_fault(*INDEXING_PLAINLY, **CHECKED)


@pytest.mark.parametrize("fault", FAULTS)
def test_one_element_beyond_is_a_crash_that_is_named(fault: str) -> None:
    status, lines, _ = run(fault)
    assert status == -11
    assert " at a guard page: _" in lines[-1]
    assert "(float32(" in lines[-1]


def test_what_is_in_bounds_is_no_fault() -> None:
    status, lines, _ = run("no_fault")
    assert (status, lines[-1]) == (0, "no_fault: 10 calls without a fault")


def test_memory_that_nobody_has_written_shows() -> None:
    status, lines, complaints = run("never_written")
    assert status == 1
    assert lines[-1] == "ending at a guard page: empty((3,), <class 'numpy.float32'>)"
    assert "what nobody has written" in complaints


def test_an_index_beyond_is_an_error_where_indices_are_checked() -> None:
    status, lines, complaints = run("index_beyond", **CHECKED)
    assert status == 1
    assert "_plain(" in lines[-1]
    assert "IndexError: index is out of bounds" in complaints
