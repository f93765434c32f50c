"""AdaptiveLogSoftmaxWithLoss compared with torch, and properties of its probabilities."""

import numpy as np
import pytest
import torch

import minigrad as mg
from minigrad import nn
from minigrad.testing import arr, check_module
from tests.support.against_torch import same_outcome
from tests.support.torch_twin import TOLERANCE, assert_close, assert_same_structure, copy_state

FORMS = {
    "two clusters": ((16, 20, [4, 9]), {}),
    "one cluster": ((6, 10, [3]), {"head_bias": True}),
    "narrowing by 2": ((8, 15, (2, 5, 9)), {"div_value": 2.0, "head_bias": True}),
    "clusters of one class": ((5, 5, [1, 2, 3, 4]), {"div_value": 1.0}),
}
RNG = np.random.default_rng(0)


def pair_of(name, dtype="float64"):
    """The same layer in both libraries, with the same weights."""
    args, options = FORMS[name]
    torch.manual_seed(3)
    theirs = torch.nn.AdaptiveLogSoftmaxWithLoss(*args, **options, dtype=getattr(torch, dtype))
    ours = nn.AdaptiveLogSoftmaxWithLoss(*args, **options, dtype=getattr(mg, dtype))
    assert_same_structure(ours, theirs)
    copy_state(ours, theirs)
    return ours, theirs


def inputs_of(name, count, dtype="float64"):
    features, classes, _ = FORMS[name][0]
    return RNG.normal(size=(count, features)).astype(dtype), RNG.integers(0, classes, count)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("alone", [False, True], ids=["batch", "alone"])
def test_outputs_and_gradients_match_torch(name, dtype, alone):
    ours, theirs = pair_of(name, dtype)
    x, target = inputs_of(name, 40, dtype)
    x, target = (x[0], target[0]) if alone else (x, target)
    runs = []
    for m, layer in ((mg, ours), (torch, theirs)):
        given = m.tensor(x, requires_grad=True)
        output, loss = layer(given, m.tensor(target))
        (loss + (output * output).sum()).backward()
        gradients = {key: p.grad for key, p in layer.named_parameters()}
        runs.append({"output": output, "loss": loss, "input": given.grad, **gradients})
    for key, expected in runs[1].items():
        if expected is None:  # a cluster none of whose classes was asked for
            assert runs[0][key] is None, key
        else:
            assert_close(runs[0][key], expected, TOLERANCE[dtype], key)


@pytest.mark.parametrize("name", FORMS)
def test_all_log_probabilities_and_predictions_match_torch(name):
    ours, theirs = pair_of(name)
    x, _ = inputs_of(name, 60)
    x *= 5  # so that heads and clusters both win
    assert_close(ours.log_prob(mg.tensor(x)), theirs.log_prob(torch.tensor(x)), 1e-12)
    found = ours.predict(mg.tensor(x))
    np.testing.assert_array_equal(found.numpy(), theirs.predict(torch.tensor(x)).numpy())
    np.testing.assert_array_equal(found.numpy(), ours.log_prob(mg.tensor(x)).argmax(1).numpy())
    assert len(np.unique(found.numpy() >= ours.shortlist_size)) == 2


@pytest.mark.parametrize("name", FORMS)
def test_probabilities_add_up_to_one_and_the_output_is_one_of_them(name):
    ours, _ = pair_of(name)
    x, target = inputs_of(name, 30)
    every = ours.log_prob(mg.tensor(x)).detach().numpy()
    np.testing.assert_allclose(np.exp(every).sum(1), 1.0, rtol=1e-12)
    output, loss = ours(mg.tensor(x), mg.tensor(target))
    picked = every[np.arange(30), target]
    np.testing.assert_allclose(output.detach().numpy(), picked, rtol=1e-12)
    assert loss.item() == pytest.approx(-picked.mean(), rel=1e-12)


class Outputs(nn.Module):
    """Each target's log-probability, of targets in every cluster."""

    def __init__(self):
        super().__init__()
        self.layer = nn.AdaptiveLogSoftmaxWithLoss(4, 12, [3, 7], div_value=2.0, head_bias=True)

    def forward(self, x):
        return self.layer(x, mg.tensor([0, 11, 5, 2, 8, 3])).output


def test_derivatives_of_input_and_weights():
    mg.manual_seed(0)
    found = check_module(Outputs(), arr.of(6, 4))
    assert found.first < 1e-6
    assert found.second < 1e-6


def test_fresh_weights_are_drawn_anew():
    layer = nn.AdaptiveLogSoftmaxWithLoss(16, 20, [4, 9])
    before = [p.numpy(force=True).copy() for p in layer.parameters()]
    layer.reset_parameters()
    for old, parameter in zip(before, layer.parameters(), strict=True):
        bound = 1 / np.sqrt(parameter.shape[1])
        assert not np.array_equal(old, parameter.detach().numpy())
        assert np.abs(parameter.detach().numpy()).max() <= bound


def layer_of(m):
    return m.nn.AdaptiveLogSoftmaxWithLoss(16, 10, [2, 5], dtype=m.float64)


REFUSED = {
    "no cutoffs": lambda m, x: m.nn.AdaptiveLogSoftmaxWithLoss(4, 10, []),
    "cutoffs out of order": lambda m, x: m.nn.AdaptiveLogSoftmaxWithLoss(4, 10, [5, 2]),
    "cutoffs twice": lambda m, x: m.nn.AdaptiveLogSoftmaxWithLoss(4, 10, [2, 2]),
    "a cutoff of 0": lambda m, x: m.nn.AdaptiveLogSoftmaxWithLoss(4, 10, [0, 2]),
    "a cutoff too large": lambda m, x: m.nn.AdaptiveLogSoftmaxWithLoss(4, 10, [2, 10]),
    "half a cutoff": lambda m, x: m.nn.AdaptiveLogSoftmaxWithLoss(4, 10, [2, 4.5]),
    "targets of others": lambda m, x: layer_of(m)(x, m.tensor([1, 2])),
    "targets in rows": lambda m, x: layer_of(m)(x, m.tensor([[1, 2, 3]])),
    "one target for many": lambda m, x: layer_of(m)(x, m.tensor(1)),
    "many targets for one": lambda m, x: layer_of(m)(x[0], m.tensor([1, 2, 3, 4])),
    "no class": lambda m, x: layer_of(m)(x, m.tensor([1, 10, 3])),
    "a class below 0": lambda m, x: layer_of(m)(x, m.tensor([1, -1, 3])),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_fit_is_refused(name):
    same_outcome(REFUSED[name], RNG.normal(size=(3, 16)))
    with pytest.raises((ValueError, RuntimeError), match=r"\w+.*\w+"):
        REFUSED[name](mg, mg.tensor(RNG.normal(size=(3, 16))))
