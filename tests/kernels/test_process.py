"""Effects of the import on the process: each has a switch, and users' own settings hold."""

import json
import os
import subprocess
import sys

import pytest

from minigrad.kernels.compiler.process import EFFECTS

# Prints what differs after the import: environment, hooks, Numba's settings and listeners ...
CHANGES = """
import atexit, gc, json, os, signal, sys, threading, warnings
import numba, numpy
from numba.core import caching, event

def state():
    settings = {k: repr(v) for k, v in vars(numba.config).items() if k.isupper()}
    return {
        "environment": dict(os.environ),
        "numba": settings,
        "listeners": [type(x).__name__ for x in event._registered["numba:compile"]],
        "locators": [x.__name__ for x in caching.CacheImpl._locator_classes],
        "collector": [gc.isenabled(), gc.get_threshold()],
        "warnings": [repr(x) for x in warnings.filters],
        "numpy": [numpy.geterr(), repr(numpy.get_printoptions())],
        "signals": [repr(signal.getsignal(s)) for s in signal.Signals],
        "hooks": [repr(x) for x in (sys.excepthook, sys.displayhook, threading.excepthook)],
        "path": [sys.path[:], repr(sys.meta_path)],
        "limits": [sys.getrecursionlimit(), atexit._ncallbacks(), threading.active_count()],
    }

before = state()
import minigrad
after = state()
print(json.dumps({k: after[k] for k in after if after[k] != before[k]}))
"""
USER_SETTINGS = (
    "MINIGRAD_DISABLE", "NUMBA_THREADING_LAYER", "NUMBA_THREADING_LAYER_PRIORITY",
    "GOMP_SPINCOUNT", "OMP_WAIT_POLICY", "GLIBC_TUNABLES",
)  # fmt: skip


def run(program: str, **variables: str) -> subprocess.CompletedProcess[str]:
    unset = {k: v for k, v in os.environ.items() if k not in USER_SETTINGS}
    return subprocess.run(
        [sys.executable, "-c", program], env=unset | variables, check=False,
        capture_output=True, text=True,
    )  # fmt: skip


def output(program: str, **variables: str) -> str:
    done = run(program, **variables)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_an_import_changes_what_is_listed_and_nothing_else() -> None:
    changes = json.loads(output(CHANGES))
    assert changes.keys() == {"environment", "numba", "listeners", "locators", "path"}
    assert changes["environment"]["GOMP_SPINCOUNT"] == "10000"
    assert changes["numba"]["THREADING_LAYER_PRIORITY"] == "['omp', 'tbb', 'workqueue']"
    assert changes["listeners"] == ["_CollectorPause", "_Announcement"]
    assert changes["locators"][0] == "KernelCacheLocator"
    assert changes["path"][1].count("_CompanionFinder") == 1


def test_all_effects_off_leave_the_process_as_it_was() -> None:
    assert output(CHANGES, MINIGRAD_DISABLE=",".join(EFFECTS)) == "{}"


# A program that prints True while the effect is on.
IS_ON = {
    "threading_layer": "import numba; print(numba.config.THREADING_LAYER_PRIORITY[0] == 'omp')",
    "spin": "import os; print('GOMP_SPINCOUNT' in os.environ)",
    "allocator": """
from minigrad.kernels.compiler import process
print(calls == [(-1, 2**30), (-3, 2**30)])
""",
    "cache": """
from minigrad.kernels.compiler.cache import KernelCacheLocator
from numba.core.caching import CacheImpl
print(KernelCacheLocator in CacheImpl._locator_classes)
""",
    "collector": """
import gc
from numba.core import event
with event.trigger_event('numba:compile', {'dispatcher': numba.njit(lambda: None)}):
    print(not gc.isenabled())
assert gc.isenabled()
""",
    "signals": """
from minigrad.kernels.compiler.signals import deferred_signals
print(deferred_signals.is_enabled)
""",
    "announcement": """
import contextlib, io
from minigrad.kernels.compiler.cache import keep_on_disk
from numba.core import event
def kernel(): pass
keep_on_disk(kernel)
with contextlib.redirect_stderr(io.StringIO()) as text:
    with event.trigger_event('numba:compile', {'dispatcher': numba.njit(kernel)}):
        pass
print('compiling kernels' in text.getvalue())
""",
    "background": """
from minigrad.kernels.compiler.background import BackgroundCompiler
compiler = BackgroundCompiler('minigrad.no_such_module')
numba.config.NUMBA_NUM_THREADS = 2
compiler.start('a')
print(compiler._process is not None)
""",
    "einops": "import sys; print(any('Companion' in type(f).__name__ for f in sys.meta_path))",
}
SPY_ON_MALLOPT = """
import ctypes, numba
calls = []
class Library:
    def __init__(self, name): pass
    def mallopt(self, option, value):
        calls.append((option, value))
        return 1
ctypes.CDLL, real = Library, ctypes.CDLL
import minigrad
ctypes.CDLL = real
"""


@pytest.mark.parametrize("effect", EFFECTS)
def test_each_effect_has_a_switch(effect: str) -> None:
    if effect == "allocator" and not sys.platform.startswith("linux"):
        pytest.skip("the allocator is left alone")
    program = SPY_ON_MALLOPT + IS_ON[effect]
    assert output(program, MINIGRAD_DISABLE=effect) == "False"
    others = ", ".join(name for name in EFFECTS if name != effect)
    assert output(program, MINIGRAD_DISABLE=others) == "True"


def test_an_unknown_name_is_an_error_that_lists_the_known() -> None:
    done = run("import minigrad", MINIGRAD_DISABLE="spin,alocator")
    assert done.returncode == 1
    error = done.stderr.strip().splitlines()[-1]
    assert error.startswith("ValueError: MINIGRAD_DISABLE names alocator")
    assert all(name in error for name in EFFECTS)


@pytest.mark.parametrize("given", ["", ",", " spin , "])
def test_empty_names_and_spaces_are_ignored(given: str) -> None:
    program = SPY_ON_MALLOPT + IS_ON["spin"]
    assert output(program, MINIGRAD_DISABLE=given) == str("spin" not in given)


PRIORITY = "import minigrad, numba; print(*numba.config.THREADING_LAYER_PRIORITY)"


@pytest.mark.parametrize(
    ("variable", "value", "program", "expected"),
    [
        ("NUMBA_THREADING_LAYER", "workqueue", PRIORITY, "tbb omp workqueue"),
        ("NUMBA_THREADING_LAYER_PRIORITY", "workqueue omp tbb", PRIORITY, "workqueue omp tbb"),
        ("GOMP_SPINCOUNT", "7", "import minigrad, os; print(os.environ['GOMP_SPINCOUNT'])", "7"),
        (
            "OMP_WAIT_POLICY",
            "passive",
            "import minigrad, os; print('GOMP_SPINCOUNT' in os.environ)",
            "False",
        ),
        ("GLIBC_TUNABLES", "glibc.malloc.check=0", SPY_ON_MALLOPT + "print(calls)", "[]"),
        ("MALLOC_TOP_PAD_", "1000000", SPY_ON_MALLOPT + "print(calls)", "[]"),
    ],
)
def test_the_users_own_variables_hold(
    variable: str, value: str, program: str, expected: str
) -> None:
    assert output(program, **{variable: value}) == expected


LAUNCHES = """
import numpy as np
from minigrad.kernels.compiler.kernel import _layer_is_reentrant
from minigrad.kernels.cpu_info import threading_layer
print(threading_layer(), _layer_is_reentrant())
"""


def test_one_launch_at_a_time_where_workqueue_is_chosen() -> None:
    """In whichever way: two parallel kernels at once would end the process."""
    assert output(LAUNCHES, NUMBA_THREADING_LAYER="workqueue") == "workqueue False"
    priority = {"NUMBA_THREADING_LAYER_PRIORITY": "workqueue omp tbb"}
    assert output(LAUNCHES, **priority) == "workqueue False"
