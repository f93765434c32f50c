"""Attention in both libraries: drawn arguments, results and gradients."""

import numpy as np
import torch

import minigrad as mg
from tests.support.torch_twin import assert_close


def drawn(*shape, dtype="float64", seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


def flat(result):
    """The tensors of a result, or of a tuple of results without None."""
    results = result if isinstance(result, tuple) else (result,)
    return [r for r in results if r is not None]


def compare(on_both, arrays, tolerance, modules=(None, None), second=False):
    """Results, gradients of arrays and parameters; `second` differentiates the gradients too."""
    found = []
    for library, module in zip((mg, torch), modules, strict=True):
        leaves = [library.tensor(a, requires_grad=a.dtype.kind == "f") for a in arrays]
        results = flat(on_both(library, module, *leaves))
        rng = np.random.default_rng(5)
        loss = sum(
            (r * library.tensor(rng.normal(size=tuple(r.shape)), dtype=r.dtype)).sum()
            for r in results
        )
        variables = [leaf for leaf in leaves if leaf.requires_grad]
        variables += [] if module is None else list(module.parameters())
        grads = library.autograd.grad(loss, variables, create_graph=second)
        found.append([*results, *grads])
        if second:
            total = sum((g * g).sum() for g in grads)
            again = library.autograd.grad(total, variables, allow_unused=True)
            found[-1] += [g * 0 if a is None else a for g, a in zip(grads, again, strict=True)]
    for i, (a, b) in enumerate(zip(*found, strict=True)):
        assert_close(a, b, tolerance, f"value {i} of {len(found[0])}", rounding=1e-15)
