"""An optimizer of your own: from its text to a kernel, tested, scheduled, and resumed.

A transformation limits each update to the largest norm so far, and a rule is written as in its
paper.  `python examples/own_optimizer.py` takes some seconds.
"""

import argparse
import copy

import numpy as np

import minigrad as mg
from minigrad import nn, optim
from minigrad.kernels.fused_optimizer.codegen import source
from minigrad.nn import functional as F
from minigrad.optim.fused.lookahead import Settings
from minigrad.vision.datasets import Digits


@optim.transformation(
    state={"s": "longest"}, measured=["s"], start={"s": "floor"}, legal={"floor": "(0, inf]"}
)
def shrink_to_longest(u, s, *, floor=0.1):
    """Updates over the largest norm so far of each parameter's."""
    s = np.maximum(s, np.linalg.norm(u))
    return u / s, s


@optim.rule(paper="Chen et al. 2023, arXiv:2302.06675", legal={"lr": "[0, inf)", "beta": "[0, 1)"})
def signed_momentum(theta, g, m, *, lr=1e-3, beta=0.9):
    m = beta * m + (1 - beta) * g
    return theta - lr * np.sign(m), m


class SignedMomentum(optim.RuleOptimizer, rule=signed_momentum):
    """Steps along the sign of a momentum."""


Mine = optim.chain(
    shrink_to_longest(), optim.trace(0.9), optim.decoupled_weight_decay(1e-3), lr=0.1
)


def kernel_of(cls: type[optim.RuleOptimizer]) -> str:
    """The module that is compiled for a step."""
    settings = Settings(2, cls.rule.defaults, False, {})
    program = cls.rule.trace([True] * len(cls.rule.states), settings).program
    return source(program, np.dtype(np.float32))


def largest_difference_when_scaled(cls: type[optim.RuleOptimizer], draws: int = 20) -> float:
    """A property: a loss times 8, once it is longer than the floor, leads the same way."""
    worst = 0.0
    for seed in range(draws):
        rng = np.random.default_rng(seed)
        start, gradients = rng.standard_normal(6), 1 + rng.random((5, 6))
        ends = []
        for factor in (1, 8):
            p = mg.tensor(start, requires_grad=True)
            optimizer = cls([p])
            for g in gradients:
                p.grad = mg.tensor(factor * g)
                optimizer.step()
            ends.append(p.detach().numpy())
        worst = max(worst, float(np.abs(ends[0] - ends[1]).max()))
    return worst


def train(
    model: nn.Module, optimizer: optim.Optimizer, schedule: optim.lr_scheduler.StepLR, steps: range
) -> float:
    """The loss after training steps; a step's batch follows from its number."""
    digits = Digits(train=True)
    images, labels = digits.data.reshape(-1, 64).float() / 16, digits.targets
    loss = mg.tensor(0.0)
    for step in steps:
        batch = mg.arange(64) * 19 % 1000 + step % 300
        optimizer.zero_grad()
        loss = F.cross_entropy(model(images[batch]), labels[batch])
        loss.backward()
        optimizer.step()
        schedule.step()
    return loss.item()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=200)
    steps = parser.parse_args().steps
    print(kernel_of(Mine)[-700:])
    for cls in (Mine, SignedMomentum):
        print(f"{cls.__name__}: scaled losses differ by {largest_difference_when_scaled(cls):.1e}")

    mg.manual_seed(0)
    model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    optimizer = Mine(model.parameters())
    schedule = optim.lr_scheduler.StepLR(optimizer, 50, gamma=0.7)
    train(model, optimizer, schedule, range(steps // 2))

    resumed = copy.deepcopy(model)
    other = Mine(resumed.parameters())
    later = optim.lr_scheduler.StepLR(other, 50, gamma=0.7)
    other.load_state_dict(optimizer.state_dict())
    later.load_state_dict(schedule.state_dict())
    whole = train(model, optimizer, schedule, range(steps // 2, steps))
    again = train(resumed, other, later, range(steps // 2, steps))
    print(f"loss after {steps} steps: {whole:.3f}; resumed midway: {again:.3f}, the same: ", end="")
    print(whole == again)


if __name__ == "__main__":
    main()
