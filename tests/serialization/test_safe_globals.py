"""Objects in torch's files, of classes that the user names: as torch.load makes them."""

import argparse
import enum
import io
from collections import namedtuple
from dataclasses import dataclass

import pytest
import torch

import minigrad as mg
from minigrad.serialization import (
    add_safe_globals,
    clear_safe_globals,
    get_safe_globals,
    safe_globals,
)


@dataclass
class Options:
    width: int
    rate: float = 0.1


@dataclass(frozen=True)
class Frozen:
    width: int


class Stage(enum.Enum):
    FIRST = 1


Point = namedtuple("Point", "x y")


class Slotted:
    __slots__ = ("a",)


class WithState:
    def __getstate__(self):
        return {"kept": 3}

    def __setstate__(self, state):
        self.loaded = state


def doubled(number):
    return 2 * number


class Reduced:
    def __reduce__(self):
        return doubled, (21,)


def slotted():
    made = Slotted()
    made.a = 5
    return made


CASES = {
    "options of a command": (argparse.Namespace(lr=0.1, name="net"), [argparse.Namespace]),
    "a dataclass": (Options(3), [Options]),
    "a frozen dataclass": (Frozen(4), [Frozen]),
    "an enum": (Stage.FIRST, [Stage]),
    "a named tuple": (Point(1, 2), [Point]),
    "slots": (slotted(), [Slotted]),
    "a state of its own": (WithState(), [WithState]),
    "a function": (Reduced(), [doubled]),
    "another path": (Options(7), [(Options, f"{__name__}.Options")]),
}


def saved(value, **options):
    file = io.BytesIO()
    torch.save({"value": value, "weight": torch.arange(3)}, file, **options)
    return file.getvalue()


def told(value):
    state = {"a": value.a} if isinstance(value, Slotted) else getattr(value, "__dict__", value)
    return type(value), value if isinstance(value, Stage | tuple | int) else state


@pytest.fixture(autouse=True)
def nothing_trusted():
    yield
    clear_safe_globals()


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("case", CASES)
def test_objects_of_named_classes_are_read(case, zipped):
    value, trusted = CASES[case]
    content = saved(value, _use_new_zipfile_serialization=zipped)
    with pytest.raises(ValueError, match=r"add_safe_globals"):
        mg.load(io.BytesIO(content))
    with safe_globals(trusted):
        ours = mg.load(io.BytesIO(content))
    with torch.serialization.safe_globals(trusted):
        theirs = torch.load(io.BytesIO(content), weights_only=True)
    assert told(ours["value"]) == told(theirs["value"])
    assert ours["weight"].tolist() == [0, 1, 2]
    with pytest.raises(ValueError, match=r"add_safe_globals"):  # no longer
        mg.load(io.BytesIO(content))


def test_tensors_within_objects_are_tensors():
    content = saved(argparse.Namespace(weight=torch.ones(2), inner=[Options(torch.zeros(1))]))
    add_safe_globals([argparse.Namespace, Options])
    found = mg.load(io.BytesIO(content))["value"]
    assert isinstance(found.weight, mg.Tensor)
    assert isinstance(found.inner[0].width, mg.Tensor)


def test_what_was_added_is_told():
    add_safe_globals([Options, doubled])
    add_safe_globals([Options])
    with safe_globals([Options, Frozen]):
        assert get_safe_globals() == [Options, doubled, Frozen]
    assert get_safe_globals() == [Options, doubled]
    clear_safe_globals()
    assert get_safe_globals() == []


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ([Options, 3], TypeError, "classes and functions, got 3"),
        ([(Options, "a", "b")], ValueError, "length: 3"),
        ([(Options, 3)], TypeError, "str of callable full path"),
        (3, TypeError, "not iterable"),
    ],
)
def test_what_cannot_be_named_is_refused(given, error, words):
    with pytest.raises(error, match=words):
        add_safe_globals(given)
    assert get_safe_globals() == []


def test_whole_modules_are_refused_even_so():
    content = saved(torch.nn.Linear(2, 2))
    add_safe_globals([(mg.nn.Linear, "torch.nn.modules.linear.Linear")])
    with pytest.raises(ValueError, match=r"whole module: save its state_dict\(\)"):
        mg.load(io.BytesIO(content))


class OddState:
    def __reduce__(self):
        return Options, (1,), ("neither", "a dict")


def test_a_state_of_another_kind_is_refused():
    content = saved(OddState())
    add_safe_globals([Options])
    with pytest.raises(ValueError, match="attributes should be a dict"):
        mg.load(io.BytesIO(content))
