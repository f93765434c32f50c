"""Writes trajectories.json: where PyTorch's optimizers go, for machines without PyTorch.

Run `python -m tests.support.optim.make_trajectories` after an optimizer or a setting was added
to CASES.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

FILE = Path(__file__).with_name("trajectories.json")
SHAPES = [(3, 4), (5,), ()]
MATRICES = [(3, 4), (4, 2)]
STEPS = 50
KEPT = (1, 2, 3, 10, 50)

# Title: settings; the optimizer is the title's first word.
CASES: dict[str, dict[str, Any]] = {
    "SGD": {"lr": 0.1},
    "SGD momentum": {"lr": 0.1, "momentum": 0.9, "dampening": 0.1, "weight_decay": 0.01},
    "SGD nesterov": {"lr": 0.1, "momentum": 0.9, "nesterov": True},
    "SGD maximize": {"lr": 0.001, "momentum": 0.9, "maximize": True},
    "Adam": {"lr": 0.1},
    "Adam amsgrad": {"lr": 0.1, "amsgrad": True, "weight_decay": 0.1},
    "Adam decoupled": {"lr": 0.1, "weight_decay": 0.1, "decoupled_weight_decay": True},
    "AdamW": {"lr": 0.1, "betas": (0.8, 0.99)},
    "AdamW amsgrad": {"lr": 0.1, "amsgrad": True, "maximize": True},
    "Adamax": {"lr": 0.1, "weight_decay": 0.1},
    "NAdam": {"lr": 0.1},
    "NAdam decoupled": {"lr": 0.1, "weight_decay": 0.1, "decoupled_weight_decay": True},
    "RAdam": {"lr": 0.1, "weight_decay": 0.1},
    "Adagrad": {"lr": 0.1, "lr_decay": 0.1, "initial_accumulator_value": 0.5},
    "Adadelta": {"lr": 1.0, "weight_decay": 0.1},
    "RMSprop": {"lr": 0.05},
    "RMSprop centered": {"lr": 0.05, "centered": True, "momentum": 0.9, "weight_decay": 0.1},
    "Rprop": {"lr": 0.05},
    "ASGD": {"lr": 0.1, "t0": 10, "lambd": 0.01},
    "Adafactor": {"lr": 0.1, "weight_decay": 0.1},
    "Muon": {"lr": 0.1},
    "LBFGS": {"lr": 0.5, "max_iter": 2},
    "LBFGS strong Wolfe": {"max_iter": 2, "line_search_fn": "strong_wolfe"},
}


def flat(arrays):
    return np.concatenate([np.ravel(a) for a in arrays]).tolist()


def trajectory(title, start, slopes):
    """The parameters after KEPT steps on the loss sum(slope x + x^2 / 20 + x^4 / 100)."""
    params = [torch.from_numpy(np.array(a)).requires_grad_() for a in start]
    optimizer = getattr(torch.optim, title.split()[0])(params, **CASES[title])
    kept = {}
    for step, row in enumerate(slopes, 1):

        def closure(row=row):
            optimizer.zero_grad()
            terms = zip(row, params, strict=True)
            losses = [(torch.tensor(c) * x + x**2 / 20 + x**4 / 100).sum() for c, x in terms]
            loss = torch.stack(losses).sum()
            loss.backward()
            return loss

        optimizer.step(closure)
        if step in KEPT:
            kept[step] = flat(p.detach().numpy() for p in params)
    return kept


def main():
    torch.set_default_dtype(torch.float64)
    setattr(torch.Tensor, "bfloat16", torch.Tensor.clone)  # noqa: B010  Muon iterates in it, and three digits say little
    found: dict[str, Any] = {"torch": torch.__version__, "cases": {}}
    for name, shapes in (("arrays", SHAPES), ("matrices", MATRICES)):
        rng = np.random.default_rng(0)
        start = [rng.standard_normal(shape).round(3) for shape in shapes]
        slopes = [[rng.standard_normal(shape).round(3) for shape in shapes] for _ in range(STEPS)]
        found[name] = {"shapes": shapes, "start": flat(start), "slopes": list(map(flat, slopes))}
        for title, settings in CASES.items():
            if title.startswith("Muon") == (name == "matrices"):
                after = trajectory(title, start, slopes)
                found["cases"][title] = {"settings": settings, "inputs": name, "after": after}
    FILE.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
