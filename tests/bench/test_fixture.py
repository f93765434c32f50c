"""The pytest fixture `bench`."""

import tomllib
from importlib import import_module
from pathlib import Path

from minigrad.bench import Peaks, Run, pytest_plugin
from minigrad.bench.ab import FASTER, SLOWER, UNRESOLVED
from minigrad.bench.ab.side_by_side import compare_functions

pytest_plugins = ["pytester"]
ROOT = Path(__file__).parents[2]
PLUGIN = "minigrad.bench.pytest_plugin"
TESTS = """
import numpy as np

x = np.ones(1000, np.float32)

def once():
    np.sqrt(x)

def thrice():
    once(), once(), once()

def test_one(bench):
    assert bench(np.sqrt, x, elements=2000).best > 0
    bench(once, name="again", flops=1000)

def test_two(bench):
    assert bench.compare(once, thrice).verdict == "slower"
"""


def test_a_test_s_functions_are_timed(pytester, monkeypatch):
    monkeypatch.setattr(pytest_plugin.peaks, "measure", lambda quick: Peaks(1e11, ((2**14, 1e11),)))
    pytester.makepyfile(test_mine=TESTS)
    ended = pytester.runpytest_inprocess("-p", PLUGIN, "-p", "no:cacheprovider",
                                         "--bench-json", "times.json")  # fmt: skip
    ended.assert_outcomes(passed=2)
    printed = ended.stdout.str()
    assert "timed by bench" in printed
    assert "test_one " in printed
    assert "GB/s" in printed
    assert "GFLOP/s" in printed
    run = Run.load(pytester.path / "times.json")
    assert [entry.label for entry in run.entries] == ["test_one", "again"]
    assert run.entries[0].bytes == 8000
    assert run.entries[0].timings["minigrad"].number > 1


def test_nothing_is_printed_where_nothing_was_timed(pytester):
    pytester.makepyfile(test_mine="def test_nothing():\n    pass\n")
    ended = pytester.runpytest_inprocess("-p", PLUGIN, "-p", "no:cacheprovider")
    ended.assert_outcomes(passed=1)
    assert "timed by bench" not in ended.stdout.str()


def work(repeats):
    def run():
        return sum(i * i for i in range(repeats))

    return run


def test_verdicts_side_by_side():
    small, large = work(300), work(600)
    assert compare_functions(small, large).verdict == SLOWER
    assert compare_functions(large, small).verdict == FASTER
    assert compare_functions(small, large, margin=3.0).verdict == UNRESOLVED


def test_the_plugin_is_registered():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    plugins = project["entry-points"]["pytest11"]
    assert plugins[PLUGIN] == PLUGIN
    assert hasattr(import_module(PLUGIN), "bench")
