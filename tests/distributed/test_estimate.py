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


def test_sums_in_a_fixed_order_come_when_all_is_computed():
    # Of 400 MB on four ranks each gets 300 MB of others' two nodes each, and gives 300 MB.
    assert GIGABYTE.fixed_sum(4e8, 2, 4) == pytest.approx(5e-3 + 0.6 + 0.3)
    step = Step(1.0, [], [], 0.9, 0.0, sums=[(2, 400_000_000)], small=5)
    found = step.on(GIGABYTE, 4)
    assert found.exchanged == pytest.approx(0.905 + 5 * 2e-3, rel=1e-6)
    assert found.seconds == pytest.approx(1 + found.exchanged)
    assert found.hidden == 0
    assert step.on(GIGABYTE, 1) == (1.0, 0.0, 0.0)


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


BEGIN = """
import minigrad as mg, minigrad.distributed as dist
dist.init_process_group()
DDP = mg.nn.parallel.DistributedDataParallel
x = mg.ones(4, 300)
"""
PLAIN = """
model = DDP(mg.nn.Linear(300, 100))
for _ in range(8):
    model(x).sum().backward()
"""
COMPILED = """
model = DDP(mg.nn.Linear(300, 100))
optimizer = mg.optim.SGD(model.parameters(), lr=0.01)
@mg.compile
def step(x):
    optimizer.zero_grad()
    model(x).sum().backward()
    optimizer.step()
for _ in range(12):
    step(x)
assert step.replays >= 5
"""
FIXED = """
model = DDP(mg.nn.Linear(300, 100), reduction="fixed", shard_size=2)
for _ in range(8):
    for (part,) in model.shards(x):
        model(part).mean().backward()
"""
ESTIMATED = {
    "plain": (PLAIN, r"backward; 0\.12 MB of gradients in 1 buckets"),
    "compiled": (COMPILED, r"backward; 0\.12 MB of gradients in 1 buckets"),
    "fixed": (FIXED, r"over shards; then 0\.12 MB of sums in a fixed order, and 5 small"),
}


@needs_mpi
@pytest.mark.parametrize(("steps", "reported"), ESTIMATED.values(), ids=ESTIMATED)
def test_a_script_is_estimated(steps, reported, tmp_path, capfd):
    """By the steps that it really does."""
    script = tmp_path / "script.py"
    script.write_text(BEGIN + steps)
    assert main(["run", "--estimate", "--network", "50", "1", str(script)]) == 0
    out = capfd.readouterr().out
    assert re.search(reported, out), out
    assert re.search(r"50 us, 1 Gbit/s +1024 ", out)
