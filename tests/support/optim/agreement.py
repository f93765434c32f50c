"""Prints, for each optimizer, how long its rule is and how far 50 steps lead from PyTorch's.

`python -m tests.support.optim.agreement`.  The difference is that of float64 parameters, relative
to the largest number that each has held, the worst over steps and seeds.  What PyTorch lacks is
compared with references.py; the length counts a rule's lines from `def` to its last `return`.
"""

import inspect
import sys

import numpy as np
import torch

from minigrad import optim
from tests.support.optim.make_trajectories import CASES
from tests.support.optim.table import (
    MATRICES,
    SHAPES,
    TABLE,
    numbers,
    parameters,
    random_arrays,
    set_gradients,
    torch_parameters,
)

STEPS, SEEDS = 50, 5
BESIDE = {  # torch does not have them, so CASES does not either
    "Lion": {"lr": 0.01, "weight_decay": 0.1},
    "LAMB": {"lr": 0.1, "weight_decay": 0.1},
    "LARS": {"lr": 0.1, "trust_coefficient": 0.1, "weight_decay": 0.1},
    "ADOPT": {"lr": 0.1, "weight_decay": 0.1},
    "SGDScheduleFree": {"lr": 0.1, "weight_decay": 0.1, "warmup_steps": 5},
    "AdamWScheduleFree": {"lr": 0.1, "weight_decay": 0.1, "warmup_steps": 5},
}


def difference(name, settings, seed):
    """The worst relative difference in a run of one seed."""
    rng = np.random.default_rng(seed)
    shapes = MATRICES if name == "Muon" else [shape for shape in SHAPES if 0 not in shape]
    start = random_arrays(rng, shapes=shapes)
    mine, theirs = parameters(start), torch_parameters(start)
    ours = getattr(optim, name)(mine, **settings)
    reference = TABLE[name].reference if name in TABLE else getattr(torch.optim, name)
    defaults = getattr(optim, name).rule.defaults if name in BESIDE else {}
    other = reference(theirs, **defaults | settings)
    worst, largest = 0.0, [0.0] * len(start)
    for step in range(STEPS):
        if step == 0 or name != "LBFGS":  # it learns from differences: its loss is always the same
            slopes = random_arrays(rng, shapes=shapes)
        ours.step(closure_of(mine, slopes))
        if name in BESIDE:
            closure_of(theirs, slopes)()
            other.step()
        else:
            other.step(closure_of(theirs, slopes))
        for k, (a, b) in enumerate(zip(numbers(mine), numbers(theirs), strict=True)):
            largest[k] = max(largest[k], np.abs(b).max())
            worst = max(worst, np.abs(a - b).max() / largest[k])
    return worst


def closure_of(params, slopes):
    """The loss sum(slope x + x^2 / 20 + x^4 / 100), by formula in either library."""

    def closure():
        values = numbers(params)
        both = list(zip(slopes, values, strict=True))
        set_gradients(params, [c + x / 10 + x**3 / 25 for c, x in both])
        loss = sum((c * x + x**2 / 20 + x**4 / 100).sum() for c, x in both)
        return torch.tensor(loss) if isinstance(params[0], torch.Tensor) else loss

    return closure


def length(name):
    cls = getattr(optim, name)
    if issubclass(cls, optim.RuleOptimizer):
        return str(len(cls.rule.source.splitlines()))
    return f"{len(inspect.getsource(sys.modules[cls.__module__]).splitlines())} (file)"


def main():
    torch.set_default_dtype(torch.float64)
    setattr(torch.Tensor, "bfloat16", torch.Tensor.clone)  # noqa: B010  Muon iterates in it, and three digits say little
    print("| optimizer | lines | worst difference after 1 ... 50 steps |\n|---|---|---|")
    for title, settings in (CASES | BESIDE).items():
        name = title.split()[0]
        worst = max(difference(name, settings, seed) for seed in range(SEEDS))
        print(f"| {title} | {length(name) if title == name else ''} | {worst:.1e} |")


if __name__ == "__main__":
    main()
