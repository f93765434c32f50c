"""Tensors are written as torch writes them."""

import re

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg

# A dtype's name is longer here, so the line may break elsewhere before the notes.
BREAK = re.compile(r",\s+(?=(dtype|size|requires_grad|grad_fn)=)")


def written(tensor):
    text = repr(tensor).replace("torch.", "minigrad.")
    return BREAK.sub(", ", text) if "dtype" in text else text


def assert_written_alike(make):
    assert written(make(mg)) == written(make(torch))


RANDOM = np.random.default_rng(0).standard_normal((40, 41))
CASES = {
    "floats": lambda m: m.tensor([1.0, -2.5, 3.25]),
    "whole floats": lambda m: m.tensor([[1.0, 200.0], [-3.0, 0.0]]),
    "negative zero": lambda m: m.tensor([-0.0, 0.0, -1.0]),
    "scientific, wide": lambda m: m.tensor([1e-5, 1.0, 123456.0]),
    "scientific, large": lambda m: m.tensor([1e9, 2e9]),
    "scientific, small": lambda m: m.tensor([[1e-5], [2.5e-5]]),
    "large and whole": lambda m: m.tensor([1e8, 1.0]),
    "nan and inf": lambda m: m.tensor([float("nan"), 1.5, float("inf"), -float("inf")]),
    "whole with nan": lambda m: m.tensor([float("nan"), 1.0, float("inf"), 2.0]),
    "only nan": lambda m: m.tensor([float("nan"), float("-inf")]),
    "zeros": lambda m: m.zeros(2, 3),
    "zero-d float": lambda m: m.tensor(3.14159265),
    "zero-d whole": lambda m: m.tensor(2.0),
    "zero-d int": lambda m: m.tensor(7),
    "zero-d bool": lambda m: m.tensor(True),
    "ints": lambda m: m.tensor([[1, -20], [300, 4]]),
    "bools": lambda m: m.tensor([[True, False], [False, True]]),
    "int32": lambda m: m.tensor([1, 2], dtype=m.int32),
    "uint8": lambda m: m.tensor([1, 255], dtype=m.uint8),
    "float64": lambda m: m.tensor([1.5, 2.0], dtype=m.float64),
    "float16": lambda m: m.tensor([1.5, 2.0], dtype=m.float16),
    "half, large": lambda m: m.tensor([1e-3, 60000.0], dtype=m.float16),
    "empty": lambda m: m.tensor([]),
    "empty matrix": lambda m: m.zeros(0, 3),
    "empty float64": lambda m: m.zeros(2, 0, dtype=m.float64),
    "empty ints": lambda m: m.zeros(0, dtype=m.int64),
    "empty int matrix": lambda m: m.zeros(0, 2, dtype=m.int64),
    "requires grad": lambda m: m.tensor([1.0, 2.0], requires_grad=True),
    "float64 with grad": lambda m: m.ones(2, dtype=m.float64, requires_grad=True),
    "grad_fn": lambda m: m.ones(2, requires_grad=True) * 2,
    "empty with grad": lambda m: m.zeros(0, 2, requires_grad=True),
    "zero-d with grad_fn": lambda m: m.ones(2, requires_grad=True).sum(),
    "long row": lambda m: m.arange(100),
    "long row of floats": lambda m: m.tensor(RANDOM[0]),
    "summarised vector": lambda m: m.arange(2000),
    "summarised matrix": lambda m: m.tensor(RANDOM),
    "summarised float32": lambda m: m.tensor(RANDOM).float(),
    "summarised cube": lambda m: m.arange(8000).reshape(20, 20, 20),
    "summarised, thin": lambda m: m.arange(4000).reshape(2, 2000),
    "four dimensions": lambda m: m.arange(24).reshape(2, 3, 2, 2),
    "notes that wrap": lambda m: m.ones(2, 9, dtype=m.float64, requires_grad=True) * 1.23456,
    "a long row with notes": lambda m: m.ones(12, dtype=m.float64, requires_grad=True),
    "view": lambda m: m.arange(12).reshape(3, 4).T,
}


@pytest.mark.parametrize("name", CASES)
def test_as_torch(name):
    assert_written_alike(CASES[name])


numbers = st.one_of(
    st.floats(width=32, allow_nan=True, allow_infinity=True),
    st.integers(-5, 5).map(float),
    st.floats(-10, 10, width=32),
)


@settings(max_examples=150)
@given(
    hnp.arrays(
        np.float32,
        hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=5),
        elements=numbers,
    )
)
def test_any_floats(array):
    assert_written_alike(lambda m: m.tensor(array))


@settings(max_examples=50)
@given(hnp.arrays(st.sampled_from([np.int64, np.int8, np.uint8, np.bool_]),
                  hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=6)))  # fmt: skip
def test_any_integers(array):
    assert_written_alike(lambda m: m.tensor(array))


@pytest.mark.parametrize("options", [
    {"precision": 2}, {"threshold": 5}, {"edgeitems": 1, "threshold": 5}, {"linewidth": 40},
    {"sci_mode": True}, {"sci_mode": False}, {"profile": "short"}, {"profile": "full"},
])  # fmt: skip
def test_options(options):
    try:
        for m in (mg, torch):
            m.set_printoptions(**options)
        for array in (RANDOM, RANDOM[0] * 1e6, np.arange(30)):
            assert_written_alike(lambda m, array=array: m.tensor(array))
    finally:
        for m in (mg, torch):
            m.set_printoptions(profile="default")


def test_unknown_profile():
    with pytest.raises(ValueError, match="profile"):
        mg.set_printoptions(profile="loud")


def test_format():
    for make in (
        lambda m: f"{m.tensor(1.5)}",
        lambda m: f"{m.tensor(1.23456):.2f}",
        lambda m: f"{m.tensor([1.0])}",
        lambda m: f"{m.tensor(3):04d}",
    ):
        assert make(mg) == make(torch)
    with pytest.raises(TypeError):
        f"{mg.ones(2):.2f}"
