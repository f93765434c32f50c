"""nn.utils.prune, compared with torch with copied weights: masks, states, gradients, removal."""

import copy

import numpy as np
import pytest
import torch
import torch.nn.utils.prune as torch_prune

import minigrad as mg
from minigrad import nn
from minigrad.nn.utils import prune
from tests.support.torch_twin import assert_close, assert_same_run, assert_same_structure, twins


def of(library):
    return prune if library is mg else torch_prune


def mask_for(library, *shape):
    values = np.random.default_rng(5).integers(0, 2, shape)
    return library.tensor(values)


def scores_for(library, *shape):
    return library.tensor(np.random.default_rng(7).normal(size=shape))


INFINITY = float("inf")
# What prunes a convolution's weight (4, 2, 3, 3), each by values alone.
WAYS = {
    "identity": lambda p, m, library: p.identity(m, "weight"),
    "l1 by number": lambda p, m, library: p.l1_unstructured(m, "weight", 17),
    "l1 by fraction": lambda p, m, library: p.l1_unstructured(m, "weight", amount=0.37),
    "l1 of nothing": lambda p, m, library: p.l1_unstructured(m, "weight", 0),
    "l1 of all": lambda p, m, library: p.l1_unstructured(m, "weight", 1.0),
    "l1 of scores": lambda p, m, library: p.l1_unstructured(
        m, "weight", 9, importance_scores=scores_for(library, 4, 2, 3, 3)
    ),
    "l1 of the bias": lambda p, m, library: p.l1_unstructured(m, "bias", 2),
    "l2 of outputs": lambda p, m, library: p.ln_structured(m, "weight", 2, 2, 0),
    "l1 of inputs": lambda p, m, library: p.ln_structured(m, "weight", 0.5, n=1, dim=1),
    "largest of columns": lambda p, m, library: p.ln_structured(m, "weight", 1, INFINITY, -1),
    "smallest of rows": lambda p, m, library: p.ln_structured(m, "weight", 1, -INFINITY, 2),
    "no channels": lambda p, m, library: p.ln_structured(m, "weight", 0, 2, 0),
    "norms of scores": lambda p, m, library: p.ln_structured(
        m, "weight", 0.3, 2, dim=0, importance_scores=scores_for(library, 4, 2, 3, 3)
    ),
    "a mask": lambda p, m, library: p.custom_from_mask(
        m, "weight", mask_for(library, 4, 2, 3, 3)
    ),
    "elements, then channels": lambda p, m, library: p.ln_structured(
        p.l1_unstructured(m, "weight", 0.5), "weight", 1, 2, 0
    ),
    "channels, then elements": lambda p, m, library: p.l1_unstructured(
        p.ln_structured(m, "weight", 1, 2, 0), "weight", 0.5
    ),
    "channels twice, then a mask": lambda p, m, library: p.custom_from_mask(
        p.ln_structured(p.ln_structured(m, "weight", 2, 1, 0), "weight", 1, 1, 0),
        "weight",
        mask_for(library, 4, 2, 3, 3),
    ),
    "both parameters": lambda p, m, library: p.l1_unstructured(
        p.l1_unstructured(m, "weight", 5), "bias", 1
    ),
}  # fmt: skip


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("way", WAYS)
def test_pruned_layers_match_torch(way, dtype):
    ours, theirs = twins(lambda library: library.nn.Conv2d(2, 4, 3), dtype)
    assert WAYS[way](prune, ours, mg) is ours
    WAYS[way](torch_prune, theirs, torch)
    assert_same_structure(ours, theirs)
    for (name, mask), (_, its) in zip(ours.named_buffers(), theirs.named_buffers(), strict=True):
        assert_close(mask, its, 0, name)
    x = np.random.default_rng(1).normal(size=(2, 2, 5, 6)).astype(dtype)
    tolerance = 1e-9 if dtype == "float64" else 1e-4
    assert_same_run(ours, theirs, x, tolerance=tolerance)
    for name in ("weight", "bias"):
        if f"{name}_orig" in dict(ours.named_parameters()):
            prune.remove(ours, name)
            torch_prune.remove(theirs, name)
    assert not prune.is_pruned(ours)
    assert isinstance(ours.weight, nn.Parameter)
    assert_same_structure(ours, theirs)
    ours.zero_grad()
    theirs.zero_grad()
    assert_same_run(ours, theirs, x, tolerance=tolerance)


@pytest.mark.parametrize("amount", [7, 0.4])
def test_several_parameters_are_pruned_as_one(amount):
    def make(library):
        return library.nn.Sequential(library.nn.Linear(5, 4), library.nn.Linear(4, 3))

    ours, theirs = twins(make)
    for library, net in ((mg, ours), (torch, theirs)):
        p = of(library)
        p.l1_unstructured(net[0], "weight", 3)
        pairs = ((net[i], name) for i in (0, 1) for name in ("weight", "bias"))
        pairs = pairs if library is mg else list(pairs)
        p.global_unstructured(pairs, pruning_method=p.L1Unstructured, amount=amount)
        scores = {(net[1], "bias"): scores_for(library, 3)}
        p.global_unstructured([(net[1], "bias")], p.L1Unstructured, scores, amount=1)
    assert_same_structure(ours, theirs)
    assert_same_run(ours, theirs, np.random.default_rng(1).normal(size=(6, 5)), tolerance=1e-9)


def test_by_chance_the_number_is_kept_and_earlier_zeros_stay():
    mg.manual_seed(0)
    layer = prune.random_unstructured(nn.Linear(10, 8), "weight", amount=0.25)
    first = layer.weight_mask.clone()
    assert int(first.sum()) == 60
    prune.random_unstructured(layer, "weight", amount=0.5)  # of the 60 that are left
    assert int(layer.weight_mask.sum()) == 30
    assert bool((layer.weight_mask <= first).all())
    other = prune.random_unstructured(nn.Linear(10, 8), "weight", amount=20)
    assert not other.weight_mask.equal(first)


@pytest.mark.parametrize(("dim", "amount", "left"), [(0, 3, 5), (1, 0.5, 5), (-1, 10, 0)])
def test_channels_by_chance(dim, amount, left):
    mask = prune.random_structured(nn.Linear(10, 8), "weight", amount, dim=dim).weight_mask
    channels = mask.transpose(dim, 0).sum(1)
    assert int((channels != 0).sum()) == left
    assert set(channels.tolist()) <= {0.0, float(mask.numel() // mask.shape[dim])}


def test_a_pruned_layer_trains_and_its_zeros_stay():
    mg.manual_seed(0)
    layer = prune.l1_unstructured(nn.Linear(6, 4), "weight", 0.5)
    optimizer = mg.optim.SGD(layer.parameters(), lr=0.1, momentum=0.9)
    x, before = mg.randn(8, 6), layer.weight.detach()
    for _ in range(3):
        optimizer.zero_grad()
        layer(x).square().mean().backward()
        optimizer.step()
    assert bool((layer.weight_orig.grad[layer.weight_mask == 0] == 0).all())
    layer(x)
    assert bool((layer.weight[layer.weight_mask == 0] == 0).all())
    assert not layer.weight.equal(before)
    original = layer.weight_orig
    assert prune.remove(layer, "weight").weight is original
    assert int((layer.weight == 0).sum()) == 12


def test_states_load_into_a_pruned_layer():
    layer = prune.l1_unstructured(nn.Linear(6, 4), "weight", 0.5)
    other = prune.identity(nn.Linear(6, 4), "weight")
    other.load_state_dict(copy.deepcopy(layer.state_dict()))
    x = mg.randn(2, 6)
    assert other(x).equal(layer(x))


@pytest.mark.parametrize(
    ("error", "words", "attempt"),
    [
        (TypeError, "Must be int or float", lambda p, m: p.l1_unstructured(m, "weight", "a")),
        (ValueError, "non-negative", lambda p, m: p.l1_unstructured(m, "weight", -1)),
        (ValueError, r"in the range \[0, 1\]",
         lambda p, m: p.random_structured(m, "weight", 1.5, 0)),
        (ValueError, "number of parameters to prune=6",
         lambda p, m: p.l1_unstructured(m, "weight", 7)),
        (ValueError, "multidimensional", lambda p, m: p.ln_structured(m, "bias", 1, 2, 0)),
        (IndexError, "Invalid index 2", lambda p, m: p.ln_structured(m, "weight", 1, 2, 2)),
        (AttributeError, "slope", lambda p, m: p.l1_unstructured(m, "slope", 1)),
        (ValueError, "has to be pruned before", lambda p, m: p.remove(m, "weight")),
        (AssertionError, "same shape as parameter weight",
         lambda p, m: p.l1_unstructured(m, "weight", 1, importance_scores=m.bias)),
        (TypeError, 'Only "unstructured"',
         lambda p, m: p.global_unstructured([(m, "weight")], p.LnStructured, amount=1, n=2)),
        (TypeError, "not an Iterable",
         lambda p, m: p.global_unstructured(1, p.L1Unstructured, amount=1)),
        (TypeError, "must be of type dict",
         lambda p, m: p.global_unstructured([(m, "weight")], p.L1Unstructured, [1], amount=1)),
    ],
)  # fmt: skip
def test_what_cannot_be_pruned_is_refused_and_stays(error, words, attempt):
    for library in (torch, mg):
        layer = library.nn.Linear(3, 2)
        with pytest.raises(error, match=words):
            attempt(of(library), layer)
        assert [name for name, _ in layer.named_parameters()] in (
            ["weight", "bias"], ["bias", "weight"],
        )  # fmt: skip
        assert not of(library).is_pruned(layer)


def test_a_refused_second_pruning_leaves_the_first():
    layer = prune.l1_unstructured(nn.Linear(3, 2), "weight", 2)
    with pytest.raises(ValueError, match="to prune=4"):
        prune.l1_unstructured(layer, "weight", 5)
    assert prune.is_pruned(layer)
    assert int((prune.remove(layer, "weight").weight == 0).sum()) == 2
