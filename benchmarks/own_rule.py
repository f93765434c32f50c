"""A user's own rule, from its text to a fused step: property test, schedule, speed.

`python benchmarks/own_rule.py` runs all three.  The rule is in the manner of Sophia-G: momentum
divided by a curvature that is estimated now and then, and clipped where that is too small.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy import clip, maximum

import minigrad as mg
from minigrad import bench, optim
from minigrad.bench.cases.optimizers import SHAPES, Rule, step, stepping


@optim.rule(
    paper="after Liu et al. 2023, Algorithm 3, arXiv:2305.14342",
    state={"m": "exp_avg", "h": "curvature"},
    legal={"lr": "[0, inf)", "betas": "[0, 1)", "rho": "(0, inf)"},
)
def clipped_newton(  # type: ignore[no-untyped-def]  # a rule's symbols stand for elements
    theta, g, m, h, t, *, lr=1e-3, betas=(0.96, 0.99), rho=0.04, eps=1e-12, every=10,
    weight_decay=0.1,
):  # fmt: skip
    beta1, beta2 = betas
    m = beta1 * m + (1 - beta1) * g
    if t % every == 1:
        h = beta2 * h + (1 - beta2) * g * g
    theta = theta * (1 - lr * weight_decay)
    return theta - lr * clip(m / maximum(rho * h, eps), -1, 1), m, h


class ClippedNewton(optim.RuleOptimizer, rule=clipped_newton):
    """Newton's step along the momentum, no longer than `lr` in any direction."""


# --- a property: what the kernel computes is what the text says ---


@settings(deadline=None)  # the first call compiles
@given(
    seed=st.integers(0, 2**32),
    steps=st.integers(1, 25),
    hyper=st.fixed_dictionaries(
        {"lr": st.floats(0, 1), "rho": st.floats(1e-3, 9), "every": st.integers(2, 12)}
    ),
)
def test_the_kernel_does_what_the_text_says(seed: int, steps: int, hyper: dict[str, Any]) -> None:
    rng = np.random.default_rng(seed)
    theta, m, h = rng.standard_normal((3, 5)), np.zeros((3, 5)), np.zeros((3, 5))
    weight = mg.from_numpy(theta.copy()).requires_grad_()
    optimizer = ClippedNewton([weight], **hyper)
    for t in range(1, steps + 1):
        g = rng.standard_normal((3, 5)) * rng.choice([0, 1, 1e9])
        weight.grad = mg.from_numpy(g)
        optimizer.step()
        theta, m, h = clipped_newton(theta, g, m, h, t, **hyper)
        np.testing.assert_allclose(weight.detach().numpy(), theta, rtol=1e-12, atol=1e-12)


# --- a schedule: settings change from step to step, and nothing is compiled again ---


def losses(steps: int = 60) -> Iterator[float]:
    """Losses on a quadratic bowl, with a learning rate that falls along a cosine."""
    weight = mg.full((4,), 3.0, requires_grad=True)
    optimizer = ClippedNewton([weight], lr=0.2, weight_decay=0.0)
    schedule = optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = (weight * weight).sum()
        loss.backward()
        optimizer.step()
        schedule.step()
        yield loss.item()


# --- speed: against the same written by hand in PyTorch ---


def by_hand(torch: Any, *arrays: Any) -> Callable[[], Any]:
    """The rule as a user of PyTorch would write it."""
    params = [torch.nn.Parameter(array) for array in arrays[: len(arrays) // 2]]
    gradients = arrays[len(arrays) // 2 :]
    means = [torch.zeros_like(p) for p in params]
    curvatures = [torch.zeros_like(p) for p in params]
    taken = 0

    def run() -> Any:
        nonlocal taken
        taken += 1
        for p, g, m, h in zip(params, gradients, means, curvatures, strict=True):
            m.mul_(0.96).add_(g, alpha=1 - 0.96)
            if taken % 10 == 1:
                h.mul_(0.99).addcmul_(g, g, value=1 - 0.99)
            p.mul_(1 - 1e-3 * 0.1)
            p.add_((m / (0.04 * h).clamp_(min=1e-12)).clamp_(-1, 1), alpha=-1e-3)
        return params

    decorated: Callable[[], Any] = torch.no_grad()(run)
    return decorated


RULE = Rule({"minigrad": stepping(ClippedNewton), "torch": by_hand}, accesses=6)
CASES = [step("own rule", RULE, network, shapes) for network, shapes in SHAPES.items()]


if __name__ == "__main__":
    test_the_kernel_does_what_the_text_says()
    print("the kernel does what the text says, in all cases drawn")
    print("losses:", *(f"{loss:.3g}" for loss in [*losses()][::10]))
    print(bench.table(bench.run([__file__], against=["torch"])))
