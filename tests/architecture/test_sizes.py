"""A file, a class, a function that grows long is doing more than one thing."""

import ast

import pytest

from tests.support.house import MODULES, PROJECT, TREES

FILE, CLASS, FUNCTION = 400, 200, 60  # lines
TOP_LEVEL = 12  # modules beside packages


def length(node):
    return node.end_lineno - node.lineno + 1


@pytest.mark.parametrize("name", MODULES)
def test_files_classes_and_functions_stay_small(name):
    long = []
    if (lines := len(MODULES[name].read_text().splitlines())) > FILE:
        long.append((name, lines))
    for node in ast.walk(TREES[name]):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and length(node) > FUNCTION:
            long.append((f"{name}.{node.name}", length(node)))
        if isinstance(node, ast.ClassDef) and length(node) > CLASS:
            long.append((f"{name}.{node.name}", length(node)))
    assert not long


def test_tests_and_benchmarks_stay_small():
    for folder in ("tests", "benchmarks"):
        for file in sorted((PROJECT / folder).rglob("*.py")):
            assert len(file.read_text().splitlines()) <= FILE, file


def test_few_modules_lie_at_the_top():
    assert len(list((PROJECT / "minigrad").glob("*.py"))) <= TOP_LEVEL
