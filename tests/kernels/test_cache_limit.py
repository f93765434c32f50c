"""The cache of kernels stays below its limit; what is removed is compiled again, in any process."""

import os
import subprocess
import sys
import time
from pathlib import Path

import numba
import pytest

from minigrad.kernels.compiler import cache_limit
from minigrad.kernels.compiler.cache import keep_on_disk
from minigrad.kernels.compiler.cache_limit import trim
from minigrad.kernels.compiler.checked_cache import KernelCache

HOUR, DAY = 3600, 86_400
OURS = "softmax-0123456789abcdef"


def make(path: Path, size: int, age: float) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(size))
    os.utime(path, (time.time() - age,) * 2)
    return path


def names(root: Path) -> set[str]:
    return {path.name for path in root.rglob("*") if path.is_file()}


def test_the_least_recently_used_go_first(tmp_path):
    for age in range(8):
        make(tmp_path / f"m{age}-{age:016x}" / f"{age}.nbc", 100, age * DAY)
    assert trim(tmp_path, 1000) == 0
    assert trim(tmp_path, 600) == 400
    assert names(tmp_path) == {"0.nbc", "1.nbc", "2.nbc", "3.nbc"}
    assert len(list(tmp_path.iterdir())) == 4  # empty folders go as well


def test_others_files_and_unfinished_ones_stay(tmp_path):
    make(tmp_path / "numbas_own_0123456789abcdef0123456789abcdef01234567" / "x.nbc", 100, 9 * DAY)
    make(tmp_path / "x.nbc", 100, 9 * DAY)
    make(tmp_path / OURS / "a.nbc.tmp.0123", 100, HOUR)
    make(tmp_path / OURS / "b.nbc.tmp.0123", 100, 2 * DAY)
    make(tmp_path / OURS / "c.nbc", 100, HOUR)
    assert trim(tmp_path, 0) == 200
    assert names(tmp_path) == {"x.nbc", "a.nbc.tmp.0123"}


def test_no_folder_is_no_error(tmp_path):
    assert trim(tmp_path / "none", 0) == 0


@pytest.mark.parametrize("given", ["many", "-1", "1.5", "1e3"])
def test_a_limit_that_is_no_number_is_refused(given, monkeypatch):
    monkeypatch.setenv("MINIGRAD_CACHE_LIMIT", given)
    with pytest.raises(ValueError, match="a whole number of MiB"):
        cache_limit.cache_limit()


def double(x):
    return x * 2


def misses(monkeypatch, folder: Path) -> int:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(folder))
    keep_on_disk(double)
    compiled = numba.njit(double)
    compiled._cache = KernelCache(double)
    assert compiled(4) == 8
    return sum(compiled._cache_misses.values())


def test_use_is_noted(tmp_path, monkeypatch):
    assert misses(monkeypatch, tmp_path) == 1
    files = list(tmp_path.rglob("*.nb?"))
    for file in files:
        os.utime(file, (0, 0))
    assert misses(monkeypatch, tmp_path) == 0
    assert all(time.time() - file.stat().st_mtime < HOUR for file in files)


def test_what_was_removed_meanwhile_is_compiled_and_kept_again(tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    keep_on_disk(double)
    compiled = numba.njit(double)
    compiled._cache = KernelCache(double)  # which has made the folder
    trim(tmp_path, 0)
    for folder in tmp_path.iterdir():
        folder.rmdir()
    assert compiled(4) == 8
    assert misses(monkeypatch, tmp_path) == 0


PROGRAM = """
import numpy as np
from minigrad.kernels import kernel

def declare(n):
    @kernel
    def add(out, x):
        for i in range(x.size):
            out[i] = x[i] + n
    return add

for n in range(4):
    for dtype in ("f4", "f8", "i8"):
        x = np.arange(5).astype(dtype)
        out = np.zeros_like(x)
        declare(n).run(out, x)
        assert (out == x + n).all()
"""


def test_processes_that_share_a_small_cache_compute_right_and_leave_it_small(tmp_path):
    (tmp_path / "own.py").write_text(PROGRAM)
    environment = os.environ | {
        "NUMBA_CACHE_DIR": str(tmp_path / "kernels"), "MINIGRAD_CACHE_LIMIT": "0",
        "PYTHONPATH": os.pathsep.join(sys.path),
    }  # fmt: skip
    running = [
        subprocess.Popen([sys.executable, str(tmp_path / "own.py")], env=environment,
                         stderr=subprocess.PIPE, text=True)
        for _ in range(3)
    ]  # fmt: skip
    for process in running:
        _, err = process.communicate(timeout=300)
        assert process.returncode == 0, err
        assert "Traceback" not in err
        assert "damaged" not in err
    assert not list((tmp_path / "kernels").rglob("*.nb?"))
