"""Calls written down as text, run on minigrad and on torch: values, errors and the graph agree."""

import warnings

import numpy as np
import torch

import minigrad as mg
from tests.support.against_torch import assert_same, outcome, outputs_of


def _tensor_of(module):
    """`tensor` with a dtype given by its name."""

    def tensor(data, dtype=None, **options):
        named = {} if dtype is None else {"dtype": getattr(module, dtype)}
        return module.tensor(data, **named, **options)

    return tensor


def _names(module):
    """What a call may name: see `run_call`."""
    return {
        "np": np,
        "m": module,
        "F": module.nn.functional,
        "nn": module.nn,
        "t": _tensor_of(module),
        "g": lambda *shape: module.ones(*shape, requires_grad=True),
        "labels": lambda *shape: module.zeros(*shape, dtype=module.int64),
        "line": lambda size: module.arange(float(size)).reshape(1, 1, size),
        "square": lambda size: module.arange(float(size * size)).reshape(1, 1, size, size),
    }


def run_call(module, call):
    """What the last expression of `call` gives; statements before it are separated by ';'.

    `m` is the module, `F` and `nn` are its own, and `np` is NumPy.  `t` makes tensors, `g` ones
    that require a gradient, `labels` zeros of int64; `line` and `square` make images (1, 1, ...).
    """
    names = _names(module)
    module.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        *statements, expression = call.split(";")
        exec(";".join(statements).strip(), names)
        return eval(expression.strip(), names)


def _is_error(result):
    return isinstance(result, type) and issubclass(result, Exception)


def assert_same_call(call):
    """Compare values, dtypes, shapes and whether a gradient is required, or the kinds of error."""
    theirs, ours = (outcome(module, run_call, call) for module in (torch, mg))
    if _is_error(theirs):
        assert _is_error(ours), f"{call}: {ours} instead of {theirs.__name__}"
        assert issubclass(theirs, ours), f"{call}: {ours.__name__} instead of {theirs.__name__}"
        return
    assert not _is_error(ours), f"{call}: {ours.__name__} instead of {theirs}"
    assert_same(ours, theirs, call)
    for a, b in zip(outputs_of(ours), outputs_of(theirs), strict=True):
        if isinstance(b, torch.Tensor):
            assert a.requires_grad == b.requires_grad, f"{call}: requires_grad={a.requires_grad}"


def lines(text):
    """The calls of a table: a line each, without the empty ones."""
    return [line.strip() for line in text.splitlines() if line.strip()]
