"""Modules: modes, casts, copies and texts."""

import copy
import pickle

import pytest

DIFFERENT = {
    "check_share_memory_returns_the_module": "`Module.share_memory()`, `Tensor.share_memory_()`",
}


def small(torch):
    return torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4))


def shared(torch):
    layer = torch.nn.Linear(2, 2)
    return torch.nn.Sequential(layer, torch.nn.ReLU(), layer)


# --- modes and casts ------------------------------------------------------------------------------


def check_train_takes_bools_only(torch):
    with pytest.raises(ValueError, match="training mode is expected to be boolean"):
        torch.nn.ReLU().train("yes")


def check_eval_calls_an_overridden_train(torch):
    class Frozen(torch.nn.BatchNorm1d):
        def train(self, mode=True):
            return super().train(False)

    net = torch.nn.Sequential(Frozen(2), torch.nn.Dropout())
    net.train()
    assert (net[0].training, net[1].training) == (False, True)


def check_requires_grad_returns_the_module(torch):
    net = small(torch)
    assert net.requires_grad_(False) is net
    assert not any(p.requires_grad for p in net.parameters())


def check_zero_grad_drops_gradients_or_zeroes_them_in_place(torch):
    layer = torch.nn.Linear(2, 1)
    layer(torch.ones(1, 2)).sum().backward()
    gradient = layer.weight.grad
    layer.zero_grad(set_to_none=False)
    assert layer.weight.grad is gradient
    assert gradient.sum().item() == 0
    layer.zero_grad()
    assert layer.weight.grad is None


def check_zero_grad_in_place_cuts_the_graph_of_a_gradient(torch):
    layer = torch.nn.Linear(2, 1)
    loss = (layer(torch.ones(1, 2)) ** 2).sum()
    (gradient,) = torch.autograd.grad(loss, [layer.weight], create_graph=True)
    layer.weight.grad = gradient * 1
    assert layer.weight.grad.requires_grad
    layer.zero_grad(set_to_none=False)
    assert not layer.weight.grad.requires_grad


def check_casts_keep_the_parameters_and_integers(torch):
    net = small(torch)
    weight = net[0].weight
    assert net.double() is net
    assert net[0].weight is weight
    assert weight.dtype == torch.float64
    assert net[1].num_batches_tracked.dtype == torch.int64
    assert net.half()[0].bias.dtype == torch.float16
    assert net.float()[1].running_mean.dtype == torch.float32


def check_casts_cast_gradients(torch):
    layer = torch.nn.Linear(2, 1)
    layer(torch.ones(1, 2)).sum().backward()
    layer.double()
    assert layer.weight.grad.dtype == torch.float64


def check_to_takes_a_device_a_dtype_or_a_tensor(torch):
    net = small(torch)
    net.to("cpu", torch.float64)
    assert net[0].weight.dtype == torch.float64
    net.to(torch.ones(1, dtype=torch.float16))
    assert net[0].weight.dtype == torch.float16
    net.to(device=torch.device("cpu"), dtype=torch.float32, non_blocking=True)
    assert net[0].weight.dtype == torch.float32


def check_to_refuses_integers(torch):
    with pytest.raises(TypeError, match="only accepts floating point"):
        small(torch).to(torch.int64)


def check_type_casts_everything(torch):
    net = small(torch).type(torch.float64)
    assert net[1].num_batches_tracked.dtype == torch.float64


def check_casts_call_an_overridden_apply_of_a_child(torch):
    seen = []

    class Watched(torch.nn.Linear):
        def _apply(self, fn, recurse=True):
            seen.append(recurse)
            return super()._apply(fn)

    torch.nn.Sequential(Watched(1, 1)).double()
    assert seen == [True]


def check_a_shared_parameter_is_still_shared_after_a_cast(torch):
    net = shared(torch).double()
    assert net[0].weight is net[2].weight


def check_to_empty_gives_new_memory_of_the_same_shape(torch):
    layer = torch.nn.Linear(3, 2)
    weight, old = layer.weight, layer.weight.data_ptr()
    assert layer.to_empty(device="cpu") is layer
    assert layer.weight.shape == (2, 3)
    assert layer.weight.requires_grad
    assert layer.weight.data_ptr() != old or layer.weight is not weight


def check_share_memory_returns_the_module(torch):
    layer = torch.nn.Linear(3, 2)
    assert layer.share_memory() is layer


def check_forward_is_required(torch):
    class Net(torch.nn.Module):
        pass

    with pytest.raises(NotImplementedError, match='missing the required "forward" function'):
        Net()(1)


def check_forward_can_be_replaced_on_an_instance(torch):
    layer = torch.nn.Linear(1, 1)
    layer.forward = lambda x: x + 1
    assert layer(1) == 2


# --- copies and texts -----------------------------------------------------------------------------


def check_deepcopies_have_their_own_parameters(torch):
    net = shared(torch)
    twin = copy.deepcopy(net)
    assert twin[0] is twin[2]
    assert twin[0].weight is not net[0].weight
    assert torch.equal(twin[0].weight, net[0].weight)
    assert isinstance(twin[0].weight, torch.nn.Parameter)


def check_modules_are_pickled(torch):
    net = small(torch)
    net.eval()
    twin = pickle.loads(pickle.dumps(net))
    assert not twin.training
    assert torch.equal(twin[0].weight, net[0].weight)
    assert list(twin.state_dict()) == list(net.state_dict())


def check_repr_indents_children(torch):
    net = torch.nn.Sequential(torch.nn.Linear(2, 1), torch.nn.Sequential(torch.nn.ReLU()))
    assert repr(net) == (
        "Sequential(\n  (0): Linear(in_features=2, out_features=1, bias=True)\n"
        "  (1): Sequential(\n    (0): ReLU()\n  )\n)"
    )


def check_extra_repr_stands_before_the_children(torch):
    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.act = torch.nn.ReLU()

        def extra_repr(self):
            return "width=3"

    assert repr(Net()) == "Net(\n  width=3\n  (act): ReLU()\n)"
    assert Net()._get_name() == "Net"


def check_skip_init_makes_a_layer_without_values(torch):
    layer = torch.nn.utils.skip_init(torch.nn.Linear, 3, 2, bias=False)
    assert layer.weight.shape == (2, 3)
    assert layer.weight.requires_grad
    with pytest.raises(RuntimeError, match="Expected a Module"):
        torch.nn.utils.skip_init(dict)


def check_modules_hash_by_identity_and_compare_so(torch):
    a, b = torch.nn.ReLU(), torch.nn.ReLU()
    assert len({a, b, a}) == 2
    assert a != b


def check_a_parameter_of_a_parameter_shares_memory(torch):
    w = torch.ones(2)
    p = torch.nn.Parameter(w)
    p.data.add_(1)
    assert w.sum().item() == 4


def check_a_parameter_keeps_its_type_in_copies_and_pickles(torch):
    p = torch.nn.Parameter(torch.ones(2), requires_grad=False)
    for twin in (copy.deepcopy(p), pickle.loads(pickle.dumps(p))):
        assert type(twin) is torch.nn.Parameter
        assert not twin.requires_grad


def check_operations_on_parameters_give_tensors(torch):
    p = torch.nn.Parameter(torch.ones(2))
    assert type(p * 2) is torch.Tensor
    assert type(p.data) is torch.Tensor
    assert type(p.detach()) is torch.Tensor


def check_isinstance_of_parameter_and_buffer(torch):
    module = torch.nn.Module()
    module.b = torch.nn.Buffer(torch.ones(1), persistent=False)
    assert isinstance(module.b, torch.nn.Buffer)
    assert not isinstance(torch.ones(1), torch.nn.Parameter)
    assert list(module.state_dict()) == []
