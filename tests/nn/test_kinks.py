"""Gradients at kinks, where a derivative is a choice: the same choice as torch's.

A margin loss passes the gradient where its hinge is exactly 0; a model whose weights start at 0
has equal scores, and would never learn otherwise.
"""

import numpy as np
import pytest
import torch

import minigrad as mg
from tests.support.against_torch import compare

DTYPES = ["float32", "float64"]
POINTS = np.array([-6, -3, -2, -1, -0.5, -0.0, 0, 0.25, 0.5, 0.75, 1, 2, 3, 6, 20, -20])
PAIRS = [a.ravel() for a in np.meshgrid([-1.0, 0, 1, 2], [-1.0, 0, 1, 2])]
BASE, NEAR, FAR = np.array(
    [
        [[0, 0], [0, 0], [1, 1], [0, 0]],
        [[0, 0], [3, 4], [1, 1], [0, 2]],
        [[1, 0], [4, 4], [1, 1], [1, 1]],
    ],
    dtype=float,
)


def nn(m):
    return m.nn.functional


def targets(m, *values):
    return m.tensor(np.array(values, "float64"))


def city_block(x, y):
    return (x - y).abs().sum(-1)


# A function of the library and of tensors, and the arrays of these.
MARGINS = {
    "margin_ranking": (
        lambda m, x, y: nn(m).margin_ranking_loss(x, y, targets(m, 1, -1, 1, -1)),
        np.array([0.0, 0, 1, 2]), np.array([0.0, 0, 1, 2]),
    ),
    "margin_ranking, margin": (
        lambda m, x, y: nn(m).margin_ranking_loss(x, y, targets(m, 1, -1, 1), margin=0.5),
        np.array([0.5, 0, 1]), np.array([0, 0.5, 1]),
    ),
    "hinge_embedding": (
        lambda m, x: nn(m).hinge_embedding_loss(x, targets(m, -1, 1, -1, 1, -1)),
        np.array([1.0, 1, 0, 0, 2]),
    ),
    "hinge_embedding, other targets": (
        lambda m, x: nn(m).hinge_embedding_loss(x, targets(m, 0, 0.5, -1, 1, 2)),
        np.array([1.0, 1, 0, 0, 2]),
    ),
    "cosine_embedding": (
        lambda m, x, y: nn(m).cosine_embedding_loss(x, y, targets(m, -1, 1, -1, -1)),
        np.array([[1.0, 0], [1, 0], [0, 0], [1, 0]]), np.array([[0.0, 1], [0, 1], [0, 0], [-1, 0]]),
    ),
    "triplet_margin": (
        lambda m, a, p, n: nn(m).triplet_margin_loss(a, p, n, eps=0.0, p=1.0), BASE, NEAR, FAR
    ),
    "triplet_margin, swap": (
        lambda m, a, p, n: nn(m).triplet_margin_loss(a, p, n, eps=0.0, p=1.0, swap=True),
        BASE, NEAR, FAR,
    ),
    "triplet_margin_with_distance": (
        lambda m, a, p, n: nn(m).triplet_margin_with_distance_loss(
            a, p, n, distance_function=city_block
        ),
        BASE, NEAR, FAR,
    ),
    "multi_margin": (
        lambda m, x: nn(m).multi_margin_loss(x, m.tensor([0, 1, 2])),
        np.array([[1.0, 0, 0], [1, 1, 1], [0, 1, 2]]),
    ),
    "multi_margin, no margin": (
        lambda m, x: nn(m).multi_margin_loss(x, m.tensor([0, 1, 2]), margin=0.0),
        np.array([[1.0, 0, 0], [1, 1, 1], [0, 1, 2]]),
    ),
    "multilabel_margin": (
        lambda m, x: nn(m).multilabel_margin_loss(
            x, m.tensor([[0, -1, -1], [1, 2, -1], [2, -1, 0]])
        ),
        np.array([[1.0, 0, 0], [1, 1, 1], [0, 1, 2]]),
    ),
    "multilabel_soft_margin": (
        lambda m, x: nn(m).multilabel_soft_margin_loss(x, m.tensor([[1.0, 0], [0, 1]]).to(x.dtype)),
        np.zeros((2, 2)),
    ),
    "huber": (lambda m, x: nn(m).huber_loss(x, m.zeros_like(x), delta=0.5), POINTS),
    "smooth_l1": (lambda m, x: nn(m).smooth_l1_loss(x, m.zeros_like(x)), POINTS),
    "smooth_l1, beta 0": (lambda m, x: nn(m).smooth_l1_loss(x, m.zeros_like(x), beta=0.0), POINTS),
    "l1": (lambda m, x: nn(m).l1_loss(x, m.zeros_like(x)), POINTS),
    "gaussian_nll": (
        lambda m, x, v: nn(m).gaussian_nll_loss(x, m.zeros_like(x), v, eps=0.5),
        np.ones(3), np.array([0, 0.5, 1]),
    ),
}  # fmt: skip

LAYERS = ["relu", "relu6", "hardtanh", "hardsigmoid", "hardswish", "hardshrink", "softshrink",
          "elu", "selu", "celu", "leaky_relu", "softplus", "rrelu", "logsigmoid"]  # fmt: skip
OF_ONE = ["abs", "sign", "floor", "ceil", "round", "trunc", "frac", "nan_to_num"]
OF_TWO = ["maximum", "minimum", "fmax", "fmin", "fmod", "copysign", "hypot", "atan2"]

PIECES = (
    {name: (lambda m, x, name=name: getattr(nn(m), name)(x), POINTS) for name in LAYERS}
    | {name: (lambda m, x, name=name: getattr(m, name)(x), POINTS) for name in OF_ONE}
    | {name: (lambda m, x, y, name=name: getattr(m, name)(x, y), *PAIRS) for name in OF_TWO}
    | {
        "threshold": (lambda m, x: nn(m).threshold(x, 0.5, 9.0), POINTS),
        "prelu": (lambda m, x, w: nn(m).prelu(x, w), POINTS, np.array([0.25])),
        "clamp": (lambda m, x: m.clamp(x, -1.0, 1.0), POINTS),
        "clamp to tensors": (
            lambda m, x, low, high: m.clamp(x, low, high),
            POINTS, np.full(16, -1.0), np.full(16, 1.0),
        ),
        "clamp to a tensor": (lambda m, x, low: m.clamp_min(x, low), POINTS, np.ones(16)),
        "max": (lambda m, x: m.max(x), np.array([[1.0, 1, 0], [1, 0, 1]])),
        "amax": (lambda m, x: m.amax(x, 1), np.array([[1.0, 1, 0], [2, 2, 2]])),
        "cummax": (lambda m, x: m.cummax(x, 1)[0], np.array([[1.0, 1, 0], [2, 2, 2]])),
        "median": (lambda m, x: m.median(x), np.array([[1.0, 1, 0], [1, 0, 1]])),
        "max_pool2d": (lambda m, x: nn(m).max_pool2d(x, 2), np.ones((1, 1, 4, 4))),
        "lp_pool2d": (lambda m, x: nn(m).lp_pool2d(x, 2.0, 2), np.zeros((1, 1, 4, 4))),
        "norm": (lambda m, x: m.linalg.vector_norm(x, dim=1), np.array([[1.0, -1], [0, 0]])),
        "1-norm": (lambda m, x: m.linalg.vector_norm(x, 1, dim=1), np.array([[1.0, -1], [0, 0]])),
        "max-norm": (
            lambda m, x: m.linalg.vector_norm(x, float("inf"), dim=1),
            np.array([[1.0, -1], [0, 0]]),
        ),
        "cdist": (lambda m, x, y: m.cdist(x, y), np.array([[1.0, -1], [0, 0]]), np.zeros((1, 2))),
        "normalize": (lambda m, x: nn(m).normalize(x), np.array([[1.0, -1], [0, 0]])),
        "grid_sample at the border": (
            lambda m, x, grid: nn(m).grid_sample(
                x, grid, padding_mode="border", align_corners=True
            ),
            np.arange(9.0).reshape(1, 1, 3, 3),
            np.array([[[[0, 0], [-1, -1], [1, 1], [0.5, 2]]]]),
        ),
    }
)  # fmt: skip

KINKS = MARGINS | PIECES


# torch's 1/6 in hardsigmoid is one of float32, whatever the dtype.
CASES = [(name, dtype) for name in KINKS for dtype in DTYPES if name != "hardsigmoid"]


@pytest.mark.parametrize(("name", "dtype"), [*CASES, ("hardsigmoid", "float32")])
def test_as_torch(name, dtype):
    function, *arrays = KINKS[name]
    compare(function, *(array.astype(dtype) for array in arrays), note=name)


def test_a_ranker_that_starts_at_zero_learns():
    def weights(m):
        w = m.zeros(3, dtype=m.float64, requires_grad=True)
        better, worse = m.eye(3, dtype=m.float64), m.ones(3, 3, dtype=m.float64)
        nn(m).margin_ranking_loss(better @ w, worse @ w, m.ones(3, dtype=m.float64)).backward()
        return w.grad.numpy()

    assert np.abs(weights(mg)).min() > 0
    np.testing.assert_array_equal(weights(mg), weights(torch))


@pytest.mark.parametrize("name", [*OF_ONE[1:6], "relu", "hardtanh"])
def test_what_does_not_depend_gets_nothing_of_an_infinite_gradient(name):
    def function(m, x):
        out = getattr(nn(m) if name in LAYERS else m, name)(x)
        return out * m.tensor([float("inf"), float("nan")], dtype=x.dtype)

    points = np.array([-2.5, -2.5])
    ours, theirs = (
        m.autograd.grad(function(m, x).sum(), x)[0].numpy()
        for m in (mg, torch)
        for x in [m.tensor(points, requires_grad=True)]
    )
    np.testing.assert_array_equal(ours, theirs)
