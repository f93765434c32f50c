"""Optimizers against trajectories of PyTorch's that were written down: needs no PyTorch here."""

import json

import numpy as np
import pytest

from minigrad import optim
from minigrad.tensor.creation import from_numpy
from tests.support.optim.make_trajectories import FILE

FOUND = json.loads(FILE.read_text())
# A line search amplifies rounding: it divides differences of losses that are nearly equal.
TOLERANCES = {"LBFGS strong Wolfe": 1e-8}
# What PyTorch does not have, and so cannot have written down.
BEYOND = {"Lion", "LAMB", "LARS", "ADOPT", "SGDScheduleFree", "AdamWScheduleFree"}
BEYOND_TORCH = {
    *optim.rules.__all__,
    *optim.wrappers.__all__,
    *optim.closures.__all__,
    "Partition",
}
ABSTRACT = {"Optimizer", "RuleOptimizer", "SparseAdam"}


def arrays(numbers, shapes):
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes])
    parts = np.split(np.array(numbers), ends[:-1])
    return [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]


def walk(title, settings, inputs):
    """The parameters after each step on the loss sum(slope x + x^2 / 20 + x^4 / 100)."""
    shapes = inputs["shapes"]
    params = [from_numpy(a.copy()).requires_grad_() for a in arrays(inputs["start"], shapes)]
    settings = {k: tuple(v) if isinstance(v, list) else v for k, v in settings.items()}
    optimizer = getattr(optim, title.split()[0])(params, **settings)
    for slopes in inputs["slopes"]:

        def closure(slopes=slopes):
            loss = 0.0
            for c, p in zip(arrays(slopes, shapes), params, strict=True):
                x = p.detach().numpy()
                p.grad = from_numpy(np.asarray(c + x / 10 + x**3 / 25))
                loss += (c * x + x**2 / 20 + x**4 / 100).sum()
            return from_numpy(np.asarray(loss))

        optimizer.step(closure)
        yield np.concatenate([p.detach().numpy().ravel() for p in params])


@pytest.mark.parametrize("title", FOUND["cases"])
def test_fifty_steps_lead_where_torchs_do(title):
    case, tolerance = FOUND["cases"][title], TOLERANCES.get(title, 1e-12)
    points = list(walk(title, case["settings"], FOUND[case["inputs"]]))
    assert len(points) == 50
    for step, expected in case["after"].items():
        scale = np.abs(expected).max()
        np.testing.assert_allclose(
            points[int(step) - 1], expected, rtol=tolerance, atol=tolerance * scale, err_msg=step
        )


def test_every_optimizer_of_torch_is_written_down():
    classes = {name for name in optim.__all__ if isinstance(getattr(optim, name), type)}
    offered = {name for name in classes if issubclass(getattr(optim, name), optim.Optimizer)}
    assert {
        title.split()[0] for title in FOUND["cases"]
    } == offered - BEYOND - ABSTRACT - BEYOND_TORCH
