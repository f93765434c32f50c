"""Containers compared with torch: equal operations give equal members, texts and errors."""

from collections import OrderedDict

import pytest
import torch

import minigrad as mg
from tests.support.torch_twin import copy_state

LIBRARIES = (mg, torch)


def three(lib):
    return lib.nn.Sequential(lib.nn.Linear(2, 3), lib.nn.ReLU(), lib.nn.Linear(3, 1))


def named(lib):
    return lib.nn.Sequential(OrderedDict(a=lib.nn.Linear(2, 3), b=lib.nn.ReLU()))


def alike(lib):
    return [lib.nn.Linear(1, 2), lib.nn.Linear(1, 2)]


def changed(module, change):
    change(module)
    return module


STEPS = {
    "of modules": three,
    "of names": named,
    "empty": lambda lib: lib.nn.Sequential(),
    "slice": lambda lib: three(lib)[1:],
    "named slice": lambda lib: named(lib)[:1],
    "last": lambda lib: three(lib)[-1],
    "set": lambda lib: changed(three(lib), lambda s: s.__setitem__(-1, lib.nn.Tanh())),
    "delete": lambda lib: changed(three(lib), lambda s: s.__delitem__(0)),
    "delete slice": lambda lib: changed(three(lib), lambda s: s.__delitem__(slice(0, 2))),
    "append": lambda lib: three(lib).append(lib.nn.Tanh()),
    "insert": lambda lib: three(lib).insert(1, lib.nn.Tanh()),
    "insert from the end": lambda lib: three(lib).insert(-1, lib.nn.Tanh()),
    "extend": lambda lib: three(lib).extend(named(lib)),
    "pop": lambda lib: changed(three(lib), lambda s: s.pop(1)),
    "sum": lambda lib: three(lib) + named(lib),
    "sum in place": lambda lib: changed(three(lib), lambda s: s.__iadd__(three(lib))),
    "product": lambda lib: 2 * named(lib),
    "product in place": lambda lib: changed(three(lib), lambda s: s.__imul__(2)),
    "list": lambda lib: lib.nn.ModuleList(
        [lib.nn.ReLU(), lib.nn.Linear(1, 2), lib.nn.Linear(1, 2)]
    ),
    "empty list": lambda lib: lib.nn.ModuleList(),
    "list slice": lambda lib: lib.nn.ModuleList(three(lib))[::2],
    "list sum": lambda lib: lib.nn.ModuleList(three(lib)) + alike(lib),
    "list sum in place": lambda lib: changed(
        lib.nn.ModuleList([lib.nn.ReLU()]), lambda m: m.__iadd__(three(lib))
    ),
    "list edits": lambda lib: changed(
        lib.nn.ModuleList(three(lib)), lambda m: (m.pop(0), m.insert(0, lib.nn.Tanh()))
    ),
    "list delete": lambda lib: changed(lib.nn.ModuleList(three(lib)), lambda m: m.__delitem__(-1)),
    "dict": lambda lib: lib.nn.ModuleDict({"x": lib.nn.ReLU(), "y": lib.nn.Linear(1, 1)}),
    "dict of pairs": lambda lib: lib.nn.ModuleDict([("x", lib.nn.ReLU())]),
    "dict edits": lambda lib: changed(
        lib.nn.ModuleDict({"x": lib.nn.ReLU()}),
        lambda d: (d.update({"y": lib.nn.Tanh()}), d.pop("x"), d.__setitem__("z", lib.nn.ReLU())),
    ),
    "dict cleared": lambda lib: changed(named_dict(lib), lambda d: d.clear()),
    "dict deletion": lambda lib: changed(named_dict(lib), lambda d: d.__delitem__("x")),
    "parameter list": lambda lib: lib.nn.ParameterList([lib.ones(2, 3), lib.ones(1).double(), "s"]),
    "parameter list edits": lambda lib: changed(
        lib.nn.ParameterList([lib.ones(2), lib.ones(3)]),
        lambda p: (p.append(lib.ones(4)), p.__setitem__(0, lib.ones(5)), p.__iadd__([lib.ones(6)])),
    ),
    "parameter list slice": lambda lib: lib.nn.ParameterList([lib.ones(i) for i in (1, 2, 3)])[1:],
    "parameter dict": lambda lib: lib.nn.ParameterDict(
        {"a": lib.ones(2), "b": lib.ones(1).double()}
    ),
    "parameter dict edits": lambda lib: changed(
        lib.nn.ParameterDict({"a": lib.ones(2), "b": lib.ones(3)}),
        lambda p: (p.pop("a"), p.update([("c", lib.ones(4))]), p.setdefault("d", lib.ones(5))),
    ),
    "parameter dict union": lambda lib: (
        lib.nn.ParameterDict({"a": lib.ones(2)}) | lib.nn.ParameterDict({"b": lib.ones(1)})
    ),
    "parameter dict last": lambda lib: changed(
        lib.nn.ParameterDict({"a": lib.ones(2), "b": lib.ones(3)}), lambda p: p.popitem()
    ),
    "parameter dict copied": lambda lib: lib.nn.ParameterDict({"a": lib.ones(2)}).copy(),
}


def named_dict(lib):
    return lib.nn.ModuleDict({"x": lib.nn.ReLU(), "y": lib.nn.ReLU()})


@pytest.mark.parametrize("step", STEPS)
def test_a_container_ends_up_as_torchs_does(step):
    ours, theirs = STEPS[step](mg), STEPS[step](torch)
    assert repr(ours) == repr(theirs).replace("torch.", "minigrad.")
    assert [n for n, _ in ours.named_modules()] == [n for n, _ in theirs.named_modules()]
    shapes = [[(n, tuple(p.shape)) for n, p in m.named_parameters()] for m in (ours, theirs)]
    assert shapes[0] == shapes[1]
    if hasattr(theirs, "__len__"):
        assert len(ours) == len(theirs)


REFUSED = {
    "index too large": lambda lib: three(lib)[3],
    "index too small": lambda lib: three(lib)[-4],
    "pop of nothing": lambda lib: lib.nn.Sequential().pop(0),
    "insertion out of range": lambda lib: three(lib).insert(5, lib.nn.ReLU()),
    "sum with a number": lambda lib: three(lib) + 1,
    "product with text": lambda lib: three(lib) * "a",
    "product with nothing": lambda lib: three(lib) * 0,
    "number as a module": lambda lib: lib.nn.Sequential(3),
    "list of a number": lambda lib: lib.nn.ModuleList().extend(3),
    "list called": lambda lib: lib.nn.ModuleList()(1),
    "dictionary's own word": lambda lib: lib.nn.ModuleDict({"keys": lib.nn.ReLU()}),
    "dictionary of a number": lambda lib: lib.nn.ModuleDict().update(3),
    "unknown key": lambda lib: named_dict(lib)["z"],
    "parameter index": lambda lib: lib.nn.ParameterList([lib.ones(1)])[1],
    "parameter list called": lambda lib: lib.nn.ParameterList()(1),
    "parameter dict called": lambda lib: lib.nn.ParameterDict()(1),
    "parameter key of another type": lambda lib: lib.nn.ParameterDict().__setitem__(3, lib.ones(1)),
    "unknown parameter": lambda lib: lib.nn.ParameterDict()["z"],
}


@pytest.mark.parametrize("what", REFUSED)
def test_misuse_raises_torchs_error(what):
    with pytest.raises(Exception) as theirs:  # noqa: PT011  whatever torch raises
        REFUSED[what](torch)
    with pytest.raises(type(theirs.value)):
        REFUSED[what](mg)


def test_membership_and_iteration():
    for lib in LIBRARIES:
        modules = named_dict(lib)
        assert "x" in modules
        assert list(modules) == list(modules.keys()) == ["x", "y"]
        assert [k for k, _ in modules.items()] == ["x", "y"]
        assert len(list(modules.values())) == 2
        parameters = lib.nn.ParameterDict({"a": lib.ones(2), "b": lib.ones(1)})
        assert list(reversed(parameters)) == ["b", "a"]
        assert parameters.get("a") is parameters["a"]
        assert parameters.get("z", 5) == 5
        assert [tuple(v.shape) for v in parameters.values()] == [(2,), (1,)]
        parameters |= {"c": lib.ones(3)}
        assert "c" in parameters
        parameters.clear()
        assert not list(parameters.parameters())
        values = lib.nn.ParameterList([lib.ones(2), lib.ones(3)])
        assert [tuple(p.shape) for p in values] == [(2,), (3,)]
        assert all(isinstance(p, lib.nn.Parameter) for p in values)


def test_a_sequence_chains_its_modules():
    ours, theirs = three(mg), three(torch)
    copy_state(ours, theirs)
    y, z = ours(mg.ones(4, 2)), theirs(torch.ones(4, 2))
    assert y.detach().numpy() == pytest.approx(z.detach().numpy(), rel=1e-5)
