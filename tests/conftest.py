"""Settings of the whole suite."""

import os
import random
import re
import signal
from pathlib import Path

import hypothesis
import numpy as np
import pytest

import minigrad as mg
from minigrad.engine.grad_mode import thread
from minigrad.kernels.compiler import process, region_cost
from minigrad.nn.hooks import EVERYWHERE
from minigrad.optim.optimizer.hooks import GLOBAL_HOOKS

HERE = Path(__file__).parent

# GNU readline, which pytest loads, sets these for the processes that pytest-xdist starts.
for variable in ("COLUMNS", "LINES"):
    os.environ.pop(variable, None)

# Threads share the same loops in every run, whatever it costs on a machine that is busy with tests.
os.environ.setdefault(region_cost.VARIABLE, "32768")
region_cost.prepare_limits()

# With a worker on each core none is idle for a second compiler, here and in the tests' processes.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("MINIGRAD_DISABLE", "background")
    process._disabled.cache_clear()

# A shell that starts the suite in the background has it ignore Ctrl-C, and `nohup` the end of the
# terminal; tests send both.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def reads_torch(file):
    """Whether a file of tests imports PyTorch, itself or through what tests share."""
    text = file.read_text(encoding="utf-8")
    if re.search(r"^(import|from) torch\b", text, re.MULTILINE):
        return True
    shared = re.findall(r"^from tests\.(support[\w.]*) import \(?\s*(\w+)", text, re.MULTILINE)
    paths = {
        HERE / f"{'/'.join(m.split('.'))}{rest}.py" for m, n in shared for rest in ("", f"/{n}")
    }
    return any(path.exists() and reads_torch(path) for path in paths)


try:
    import torch
except ImportError:  # it is the reference of many tests; the others mean something without it
    SEEDS = (random.seed, np.random.seed, mg.manual_seed)
    collect_ignore = [str(file) for file in HERE.rglob("test_*.py") if reads_torch(file)]
else:
    # Two OpenMP pools in one process wait for each other; here torch is not timed.
    torch.set_num_threads(1)
    SEEDS = (random.seed, np.random.seed, mg.manual_seed, torch.manual_seed)

hypothesis.settings.register_profile("here", deadline=None)  # a first call compiles
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "here")

# `pytest -m quick`: folders whose tests take seconds, and with them most of what a change breaks.
QUICK = ("architecture/test_floors", "architecture/test_sizes", "core", "engine", "tensor", "data",
         "ops/test_composed", "ops/test_shape", "ops/test_bad_input", "nn/test_module",
         "nn/test_losses", "autograd/test_function", "kernels/test_plan_record",
         "kernels/test_inner_loops")  # fmt: skip


def pytest_collection_modifyitems(items):
    for item in items:
        if str(item.path.relative_to(HERE)).startswith(QUICK):
            item.add_marker("quick")


def pytest_runtest_setup(item):
    """A test that draws without a seed fails always or never."""
    for seed in SEEDS:
        seed(0)


@pytest.fixture(autouse=True)
def settings_are_set_back():
    """What a test changes for the whole process, every later test would see.

    Commands set the number of threads, so that is set back here.
    """
    before, threads = process_settings(), mg.get_num_threads()
    yield
    mg.set_num_threads(threads)
    after = process_settings()
    changed = {name: after[name] for name in before if after[name] != before[name]}
    assert not changed, f"the test has left the process with {changed}"


def process_settings():
    """Settings of this thread and of the process, and hooks of all modules and optimizers."""
    hooks = {**vars(EVERYWHERE), **GLOBAL_HOOKS}
    return {
        **vars(thread.mode),
        "dtype": mg.get_default_dtype(),
        **{f"{kind} hooks": list(registered) for kind, registered in hooks.items()},
    }
