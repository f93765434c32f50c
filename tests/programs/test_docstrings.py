"""Every `>>>` example in the package runs as it is printed."""

import doctest
import importlib

import pytest

import minigrad
from tests.support.house import MODULES

FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


def examples():
    """The docstrings with examples; they are given `minigrad` and import all else."""
    finder = doctest.DocTestFinder(exclude_empty=True)
    found = []
    for name in MODULES.keys() - {"minigrad.__main__"}:
        module = importlib.import_module(name)
        for example in finder.find(module, name, globs={"minigrad": minigrad}):
            if example.examples:
                found.append(example)
    return sorted(found)


@pytest.mark.parametrize("example", examples(), ids=lambda example: example.name)
def test_example(example):
    minigrad.manual_seed(0)
    runner = doctest.DocTestRunner(optionflags=FLAGS)
    said = []
    runner.run(example, out=said.append)
    assert not runner.failures, "".join(said)
