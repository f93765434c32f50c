"""minigrad's own benchmark cases: each kind at its smallest size, in every library."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

import minigrad as mg
from minigrad.bench import case as bench_case
from minigrad.bench.case_runner import check, reference_result
from minigrad.bench.cases.training import NETWORKS
from minigrad.bench.worker import prepare

OWN = ("growth", "alternatives", "optimizer_steps", "own_rule")
SUITES = (bench_case.BUILT_IN, *(f"benchmarks/{name}.py" for name in OWN))
HERE = {"minigrad", "numpy", "torch"}
SMALLEST = [case for suite in SUITES for case in bench_case.smallest(bench_case.load_suite(suite))]


@pytest.fixture(autouse=True)
def one_thread():
    """Two libraries' threads in one process would wait for each other."""
    before = mg.get_num_threads()
    mg.set_num_threads(1)
    yield
    mg.set_num_threads(before)


def result(case, library, dtype):
    function = prepare(case, library, dtype)
    for _ in range(case.calls):
        outcome = function()
    return case.result(outcome)


@pytest.mark.parametrize("case", SMALLEST, ids=lambda case: case.label)
def test_every_library_is_right(case):
    right = reference_result(case, "float32")
    if right is None:
        known = "torch" if "torch" in case.implementations else "minigrad"
        right = result(case, known, "float64")
    for library in HERE & set(case.implementations):
        check(result(case, library, "float32"), right, case.tolerance)


def test_the_cases_asked_for_are_there():
    labels = [case.label for case in bench_case.load_suite()]
    for layout in ("NN", "NT", "TN"):
        for sizes in ("M32 K32 N32", "M2048 K2048 N2048", "M100 K784 N100", "M64 K9216 N128"):
            assert f"matmul {layout} {sizes}" in labels
        assert f"matmul {layout} batched B96 M128 K64 N128" in labels
    for what in ("forward", "input gradient", "weight gradient"):
        assert sum(label.startswith("conv2d") and what in label for label in labels) >= 16
    for name in ("relu", "gelu", "tanh", "sigmoid", "add", "sum", "mean", "var", "softmax",
                 "log_softmax", "cross_entropy", "batch_norm", "dropout"):  # fmt: skip
        for n in (10**3, 10**7):
            assert f"{name} forward n{n}" in labels
            assert f"{name} gradient n{n}" in labels
    for step in ("lecture CNN SGD N64", "784-100-10 SGD N100", "784-100-10 Adam N100",
                 "ResNet-18 SGD N64", "ResNet-18 Adam N256", "784-30-2 SGD N256",
                 "32-32-32-2 Adam N16"):  # fmt: skip
        assert f"training step {step}" in labels


@pytest.mark.parametrize("name", ["lecture CNN", "ResNet-18"])
def test_the_operations_of_a_network_are_counted(name):
    """Against what torch's own counter finds; a training step has three times as many."""
    network = NETWORKS[name]
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network.build(torch)(torch.zeros(2, *network.image))
    assert counter.get_total_flops() == 2 * 2 * network.multiply_adds
