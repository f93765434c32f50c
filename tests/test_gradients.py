"""Every differentiable operation's derivatives, from its samples."""

import numpy as np
import pytest

from minigrad.op import arr
from minigrad.testing import LAYOUTS, check_operation, differentiable, report, suite

OPERATIONS = differentiable()
CASES = [
    pytest.param(call, case, layout, id=f"{name}-{i}-{layout}")
    for name, call in OPERATIONS.items()
    for i, case in enumerate(call.op.samples)
    for layout in LAYOUTS
]


@pytest.mark.parametrize(("operation", "case", "layout"), CASES)
def test_derivatives(operation, case, layout):
    check_operation(operation, case, layout)


@pytest.mark.parametrize("name", OPERATIONS)
def test_samples_reach_every_rule(name):
    declared = OPERATIONS[name].op
    assert declared.samples, f"{name} has no gradient-check samples"
    if callable(declared.vjp):
        return
    drawn = {
        place
        for case in declared.samples
        for place, wanted in enumerate(case.args)
        if isinstance(wanted, arr) and wanted.integers is None and np.prod(wanted.shape) > 0
    }
    missing = {i for i, rule in enumerate(declared.vjp) if rule is not None} - drawn
    assert not missing, f"no sample of {name} gives a tensor for arguments {missing}"


@pytest.mark.parametrize("seed", range(2))
def test_no_false_alarm_with_other_seeds(seed):
    """Of more seeds: `minigrad gradcheck --quick --runs 1000`."""
    results = [
        result
        for task in suite.tasks(seed=1 + seed, quick=True)
        for result in suite.check_library(task)
    ]
    assert report.failures(results) == ""
    assert len(results) == len(OPERATIONS)
