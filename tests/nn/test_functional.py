"""Losses, padding and errors of functional layers, compared with torch."""

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

import minigrad as mg
from minigrad import nn
from minigrad.nn import functional as F
from tests.support.torch_twin import TOLERANCE, assert_close

SHAPES = [(5, 4), (4,), (3, 4, 2), (2, 4, 3, 2)]


def labels_for(shape, rng, ignored):
    places = () if len(shape) == 1 else (shape[0], *shape[2:])
    labels = rng.integers(0, shape[0 if len(shape) == 1 else 1], places)
    return np.where(rng.random(places) < 0.3, -7, labels) if ignored else labels


def compare(ours, theirs, x, target, dtype):
    """A loss of x and target: its value, and its gradient for a random cotangent."""
    tolerance = TOLERANCE[dtype]
    a = mg.tensor(x.astype(dtype), requires_grad=True)
    b = torch.tensor(x.astype(dtype), requires_grad=True)
    loss, other = ours(a, mg.tensor(target)), theirs(b, torch.tensor(target))
    # A sum of exponentials is rounded by its largest term, however little is left of it.
    rounding = 4 * np.finfo(dtype).eps
    assert_close(loss, other, tolerance, "loss", rounding)
    cotangent = np.random.default_rng(0).normal(size=tuple(other.shape)).astype(dtype)
    loss.backward(mg.tensor(cotangent))
    other.backward(torch.tensor(cotangent))
    assert_close(a.grad, b.grad, tolerance, "gradient", rounding)


CLASS_LOSSES = st.fixed_dictionaries(
    {
        "shape": st.sampled_from(SHAPES),
        "weighted": st.booleans(),
        "reduction": st.sampled_from(["mean", "sum", "none"]),
        "dtype": st.sampled_from(sorted(TOLERANCE)),
        "seed": st.integers(0, 1000),
    }
)


def make_pair(kind, case, **options):
    """The loss of both libraries with the same options."""
    classes = case["shape"][0 if len(case["shape"]) == 1 else 1]
    weight = np.random.default_rng(9).random(classes).astype(case["dtype"])
    pair = []
    for lib in (mg, torch):
        given_weight = lib.tensor(weight) if case["weighted"] else None
        pair.append(getattr(lib.nn, kind)(given_weight, reduction=case["reduction"], **options))
    return pair


@given(CLASS_LOSSES, st.booleans())
def test_nll_loss_matches_torch(case, ignored):
    rng = np.random.default_rng(case["seed"])
    target = labels_for(case["shape"], rng, ignored)
    assume((target != -7).any())  # the mean of nothing is tested by itself
    x = rng.normal(size=case["shape"])
    compare(*make_pair("NLLLoss", case, ignore_index=-7), x, target, case["dtype"])


@given(CLASS_LOSSES, st.booleans(), st.sampled_from([0.0, 0.1, 1.0]))
def test_cross_entropy_of_classes_matches_torch(case, ignored, smoothing):
    rng = np.random.default_rng(case["seed"])
    target = labels_for(case["shape"], rng, ignored)
    assume((target != -7).any())
    pair = make_pair("CrossEntropyLoss", case, ignore_index=-7, label_smoothing=smoothing)
    compare(*pair, 3 * rng.normal(size=case["shape"]), target, case["dtype"])


@given(CLASS_LOSSES, st.sampled_from([0.0, 0.2]))
def test_cross_entropy_of_probabilities_matches_torch(case, smoothing):
    rng = np.random.default_rng(case["seed"])
    target = rng.random(case["shape"]).astype(case["dtype"])
    pair = make_pair("CrossEntropyLoss", case, label_smoothing=smoothing)
    compare(*pair, 3 * rng.normal(size=case["shape"]), target, case["dtype"])


def test_the_gradient_reaches_probabilities_in_the_target():
    x, q = np.random.default_rng(0).normal(size=(2, 3, 4))
    grads = []
    for lib in (mg, torch):
        target = lib.tensor(q, requires_grad=True)
        lib.nn.functional.cross_entropy(lib.tensor(x), target).backward()
        grads.append(target.grad)
    assert_close(*grads, 1e-9)


@pytest.mark.parametrize("loss", ["nll_loss", "cross_entropy"])
def test_the_mean_over_ignored_labels_alone_is_nan_as_in_torch(loss):
    x = mg.zeros(2, 3, requires_grad=True)
    value = getattr(F, loss)(x, mg.tensor([-100, -100]))
    assert np.isnan(value.item())
    assert getattr(F, loss)(x, mg.tensor([-100, -100]), reduction="sum").item() == 0


def test_cross_entropy_survives_huge_scores():
    x = mg.tensor([[1e4, 0.0], [0.0, 1e4]], requires_grad=True)
    loss = F.cross_entropy(x, mg.tensor([0, 0]))
    loss.backward()
    assert loss.item() == pytest.approx(5e3)
    assert np.isfinite(x.grad.numpy()).all()


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize(
    "kind", ["MSELoss", "L1Loss", "BCELoss", "BCEWithLogitsLoss", "weighted BCELoss"]
)
def test_losses_of_numbers_match_torch(kind, reduction, dtype):
    rng = np.random.default_rng(3)
    x, target = rng.normal(size=(4, 3)), rng.random((4, 3)).astype(dtype)
    if "BCELoss" in kind:
        x = rng.random((4, 3))
    weight = rng.random(3).astype(dtype)
    pair = []
    for lib in (mg, torch):
        options = {"weight": lib.tensor(weight)} if kind.startswith("weighted") else {}
        pair.append(getattr(lib.nn, kind.split()[-1])(reduction=reduction, **options))
    compare(*pair, x, target, dtype)


def test_binary_cross_entropy_is_finite_where_its_logarithm_is_not():
    grads = []
    for lib in (mg, torch):
        x = lib.tensor([0.0, 1.0, 0.0, 1.0], requires_grad=True)
        loss = lib.nn.functional.binary_cross_entropy(
            x, lib.tensor([1.0, 0.0, 0.0, 1.0]), reduction="none"
        )
        loss.sum().backward()
        assert loss.tolist() == [100, 100, 0, 0]
        grads.append(x.grad)
    assert_close(*grads, 1e-6)


def test_weights_of_binary_cross_entropy_with_logits():
    rng = np.random.default_rng(4)
    x, target = 40 * rng.normal(size=(5, 3)), rng.random((5, 3))
    weight, positive = rng.random((2, 3))
    pair = [
        lib.nn.BCEWithLogitsLoss(lib.tensor(weight), pos_weight=lib.tensor(positive))
        for lib in (mg, torch)
    ]
    compare(*pair, x, target, "float64")


@pytest.mark.parametrize(
    ("pad", "mode", "value"),
    [
        ((1, 2), "constant", 3.0), ((1, 2, 0, 3), "constant", None),
        ((-1, 2, 1, -2), "constant", 1.0),
        ((2, 1), "reflect", None), ((2, 1, 1, 2), "reflect", None),
        ((2, 7), "replicate", None), ((5, 1, 4, 2), "circular", None), ((0, 0), "circular", None),
    ],
)  # fmt: skip
def test_padding_matches_torch(pad, mode, value):
    x = np.random.default_rng(0).normal(size=(2, 3, 4, 5))
    x = x if len(pad) == 4 else x[0]
    a, b = mg.tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    y, z = F.pad(a, pad, mode, value), torch.nn.functional.pad(b, pad, mode, value)
    assert_close(y, z, 0)
    weights = np.random.default_rng(1).normal(size=tuple(z.shape))
    y.backward(mg.tensor(weights))
    z.backward(torch.tensor(weights))
    assert_close(a.grad, b.grad, 1e-12)


def test_functions_and_modules_agree():
    x = mg.tensor(np.random.default_rng(0).normal(size=(2, 3, 4, 4)).astype("float32"))
    pairs = [
        (F.relu(x), nn.ReLU()(x)),
        (F.leaky_relu(x, 0.1), nn.LeakyReLU(0.1)(x)),
        (F.softmax(x, dim=1, dtype=mg.float64), nn.Softmax(1)(x.double())),
        (F.log_softmax(x, 2), nn.LogSoftmax(2)(x)),
        (F.max_pool2d(x, 2), nn.MaxPool2d(2)(x)),
        (F.adaptive_avg_pool2d(x, (1, 1)), nn.AdaptiveAvgPool2d(1)(x)),
    ]
    assert all(a.equal(b) for a, b in pairs)
    y = x.clone()
    assert F.relu(y, inplace=True) is y
    assert y.equal(F.relu(x))


ONES = mg.ones(2, 3)
LABELS = mg.tensor([0, 2])


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (
            lambda: F.cross_entropy(ONES, mg.tensor([0, 3])),
            IndexError,
            r"Target 3 .* position \[1\]",
        ),
        (
            lambda: F.nll_loss(ONES, mg.tensor([-1, 0])),
            IndexError,
            r"Target -1 .* classes are 0 to 2",
        ),
        (
            lambda: F.cross_entropy(mg.ones(2, 3, 2, 2), mg.tensor([[[0, 1], [2, 5]]] * 2)),
            IndexError,
            r"Target 5 .* position \[0, 1, 1\]",
        ),
        (lambda: F.nll_loss(ONES, mg.tensor([0.0, 1.0])), RuntimeError, "integer dtype"),
        (lambda: F.nll_loss(ONES, mg.tensor([True, False])), RuntimeError, "integer dtype"),
        (lambda: F.cross_entropy(ONES, mg.tensor([0.0, 1.0])), RuntimeError, "class probabilities"),
        (
            lambda: F.nll_loss(ONES, mg.tensor([0, 1, 2])),
            ValueError,
            r"match target batch_size \(3\): nll_loss of input \[2, 3\]",
        ),
        (lambda: F.nll_loss(ONES, LABELS, mg.ones(2)), RuntimeError, "all 3 classes"),
        (lambda: F.nll_loss(ONES, LABELS, mg.ones(3).double()), RuntimeError, "weight of dtype"),
        (lambda: F.nll_loss(mg.tensor(1.0), LABELS), RuntimeError, "got a scalar"),
        (lambda: F.nll_loss(mg.tensor([[1, 2]]), mg.tensor([0])), RuntimeError, "floating input"),
        (lambda: F.cross_entropy(ONES, LABELS, label_smoothing=1.5), RuntimeError, "Got: 1.5"),
        (lambda: F.cross_entropy(ONES, LABELS, reduction="avg"), ValueError, "'avg'"),
        (lambda: F.cross_entropy(ONES, [0, 1]), TypeError, "must be Tensor"),
        (lambda: F.binary_cross_entropy(2 * ONES, ONES), RuntimeError, "between 0 and 1"),
        (lambda: F.binary_cross_entropy(ONES, mg.ones(3)), ValueError, "must be the same"),
        (lambda: F.pad(ONES, (1,)), RuntimeError, "pairs"),
        (lambda: F.pad(ONES, (1,) * 6), RuntimeError, "at most one for each"),
        (lambda: F.pad(ONES, (3, 0), "reflect"), RuntimeError, "at most 2"),
        (lambda: F.pad(ONES, (0, 4), "circular"), RuntimeError, "at most 3"),
        (lambda: F.pad(ONES, (-2, -2)), RuntimeError, "cuts more"),
        (lambda: F.pad(ONES, (1, 1), "mirror"), NotImplementedError, "mirror"),
        (lambda: F.pad(ONES, (1, 1), "reflect", 2.0), RuntimeError, "take in value"),
        (lambda: F.dropout(ONES, -1.0), ValueError, "between 0 and 1"),
        (lambda: F.dropout(mg.tensor([1]), 0.5), RuntimeError, "floating input"),
        (lambda: F.batch_norm(ONES, None, None), RuntimeError, "to be defined"),
        (lambda: F.batch_norm(mg.ones(3), None, None), RuntimeError, r"expects \(N, C"),
        (lambda: F.conv2d(mg.ones(1, 1, 3, 3), mg.ones(1, 1, 3)), RuntimeError, "weight"),
        (lambda: F.conv2d([1], mg.ones(1, 1, 3, 3)), TypeError, "must be Tensor"),
        (
            lambda: F.conv2d(mg.ones(1, 2, 3, 3), mg.ones(4, 2, 1, 1), mg.ones(3)),
            RuntimeError,
            "4 elements",
        ),
        (
            lambda: F.conv2d(mg.ones(1, 2, 3, 3), mg.ones(3, 1, 1, 1), groups=2),
            RuntimeError,
            "groups=2",
        ),
        (
            lambda: F.conv2d(mg.ones(1, 1, 3, 3, dtype=bool), mg.ones(1, 1, 1, 1, dtype=bool)),
            RuntimeError,
            "not implemented",
        ),
        (lambda: F.max_pool2d(mg.ones(1, 1, 4, 4), 0), RuntimeError, "at least 1"),
    ],
)
def test_bad_input_is_refused_in_words(call, error, says):
    with pytest.raises(error, match=says):
        call()


@pytest.mark.parametrize("loss", [F.mse_loss, F.l1_loss])
def test_losses_of_other_shapes_warn_as_in_torch(loss):
    with pytest.warns(UserWarning, match=r"target size \[3\] .* input size \[2, 3\]"):
        assert loss(ONES, mg.zeros(3)).item() == 1.0


def test_losses_can_be_differentiated_twice():
    x = np.random.default_rng(0).normal(size=(3, 4))
    seconds = []
    for lib in (mg, torch):
        a = lib.tensor(x, requires_grad=True)
        loss = lib.nn.functional.cross_entropy(a, lib.tensor([0, 3, 1]), label_smoothing=0.1)
        (grad,) = lib.autograd.grad(loss, a, create_graph=True)
        (grad * grad).sum().backward()
        seconds.append(a.grad)
    assert_close(*seconds, 1e-9)
