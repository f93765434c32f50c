"""A module of minigrad beside the same module of torch: same weights, same input, compared."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

import minigrad as mg

# Relative to the largest element of what is compared.
TOLERANCE = {"float64": 1e-9, "float32": 1e-4}


def to_mg(tensor: torch.Tensor) -> mg.Tensor:
    """A copy of a torch tensor."""
    return mg.from_numpy(tensor.detach().numpy().copy())


def assert_close(
    ours: Any, theirs: Any, tolerance: float, what: str = "", rounding: float = 0.0
) -> None:
    """Same shape, same dtype, same numbers up to `tolerance` of the largest, and `rounding`."""
    if theirs is None:
        assert ours is None, what
        return
    ours, theirs = np.asarray(ours.detach()), theirs.detach().numpy()
    assert ours.shape == theirs.shape, f"{what}: {ours.shape} != {theirs.shape}"
    assert ours.dtype == theirs.dtype, f"{what}: {ours.dtype} != {theirs.dtype}"
    largest = np.abs(theirs[np.isfinite(theirs)]).max(initial=1e-30)
    np.testing.assert_allclose(
        ours, theirs, rtol=0, atol=tolerance * largest + rounding, err_msg=what
    )


def copy_state(ours: Any, theirs: Any) -> None:
    """torch's weights into ours, by name."""
    ours.load_state_dict({key: to_mg(value) for key, value in theirs.state_dict().items()})


def twins(make: Callable[[Any], Any], dtype: str = "float64") -> tuple[Any, Any]:
    """The same module in both libraries, minigrad's first, with torch's weights."""
    torch.manual_seed(0)
    theirs = make(torch).to(getattr(torch, dtype))
    ours = make(mg).to(getattr(mg, dtype))
    copy_state(ours, theirs)
    return ours, theirs


def assert_same_structure(ours: Any, theirs: Any) -> None:
    """Keys, shapes and dtypes of the state, the parameters' names, the repr."""
    mine, its = ours.state_dict(), theirs.state_dict()
    assert list(mine) == list(its)
    assert [tuple(t.shape) for t in mine.values()] == [tuple(t.shape) for t in its.values()]
    dtypes = [str(t.dtype).split(".")[1] for t in mine.values()]
    assert dtypes == [str(t.dtype).split(".")[1] for t in its.values()]
    assert [n for n, _ in ours.named_parameters()] == [n for n, _ in theirs.named_parameters()]
    assert [n for n, _ in ours.named_modules()] == [n for n, _ in theirs.named_modules()]
    assert repr(ours) == repr(theirs)


def assert_same_run(
    ours: Any, theirs: Any, *inputs: np.ndarray, tolerance: float, seed: int = 0
) -> None:
    """Output, gradients of floating inputs and of parameters, and buffers afterwards."""
    mine = [mg.tensor(x, requires_grad=x.dtype.kind == "f") for x in inputs]
    its = [torch.tensor(x, requires_grad=x.dtype.kind == "f") for x in inputs]
    y, z = ours(*mine), theirs(*its)
    assert_close(y, z, tolerance, "output")
    cotangent = np.random.default_rng(seed).normal(size=tuple(z.shape)).astype(inputs[0].dtype)
    y.backward(mg.tensor(cotangent))
    z.backward(torch.tensor(cotangent))
    for i, (a, b) in enumerate(zip(mine, its, strict=True)):
        assert_close(a.grad, b.grad, tolerance, f"gradient of input {i}")
    for (name, a), (_, b) in zip(ours.named_parameters(), theirs.named_parameters(), strict=True):
        assert_close(a.grad, b.grad, tolerance, f"gradient of {name}")
    for (name, a), (_, b) in zip(ours.named_buffers(), theirs.named_buffers(), strict=True):
        assert_close(a, b, tolerance, f"buffer {name}")
