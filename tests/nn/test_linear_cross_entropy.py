"""LinearCrossEntropyLoss compared with torch."""

import numpy as np
import pytest
import torch

import minigrad as mg
from minigrad import nn
from minigrad.nn import functional as F
from tests.support.against_torch import same_outcome
from tests.support.torch_twin import TOLERANCE, assert_same_run, assert_same_structure, copy_state

RNG = np.random.default_rng(0)
# Options of the layer of 4 features and 5 classes, and shape of the input.
FORMS = {
    "classes": ({}, (6, 4)),
    "one": ({"bias": True}, (4,)),
    "smoothed": ({"bias": True, "label_smoothing": 0.2, "ignore_index": 1}, (6, 4)),
    "of places": ({"bias": True, "out_features": (2, 3)}, (6, 4)),
}


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("probabilities", [False, True])
@pytest.mark.parametrize("name", FORMS)
def test_the_layer_matches_torchs(name, probabilities, weighted, reduction, dtype):
    options, shape = FORMS[name]
    places = options.get("out_features", ())
    if probabilities:
        options = {k: v for k, v in options.items() if k != "ignore_index"}
        target = RNG.random((*shape[:-1], 5, *places)).astype(dtype)
    else:
        target = RNG.integers(0, 5, (*shape[:-1], *places))
    weight = np.array([0.5, 1.0, 2.0, 0.25, 1.5], dtype)
    torch.manual_seed(0)
    ours, theirs = (
        m.nn.LinearCrossEntropyLoss(
            4, 5, **options, reduction=reduction, dtype=getattr(m, dtype),
            weight=m.tensor(weight) if weighted else None,
        )
        for m in (mg, torch)
    )  # fmt: skip
    assert_same_structure(ours, theirs)
    copy_state(ours, theirs)
    x = RNG.normal(size=shape).astype(dtype)
    assert_same_run(ours, theirs, x, target, tolerance=TOLERANCE[dtype])


def loss(m, x, *weight, target=(0, 1, 4), **options):
    return m.nn.functional.linear_cross_entropy(
        x, m.ones(*weight).double(), m.tensor(target), **options
    )


REFUSED = {
    "an input of three dimensions": lambda m, x: loss(m, x[None], 5, 4),
    "weights in a row": lambda m, x: loss(m, x, 4),
    "other features": lambda m, x: loss(m, x, 5, 3),
    "a bias of others": lambda m, x: loss(m, x, 5, 4, linear_bias=x[0]),
    "places without a batch": lambda m, x: loss(m, x[0], 5, 1, 4, target=(1,)),
    "ignored probabilities": lambda m, x: m.nn.functional.linear_cross_entropy(
        x, m.ones(4, 4).double(), x[:, :4], ignore_index=1
    ),
    "weights of others": lambda m, x: m.nn.LinearCrossEntropyLoss(4, 5, weight=x[0]),
    "smoothed too much": lambda m, x: m.nn.LinearCrossEntropyLoss(4, 5, label_smoothing=2.0),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_fit_is_refused(name):
    x = RNG.normal(size=(3, 4))
    same_outcome(REFUSED[name], x)
    with pytest.raises(RuntimeError, match=r"\w+.*\w+"):
        REFUSED[name](mg, mg.tensor(x))


def test_chunks_are_refused():
    with pytest.raises(NotImplementedError, match="options="):
        F.linear_cross_entropy(mg.ones(2, 3), mg.ones(4, 3), mg.tensor([0, 1]), options=1)
    with pytest.raises(NotImplementedError, match="options="):
        nn.LinearCrossEntropyLoss(3, 4, options=1)
