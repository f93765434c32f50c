"""Losses of numbers, margins and distances compared with torch: values and gradients."""

import warnings

import numpy as np
import pytest
import torch

import minigrad as mg
from tests.support.torch_twin import TOLERANCE, assert_close

RNG = np.random.default_rng(0)


def normal(*shape):
    return RNG.normal(size=shape)


def positive(*shape):
    return RNG.uniform(0.1, 2.0, shape)


def signs(*shape):
    return np.where(RNG.random(shape) < 0.5, -1, 1)


def probabilities(*shape):
    drawn = RNG.random(shape)
    return drawn / drawn.sum(-1, keepdims=True)


X, Y, Z = normal(5, 4), normal(5, 4), normal(5, 4)
LISTS = np.array([[3, 0, -1, 1], [-1, 2, 2, 2], [0, 1, 2, 3], [2, 2, -1, -1], [1, -1, 0, -1]])
ROW = np.array([0.5, 1.0, 2.0, 0.25])
EUCLIDEAN = {"distance_function": lambda a, b: ((a - b) ** 2).sum(-1)}

# Name, options, inputs; floating inputs get gradients.
LOSSES = {
    "smooth l1": ("SmoothL1Loss", {"beta": 0.7}, (X, Y)),
    "smooth l1 of no width": ("SmoothL1Loss", {"beta": 0.0}, (X, Y)),
    "huber": ("HuberLoss", {"delta": 0.6}, (X, Y)),
    "kl": ("KLDivLoss", {}, (X, probabilities(5, 4))),
    "kl with zeros": ("KLDivLoss", {}, (X, np.eye(5, 4))),
    "kl of logarithms": ("KLDivLoss", {"log_target": True}, (X, Y)),
    "poisson": ("PoissonNLLLoss", {}, (X, np.abs(Y) * 3)),
    "poisson full": ("PoissonNLLLoss", {"full": True}, (X, np.abs(Y) * 3)),
    "poisson rate": ("PoissonNLLLoss", {"log_input": False, "eps": 1e-3}, (positive(5, 4), Y**2)),
    "gaussian": ("GaussianNLLLoss", {}, (X, Y, positive(5, 4))),
    "gaussian full": ("GaussianNLLLoss", {"full": True, "eps": 0.5}, (X, Y, positive(5, 1))),
    "gaussian by row": ("GaussianNLLLoss", {}, (X, Y, positive(5))),
    "hinge embedding": ("HingeEmbeddingLoss", {"margin": 0.4}, (X, signs(5, 4))),
    "margin ranking": ("MarginRankingLoss", {"margin": 0.3}, (X, Y, signs(5, 4))),
    "soft margin": ("SoftMarginLoss", {}, (X, signs(5, 4))),
    "cosine embedding": ("CosineEmbeddingLoss", {"margin": 0.1}, (X, Y, signs(5))),
    "cosine embedding of one": ("CosineEmbeddingLoss", {}, (X[0], Y[0], signs())),
    "multi margin": ("MultiMarginLoss", {}, (X, np.array([0, 3, 2, 1, 1]))),
    "multi margin squared": (
        "MultiMarginLoss", {"p": 2, "margin": 0.5, "weight": ROW}, (X, np.array([0, 3, 2, 1, 1])),
    ),
    "multi margin of one": ("MultiMarginLoss", {}, (X[0], np.array(2))),
    "multi label margin": ("MultiLabelMarginLoss", {}, (X, LISTS)),
    "multi label margin of one": ("MultiLabelMarginLoss", {}, (X[0], LISTS[0])),
    "multi label soft margin": ("MultiLabelSoftMarginLoss", {"weight": ROW}, (X, signs(5, 4) > 0)),
    "triplet": ("TripletMarginLoss", {}, (X, Y, Z)),
    "triplet swapped": ("TripletMarginLoss", {"swap": True, "p": 1.0, "margin": 0.5}, (X, Y, Z)),
    "triplet with distance": ("TripletMarginWithDistanceLoss", EUCLIDEAN, (X, Y, Z)),
}  # fmt: skip

DISTANCES = {
    "cosine": ("CosineSimilarity", {}, (X, Y)),
    "cosine along 0": ("CosineSimilarity", {"dim": 0, "eps": 1e-3}, (X, Y)),
    "pairwise": ("PairwiseDistance", {}, (X, Y)),
    "pairwise kept": ("PairwiseDistance", {"p": 3.0, "keepdim": True}, (X, Y[:1])),
}


def run(library, name, options, inputs, dtype):
    """The value, and the gradients of the floating inputs for a random cotangent."""
    given = {
        key: library.tensor(value.astype(dtype)) if isinstance(value, np.ndarray) else value
        for key, value in options.items()
    }
    tensors = [library.tensor(x.astype(dtype) if x.dtype.kind in "fb" else x) for x in inputs]
    leaves = [t.requires_grad_() for x, t in zip(inputs, tensors, strict=True) if x.dtype == float]
    out = getattr(library.nn, name)(**given)(*tensors)
    cotangent = np.random.default_rng(1).normal(size=tuple(out.shape)).astype(dtype)
    out.backward(library.tensor(cotangent))
    return out, [leaf.grad for leaf in leaves]


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("reduction", ["mean", "sum", "none", "batchmean"])
@pytest.mark.parametrize("name", LOSSES)
def test_losses_match_torch(name, reduction, dtype):
    kind, options, inputs = LOSSES[name]
    if reduction == "batchmean" and kind != "KLDivLoss":
        with pytest.raises(ValueError, match="batchmean"):
            getattr(mg.nn, kind)(**options, reduction=reduction)
    else:
        compare_with_torch(kind, {**options, "reduction": reduction}, inputs, dtype)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("name", DISTANCES)
def test_distances_match_torch(name, dtype):
    compare_with_torch(*DISTANCES[name], dtype)


def compare_with_torch(kind, options, inputs, dtype):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # both warn of the mean of a divergence
        ours, our_gradients = run(mg, kind, options, inputs, dtype)
        theirs, their_gradients = run(torch, kind, options, inputs, dtype)
    assert_close(ours, theirs, TOLERANCE[dtype], "loss")
    for i, (a, b) in enumerate(zip(our_gradients, their_gradients, strict=True)):
        assert_close(a, b, TOLERANCE[dtype], f"gradient {i}")


def test_normalize_matches_torch():
    for options in ({}, {"p": 1.0, "dim": 0}, {"eps": 10.0}):
        ours = mg.nn.functional.normalize(mg.tensor(X), **options)
        assert_close(ours, torch.nn.functional.normalize(torch.tensor(X), **options), 1e-12)


def test_the_mean_of_a_divergence_warns_as_torchs_does():
    with pytest.warns(UserWarning, match="batchmean"):
        mg.nn.KLDivLoss()(mg.tensor(X), mg.tensor(Y))


F = mg.nn.functional
ROWS = mg.ones(2, 3)


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: F.smooth_l1_loss(ROWS, ROWS, beta=-1.0), RuntimeError, "for beta, got -1.0"),
        (lambda: F.huber_loss(ROWS, ROWS, delta=0.0), RuntimeError, "delta"),
        (lambda: F.gaussian_nll_loss(ROWS, ROWS, -ROWS), ValueError, "negative"),
        (lambda: F.gaussian_nll_loss(ROWS, ROWS, mg.ones(4)), ValueError, r"incorrect size: \[4\]"),
        (lambda: F.multi_margin_loss(ROWS, mg.tensor([0, 3])), RuntimeError, "0 to 2, got 0 to 3"),
        (
            lambda: F.multi_margin_loss(ROWS, mg.tensor([0])),
            RuntimeError,
            r"Expected target size \[2\]",
        ),
        (lambda: F.multi_margin_loss(ROWS, mg.tensor([0, 1]), p=3), ValueError, "p == 1"),
        (lambda: F.multilabel_margin_loss(ROWS, mg.tensor([0, 1])), RuntimeError, "inconsistent"),
        (lambda: F.margin_ranking_loss(ROWS, ROWS, mg.tensor(1.0)), RuntimeError, "same dimension"),
        (lambda: F.cosine_embedding_loss(ROWS, ROWS, ROWS), RuntimeError, r"\(N, D\)"),
        (lambda: F.triplet_margin_loss(ROWS, ROWS, ROWS, margin=0.0), ValueError, "greater than 0"),
        (lambda: mg.nn.TripletMarginLoss(margin=-1.0), ValueError, "greater than 0, got -1.0"),
        (lambda: F.kl_div(ROWS, [1.0]), TypeError, "must be Tensor, not list"),
    ],
)
def test_bad_input_is_refused_in_words(call, error, says):
    with pytest.raises(error, match=says):
        call()
