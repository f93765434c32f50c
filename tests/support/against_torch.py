"""The same code run on minigrad and on torch: values, dtypes, shapes and gradients must agree."""

import numpy as np
import torch

import minigrad as mg

DTYPES = ["float32", "float64", "float16", "int8", "int16", "int32", "int64", "uint8", "bool"]
TOLERANCE = {
    "float64": (1e-10, 1e-12), "float32": (2e-5, 1e-5), "float16": (2e-3, 2e-3),
    "complex128": (1e-10, 1e-12), "complex64": (2e-5, 1e-5),
}  # fmt: skip


def outputs_of(result):
    """The tensors of a result, which may be one, a tuple or a list."""
    if isinstance(result, tuple | list):
        return [t for item in result for t in outputs_of(item)]
    return [result]


def as_numpy(tensor):
    return tensor.detach().resolve_conj().numpy()


def assert_same(ours, theirs, note=""):
    """Equal kinds of result, shapes, dtypes and values."""
    ours, theirs = outputs_of(ours), outputs_of(theirs)
    assert len(ours) == len(theirs), note
    for a, b in zip(ours, theirs, strict=True):
        if not isinstance(b, torch.Tensor):
            assert a == b, f"{note}: {a!r} instead of {b!r}"
            continue
        assert isinstance(a, mg.Tensor), note
        assert str(a.dtype).split(".")[1] == str(b.dtype).split(".")[1], (
            f"{note}: {a.dtype}, {b.dtype}"
        )
        assert tuple(a.shape) == tuple(b.shape), f"{note}: {a.shape} instead of {b.shape}"
        assert a._is_complex == b.is_complex(), f"{note}: not marked as complex"
        rtol, atol = TOLERANCE.get(str(a.array.dtype), (0, 0))
        np.testing.assert_allclose(as_numpy(a), as_numpy(b), rtol, atol, err_msg=note)


def run(module, function, arrays, *, gradients):
    """The outputs of `function(module, *tensors)`, and the gradients of their weighted sum."""
    leaves = []
    for array in arrays:
        leaf = module.tensor(array)
        if gradients and array.dtype.kind in "fc":
            leaf.requires_grad_()
        leaves.append(leaf)
    result = function(module, *leaves)
    if not gradients:
        return result, []
    roots, starts = [], []
    for output in outputs_of(result):
        if output.requires_grad:
            roots.append(output)
            count = output.numel()
            weights = np.cos(np.arange(count, dtype=np.float64)).reshape(tuple(output.shape))
            if output.is_complex():
                weights = weights + 1j * np.sin(1 + weights)
            starts.append(module.tensor(weights).to(output.dtype))
    wanted = [leaf for leaf in leaves if leaf.requires_grad]
    found = module.autograd.grad(roots, wanted, starts, allow_unused=True) if roots else ()
    return result, [g for g in found if g is not None]


def compare(function, *arrays, gradients=True, note=""):
    """Run on both, and compare outputs and gradients."""
    ours, our_gradients = run(mg, function, arrays, gradients=gradients)
    theirs, their_gradients = run(torch, function, arrays, gradients=gradients)
    assert_same(ours, theirs, note)
    assert_same(our_gradients, their_gradients, f"gradients {note}")


def outcome(module, function, *arguments):
    """The result, or the kind of error."""
    try:
        return function(module, *arguments)
    except (RuntimeError, ValueError, TypeError, IndexError) as error:
        return type(error)


def same_outcome(function, *arrays, gradients=True, note=""):
    """Compare as `compare` does; where torch raises an error, minigrad raises one of its kind."""
    theirs = outcome(torch, lambda m: run(m, function, arrays, gradients=False)[0])
    if not (isinstance(theirs, type) and issubclass(theirs, Exception)):
        return compare(function, *arrays, gradients=gradients, note=note)
    ours = outcome(mg, lambda m: run(m, function, arrays, gradients=False)[0])
    assert isinstance(ours, type), f"{note}: {ours} instead of {theirs.__name__}"
    assert issubclass(theirs, ours), f"{note}: {ours.__name__} instead of {theirs.__name__}"
    return None


def numbers(shape, seed=0):
    """Positive numbers, the same for the same seed."""
    return np.random.default_rng(seed).uniform(0.3, 2.0, shape)
