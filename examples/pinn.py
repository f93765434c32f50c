"""A physics-informed network: it solves an equation, because its second derivative is trained.

u'' + u = x with u(0) = 0 and u(pi / 2) = 0 has the solution u = x - (pi / 2) sin(x).  The network
sees no value of it inside; the loss is how far its own derivatives are from the equation.
`python examples/pinn.py` takes about twenty seconds.  Raissi et al. 2019, Physics-informed neural
networks.
"""

import argparse
import math

import minigrad as mg
from minigrad import nn, optim


def derivative(y: mg.Tensor, x: mg.Tensor) -> mg.Tensor:
    """dy/dx at each point, itself recorded, so that it can be differentiated again."""
    return mg.autograd.grad(y.sum(), x, create_graph=True)[0]


def residual(u: nn.Module, x: mg.Tensor) -> mg.Tensor:
    """u'' + u - x, which is 0 for a solution."""
    value = u(x)
    return derivative(derivative(value, x), x) + value - x


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=1500)
    steps = parser.parse_args().steps
    mg.manual_seed(0)
    u = nn.Sequential(nn.Linear(1, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 1))
    ends = mg.tensor([[0.0], [math.pi / 2]])
    optimizer = optim.Adam(u.parameters(), lr=3e-3)
    schedule = optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=steps)
    for step in range(1, steps + 1):
        x = (mg.rand(64, 1) * math.pi / 2).requires_grad_()
        optimizer.zero_grad()
        loss = residual(u, x).square().mean() + 10 * u(ends).square().mean()
        loss.backward()
        optimizer.step()
        schedule.step()
        if step % 300 == 0 or step == steps:
            print(f"step {step}: loss {loss.item():.2e}")
    x = mg.linspace(0, math.pi / 2, 101).unsqueeze(1)
    with mg.no_grad():
        error = (u(x) - (x - math.pi / 2 * x.sin())).abs().max()
    print(f"largest error of the solution: {error.item():.1e}")


if __name__ == "__main__":
    main()
