"""Forks of a process that has run kernels, while another of its threads computes."""

import os
import sys

import pytest

from tests.support.processes import output

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")

SETUP = """
import os, sys, threading
import minigrad as torch
from minigrad import nn

def work():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Flatten(),
                          nn.Linear(8 * 16 * 16, 10))
    loss = nn.functional.cross_entropy(model(torch.randn(64, 3, 16, 16)), torch.arange(64) % 10)
    loss.backward()
    return [loss.tolist(), *(p.grad.tolist() for p in model.parameters())]

def in_a_thread(function):
    results = []
    thread = threading.Thread(target=lambda: results.append(function()))
    thread.start()
    thread.join()
    return results[0]

right = work()
"""
FORKS = """
running = True

def compute():
    a = torch.randn(300, 300)
    while running:
        (a @ a + 1).relu().exp()

other = threading.Thread(target=compute)
other.start()
statuses = []
for _ in range(int(sys.argv[1])):
    if child := os.fork():
        statuses.append(os.waitpid(child, 0)[1])
    else:
        status = 1
        try:
            if work() == right and in_a_thread(work) == right and torch.get_num_threads() == 1:
                status = 0
        finally:
            os._exit(status)
running = False
other.join()
print(len(statuses), any(statuses), torch.get_num_threads(), work() == right)
"""


@pytest.mark.parametrize("layer", ["omp", "workqueue"])
def test_forks_compute_the_same_on_one_thread(layer: str) -> None:
    if layer == "omp" and sys.platform == "darwin":
        pytest.skip("Numba's wheels for macOS have no OpenMP layer")
    forks = output(SETUP + FORKS, 5, NUMBA_NUM_THREADS="2", NUMBA_THREADING_LAYER=layer)
    assert forks.split() == ["5", "False", "2", "True"]


def test_pools_that_fork_compute() -> None:
    pool = (
        "import multiprocessing\n"
        "with multiprocessing.get_context('fork').Pool(2) as pool:\n"
        "    print(pool.apply(work) == right)\n"
        "    print(pool.apply(torch.get_num_threads))\n"
    )
    assert output(SETUP + pool, NUMBA_NUM_THREADS="2").split() == ["True", "1"]


def test_a_fork_before_the_first_kernel_has_all_threads() -> None:
    program = (
        "import os\n"
        "import minigrad as torch\n"
        "if child := os.fork():\n"
        "    assert os.waitpid(child, 0)[1] == 0\n"
        "else:\n"
        "    torch.ones(300, 300).exp()\n"
        "    os._exit(torch.get_num_threads() != 2)\n"
    )
    assert output(program, NUMBA_NUM_THREADS="2") == ""
