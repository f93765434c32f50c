"""Modules of kernels are executed when they are used, once, and only if nobody edited them."""

import subprocess
import sys
from types import ModuleType

import pytest

from minigrad.kernels.deferred_modules import DeferredModule, defer_modules
from tests.support.threads import in_threads

AT_IMPORT = """
import sys
import minigrad
from minigrad.kernels.deferred_modules import DeferredModule
from minigrad.kernels.conv import winograd

assert type(sys.modules["minigrad.kernels.conv.winograd"]) is DeferredModule
assert type(sys.modules["minigrad.kernels.attention.forward"]) is DeferredModule
minigrad.conv2d(minigrad.ones(1, 1, 4, 4), minigrad.ones(1, 1, 3, 3))
assert type(winograd) is type(sys)
assert winograd.correlate_winograd.__module__ == "minigrad.kernels.conv.winograd"
assert type(sys.modules["minigrad.kernels.attention.forward"]) is DeferredModule
"""


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Makes a package `house.room` of modules with these texts, and defers them."""
    monkeypatch.syspath_prepend(tmp_path)
    room = tmp_path / "house" / "room"
    room.mkdir(parents=True)
    for folder in (room.parent, room):
        (folder / "__init__.py").write_text("")

    def make(**texts):
        for name, text in texts.items():
            (room / f"{name}.py").write_text(text)
        defer_modules("house", ["room"])
        return room

    yield make
    for name in [name for name in sys.modules if name.partition(".")[0] == "house"]:
        del sys.modules[name]


def module(name):
    return sys.modules[f"house.room.{name}"]


def test_an_import_executes_no_convolution():
    subprocess.run([sys.executable, "-c", AT_IMPORT], check=True)


def test_the_first_name_read_executes_the_module(package):
    package(chair="LEGS = 4\n", table="from house.room.chair import LEGS\n\nALL = LEGS + 4\n")
    assert type(module("chair")) is type(module("table")) is DeferredModule
    assert module("table").__name__ == "house.room.table"
    assert type(module("table")) is DeferredModule
    assert module("table").ALL == 8
    assert type(module("chair")) is type(module("table")) is ModuleType
    with pytest.raises(AttributeError, match=r"chair.*seat"):
        _ = module("chair").seat


def test_an_edited_file_is_refused(package):
    room = package(chair="LEGS = 4\n")
    (room / "chair.py").write_text("LEGS = 3 + 0\n")
    for _ in range(2):
        with pytest.raises(ImportError, match="was edited after minigrad was imported"):
            _ = module("chair").LEGS


def test_an_exception_comes_each_time(package):
    package(chair="LEGS = 1 // 0\n")
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            _ = module("chair").LEGS


def test_other_threads_wait_for_the_whole_module(package):
    package(chair="import time\nFIRST = 1\ntime.sleep(0.3)\nLAST = 2\n")
    chair = module("chair")
    seen = []

    def read():
        seen.append((chair.FIRST, chair.LAST))

    in_threads(read, [()] * 4)
    assert seen == [(1, 2)] * 4
