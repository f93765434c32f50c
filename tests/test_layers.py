"""The house's floors: a module imports lower floors only, and nothing inside functions."""

import ast
from pathlib import Path

import pytest

import minigrad

ROOT = Path(minigrad.__file__).parent
FLOORS = [
    {"kernels"},
    {
        "absent",
        "modes",
        "graph",
        "walk",
        "dtypes",
        "determinism",
        "device",
        "layout",
        "generator",
        "printing",
        "files",
    },
    {"declaration", "recording", "op"},
    {"ops"},
    {"methods", "tensor", "creation", "triangles", "typeinfo", "random"},
    {
        "autograd",
        "nn",
        "optim",
        "utils",
        "vision",
        "serialization",
        "cuda",
        "linalg",
        "special",
        "twins",
        "func",
        "averaging",
    },
    {"testing", "bench", "distributed"},
    {"cli", "__main__"},
]
LEVEL = {part: level for level, parts in enumerate(FLOORS) for part in parts}
# What is not installed with minigrad, or not everywhere, may be imported where it is used.
OPTIONAL = {"matplotlib", "PIL", "torch", "mpi4py", "numba.np.ufunc"}
TYPE_CHECKER_ONLY = "TYPE_CHECKING"


def name_of(path):
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): path for path in sorted(ROOT.rglob("*.py"))}
TREES = {name: ast.parse(path.read_text()) for name, path in MODULES.items()}


def imports_of(tree):
    """(node, module) for every import, `from package import module` resolved."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"relative import in line {node.lineno}"
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield node, inner if inner in MODULES else node.module


def part_of(module):
    """The part of the house: `minigrad.ops.shape` belongs to `ops`."""
    return module.split(".")[1]


@pytest.mark.parametrize("name", [name for name in MODULES if name != "minigrad"])
def test_imports_go_down(name):
    here = part_of(name)
    for node, module in imports_of(TREES[name]):
        if module == "minigrad":
            pytest.fail(f"{name}:{node.lineno} imports minigrad itself")
        if not module.startswith("minigrad."):
            continue
        there = part_of(module)
        assert LEVEL[there] <= LEVEL[here], f"{name}:{node.lineno} imports {module}, a higher floor"
        assert {here, there} != {"nn", "optim"}, f"{name}:{node.lineno} imports {module}"
        if LEVEL[here] == 1:
            assert there != "kernels", f"{name}:{node.lineno}: the graph does not know kernels"


def test_every_part_has_a_floor():
    assert {part_of(name) for name in MODULES if name != "minigrad"} <= set(LEVEL)


def test_no_module_imports_itself_in_a_circle():
    graph = {
        name: {module for _, module in imports_of(tree) if module in MODULES and module != name}
        for name, tree in TREES.items()
    }
    done, path = set(), []

    def visit(name):
        if name in done:
            return
        assert name not in path, " -> ".join([*path[path.index(name) :], name])
        path.append(name)
        for module in sorted(graph[name]):
            if not name.startswith(f"{module}."):  # a package's face imports its modules
                visit(module)
        path.pop()
        done.add(name)

    for name in graph:
        visit(name)


@pytest.mark.parametrize("name", MODULES)
def test_nothing_is_imported_inside_functions(name):
    for function in ast.walk(TREES[name]):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            for node, module in imports_of(function):
                allowed = any(module == o or module.startswith(f"{o}.") for o in OPTIONAL)
                assert allowed, f"{name}:{node.lineno} imports {module} inside a function"


@pytest.mark.parametrize("name", MODULES)
def test_no_escapes(name):
    source = MODULES[name].read_text()
    assert TYPE_CHECKER_ONLY not in source
    if part_of(f"{name}.x") != "kernels":
        numba = [n.lineno for n, m in imports_of(TREES[name]) if m.split(".")[0] == "numba"]
        assert not numba, f"{name}:{numba}: Numba is imported by kernels alone"


@pytest.mark.parametrize("name", MODULES)
def test_files_and_functions_stay_small(name):
    assert len(MODULES[name].read_text().splitlines()) <= 450
    for node in ast.walk(TREES[name]):
        if isinstance(node, ast.FunctionDef):
            lines = node.end_lineno - node.lineno + 1
            assert lines <= 70, f"{name}:{node.lineno}: {node.name} has {lines} lines"
