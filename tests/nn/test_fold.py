"""unfold and fold compared with torch."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad import nn
from minigrad.nn import functional as F
from tests.support.against_torch import compare, same_outcome

RNG = np.random.default_rng(0)
PAIR = st.tuples(st.integers(1, 3), st.integers(1, 2))
WINDOWS = st.fixed_dictionaries(
    {
        "kernel_size": PAIR | st.integers(1, 3),
        "dilation": PAIR | st.integers(1, 2),
        "padding": st.integers(0, 2),
        "stride": PAIR,
    }
).filter(lambda window: fits(window))  # noqa: PLW0108  defined below
SIZE = (6, 7)


def fits(window):
    """True if a window fits into an image of SIZE."""
    kernel, dilation = (np.broadcast_to(window[name], 2) for name in ("kernel_size", "dilation"))
    return (dilation * (kernel - 1) + 1 <= np.array(SIZE) + 2 * window["padding"]).all()


def columns_of(batch, **window):
    """The shape of the columns of images of SIZE with two channels."""
    return tuple(torch.nn.functional.unfold(torch.zeros(*batch, 2, *SIZE), **window).shape)


@settings(max_examples=40)
@given(WINDOWS, st.sampled_from([(), (3,)]), st.sampled_from(["float64", "float32"]))
def test_windows_are_torchs(window, batch, dtype):
    x = RNG.normal(size=(*batch, 2, *SIZE)).astype(dtype)
    compare(lambda m, x: m.nn.functional.unfold(x, **window), x)
    columns = RNG.normal(size=columns_of(batch, **window)).astype(dtype)
    compare(lambda m, c: m.nn.functional.fold(c, SIZE, **window), columns)


@given(WINDOWS)
def test_fold_is_the_adjoint_of_unfold(window):
    x = mg.tensor(RNG.normal(size=(1, 2, *SIZE)))
    c = mg.tensor(RNG.normal(size=columns_of((1,), **window)))
    there = (F.unfold(x, **window) * c).sum().item()
    back = (F.fold(c, SIZE, **window) * x).sum().item()
    assert there == pytest.approx(back, abs=1e-10)


@pytest.mark.parametrize(
    "call",
    [
        lambda m, x: m.nn.functional.unfold(x, 9),
        lambda m, x: m.nn.functional.unfold(x, 2, stride=0),
        lambda m, x: m.nn.functional.fold(x[0], (4, 4), 2),
        lambda m, x: m.nn.functional.fold(x[0, :1], (4, 4), 2),
    ],
)
def test_windows_that_do_not_fit_are_refused(call):
    same_outcome(call, RNG.normal(size=(2, 3, 4, 4)))
    with pytest.raises(RuntimeError, match="unfold"):
        F.unfold(mg.ones(3, 3), 2)


def test_the_layers_are_the_functions():
    x = RNG.normal(size=(2, 3, 5, 5))
    compare(lambda m, x: m.nn.Unfold(2, padding=1)(x), x)
    compare(lambda m, x: m.nn.Fold((5, 5), 2)(m.nn.Unfold(2)(x)), x)
    assert repr(nn.Unfold(2, stride=(1, 2))) == repr(torch.nn.Unfold(2, stride=(1, 2)))
    assert repr(nn.Fold((5, 5), 2)) == repr(torch.nn.Fold((5, 5), 2))
