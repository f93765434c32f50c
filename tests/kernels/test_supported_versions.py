"""Versions of NumPy and Numba that do not fit: an error that says what to install."""

import importlib
import subprocess
import sys
from pathlib import Path

import numba
import numpy as np
import pytest

from minigrad.kernels import supported_versions
from minigrad.kernels.compiler import cache_folder
from minigrad.kernels.supported_versions import check_versions


def test_the_versions_here_fit():
    check_versions()


@pytest.mark.parametrize(
    ("module", "version", "reported"),
    [
        (np, "1.26.4", r"needs NumPy 2.0 or later, and found 1.26.4: pip install -U numpy numba"),
        (numba, "0.61.2", r"needs Numba 0.62 or later, and found 0.61.2: pip install -U numba"),
    ],
)
def test_old_versions_are_refused(module, version, reported, monkeypatch):
    monkeypatch.setattr(module, "__version__", version)
    with pytest.raises(ImportError, match=reported):
        check_versions()


@pytest.mark.parametrize(
    "error",
    [
        ImportError("Numba needs NumPy 2.3 or less. Got NumPy 9.1."),
        SystemError("initialization of _internal failed without raising an exception"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_numba_that_does_not_fit_numpy_is_named(error, monkeypatch):
    def fail(name):
        raise error

    monkeypatch.setattr(supported_versions.importlib, "import_module", fail)
    with pytest.raises(ImportError, match=rf"with NumPy {np.__version__}: .*pip install -U numba"):
        check_versions()


def test_changed_interior_is_named_with_the_versions_that_were_tried(monkeypatch):
    monkeypatch.setattr(numba, "__version__", "0.99.0")
    monkeypatch.delattr(importlib.import_module("numba.core.caching"), "FunctionCache")
    with pytest.raises(ImportError, match=r"Numba 0.99.0 has no .*FunctionCache.* 0.62 to 0.68"):
        check_versions()


@pytest.mark.parametrize(("features", "said"), [("+sse2", ""), ("+sse2,+moon1,-avx", "for moon1,")])
def test_features_that_the_cpu_lacks_are_named(features, said, monkeypatch, capsys):
    codegen = importlib.import_module("numba.core.codegen")
    monkeypatch.setattr(numba.config, "CPU_FEATURES", features)
    monkeypatch.setattr(codegen, "get_host_cpu_features", lambda: "+sse2,+avx")
    cache_folder.say_once.cache_clear()
    check_versions()
    err = capsys.readouterr().err
    assert said in err
    assert ("illegal instruction" in err) == bool(said)


PROGRAM = """
import sys
sys.modules["numba"] = None
import minigrad
"""


def test_an_import_without_numba_says_what_is_missing():
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False
    )
    assert done.stderr.splitlines()[-1] == "ImportError: minigrad needs Numba: pip install numba"


def test_the_range_is_that_of_the_package():
    project = (Path(__file__).parents[2] / "pyproject.toml").read_text()
    least = f"numpy>={supported_versions.LEAST_NUMPY}", f"numba>={supported_versions.LEAST_NUMBA}"
    assert all(f'"{word}"' in project for word in least)
    numbers = supported_versions._numbers
    assert numbers(numba.__version__) <= numbers(supported_versions.TRIED_NUMBA)
