"""Kernels compiled for x86 CPUs with wider and with narrower vectors than this one.

On a machine with AVX-512, the suite without it, and anywhere the suite without AVX2 and FMA, run by

    NUMBA_CPU_NAME=haswell NUMBA_CPU_FEATURES=+avx,+avx2,+fma MINIGRAD_CACHE=/tmp/avx2 pytest
    NUMBA_CPU_NAME=x86-64 NUMBA_CPU_FEATURES=+sse4.2,+popcnt MINIGRAD_CACHE=/tmp/sse pytest

The cache has to be another one: kernels are kept for one set of features.
"""

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from minigrad.kernels.compiler.cache import cache_dir

pytestmark = pytest.mark.skipif(
    platform.machine().lower() not in {"x86_64", "amd64"}, reason="these are features of x86 CPUs"
)


def run(program: str, cpu: str, features: str, cache: Path) -> str:
    """The output of a program whose kernels are compiled for that CPU."""
    environment = {
        "NUMBA_CPU_NAME": cpu,
        "NUMBA_CPU_FEATURES": features,
        "MINIGRAD_CACHE": str(cache),
    }
    command = [sys.executable, "-c", program]
    ended = subprocess.run(
        command, env=os.environ | environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_without_avx_and_fma_results_are_right() -> None:
    """Matrix products whose sizes are no multiples of a tile."""
    told = run(
        "import numpy as np\n"
        "from minigrad.kernels import cpu_info\n"
        "from minigrad.kernels.matmul.matmul import matmul\n"
        "assert cpu_info.VECTOR_BYTES == 16\n"
        "assert not {'avx', 'fma'} & set(cpu_info.vector_features())\n"
        "rng = np.random.default_rng(0)\n"
        "a, b = rng.standard_normal((101, 67)), rng.standard_normal((67, 131))\n"
        "for dtype in (np.float32, np.float64):\n"
        "    out = matmul(a.astype(dtype), b.astype(dtype))\n"
        "    print(np.abs(out - a @ b).max() < 400 * np.finfo(dtype).eps)\n",
        "x86-64",
        "+sse4.2,+popcnt",
        cache_dir() / "sse",
    )
    assert told.split() == ["True", "True"]
