"""Members, paths, modes and casts of a Module, compared with torch."""

import copy
import pickle
import sys

import pytest
import torch

import minigrad as mg
from minigrad import nn
from tests.support.torch_twin import assert_same_structure


def build(library):
    """A net with a shared layer, a buffer of each kind, a direct parameter and None members."""
    lib = library.nn

    class Inner(lib.Module):
        def __init__(self):
            super().__init__()
            self.fc = lib.Linear(3, 3)
            self.scale = lib.Parameter(library.ones(2))
            self.register_buffer("kept", library.zeros(1))
            self.register_buffer("passing", library.zeros(1), persistent=False)
            self.register_parameter("absent", None)

        def forward(self, x):
            return self.fc(x) * self.scale.sum()

    class Outer(lib.Module):
        def __init__(self):
            super().__init__()
            self.first = Inner()
            self.again = self.first
            self.nothing = lib.Linear(1, 1)
            self.nothing = None
            self.tail = lib.Sequential(lib.ReLU(), lib.Linear(3, 2, bias=False))
            self.note = "plain"

        def forward(self, x, gain=1.0):
            return self.tail(self.first(x)) * gain

    return Outer()


OURS, THEIRS = build(mg), build(torch)
WALKS = {
    "parameters": lambda m: [n for n, _ in m.named_parameters()],
    "parameters with duplicates": lambda m: [
        n for n, _ in m.named_parameters(remove_duplicate=False)
    ],
    "own parameters": lambda m: [n for n, _ in m.first.named_parameters("p", recurse=False)],
    "buffers": lambda m: [n for n, _ in m.named_buffers()],
    "modules": lambda m: [n for n, _ in m.named_modules()],
    "modules with duplicates": lambda m: [n for n, _ in m.named_modules(remove_duplicate=False)],
    "children": lambda m: [n for n, _ in m.named_children()],
    "counts": lambda m: [len(list(w())) for w in (m.parameters, m.buffers, m.modules, m.children)],
    "state": lambda m: list(m.state_dict()),
    "prefixed state": lambda m: list(m.tail.state_dict(prefix="x.")),
    "text": repr,
    "shapes": lambda m: [tuple(p.shape) for p in m.parameters()],
    "names in dir": lambda m: [n for n in ("first", "tail", "note", "nothing") if n in dir(m)],
    "sequence dir": lambda m: "0" in dir(m.tail),
}


@pytest.mark.parametrize("walk", WALKS)
def test_members_are_found_as_in_torch(walk):
    assert WALKS[walk](OURS) == WALKS[walk](THEIRS)


def test_a_name_moves_from_one_kind_of_member_to_another():
    for lib in (mg, torch):
        module = lib.nn.Module()
        module.x = 3
        module.x = lib.nn.Parameter(lib.ones(1))
        assert [n for n, _ in module.named_parameters()] == ["x"]
        for other in (lib.nn.Linear(1, 1), lib.nn.Buffer(lib.ones(1)), lib.ones(1)):
            with pytest.raises(TypeError, match="as parameter 'x'"):
                module.x = other
        del module.x
        module.x = lib.nn.Buffer(lib.ones(1), persistent=False)
        assert [n for n, _ in module.named_buffers()] == ["x"]
        assert not module.state_dict()
        module.x = lib.nn.Linear(1, 1)
        assert [n for n, _ in module.named_parameters()] == ["x.weight", "x.bias"]
        assert not list(module.buffers())
        module.x = lib.nn.Parameter(lib.ones(2))
        assert list(module.state_dict()) == ["x"]
        del module.x
        assert not hasattr(module, "x")
        assert not list(module.parameters())


def unready(lib):
    class Unready(lib.nn.Module):
        def __init__(self, make):
            self.member = make()

    return Unready


REFUSED = {
    "parameter before init": lambda lib: unready(lib)(lambda: lib.nn.Parameter(lib.ones(1))),
    "module before init": lambda lib: unready(lib)(lib.nn.ReLU),
    "tensor over a parameter": lambda lib: setattr(lib.nn.Linear(1, 1), "weight", lib.ones(1, 1)),
    "number over a module": lambda lib: setattr(lib.nn.Sequential(lib.nn.ReLU()), "0", 3),
    "number over a buffer": lambda lib: setattr(lib.nn.BatchNorm1d(1), "running_mean", 3),
    "missing attribute": lambda lib: lib.nn.ReLU().weight,
    "deleting what is missing": lambda lib: delattr(lib.nn.ReLU(), "weight"),
    "dotted parameter": lambda lib: lib.nn.Module().register_parameter("a.b", None),
    "nameless buffer": lambda lib: lib.nn.Module().register_buffer("", None),
    "number as a name": lambda lib: lib.nn.Module().register_buffer(3, None),
    "taken name": lambda lib: lib.nn.Module().register_parameter("training", None),
    "tensor as parameter": lambda lib: lib.nn.Module().register_parameter("x", lib.ones(1)),
    "number as buffer": lambda lib: lib.nn.Module().register_buffer("x", 3),
    "number as module": lambda lib: lib.nn.Module().add_module("x", 3),
    "computed parameter": lambda lib: lib.nn.Module().register_parameter(
        "x", computed_parameter(lib)
    ),
    "no forward": lambda lib: lib.nn.Module()(1),
    "unknown submodule": lambda lib: build(lib).get_submodule("first.fd"),
    "parameter as submodule": lambda lib: build(lib).get_submodule("first.fc.weight"),
    "module as parameter": lambda lib: build(lib).get_parameter("first.fc"),
    "parameter as buffer": lambda lib: build(lib).get_buffer("first.scale"),
    "unknown buffer": lambda lib: build(lib).get_buffer("first.gone"),
    "training by a number": lambda lib: lib.nn.ReLU().train(1),
    "cast to integers": lambda lib: lib.nn.Linear(1, 1).to(lib.int64),
    "state that is none": lambda lib: lib.nn.Linear(1, 1).load_state_dict(3),
    "parameter of integers": lambda lib: lib.nn.Parameter(lib.tensor([1])),
}


def computed_parameter(lib):
    parameter = lib.nn.Parameter(lib.ones(1))
    if lib is torch:
        parameter = parameter.requires_grad_(False)
        parameter += torch.ones(1, requires_grad=True)
    else:
        parameter.node = (mg.ones(1, requires_grad=True) * 2).node
    return parameter


@pytest.mark.parametrize("what", REFUSED)
def test_misuse_raises_torchs_error(what):
    with pytest.raises(Exception) as theirs:  # noqa: PT011  whatever torch raises
        REFUSED[what](torch)
    with pytest.raises(type(theirs.value)) as ours:
        REFUSED[what](mg)
    assert type(ours.value) is type(theirs.value)


def test_get_and_set_by_path():
    net = build(mg)
    assert net.get_submodule("") is net
    assert net.get_submodule("tail.1") is net.tail[1]
    assert net.get_parameter("tail.1.weight") is net.tail[1].weight
    assert net.get_buffer("first.kept") is net.first.kept
    net.set_submodule("tail.1", nn.Identity())
    assert isinstance(net.tail[1], nn.Identity)


def test_modes_reach_every_module():
    net = build(mg)
    assert net.eval() is net
    assert not any(m.training for m in net.modules())
    assert all(m.training for m in net.train().modules())
    net.requires_grad_(False)
    assert not any(p.requires_grad for p in net.parameters())


def test_apply_visits_children_first():
    seen = {lib: [] for lib in (mg, torch)}
    for lib, names in seen.items():
        build(lib).apply(lambda m, names=names: names.append(type(m).__name__))
    assert seen[mg] == seen[torch]


def test_zero_grad():
    layer = nn.Linear(2, 2)
    layer(mg.ones(1, 2)).sum().backward()
    layer.zero_grad(set_to_none=False)
    assert all(p.grad.tolist() == (p * 0).tolist() for p in layer.parameters())
    layer.zero_grad()
    assert all(p.grad is None for p in layer.parameters())


def test_casts_keep_the_parameters_and_leave_integers_alone():
    layer = nn.BatchNorm1d(3)
    weight = layer.weight
    layer(mg.randn(4, 3)).sum().backward()
    assert layer.double() is layer
    assert layer.weight is weight
    assert {t.dtype for t in (weight, weight.grad, layer.running_var)} == {mg.float64}
    assert layer.num_batches_tracked.dtype is mg.int64
    assert layer.to("cpu", mg.float32).weight.dtype is mg.float32
    assert layer.to(mg.ones(1).double()).weight.dtype is mg.float64
    assert layer.float().weight.dtype is mg.float32
    assert layer.half().weight.dtype is mg.float16
    assert layer.type(mg.float64).num_batches_tracked.dtype is mg.float64
    for absent in (layer.cuda, lambda: layer.to("cuda"), lambda: layer.to(device="mps")):
        with pytest.raises(RuntimeError, match="CPU only"):
            absent()


def test_copies_are_independent_and_keep_what_is_shared():
    net = build(mg)
    net.register_forward_hook(lambda m, a, out: out * 2)
    twin = copy.deepcopy(net)
    assert twin.again is twin.first
    x = mg.ones(1, 3)
    assert twin(x).tolist() == net(x).tolist()
    with mg.no_grad():
        twin.tail[1].weight.zero_()
    assert net.tail[1].weight.abs().sum() > 0
    assert twin.first.absent is None
    assert list(twin.state_dict()) == list(net.state_dict())


def test_pickling_keeps_parameters_and_what_is_shared():
    layer = nn.Linear(3, 2)
    tied = nn.ModuleList([layer, layer])
    back = pickle.loads(pickle.dumps(tied))
    assert back[0] is back[1]
    assert isinstance(back[0].weight, nn.Parameter)
    assert back[0].weight.requires_grad
    assert back[0].weight.tolist() == layer.weight.tolist()


def test_parameter_and_buffer():
    data = mg.tensor([1.5, -2.0])
    parameter = nn.Parameter(data)
    theirs = torch.nn.Parameter(torch.tensor([1.5, -2.0]))
    assert repr(parameter) == repr(theirs)
    assert repr(nn.Parameter(data, requires_grad=False)) == repr(
        torch.nn.Parameter(torch.tensor([1.5, -2.0]), requires_grad=False)
    )
    assert parameter.is_leaf
    assert parameter.requires_grad
    data[0] = 7.0  # one memory
    assert parameter[0].item() == 7.0
    for result in (parameter * 2, parameter.detach(), parameter[0], parameter.data):
        assert type(result) is mg.Tensor
    assert type(copy.deepcopy(parameter)) is nn.Parameter
    assert nn.Parameter().shape == (0,)
    assert repr(nn.Buffer(data)) == repr(torch.nn.Buffer(torch.tensor([7.0, -2.0])))
    with pytest.raises(TypeError, match="expects a Tensor"):
        nn.Parameter([1.0])


def test_repr_of_nested_modules_is_torchs():
    def net(lib):
        m = lib.nn
        return m.Sequential(
            m.Sequential(m.Conv2d(1, 2, 3), m.ReLU()),
            m.ModuleDict({"a": m.Linear(2, 3), "b": m.ModuleList([m.Tanh(), m.Tanh()])}),
            m.MSELoss(),
        )

    assert_same_structure(net(mg), net(torch))


def test_a_call_without_hooks_is_lean():
    """A call adds one Python frame to forward: no dictionary is created, no hooks are iterated."""

    class Depth(nn.Module):
        def forward(self, x):
            frame, depth = sys._getframe(), 0
            while frame.f_code.co_name != "test_a_call_without_hooks_is_lean":
                frame, depth = frame.f_back, depth + 1
            return depth

    assert Depth()(None) == 2
    assert "_hooks" not in vars(Depth())
