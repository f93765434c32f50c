"""Lazy modules: layers that take their number of inputs from the first one."""

import copy

import pytest


def check_a_lazy_linear_takes_its_width_from_its_input(torch):
    layer = torch.nn.LazyLinear(3)
    assert layer.in_features == 0
    assert layer(torch.ones(2, 5)).shape == (2, 3)
    assert type(layer) is torch.nn.Linear
    assert layer.in_features == 5
    assert layer.weight.shape == (3, 5)
    assert type(layer.weight) is torch.nn.Parameter


def check_a_lazy_layer_has_no_shapes_before(torch):
    layer = torch.nn.LazyLinear(3)
    assert layer.has_uninitialized_params()
    assert isinstance(layer.weight, torch.nn.UninitializedParameter)
    with pytest.raises(RuntimeError, match="Can't access the shape of an uninitialized parameter"):
        layer.weight.shape  # noqa: B018


def check_lazy_layers_of_all_kinds(torch):
    image, signal = torch.ones(2, 4, 6, 6), torch.ones(2, 4, 6)
    for name, x in (("Conv1d", signal), ("Conv2d", image), ("ConvTranspose2d", image)):
        layer = getattr(torch.nn, f"Lazy{name}")(8, 3, padding=1)
        assert layer(x).shape[1] == 8
        assert layer.in_channels == 4
        assert type(layer) is getattr(torch.nn, name)
    for name, x in (("BatchNorm1d", signal), ("BatchNorm2d", image), ("InstanceNorm2d", image)):
        layer = getattr(torch.nn, f"Lazy{name}")(affine=True, track_running_stats=True)
        layer(x)
        assert layer.num_features == 4
        assert layer.weight.tolist() == [1, 1, 1, 1]
        assert layer.running_mean.shape == (4,)


def check_lazy_convolutions_have_groups(torch):
    layer = torch.nn.LazyConv2d(8, 3, groups=2)
    layer(torch.ones(1, 4, 5, 5))
    assert layer.weight.shape == (8, 2, 3, 3)


def check_lazy_layers_without_bias(torch):
    layer = torch.nn.LazyLinear(3, bias=False)
    layer(torch.ones(1, 2))
    assert layer.bias is None


def check_lazy_layers_load_states(torch):
    source, layer = torch.nn.Linear(4, 3), torch.nn.LazyLinear(3)
    layer.load_state_dict(source.state_dict())
    assert not layer.has_uninitialized_params()
    x = torch.ones(1, 4)
    assert torch.equal(layer(x), source(x))
    assert type(layer) is torch.nn.Linear


def check_the_state_of_a_lazy_layer_can_be_loaded_into_another(torch):
    layer, other = torch.nn.LazyLinear(3), torch.nn.LazyLinear(3)
    other.load_state_dict(layer.state_dict())
    assert other.has_uninitialized_params()


def check_the_state_of_a_lazy_layer_does_not_fit_a_real_one(torch):
    with pytest.raises(RuntimeError):
        torch.nn.Linear(4, 3).load_state_dict(torch.nn.LazyLinear(3).state_dict())


def check_an_optimizer_made_before_the_first_call_trains(torch):
    layer = torch.nn.LazyLinear(1, bias=False)
    o = torch.optim.SGD(layer.parameters(), lr=1.0)
    layer(torch.ones(1, 2)).sum().backward()
    before = layer.weight.detach().clone()
    o.step()
    assert torch.allclose(layer.weight, before - 1)


def check_casts_before_the_first_call_are_kept(torch):
    layer = torch.nn.LazyLinear(2).double()
    assert layer(torch.ones(1, 3, dtype=torch.float64)).dtype == torch.float64


def check_lazy_layers_in_a_network_are_copied(torch):
    net = torch.nn.Sequential(torch.nn.LazyLinear(4), torch.nn.ReLU(), torch.nn.LazyLinear(2))
    twin = copy.deepcopy(net)
    assert net(torch.ones(1, 3)).shape == (1, 2)
    assert twin[0].has_uninitialized_params()
    assert twin(torch.ones(1, 5)).shape == (1, 2)


def check_a_lazy_layer_says_so(torch):
    assert repr(torch.nn.LazyLinear(3)).startswith("LazyLinear(in_features=0, out_features=3")


def check_lazy_convolutions_check_their_input(torch):
    with pytest.raises(RuntimeError, match=r"Expected 3D \(unbatched\) or 4D \(batched\) input to"):
        torch.nn.LazyConv2d(3, 3)(torch.ones(2, 2))
