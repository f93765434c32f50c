"""Kernels with the register tiles of other CPUs, which this one runs too: right, and slowly.

`MINIGRAD_VECTOR_UNIT=64x32 pytest tests/kernels` runs all tests of kernels so.
"""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from minigrad.kernels.compiler.vector_unit import AVX, AVX512, NEON, VECTOR_UNIT
from tests.support import forced_tiles
from tests.support.processes import output

ROOT = Path(__file__).parents[2]
OTHERS = [f"{unit.bytes}x{unit.registers}" for unit in (AVX512, NEON, AVX) if unit != VECTOR_UNIT]

TILED = (
    "products", "implicit_gemm", "winograd", "direct", "depthwise", "recurrences", "attentions",
)  # fmt: skip


def run(module: str, unit: str, *arguments: str) -> str:
    """What a program prints that runs with another vector unit's tiles."""
    environment = {"MINIGRAD_VECTOR_UNIT": unit, "NUMBA_NUM_THREADS": "4"}
    ended = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, f"{ended.stdout[-1000:]}\n{ended.stderr}"
    return ended.stdout


@pytest.mark.parametrize("unit", OTHERS)
def test_results_are_right_and_have_the_same_bits_for_1_to_4_threads(
    unit: str, tmp_path: Path
) -> None:
    """Beside float64 with this CPU's own tiles, which other tests hold to PyTorch's results."""
    run("tests.support.forced_tiles", unit, str(tmp_path / "results.npz"))
    found = np.load(tmp_path / "results.npz")
    for dtype, tolerance in (("float32", 1e-4), ("float64", 1e-11)):
        for i, exact in enumerate(forced_tiles.results("float64")):
            array = found[f"{dtype} {i}"]
            assert array.dtype == dtype
            error = np.abs(array - exact).max() / max(1.0, np.abs(exact).max())
            assert error <= tolerance, f"result {i} in {dtype}"


@pytest.mark.skipif(sys.platform != "linux", reason="guard pages are made by Linux's system calls")
@pytest.mark.parametrize("unit", OTHERS)
def test_tiles_between_guard_pages(unit: str) -> None:
    told = run("tests.support.guarded_kernels", unit, *TILED).splitlines()
    done = [line.partition(":")[0] for line in told if line.endswith("calls without a fault")]
    assert done == [*TILED]


def test_an_unknown_vector_unit_is_refused() -> None:
    program = (
        "try:\n"
        "    import minigrad.kernels.compiler.vector_unit\n"
        "except ValueError as error:\n"
        "    print(error)\n"
    )
    told = output(program, MINIGRAD_VECTOR_UNIT="48x7")
    assert told == ("MINIGRAD_VECTOR_UNIT is '48x7'; expected one of 16x16, 32x16, 64x32, 16x32\n")
