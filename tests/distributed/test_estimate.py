"""The model of step times: its arithmetic by hand, and a script that is measured."""

import json
import re

import pytest

from minigrad.cli import main
from minigrad.distributed.launch.estimate import Network, Step, fitted, read_step, table
from tests.support.ranks import needs_mpi

GIGABYTE = Network(1e-3, 1e9)


def test_reductions_take_the_rings_time_or_less():
    assert GIGABYTE.all_reduce(1e9, 1) == 0
    assert GIGABYTE.all_reduce(1e9, 2) == pytest.approx(1e-3 + 1)
    assert GIGABYTE.all_reduce(1e9, 4) == pytest.approx(6e-3 + 1.5)  # the ring
    assert GIGABYTE.all_reduce(1e3, 1024) == pytest.approx(10 * (1e-3 + 1e-6))  # doubling
    assert GIGABYTE.broadcast(1e6, 8) == pytest.approx(3 * 2e-3)


def test_exchanges_hide_behind_what_is_still_computed():
    # Two buckets of 100 ms each on two ranks: the first is full after 100 ms, the second at the
    # end, after 400; so the first is hidden, and the second is not.
    step = Step(1.0, [0.1, 0.4], [99_000_000, 99_000_000], 0.4, 0.0)
    found = step.on(GIGABYTE, 2)
    assert found.exchanged == pytest.approx(0.2)
    assert found.seconds == pytest.approx(1.1)
    assert found.hidden == pytest.approx(0.5)
    late = step._replace(ready=[0.35, 0.4]).on(GIGABYTE, 2)  # the second waits for the first
    assert late.seconds == pytest.approx(1.15)
    assert step.on(GIGABYTE, 1) == (1.0, 0.0, 0.0)
    buffers = step._replace(buffers=1_000_000).on(GIGABYTE, 2)
    assert buffers.seconds == pytest.approx(found.seconds + 2e-3)


def test_a_network_is_fitted_to_two_sizes():
    network = fitted({8: 1e-4, 1_000_008: 1.1e-3})
    assert network == pytest.approx((1e-4, 1e9))


def test_a_script_without_steps_is_refused(tmp_path):
    file = tmp_path / "timeline.json"
    for content in (None, {"steps": [], "buffers": 0}):
        if content is not None:
            file.write_text(json.dumps(content))
        with pytest.raises(RuntimeError, match="five steps"):
            read_step(file)


def test_the_table_has_a_line_for_each_network_and_count():
    lines = list(table(Step(1.0, [0.1], [1000], 0.4, 0.0), {"slow": GIGABYTE}, (1, 8)))
    assert re.match(r"slow +8 +100\d\.\d+ +100% ", lines[3])


SCRIPT = """
import minigrad as mg, minigrad.distributed as dist
dist.init_process_group()
model = mg.nn.parallel.DistributedDataParallel(mg.nn.Linear(100, 10))
for _ in range(8):
    model(mg.ones(4, 100)).sum().backward()
"""


@needs_mpi
def test_a_script_is_estimated(tmp_path, capfd):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    assert main(["run", "--estimate", "--network", "50", "1", str(script)]) == 0
    out = capfd.readouterr().out
    assert "0.00 MB of gradients in 1 buckets" in out
    assert re.search(r"50 us, 1 Gbit/s +1024 ", out)
