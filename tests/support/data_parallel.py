"""Models and batches of tests in several processes, against one that has all samples.

Every rank also trains a copy of the model alone on the whole batch: that is the reference.
"""

import copy

import numpy as np

import minigrad as mg
from minigrad import nn
from minigrad.nn.parallel import DistributedDataParallel

SAMPLES = 12  # divided by 2, 3 and 4 ranks


def mlp():
    return nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 3))


class Branches(nn.Module):
    """Two branches, of which each forward uses one; a third is never used."""

    def __init__(self):
        super().__init__()
        self.branches = nn.ModuleList([nn.Linear(5, 3) for _ in range(3)])

    def forward(self, x, which):
        return self.branches[which](x)


def batch(step, rank=None, size=1):
    """The whole batch of a step, or a rank's part."""
    draw = np.random.default_rng(step)
    x, y = draw.normal(size=(SAMPLES, 5)), draw.normal(size=(SAMPLES, 3))
    if rank is not None:
        part = slice(rank * SAMPLES // size, (rank + 1) * SAMPLES // size)
        x, y = x[part], y[part]
    return mg.tensor(x), mg.tensor(y)


def pair(rank, make=mlp, **options):
    """A model on all processes, and its copy for this one alone."""
    mg.manual_seed(rank)  # the model is rank 0's
    model = DistributedDataParallel(make().double(), **options)
    return model, copy.deepcopy(model.module)


def assert_same_parameters(model, alone, tolerance=1e-12):
    for (name, p), q in zip(model.module.named_parameters(), alone.parameters(), strict=True):
        np.testing.assert_allclose(p.detach(), q.detach(), atol=tolerance, err_msg=name)


def train(model, alone, optimizers, rank, size, steps=4):
    """Steps of the model on this rank's part, and of its copy on the whole batch."""
    for step in range(steps):
        for net, optimizer, part in zip(
            (model, alone), optimizers, (batch(step, rank, size), batch(step)), strict=True
        ):
            optimizer.zero_grad()
            nn.functional.mse_loss(net(part[0]), part[1]).backward()
            optimizer.step()
