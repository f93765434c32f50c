"""nn.utils.prune as programs use it: a tutorial's steps, and methods of one's own."""

import importlib

import pytest


def _prune(torch):
    return importlib.import_module(f"{torch.__name__}.nn.utils.prune")


def _net(torch):
    return torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.ReLU(), torch.nn.Linear(3, 2))


def check_a_parameter_becomes_an_original_and_a_mask(torch):
    prune = _prune(torch)
    layer = torch.nn.Linear(4, 3)
    weight = layer.weight
    assert prune.random_unstructured(layer, name="weight", amount=0.25) is layer
    assert [n for n, _ in layer.named_parameters()] == ["bias", "weight_orig"]
    assert [n for n, _ in layer.named_buffers()] == ["weight_mask"]
    assert layer.weight_orig is weight
    assert not isinstance(layer.weight, torch.nn.Parameter)
    assert int(layer.weight_mask.sum()) == 9
    assert torch.equal(layer.weight, weight * layer.weight_mask)
    assert len(layer._forward_pre_hooks) == 1


def check_repeated_pruning_is_one_hook_with_all_methods(torch):
    prune = _prune(torch)
    layer = torch.nn.Linear(4, 3)
    prune.random_unstructured(layer, "weight", 2)
    prune.ln_structured(layer, "weight", amount=1, n=2, dim=0)
    (hook,) = layer._forward_pre_hooks.values()
    assert isinstance(hook, prune.PruningContainer)
    assert [type(method).__name__ for method in hook] == ["RandomUnstructured", "LnStructured"]
    assert len(hook) == 2
    assert hook[1].amount == 1
    assert hook._tensor_name == "weight"


def check_is_pruned_looks_into_a_model(torch):
    prune = _prune(torch)
    net = _net(torch)
    assert not prune.is_pruned(net)
    prune.identity(net[2], "bias")
    assert prune.is_pruned(net)
    prune.remove(net[2], "bias")
    assert not prune.is_pruned(net)


def check_a_method_of_ones_own(torch):
    prune = _prune(torch)

    class EveryOther(prune.BasePruningMethod):
        PRUNING_TYPE = "unstructured"

        def compute_mask(self, t, default_mask):
            mask = default_mask.clone()
            mask.view(-1)[::2] = 0
            return mask

    layer = torch.nn.Linear(4, 3)
    EveryOther.apply(layer, name="bias")
    assert layer.bias_mask.tolist() == [0.0, 1.0, 0.0]
    EveryOther.apply(layer, name="bias")  # of those that are left
    assert layer.bias_mask.tolist() == [0.0, 0.0, 0.0]
    assert EveryOther().prune(torch.ones(4)).tolist() == [0.0, 1.0, 0.0, 1.0]


def check_a_method_needs_a_known_type(torch):
    prune = _prune(torch)

    class Odd(prune.BasePruningMethod):
        PRUNING_TYPE = "odd"

        def compute_mask(self, t, default_mask):
            return default_mask

    layer = prune.identity(torch.nn.Linear(4, 3), "bias")
    with pytest.raises(ValueError, match="Unrecognized PRUNING_TYPE odd"):
        Odd.apply(layer, "bias")
    with pytest.raises(TypeError, match="abstract"):
        prune.BasePruningMethod()


def check_containers_take_methods_for_their_parameter(torch):
    prune = _prune(torch)
    first, second = prune.Identity(), prune.Identity()
    first._tensor_name, second._tensor_name = "weight", "bias"
    container = prune.PruningContainer(first)
    with pytest.raises(ValueError, match="acting on the parameter named 'weight'"):
        container.add_pruning_method(second)
    with pytest.raises(TypeError, match="not a BasePruningMethod subclass"):
        container.add_pruning_method(3)


def check_sparsity_of_a_model_pruned_as_one(torch):
    prune = _prune(torch)
    net = _net(torch)
    pairs = ((net[0], "weight"), (net[2], "weight"))
    prune.global_unstructured(pairs, pruning_method=prune.L1Unstructured, amount=0.5)
    zeros = sum(int((layer.weight == 0).sum()) for layer, _ in pairs)
    assert zeros == 9
    net(torch.ones(1, 4)).sum().backward()
    assert net[0].weight_orig.grad is not None
