"""Modules: registration, attributes and the tree."""

import pytest


def small(torch):
    return torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4))


def shared(torch):
    layer = torch.nn.Linear(2, 2)
    return torch.nn.Sequential(layer, torch.nn.ReLU(), layer)


# --- registration ---------------------------------------------------------------------------------


def check_a_parameter_needs_init_first(torch):
    class Early(torch.nn.Module):
        def __init__(self):
            self.w = torch.nn.Parameter(torch.ones(1))

    with pytest.raises(AttributeError, match=r"cannot assign parameters? before Module.__init__"):
        Early()


def check_a_module_needs_init_first(torch):
    class Early(torch.nn.Module):
        def __init__(self):
            self.layer = torch.nn.Linear(1, 1)

    with pytest.raises(AttributeError, match=r"cannot assign module before Module.__init__"):
        Early()


def check_a_plain_tensor_does_not_replace_a_parameter(torch):
    layer = torch.nn.Linear(2, 2)
    with pytest.raises(TypeError, match="as parameter 'weight'"):
        layer.weight = torch.ones(2, 2)


def check_a_tensor_does_not_replace_a_child(torch):
    net = small(torch)
    with pytest.raises(TypeError, match="as child module '0'"):
        setattr(net, "0", torch.ones(1))


def check_a_number_does_not_replace_a_buffer(torch):
    norm = torch.nn.BatchNorm1d(2)
    with pytest.raises(TypeError, match="as buffer 'running_mean'"):
        norm.running_mean = 1.0


def check_none_replaces_parameters_children_and_buffers(torch):
    net = small(torch)
    net[0].weight = None
    net[1].running_mean = None
    setattr(net, "0", None)
    assert net[1].running_mean is None
    assert "running_mean" in net[1]._buffers
    assert net._modules["0"] is None
    assert [name for name, _ in net.named_parameters()] == ["1.weight", "1.bias"]


def check_a_parameter_replaces_a_plain_attribute(torch):
    module = torch.nn.Module()
    module.w = 3
    module.w = torch.nn.Parameter(torch.ones(1))
    assert "w" not in vars(module)
    assert list(dict(module.named_parameters())) == ["w"]


def check_a_module_does_not_replace_a_parameter(torch):
    module = torch.nn.Module()
    module.x = torch.nn.Parameter(torch.ones(1))
    with pytest.raises(TypeError, match="as parameter 'x'"):
        module.x = torch.nn.Linear(1, 1)


def check_a_tensor_assigned_to_a_buffer_stays_a_buffer(torch):
    norm = torch.nn.BatchNorm1d(2)
    norm.running_mean = torch.ones(2)
    assert norm._buffers["running_mean"].sum().item() == 2


def check_registered_names_are_strings_without_dots(torch):
    module = torch.nn.Module()
    with pytest.raises(TypeError, match="parameter name should be a string"):
        module.register_parameter(1, None)
    with pytest.raises(KeyError, match="t contain"):
        module.register_buffer("a.b", None)
    with pytest.raises(KeyError, match="t be empty"):
        module.add_module("", None)


def check_a_registered_name_must_be_free(torch):
    module = torch.nn.Module()
    for register in (module.register_parameter, module.register_buffer, module.add_module):
        with pytest.raises(KeyError, match="attribute 'forward' already exists"):
            register("forward", None)


def check_register_parameter_refuses_a_tensor(torch):
    with pytest.raises(TypeError, match="object to parameter 'w'"):
        torch.nn.Module().register_parameter("w", torch.ones(1))


def check_register_buffer_refuses_a_number(torch):
    with pytest.raises(TypeError, match="object to buffer 'b'"):
        torch.nn.Module().register_buffer("b", 3)


def check_add_module_refuses_what_is_no_module(torch):
    with pytest.raises(TypeError, match="is not a Module subclass"):
        torch.nn.Module().add_module("m", torch.ones(1))


def check_a_buffer_that_is_not_persistent_is_not_saved(torch):
    module = torch.nn.Module()
    module.register_buffer("a", torch.ones(1), persistent=False)
    module.register_buffer("b", torch.ones(1))
    assert list(module.state_dict()) == ["b"]
    assert [name for name, _ in module.named_buffers()] == ["a", "b"]


def check_a_buffer_registered_again_becomes_persistent(torch):
    module = torch.nn.Module()
    module.register_buffer("a", torch.ones(1), persistent=False)
    module.register_buffer("a", torch.ones(1))
    assert list(module.state_dict()) == ["a"]


def check_deleted_members_are_gone(torch):
    net = small(torch)
    del net[0].bias
    del net[1].running_var
    assert not hasattr(net[0], "bias")
    assert not hasattr(net[1], "running_var")
    with pytest.raises(AttributeError):
        del net[0].bias


def check_a_missing_attribute_names_the_class(torch):
    with pytest.raises(AttributeError, match="'Linear' object has no attribute 'wieght'"):
        torch.nn.Linear(1, 1).wieght  # noqa: B018


def check_dir_lists_members_without_numbers(torch):
    names = dir(small(torch)[1])
    assert {"weight", "running_mean", "forward", "parameters"} <= set(names)
    assert "0" not in dir(small(torch))


def check_a_property_that_raises_shows_its_own_error(torch):
    class Net(torch.nn.Module):
        @property
        def width(self):
            return self.absent

    with pytest.raises(AttributeError):
        Net().width  # noqa: B018


def check_parameters_in_a_class_body_are_plain(torch):
    class Net(torch.nn.Module):
        scale = torch.nn.Parameter(torch.ones(1))

    assert list(Net().parameters()) == []


# --- the tree -------------------------------------------------------------------------------------


def check_shared_members_are_listed_once_or_at_each_path(torch):
    net = shared(torch)
    assert [n for n, _ in net.named_parameters()] == ["0.weight", "0.bias"]
    assert [n for n, _ in net.named_parameters(remove_duplicate=False)] == [
        "0.weight", "0.bias", "2.weight", "2.bias",
    ]  # fmt: skip
    assert [n for n, _ in net.named_modules()] == ["", "0", "1"]
    assert [n for n, _ in net.named_modules(remove_duplicate=False)] == ["", "0", "1", "2"]
    assert [n for n, _ in net.named_children()] == ["0", "1"]


def check_a_shared_layer_is_saved_at_each_path(torch):
    assert list(shared(torch).state_dict()) == ["0.weight", "0.bias", "2.weight", "2.bias"]


def check_named_parameters_take_a_prefix_and_need_not_recurse(torch):
    net = small(torch)
    assert next(iter(net.named_parameters(prefix="net")))[0] == "net.0.weight"
    assert list(net.parameters(recurse=False)) == []
    assert next(net[1].named_buffers(prefix="b", recurse=False))[0] == "b.running_mean"


def check_named_modules_take_a_memo_and_a_prefix(torch):
    net = small(torch)
    assert [n for n, _ in net.named_modules(memo={net[0]}, prefix="n")] == ["n", "n.1"]


def check_submodules_are_found_by_path(torch):
    net = torch.nn.Sequential(small(torch))
    assert net.get_submodule("0.1") is net[0][1]
    assert net.get_submodule("") is net
    with pytest.raises(AttributeError, match=r"has no attribute `7`"):
        net.get_submodule("0.7")
    with pytest.raises(AttributeError, match=r"`weight` is not an nn.Module"):
        net.get_submodule("0.0.weight")


def check_parameters_and_buffers_are_found_by_path(torch):
    net = small(torch)
    assert net.get_parameter("0.weight") is net[0].weight
    assert net.get_buffer("1.running_mean") is net[1].running_mean
    with pytest.raises(AttributeError, match=r"is not an nn.Parameter"):
        net.get_parameter("1.running_mean")
    with pytest.raises(AttributeError, match="is not a buffer"):
        net.get_buffer("0.weight")


def check_set_submodule_replaces_at_a_path(torch):
    net = torch.nn.Sequential(small(torch))
    net.set_submodule("0.1", torch.nn.ReLU())
    assert isinstance(net[0][1], torch.nn.ReLU)
    with pytest.raises(ValueError, match="without a target name"):
        net.set_submodule("", torch.nn.ReLU())


def check_set_submodule_strict_refuses_a_new_name(torch):
    net = small(torch)
    with pytest.raises(AttributeError, match=r"has no attribute `7`"):
        net.set_submodule("7", torch.nn.ReLU(), strict=True)


def check_apply_visits_children_before_their_parent(torch):
    seen = []
    net = small(torch)
    assert net.apply(lambda m: seen.append(type(m).__name__)) is net
    assert seen == ["Linear", "BatchNorm1d", "Sequential"]


def check_register_module_is_add_module(torch):
    module = torch.nn.Module()
    module.register_module("a", torch.nn.ReLU())
    module.register_module("b", None)
    assert [n for n, _ in module.named_children()] == ["a"]


def check_the_loss_of_a_linear_layer_takes_chunks_of_rows(torch):
    x = torch.arange(12.0).reshape(6, 2).requires_grad_()
    layer = torch.nn.Linear(2, 5)
    target = torch.tensor([0, 1, 2, 3, 4, 0])
    options = torch.nn.LinearCrossEntropyOptions(batch_chunk_size=4)
    found = []
    for each in (None, options):
        loss = torch.nn.functional.linear_cross_entropy(
            x, layer.weight, target, linear_bias=layer.bias, options=each
        )
        (gradient,) = torch.autograd.grad(loss, x)
        found.append([loss.item(), *gradient.flatten().tolist()])
    assert max(abs(a - b) for a, b in zip(*found, strict=True)) < 1e-5
