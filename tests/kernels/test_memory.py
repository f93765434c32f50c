"""No kernel reads or writes one element outside its arrays.

Every family of kernels runs between guard pages, where a fault kills its process.  Where kernels
index plainly, they run once more with Numba checking each index.  The tests of the kernels' values
run so by

    NUMBA_BOUNDSCHECK=1 MINIGRAD_CACHE=/tmp/checked python -m pytest tests/kernels
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from minigrad.kernels.compiler.cache import cache_dir

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="guard pages are made by Linux's system calls"
)

ROOT = Path(__file__).parents[2]
PROGRAM = "tests.support.guarded_kernels"
FAMILIES = (
    "products", "implicit_gemm", "pointwise", "direct", "depthwise", "winograd", "vectors",
    "reductions", "softmaxes", "label_losses", "alignments", "norms", "layer_norms", "pools",
    "attentions", "recurrences", "gathers", "replayed", "optimizers",
)  # fmt: skip
FAULTS = ("read_beyond", "read_before", "write_beyond", "index_beyond", "own_beyond", "own_before")
CHECKED = {"NUMBA_BOUNDSCHECK": "1", "MINIGRAD_CACHE": str(cache_dir() / "bounds-checked")}


def run(family: str, **environment: str) -> tuple[int, str, str]:
    """Status of the process, negative if a signal ended it, its last line, and its complaints."""
    ended = subprocess.run(
        [sys.executable, "-m", PROGRAM, family],
        cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return ended.returncode, (ended.stdout.splitlines() or ["nothing"])[-1], ended.stderr


@pytest.mark.parametrize("family", FAMILIES)
def test_kernels_between_guard_pages(family: str) -> None:
    status, last, complaints = run(family)
    assert status == 0, f"{last}\n{complaints}"
    assert last.endswith("calls without a fault")


@pytest.mark.parametrize(
    "family", ["reductions", "softmaxes", "label_losses", "alignments", "norms", "pools", "gathers"]
)
def test_kernels_with_every_index_checked(family: str) -> None:
    status, last, complaints = run(family, **CHECKED)
    assert status == 0, f"{last}\n{complaints}"


@pytest.mark.parametrize("fault", FAULTS)
def test_one_element_beyond_is_a_crash_that_is_named(fault: str) -> None:
    status, last, _ = run(fault)
    assert status == -11
    assert " at a guard page: _" in last
    assert "(float32(" in last


def test_what_is_in_bounds_is_no_fault() -> None:
    assert run("no_fault")[:2] == (0, "10 calls without a fault")


def test_memory_that_nobody_has_written_shows() -> None:
    status, last, complaints = run("never_written")
    assert status == 1
    assert last == "ending at a guard page: empty((3,), <class 'numpy.float32'>)"
    assert "what nobody has written" in complaints


def test_an_index_beyond_is_an_error_where_indices_are_checked() -> None:
    status, last, complaints = run("index_beyond", **CHECKED)
    assert status == 1
    assert "_plain(" in last
    assert "IndexError: index is out of bounds" in complaints
