"""Kernels' functions have annotations, except those whose types only Numba can tell.

The type checker's rule is off for `minigrad.kernels`: Numba compiles a device function once for
each combination of pointers, tuples and dtypes that it is called with.
"""

import ast

import pytest

from tests.support.house import MODULES, TREES

KERNELS = [name for name in MODULES if name.startswith("minigrad.kernels")]
NUMBA_TYPES = {"device_function", "kernel", "task_kernel"}


def decorators(function):
    for decorator in function.decorator_list:
        called = decorator.func if isinstance(decorator, ast.Call) else decorator
        yield called.attr if isinstance(called, ast.Attribute) else called.id


def unannotated(function):
    arguments = function.args
    everything = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    everything += [a for a in (arguments.vararg, arguments.kwarg) if a]
    names = [a.arg for a in everything if a.annotation is None and a.arg not in ("self", "cls")]
    return names + ["return"] * (function.returns is None)


@pytest.mark.parametrize("name", KERNELS)
def test_only_numbas_functions_lack_annotations(name):
    for function in ast.walk(TREES[name]):
        if isinstance(function, ast.FunctionDef) and not NUMBA_TYPES & set(decorators(function)):
            assert not unannotated(function), f"{name}:{function.lineno} {function.name}"
