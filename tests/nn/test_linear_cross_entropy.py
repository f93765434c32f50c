"""LinearCrossEntropyLoss compared with torch."""

import tracemalloc

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


# --- chunks of rows -------------------------------------------------------------------------------

CHUNKS = {
    "one row": {"batch_chunk_size": 1},
    "not a divisor": {"batch_chunk_size": 4},
    "all": {"batch_chunk_size": 100},
    "automatic": {},
    "by the shape": {"chunking_method": "aspect_ratio:2"},
}


def options_of(m, name):
    return m.nn.LinearCrossEntropyOptions(**CHUNKS[name], allow_retain_graph=True)


def gradients(m, x, target, dtype, double=False, options=None, **settings):
    """The loss, its gradients and, if asked for, those of a function of the gradients."""
    rng = np.random.default_rng(1)
    inputs = [
        m.tensor(each.astype(dtype), requires_grad=True)
        for each in (x, rng.normal(size=(7, 4)), rng.normal(size=7))
    ]
    class_weight = m.tensor(np.linspace(0.5, 2.0, 7).astype(dtype))
    loss = m.nn.functional.linear_cross_entropy(
        inputs[0], inputs[1], m.tensor(target), linear_bias=inputs[2], weight=class_weight,
        options=options, **settings,
    )  # fmt: skip
    total = (loss * m.arange(1, loss.numel() + 1).reshape(loss.shape)).sum()
    found = m.autograd.grad(total, inputs, create_graph=double)
    if double:
        found = m.autograd.grad(sum((each**2).sum() for each in found), inputs)
    return [each.detach().numpy() for each in (loss, *found)]


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("shape", [(10, 4), (4,)])
@pytest.mark.parametrize("name", CHUNKS)
def test_chunks_give_the_loss_and_the_gradients_of_torch(name, shape, reduction, dtype):
    x, target = RNG.normal(size=shape), (np.arange(3, 13) % 7 if shape[1:] else np.array(3))
    for settings in ({}, {"ignore_index": 2}):
        ours, theirs, whole = (
            gradients(m, x, target, dtype, reduction=reduction, options=options, **settings)
            for m, options in (
                (mg, options_of(mg, name)),
                (torch, options_of(torch, name)),
                (torch, None),
            )
        )
        for mine, other, unchunked in zip(ours, theirs, whole, strict=True):
            for known in (other, unchunked):
                np.testing.assert_allclose(mine, known, TOLERANCE[dtype], TOLERANCE[dtype])


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
def test_chunks_have_second_derivatives(reduction):
    x, target = RNG.normal(size=(10, 4)), RNG.integers(0, 7, 10)
    ours, theirs = (
        gradients(m, x, target, "float64", double=True, options=options, reduction=reduction)
        for m, options in ((mg, options_of(mg, "not a divisor")), (torch, None))
    )
    for mine, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-9, atol=1e-12)


def test_a_layer_takes_chunks_and_its_backward_may_run_again():
    layer = nn.LinearCrossEntropyLoss(4, 7, options=nn.LinearCrossEntropyOptions())
    assert "options=LinearCrossEntropyOptions(" in repr(layer)
    loss = layer(mg.ones(9, 4), mg.zeros(9, dtype=mg.int64))
    loss.backward(retain_graph=True)
    once = layer.linear.weight.grad.clone()
    loss.backward()
    np.testing.assert_allclose(layer.linear.weight.grad.numpy(), 2 * once.numpy(), rtol=1e-6)


def test_only_needed_gradients_are_computed():
    x, options = mg.ones(9, 4), nn.LinearCrossEntropyOptions(batch_chunk_size=2)
    weight = mg.ones(7, 4, requires_grad=True)
    F.linear_cross_entropy(x, weight, mg.arange(9) % 7, options=options).backward()
    assert weight.grad.shape == (7, 4)
    assert x.grad is None
    assert not F.linear_cross_entropy(
        x, weight.detach(), mg.arange(9) % 7, options=options
    ).requires_grad


def test_an_ignored_batch_has_no_mean():
    loss = gradients(mg, np.ones((3, 4)), np.full(3, 2), "float64", reduction="mean",
                     ignore_index=2, options=options_of(mg, "one row"))[0]  # fmt: skip
    assert np.isnan(loss)


@pytest.mark.parametrize("case", ["smoothing", "probabilities", "places"])
def test_chunks_that_torch_has_not_are_left_out_with_a_warning(case):
    def run(m, options):
        x, weight, target = m.ones(3, 4).double(), m.ones(7, 4).double(), m.tensor([0, 1, 4])
        if case == "probabilities":
            return m.nn.functional.linear_cross_entropy(
                x, weight, m.ones(3, 7).double(), options=options
            )
        if case == "places":
            weight, target = m.ones(7, 2, 4).double(), m.tensor([[0, 1], [2, 3], [4, 5]])
        smoothing = 0.25 if case == "smoothing" else 0.0
        return m.nn.functional.linear_cross_entropy(
            x, weight, target, label_smoothing=smoothing, options=options
        )

    for m in (mg, torch):
        with pytest.warns(UserWarning, match="``options`` ignored; chunked path needs"):
            found = run(m, m.nn.LinearCrossEntropyOptions())
        assert found.item() == pytest.approx(run(torch, None).item(), rel=1e-9)


@pytest.mark.parametrize(
    "wrong",
    [
        {"acc_policy": "rough"},
        {"chunking_method": "ratio"},
        {"chunking_method": "aspect_ratio:0"},
        {"chunking_method": "aspect_ratio:x"},
        {"batch_chunk_size": 0},
        {"batch_chunk_size": 2.5},
        {"acc_dtype": "int64"},
    ],
)
def test_absurd_options_are_refused(wrong):
    for m in (torch, mg):
        given = {k: getattr(m, v) if k == "acc_dtype" else v for k, v in wrong.items()}
        words = next(iter(wrong)) if "policy" not in str(wrong) else "acc_policy"
        with pytest.raises(ValueError, match=words):
            m.nn.LinearCrossEntropyOptions(**given)


@pytest.mark.parametrize("method", ["aspect_ratio", "aspect_ratio:3"])
def test_rows_of_a_chunk_are_torchs(method):
    for shape in [(1000, 64, 8192), (7, 4, 3), (4096, 128, 50257), (1, 1, 1), (0, 4, 7)]:
        theirs = torch.nn.LinearCrossEntropyOptions(chunking_method=method)._adjust(*shape, None)
        ours = nn.LinearCrossEntropyOptions(chunking_method=method).rows_of_chunk(*shape)
        assert ours == theirs.batch_chunk_size, shape
    options = {"chunking_method": method, "batch_chunk_size": 999}
    with pytest.raises(ValueError, match="give different chunk sizes"):
        torch.nn.LinearCrossEntropyOptions(**options)._adjust(1000, 64, 8192, None)
    with pytest.raises(ValueError, match="give different chunk sizes"):
        nn.LinearCrossEntropyOptions(**options).rows_of_chunk(1000, 64, 8192)


def test_chunks_need_little_memory():
    """The scores of 512 rows and 4096 classes are 8 MiB, of a chunk 1 MiB."""
    x, target = mg.rand(512, 32, requires_grad=True), mg.arange(512)
    weight = mg.rand(4096, 32, requires_grad=True)
    peaks = []
    for options in (None, nn.LinearCrossEntropyOptions()):
        F.linear_cross_entropy(x, weight, target, options=options).backward()
        x.grad = weight.grad = None
        tracemalloc.start()
        F.linear_cross_entropy(x, weight, target, options=options).backward()
        peaks.append(tracemalloc.get_traced_memory()[1] / 2**20)
        tracemalloc.stop()
        x.grad = weight.grad = None
    assert peaks[0] > 16, peaks
    assert peaks[1] < 6, peaks
