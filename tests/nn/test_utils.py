"""Parametrizations, parameter vectors, fusion and bilinear layers, compared with torch."""

import numpy as np
import pytest
import torch

import minigrad as mg
from minigrad import nn
from tests.support.torch_twin import (
    assert_close,
    assert_same_run,
    assert_same_structure,
    to_mg,
    twins,
)


def numbers(*shape):
    return np.random.default_rng(3).normal(size=shape)


# --- weight norm ---


def normed_linear(library):
    return library.nn.utils.parametrizations.weight_norm(library.nn.Linear(4, 3))


def normed_conv(library):
    return library.nn.utils.parametrizations.weight_norm(library.nn.Conv2d(2, 3, 3), dim=1)


def normed_whole(library):
    return library.nn.utils.parametrizations.weight_norm(library.nn.Linear(4, 3), dim=None)


@pytest.mark.parametrize(
    ("make", "shape"),
    [(normed_linear, (5, 4)), (normed_conv, (2, 2, 5, 4)), (normed_whole, (5, 4))],
)
def test_weight_norm_matches_torch(make, shape):
    ours, theirs = twins(make)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    assert [n for n, _ in ours.named_parameters()] == [n for n, _ in theirs.named_parameters()]
    assert repr(ours).splitlines()[0] == repr(theirs).splitlines()[0]
    assert_same_run(ours, theirs, numbers(*shape), tolerance=1e-9)


def test_a_parametrized_weight_trains_and_becomes_plain_again():
    layer = normed_linear(mg)
    optimizer = mg.optim.SGD(layer.parameters(), lr=0.1)
    x, before = mg.tensor(numbers(6, 4)).float(), layer.weight.detach()
    layer(x).square().mean().backward()
    optimizer.step()
    after = layer.weight.detach()
    assert not after.equal(before)
    nn.utils.parametrize.remove_parametrizations(layer, "weight")
    assert type(layer) is nn.Linear
    assert isinstance(layer.weight, nn.Parameter)
    assert layer.weight.equal(after)
    assert list(layer.state_dict()) == ["bias", "weight"]


class Symmetric(nn.Module):
    def forward(self, x):
        return x.triu() + x.triu(1).mT

    def right_inverse(self, a):
        return a.triu()


class Doubled(nn.Module):
    def forward(self, x):
        return 2 * x


def test_ones_own_parametrization():
    layer = nn.Linear(3, 3)
    nn.utils.parametrize.register_parametrization(layer, "weight", Symmetric())
    assert layer.weight.equal(layer.weight.mT)
    assert nn.utils.parametrize.is_parametrized(layer, "weight")
    assert not nn.utils.parametrize.is_parametrized(layer, "bias")
    layer.weight = mg.ones(3, 3)
    assert layer.weight.tolist() == [[1.0] * 3] * 3
    nn.utils.parametrize.register_parametrization(layer, "weight", Doubled())
    assert layer.weight.tolist() == [[2.0] * 3] * 3
    with pytest.raises(RuntimeError, match="Doubled does not implement right_inverse"):
        layer.weight = mg.zeros(3, 3)
    assert type(nn.Linear(3, 3)) is nn.Linear  # other layers are left alone
    nn.utils.parametrize.remove_parametrizations(layer, "weight", leave_parametrized=False)
    assert layer.weight.tolist() == [[1.0, 1.0, 1.0], [0.0, 1.0, 1.0], [0.0, 0.0, 1.0]]


class Flattened(nn.Module):
    def forward(self, x):
        return x.reshape(-1)


def test_parametrizations_that_do_not_fit_are_refused():
    layer = nn.Linear(3, 2)
    with pytest.raises(ValueError, match=r"\[2, 3\] of minigrad.float32 became shape \[6\]"):
        nn.utils.parametrize.register_parametrization(layer, "weight", Flattened())
    with pytest.raises(ValueError, match="with name 'slope'"):
        nn.utils.parametrize.register_parametrization(layer, "slope", Doubled())
    with pytest.raises(ValueError, match="does not have a parametrization on bias"):
        nn.utils.parametrize.remove_parametrizations(layer, "bias")
    assert type(layer) is nn.Linear
    assert isinstance(layer.weight, nn.Parameter)


# --- vectors ---


def test_parameters_as_a_vector_and_back():
    ours, theirs = twins(lambda library: library.nn.Linear(4, 3))
    vector = nn.utils.parameters_to_vector(ours.parameters())
    assert_close(vector, torch.nn.utils.parameters_to_vector(theirs.parameters()), 0)
    with pytest.raises(ValueError, match="15 elements, got shape"):
        nn.utils.vector_to_parameters(vector[:-1], ours.parameters())
    nn.utils.vector_to_parameters(vector * 2, ours.parameters())
    torch.nn.utils.vector_to_parameters(
        torch.nn.utils.parameters_to_vector(theirs.parameters()) * 2, theirs.parameters()
    )
    assert_same_run(ours, theirs, numbers(2, 4), tolerance=1e-12)


# --- fusion ---


def used_norm(library, name, features):
    norm = getattr(library.nn, name)(features)
    for tensor in (norm.weight, norm.bias, norm.running_mean):
        tensor.data += 0.3
    norm.running_var *= 1.7
    return norm


@pytest.mark.parametrize("bias", [True, False])
def test_a_fused_convolution_does_what_both_did(bias):
    def make(library):
        conv = library.nn.Conv2d(2, 3, 3, bias=bias)
        return library.nn.Sequential(conv, used_norm(library, "BatchNorm2d", 3)).eval()

    ours, theirs = twins(make)
    x = mg.tensor(numbers(2, 2, 5, 5))
    fused = nn.utils.fuse_conv_bn_eval(*ours)
    assert_close(fused(x), theirs(torch.tensor(x.numpy())), 1e-12)
    its = torch.nn.utils.fuse_conv_bn_eval(*theirs)
    assert_close(fused.weight, its.weight, 1e-12)
    assert_close(fused.bias, its.bias, 1e-12)


def test_fusion_of_transposed_and_linear_layers():
    x = mg.tensor(numbers(2, 2, 5, 5)).float()
    pair = nn.ConvTranspose2d(2, 3, 3).eval(), used_norm(mg, "BatchNorm2d", 3).eval()
    fused = nn.utils.fuse_conv_bn_eval(*pair, transpose=True)
    np.testing.assert_allclose(fused(x).detach(), pair[1](pair[0](x)).detach(), atol=1e-5)
    line = nn.Linear(4, 3).eval(), used_norm(mg, "BatchNorm1d", 3).eval()
    y = mg.tensor(numbers(5, 4)).float()
    fused = nn.utils.fuse_linear_bn_eval(*line)
    np.testing.assert_allclose(fused(y).detach(), line[1](line[0](y)).detach(), atol=1e-5)
    with pytest.raises(AssertionError, match="eval"):
        nn.utils.fuse_conv_bn_eval(pair[0].train(), pair[1])


# --- bilinear layers ---


@pytest.mark.parametrize("bias", [True, False])
def test_bilinear_matches_torch(bias):
    ours, theirs = twins(lambda library: library.nn.Bilinear(4, 3, 5, bias=bias))
    assert_same_structure(ours, theirs)
    assert_same_run(ours, theirs, numbers(2, 6, 4), numbers(2, 6, 3), tolerance=1e-9)
    with pytest.raises(RuntimeError, match=r"\[5, 4, 3\]"):
        ours(to_mg(torch.zeros(2, 4)), to_mg(torch.zeros(2, 4)))
