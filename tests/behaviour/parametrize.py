"""nn.utils.parametrize: tensors of modules computed from others."""

import copy
import pickle

import pytest


class Symmetric:
    """Makes a module class of the library: the upper triangle mirrored."""

    @staticmethod
    def of(torch):
        class Mirrored(torch.nn.Module):
            def forward(self, x):
                return x.triu() + x.triu(1).transpose(-1, -2)

            def right_inverse(self, a):
                return a.triu()

        return Mirrored()


def doubled(torch):
    class Double(torch.nn.Module):
        def forward(self, x):
            return 2 * x

        def right_inverse(self, x):
            return x / 2

    return Double()


def check_a_parametrized_weight_is_computed(torch):
    layer = torch.nn.Linear(3, 3)
    torch.nn.utils.parametrize.register_parametrization(layer, "weight", Symmetric.of(torch))
    assert torch.equal(layer.weight, layer.weight.T)
    assert "parametrizations.weight.original" in dict(layer.named_parameters())
    assert "weight" not in dict(layer.named_parameters())


def check_the_class_of_a_parametrized_module_says_so(torch):
    layer = torch.nn.Linear(3, 3)
    torch.nn.utils.parametrize.register_parametrization(layer, "weight", Symmetric.of(torch))
    assert type(layer).__name__ == "ParametrizedLinear"
    assert isinstance(layer, torch.nn.Linear)
    assert repr(layer).startswith("ParametrizedLinear(\n  in_features=3, out_features=3, bias=True")


def check_assigning_a_parametrized_weight_uses_the_right_inverse(torch):
    layer = torch.nn.Linear(2, 2)
    torch.nn.utils.parametrize.register_parametrization(layer, "weight", doubled(torch))
    layer.weight = torch.full((2, 2), 6.0)
    assert layer.parametrizations.weight.original.sum().item() == 12
    assert layer.weight.sum().item() == 24


def check_assigning_without_a_right_inverse_is_refused(torch):
    class Half(torch.nn.Module):
        def forward(self, x):
            return x / 2

    layer = torch.nn.Linear(2, 2)
    torch.nn.utils.parametrize.register_parametrization(layer, "weight", Half())
    with pytest.raises(RuntimeError, match="does not implement right_inverse"):
        layer.weight = torch.ones(2, 2)


def check_parametrizations_are_chained(torch):
    layer = torch.nn.Linear(2, 2)
    register = torch.nn.utils.parametrize.register_parametrization
    before = layer.weight.detach().clone()
    register(layer, "weight", doubled(torch))
    register(layer, "weight", doubled(torch))
    assert torch.allclose(layer.weight, 2 * before)
    assert len(layer.parametrizations.weight) == 2
    layer.weight = torch.ones(2, 2)
    assert layer.parametrizations.weight.original.sum().item() == 1


def check_removing_leaves_the_value(torch):
    layer = torch.nn.Linear(3, 3)
    parametrize = torch.nn.utils.parametrize
    parametrize.register_parametrization(layer, "weight", Symmetric.of(torch))
    value = layer.weight.detach().clone()
    assert parametrize.remove_parametrizations(layer, "weight") is layer
    assert type(layer) is torch.nn.Linear
    assert torch.equal(layer.weight, value)
    assert isinstance(layer.weight, torch.nn.Parameter)
    assert not parametrize.is_parametrized(layer)


def check_removing_may_leave_the_original(torch):
    layer = torch.nn.Linear(2, 2)
    before = layer.weight.detach().clone()
    parametrize = torch.nn.utils.parametrize
    parametrize.register_parametrization(layer, "weight", doubled(torch))
    parametrize.remove_parametrizations(layer, "weight", leave_parametrized=False)
    assert torch.allclose(layer.weight, before / 2)


def check_removing_what_is_not_there_is_an_error(torch):
    with pytest.raises(ValueError, match="does not have a parametrization on"):
        torch.nn.utils.parametrize.remove_parametrizations(torch.nn.Linear(1, 1), "weight")


def check_is_parametrized_asks_for_one_tensor_or_any(torch):
    layer = torch.nn.Linear(2, 2)
    parametrize = torch.nn.utils.parametrize
    assert not parametrize.is_parametrized(layer)
    parametrize.register_parametrization(layer, "bias", doubled(torch))
    assert parametrize.is_parametrized(layer)
    assert parametrize.is_parametrized(layer, "bias")
    assert not parametrize.is_parametrized(layer, "weight")


def check_the_original_is_the_parameter_that_was_there(torch):
    layer = torch.nn.Linear(2, 2)
    weight = layer.weight
    parametrize = torch.nn.utils.parametrize
    parametrize.register_parametrization(layer, "weight", doubled(torch))
    assert layer.parametrizations.weight.original is weight
    parametrize.remove_parametrizations(layer, "weight")
    assert layer.weight is weight


def check_the_householder_map_gives_torchs_matrix(torch):
    layer = torch.nn.Linear(2, 3, bias=False)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[2.0, 1.0], [0.5, -1.0], [0.25, 3.0]]))
    torch.nn.utils.parametrizations.orthogonal(layer, use_trivialization=False)
    before = torch.tensor([[2.0, 1.0], [0.5, -1.0], [0.25, 3.0]])
    first = before[:, 0] / before[:, 0].norm()
    assert torch.allclose(layer.weight[:, 0], first, atol=1e-5)
    with torch.no_grad():
        layer.parametrizations.weight.original.copy_(
            torch.tensor([[-1.0, 0.0], [0.5, 1.0], [2.0, -0.7]])
        )
    wanted = torch.tensor([[-0.6190, -0.6507], [0.1905, -0.6676], [0.7619, -0.3618]])
    assert torch.allclose(layer.weight, wanted, atol=1e-4)


def check_the_cayley_map_is_orthogonal(torch):
    layer = torch.nn.Linear(3, 3)
    torch.nn.utils.parametrizations.orthogonal(layer, orthogonal_map="cayley")
    assert torch.allclose(layer.weight @ layer.weight.T, torch.eye(3), atol=1e-5)
    with pytest.raises(ValueError, match="orthogonal_map has to be one of"):
        torch.nn.utils.parametrizations.orthogonal(torch.nn.Linear(2, 2), orthogonal_map="qr")


def check_a_parametrization_keeps_the_shape_unless_unsafe(torch):
    class First(torch.nn.Module):
        def forward(self, x):
            return x[0]

    layer = torch.nn.Linear(2, 2)
    register = torch.nn.utils.parametrize.register_parametrization
    with pytest.raises(ValueError, match="may not change the shape"):
        register(layer, "weight", First())
    register(layer, "weight", First(), unsafe=True)
    assert layer.weight.shape == (2,)


def check_a_parametrization_of_nothing_is_refused(torch):
    with pytest.raises(ValueError, match="does not have a parameter, a buffer, or a"):
        torch.nn.utils.parametrize.register_parametrization(
            torch.nn.Linear(1, 1), "weigth", torch.nn.ReLU()
        )


def check_cached_computes_once(torch):
    calls = []

    class Counted(torch.nn.Module):
        def forward(self, x):
            calls.append(1)
            return x

    layer = torch.nn.Linear(1, 1)
    parametrize = torch.nn.utils.parametrize
    parametrize.register_parametrization(layer, "weight", Counted())
    calls.clear()
    with parametrize.cached():
        first = layer.weight
        assert layer.weight is first
    assert len(calls) == 1
    assert layer.weight is not None
    assert len(calls) == 2


def check_parametrized_modules_are_copied(torch):
    layer = torch.nn.Linear(2, 2)
    torch.nn.utils.parametrize.register_parametrization(layer, "weight", Symmetric.of(torch))
    twin = copy.deepcopy(layer)
    assert torch.equal(twin.weight, layer.weight)
    assert twin.parametrizations.weight.original is not layer.parametrizations.weight.original
    twin.parametrizations.weight.original.data.fill_(0)
    assert not torch.equal(twin.weight, layer.weight)


def check_parametrized_modules_are_not_pickled(torch):
    layer = torch.nn.Linear(2, 2)
    torch.nn.utils.parametrizations.weight_norm(layer)
    with pytest.raises(RuntimeError, match="Serialization of parametrized modules"):
        pickle.dumps(layer)


def check_a_parametrized_buffer_stays_one(torch):
    module = torch.nn.Module()
    module.register_buffer("b", torch.ones(2))
    torch.nn.utils.parametrize.register_parametrization(module, "b", doubled(torch))
    assert [n for n, _ in module.named_buffers()] == ["parametrizations.b.original"]
    assert list(module.parameters()) == []


def check_parametrizations_are_trained(torch):
    layer = torch.nn.Linear(2, 2)
    torch.nn.utils.parametrize.register_parametrization(layer, "weight", doubled(torch))
    layer(torch.ones(1, 2)).sum().backward()
    assert layer.parametrizations.weight.original.grad.sum().item() == 8


def check_transfer_copies_parametrizations(torch):
    parametrize = torch.nn.utils.parametrize
    a, b = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)
    parametrize.register_parametrization(a, "weight", doubled(torch))
    parametrize.transfer_parametrizations_and_params(a, b)
    assert parametrize.is_parametrized(b, "weight")
    assert torch.equal(a.weight, b.weight)
    assert parametrize.type_before_parametrizations(b) is torch.nn.Linear
