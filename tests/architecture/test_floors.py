"""The floors of the package: a module imports lower floors only, and nothing inside functions."""

import ast
import re

import pytest

from tests.support.house import MODULES, TREES, imports_of

# From the ground up.  A module belongs to the longest name that it begins with.
FLOORS = [
    {"kernels.compiler"},
    {"kernels.simd"},
    {"kernels"},
    {"core"},
    {"engine"},
    {"ops"},
    {"tensor"},
    {
        "_C",
        "accelerator",
        "amp",
        "autograd",
        "distributed",
        "fft",
        "linalg",
        "random",
        "signal",
        "special",
        "version",
    },
    {
        "_dynamo",
        "_inductor",
        "backends",
        "compiler",
        "cpu",
        "cuda",
        "mps",
        "mtia",
        "multiprocessing",
        "nn",
        "onnx",
        "xpu",
    },
    {
        "__config__",
        "aliases",
        "distributed.optim",
        "distributions",
        "func",
        "functional",
        "futures",
        "hub",
        "jit",
        "optim",
        "overrides",
        "profiler",
        "serialization",
        "storage",
        "text",
        "types",
        "utils",
        "vision",
    },
    {"training"},
    {"testing"},
    {"bench"},
    {"cli", "__main__"},
]
LEVEL = {part: level for level, parts in enumerate(FLOORS) for part in parts}
# Neighbours on the way up that do without each other.
STRANGERS = [("core", "kernels"), ("engine", "kernels"), ("optim", "vision"), ("utils", "optim")]
# What is not installed with minigrad, or not everywhere, may be imported where it is used.
OPTIONAL = {"matplotlib", "PIL", "torch", "mpi4py", "numba.np.ufunc", "onnx", "onnxruntime"}
TYPE_CHECKER_ONLY = "TYPE_CHECKING"


def part_of(module):
    """The part of the house: `minigrad.ops.shape.views` belongs to `ops`."""
    inside = module.removeprefix("minigrad.")
    fitting = [part for part in LEVEL if inside == part or inside.startswith(f"{part}.")]
    assert fitting, f"{module} has no floor"
    return max(fitting, key=len)


@pytest.mark.parametrize("name", [name for name in MODULES if name != "minigrad"])
def test_imports_go_down(name):
    here = part_of(name)
    for node, module in imports_of(TREES[name]):
        assert module != "minigrad", f"{name}:{node.lineno} imports minigrad itself"
        if not module.startswith("minigrad."):
            continue
        there = part_of(module)
        assert LEVEL[there] <= LEVEL[here], f"{name}:{node.lineno} imports {module}, a higher floor"
        pair = here.split(".")[0], there.split(".")[0]
        assert pair not in STRANGERS, f"{name}:{node.lineno} imports {module}"


def test_every_floor_is_lived_on():
    assert {part_of(name) for name in MODULES if name != "minigrad"} == set(LEVEL)


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
    text = MODULES[name].read_text()
    lazy = re.search(r"show_public_names\(\s*__name__,\s*(lazy|parts)=\(", text)
    if not lazy:  # type checkers must be told of what is imported lazily
        assert TYPE_CHECKER_ONLY not in text
    if not name.startswith("minigrad.kernels"):
        numba = [n.lineno for n, m in imports_of(TREES[name]) if m.split(".")[0] == "numba"]
        assert not numba, f"{name}:{numba}: Numba is imported by kernels alone"


@pytest.mark.parametrize("name", MODULES)
def test_factorizations_run_on_one_thread(name):
    if name != "minigrad.ops.linalg.lapack":
        found = re.findall(r"np\.linalg\.(?!norm|LinAlgError)\w+", MODULES[name].read_text())
        assert not found, f"{name} calls {found}; minigrad.ops.linalg.lapack has them on one thread"
