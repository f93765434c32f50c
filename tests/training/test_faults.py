"""Faults that happen to runs: what is printed, how the run ends, what is kept."""

import pytest

from benchmarks import faults

CAN_MOUNT = faults.can_mount()


@pytest.mark.parametrize("fault", faults.FAULTS, ids=lambda fault: fault.name)
def test_a_fault_ends_as_it_should(fault, tmp_path):
    if fault.mounts and not CAN_MOUNT:
        pytest.skip("this user may not mount file systems, which the fault needs")
    assert not faults.run(fault, tmp_path.resolve()).problems(fault)
