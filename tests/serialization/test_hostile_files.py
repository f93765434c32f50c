"""Files made to do harm: nothing in them is executed, and none takes memory beyond its size.

Each is a ValueError.  `torch.load` with weights_only=False, or Python's own unpickler, would run
much of what is in them.
"""

import io
import pickle
import tracemalloc

import pytest
import torch

import minigrad as mg
from minigrad.core.unpickler import Unpickler
from tests.support.hostile_pickles import HOSTILE, SHARED, Evil, archive, legacy, tensor


@pytest.mark.parametrize("wrap", [archive, legacy])
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_pickles_are_refused_and_run_nothing(name, wrap, capfd):
    content = wrap(HOSTILE[name])
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="load\\(\\) cannot read"):
            mg.load(io.BytesIO(content))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 12_000_000 + 16 * len(content)
    assert not Evil.fired
    assert "hostile" not in capfd.readouterr().out


def test_the_parts_are_sound():
    assert mg.load(io.BytesIO(archive(tensor() + b"."))).tolist() == [[0, 0], [0, 0]]
    assert mg.load(io.BytesIO(legacy(tensor() + b"."))).tolist() == [[0, 0], [0, 0]]
    assert torch.load(io.BytesIO(archive(tensor() + b"."))).tolist() == [[0, 0], [0, 0]]
    assert len(HOSTILE) >= 50


def test_the_hostile_pickles_are_hostile():
    pickle.loads(HOSTILE["own function"])
    pickle.loads(HOSTILE["state of an object"])
    assert [Evil.fired.pop(), Evil.fired.pop()] == ["setstate", "fired"]


def test_what_shares_parts_is_read_in_time_that_its_size_allows():
    found = mg.load(io.BytesIO(archive(b"(" + SHARED + b"t.")))
    assert found[40][0] is found[40][1] is found[39]  # 2**40 paths lead to found[0]


@pytest.mark.parametrize("opcode", [b"]", b"}", b"\x8f", b")", b"(", b"N", b"]\x94", b"K\1"])
def test_a_pickle_takes_a_bounded_multiple_of_its_size(opcode):
    content = opcode * (1_000_000 // len(opcode))
    tracemalloc.start()
    try:
        with pytest.raises(ValueError):  # noqa: PT011  it has no STOP, or takes too much
            Unpickler().load(content)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 80 * len(content) + 12_000_000


def test_a_deeply_nested_list_is_no_harm():
    depth = 100_000
    found = mg.load(io.BytesIO(archive(b"]" * depth + b"a" * (depth - 1) + b".")))
    for _ in range(depth - 1):
        (found,) = found
    assert found == []
