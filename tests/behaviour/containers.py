"""Sequential, ModuleList, ModuleDict, ParameterList and ParameterDict."""

from collections import OrderedDict

import pytest


def names(modules):
    return [type(module).__name__ for module in modules]


def chain(torch):
    return torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.ReLU(), torch.nn.Tanh())


# --- Sequential -----------------------------------------------------------------------------------


def check_sequential_takes_an_ordered_dict(torch):
    net = torch.nn.Sequential(OrderedDict(a=torch.nn.ReLU(), b=torch.nn.Tanh()))
    assert list(net._modules) == ["a", "b"]
    assert net.b is net[1]


def check_sequential_refuses_what_is_no_module(torch):
    with pytest.raises(TypeError, match="is not a Module subclass"):
        torch.nn.Sequential(torch.nn.ReLU(), 3)


def check_sequential_is_indexed_from_both_ends(torch):
    net = chain(torch)
    assert net[-1] is net[2]
    with pytest.raises(IndexError, match="index 3 is out of range"):
        net[3]
    with pytest.raises(IndexError):
        net[-4]


def check_a_slice_of_a_sequential_keeps_names_and_layers(torch):
    net = chain(torch)
    part = net[1:]
    assert isinstance(part, torch.nn.Sequential)
    assert list(part._modules) == ["1", "2"]
    assert part[0] is net[1]


def check_sequential_setitem_replaces(torch):
    net = chain(torch)
    net[-1] = torch.nn.ReLU()
    assert names(net) == ["Linear", "ReLU", "ReLU"]


def check_sequential_delitem_renumbers(torch):
    net = chain(torch)
    del net[0]
    assert list(net._modules) == ["0", "1"]
    net = chain(torch)
    del net[1:]
    assert names(net) == ["Linear"]


def check_sequential_append_returns_it(torch):
    net = chain(torch)
    assert net.append(torch.nn.ReLU()) is net
    assert len(net) == 4


def check_sequential_insert(torch):
    net = chain(torch)
    assert net.insert(1, torch.nn.ELU()) is net
    assert names(net) == ["Linear", "ELU", "ReLU", "Tanh"]
    net.insert(-1, torch.nn.GELU())
    assert names(net) == ["Linear", "ELU", "ReLU", "GELU", "Tanh"]
    with pytest.raises(IndexError):
        net.insert(9, torch.nn.ReLU())
    with pytest.raises((AssertionError, TypeError)):
        net.insert(0, 3)


def check_sequential_extend_with_modules(torch):
    net = chain(torch)
    assert net.extend(chain(torch)) is net
    assert len(net) == 6


def check_sequential_pop_removes_and_renumbers(torch):
    net = chain(torch)
    first = net[0]
    assert net.pop(0) is first
    assert list(net._modules) == ["0", "1"]
    assert type(net.pop(-1)).__name__ == "Tanh"


def check_sequentials_are_added(torch):
    a, b = chain(torch), chain(torch)
    both = a + b
    assert len(both) == 6
    assert both[3] is b[0]
    assert len(a) == 3
    with pytest.raises(ValueError, match="add operator supports only objects of Sequential class"):
        a + torch.nn.ReLU()


def check_sequentials_are_added_in_place(torch):
    a, b = chain(torch), chain(torch)
    same = a
    a += b
    assert a is same
    assert len(a) == 6
    with pytest.raises(ValueError, match="supports only objects of Sequential"):
        a += [torch.nn.ReLU()]


def check_sequentials_are_multiplied(torch):
    net = chain(torch)
    twice = net * 2
    assert len(twice) == 6
    assert twice[3] is net[0]
    assert len(2 * net) == 6
    with pytest.raises(TypeError):
        net * 1.5
    with pytest.raises(ValueError, match="Non-positive multiplication factor"):
        net * 0


def check_sequentials_are_multiplied_in_place(torch):
    net = chain(torch)
    same = net
    net *= 3
    assert net is same
    assert len(net) == 9


def check_dir_of_a_sequential_has_no_numbers(torch):
    assert not any(name.isdigit() for name in dir(chain(torch)))


def check_sequential_passes_one_input(torch):
    with pytest.raises(TypeError):
        chain(torch)(torch.ones(2), torch.ones(2))


def check_an_empty_sequential_is_the_identity(torch):
    x = torch.ones(2)
    assert torch.nn.Sequential()(x) is x
    assert repr(torch.nn.Sequential()) == "Sequential()"


def check_sequential_iterates_its_modules(torch):
    net = chain(torch)
    assert list(net) == list(net.children())
    assert net[0] in net


# --- ModuleList -----------------------------------------------------------------------------------


def check_a_module_list_grows(torch):
    layers = torch.nn.ModuleList([torch.nn.ReLU()])
    assert layers.append(torch.nn.Tanh()) is layers
    assert layers.extend([torch.nn.ELU()]) is layers
    layers += [torch.nn.GELU()]
    layers.insert(0, torch.nn.Linear(1, 1))
    assert names(layers) == ["Linear", "ReLU", "Tanh", "ELU", "GELU"]
    assert list(layers._modules) == ["0", "1", "2", "3", "4"]


def check_a_module_list_is_added_to_an_iterable(torch):
    layers = torch.nn.ModuleList([torch.nn.ReLU()])
    both = layers + [torch.nn.Tanh()]  # noqa: RUF005
    assert isinstance(both, torch.nn.ModuleList)
    assert names(both) == ["ReLU", "Tanh"]
    assert len(layers) == 1


def check_a_module_list_is_sliced_set_and_deleted(torch):
    layers = torch.nn.ModuleList([torch.nn.ReLU(), torch.nn.Tanh(), torch.nn.ELU()])
    part = layers[::2]
    assert isinstance(part, torch.nn.ModuleList)
    assert names(part) == ["ReLU", "ELU"]
    layers[0] = torch.nn.GELU()
    del layers[1:]
    assert names(layers) == ["GELU"]


def check_a_module_list_pops(torch):
    layers = torch.nn.ModuleList([torch.nn.ReLU(), torch.nn.Tanh()])
    assert type(layers.pop(-1)).__name__ == "Tanh"
    assert type(layers.pop(0)).__name__ == "ReLU"
    assert len(layers) == 0


def check_a_module_list_has_no_forward(torch):
    with pytest.raises(NotImplementedError, match='missing the required "forward" function'):
        torch.nn.ModuleList()(1)


def check_a_module_list_extends_by_iterables_only(torch):
    with pytest.raises(TypeError, match=r"ModuleList.extend should be called with an iterable"):
        torch.nn.ModuleList().extend(3)


def check_a_module_list_prints_repeated_layers_once(torch):
    layers = torch.nn.ModuleList([torch.nn.ReLU(), torch.nn.ReLU(), torch.nn.Tanh()])
    assert repr(layers) == "ModuleList(\n  (0-1): 2 x ReLU()\n  (2): Tanh()\n)"


def check_a_module_list_is_reversed(torch):
    layers = torch.nn.ModuleList([torch.nn.ReLU(), torch.nn.Tanh()])
    assert names(reversed(layers)) == ["Tanh", "ReLU"]


def check_a_module_list_takes_a_generator(torch):
    assert len(torch.nn.ModuleList(torch.nn.ReLU() for _ in range(3))) == 3


# --- ModuleDict -----------------------------------------------------------------------------------


def check_a_module_dict_is_a_mapping(torch):
    d = torch.nn.ModuleDict({"a": torch.nn.ReLU(), "b": torch.nn.Tanh()})
    assert list(d) == list(d.keys()) == ["a", "b"]
    assert "a" in d
    assert names(d.values()) == ["ReLU", "Tanh"]
    assert [key for key, _ in d.items()] == ["a", "b"]
    assert len(d) == 2


def check_a_module_dict_changes(torch):
    d = torch.nn.ModuleDict({"a": torch.nn.ReLU(), "b": torch.nn.Tanh()})
    d["c"] = torch.nn.ELU()
    del d["a"]
    assert type(d.pop("b")).__name__ == "Tanh"
    assert list(d) == ["c"]
    d.clear()
    assert len(d) == 0
    with pytest.raises(KeyError):
        d.pop("b")


def check_a_module_dict_updates_from_pairs_and_mappings(torch):
    d = torch.nn.ModuleDict([("a", torch.nn.ReLU())])
    d.update({"b": torch.nn.Tanh()})
    d.update(torch.nn.ModuleDict({"c": torch.nn.ELU()}))
    d.update([["a", torch.nn.GELU()]])
    assert names(d.values()) == ["GELU", "Tanh", "ELU"]


def check_a_module_dict_refuses_bad_updates(torch):
    d = torch.nn.ModuleDict()
    with pytest.raises(TypeError, match="should be called with an iterable of key/value"):
        d.update(3)
    with pytest.raises(ValueError, match="has length 3; 2 is required"):
        d.update([("a", torch.nn.ReLU(), 1)])


def check_a_module_dict_refuses_the_name_of_a_method(torch):
    with pytest.raises(KeyError, match="attribute 'pop' already exists"):
        torch.nn.ModuleDict({"pop": torch.nn.ReLU()})


def check_a_module_dict_key_is_a_string(torch):
    with pytest.raises(TypeError, match="module name should be a string"):
        torch.nn.ModuleDict({1: torch.nn.ReLU()})


def check_a_module_dict_has_attributes(torch):
    d = torch.nn.ModuleDict({"a": torch.nn.ReLU()})
    assert d.a is d["a"]


# --- ParameterList and ParameterDict --------------------------------------------------------------


def check_a_parameter_list_makes_parameters(torch):
    p = torch.nn.ParameterList([torch.ones(2), torch.nn.Parameter(torch.zeros(1))])
    assert all(isinstance(each, torch.nn.Parameter) for each in p)
    assert [n for n, _ in p.named_parameters()] == ["0", "1"]


def check_a_parameter_list_keeps_other_objects(torch):
    p = torch.nn.ParameterList(["text", torch.ones(1)])
    assert p[0] == "text"
    assert len(list(p.parameters())) == 1
    assert len(p) == 2


def check_a_parameter_list_changes(torch):
    p = torch.nn.ParameterList([torch.ones(1), torch.zeros(1)])
    p[0] = torch.full((1,), 5.0)
    p += [torch.ones(1)]
    p.append(torch.ones(1)).extend([torch.ones(1)])
    assert len(p) == 5
    assert p[0].item() == 5
    assert p[-1].item() == 1
    assert isinstance(p[1:3], torch.nn.ParameterList)
    with pytest.raises(IndexError, match="out of range"):
        p[9]


def check_a_parameter_list_extends_by_iterables_only(torch):
    with pytest.raises(TypeError, match="should be called with an iterable"):
        torch.nn.ParameterList().extend(torch.ones(2))


def check_a_parameter_dict_is_a_mapping(torch):
    p = torch.nn.ParameterDict({"a": torch.ones(1), "b": torch.zeros(2)})
    assert list(p) == list(p.keys()) == ["a", "b"]
    assert [v.numel() for v in p.values()] == [1, 2]
    assert p.get("x", 3) == 3
    assert p.setdefault("c", torch.ones(3)) is p["c"]
    assert p.popitem()[0] == "c"
    assert list(reversed(p)) == ["b", "a"]
    assert p.copy()["a"] is p["a"]


def check_parameter_dicts_are_joined(torch):
    a, b = (
        torch.nn.ParameterDict({"x": torch.ones(1)}),
        torch.nn.ParameterDict({"y": torch.ones(1)}),
    )
    assert list(a | b) == ["x", "y"]
    a |= b
    assert list(a) == ["x", "y"]


def check_parameter_dicts_are_made_from_keys(torch):
    p = torch.nn.ParameterDict().fromkeys(["a", "b"], torch.ones(1))
    assert sorted(p) == ["a", "b"]


def check_a_parameter_dict_refuses_numbers_as_keys(torch):
    with pytest.raises(TypeError, match="is not a string"):
        torch.nn.ParameterDict({1: torch.ones(1)})


def check_parameter_containers_are_not_called(torch):
    with pytest.raises(RuntimeError, match="ParameterList should not be called"):
        torch.nn.ParameterList()(1)
    with pytest.raises(RuntimeError, match="ParameterDict should not be called"):
        torch.nn.ParameterDict()(1)


def check_a_container_in_a_container_has_dotted_names(torch):
    net = torch.nn.ModuleDict({"p": torch.nn.ParameterDict({"w": torch.ones(1)})})
    assert list(net.state_dict()) == ["p.w"]
