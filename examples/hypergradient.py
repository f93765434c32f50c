"""A hyper-gradient: the derivative of the validation loss with respect to the learning rate.

Twenty steps of gradient descent with momentum are recorded as one function of learning rate and
momentum, and differentiated through.  An outer optimizer then improves both.
`python examples/hypergradient.py` takes about ten seconds.
Maclaurin et al. 2015, arXiv:1502.03492.
"""

import argparse

import minigrad as mg
from minigrad import nn, optim
from minigrad.nn import functional as F
from minigrad.vision.datasets import Digits

INNER_STEPS, BATCH = 20, 64


def load(train: bool) -> tuple[mg.Tensor, mg.Tensor]:
    digits = Digits(train=train)
    return digits.data.reshape(-1, 64).float() / 16, digits.targets


def trained(
    model: nn.Module, data: tuple[mg.Tensor, mg.Tensor], rate: mg.Tensor, momentum: mg.Tensor
) -> dict[str, mg.Tensor]:
    """The parameters after the inner steps, as a function of the rate and the momentum."""
    images, labels = data
    weights = {name: p.detach().requires_grad_() for name, p in model.named_parameters()}
    speed = {name: mg.zeros_like(p) for name, p in weights.items()}
    for _ in range(INNER_STEPS):
        batch = mg.randint(0, len(images), (BATCH,))
        scores = mg.func.functional_call(model, weights, images[batch])
        loss = F.cross_entropy(scores, labels[batch])
        gradients = mg.autograd.grad(loss, list(weights.values()), create_graph=True)
        for (name, weight), g in zip(list(weights.items()), gradients, strict=True):
            speed[name] = momentum * speed[name] + g
            weights[name] = weight - rate * speed[name]
    return weights


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=40)
    steps = parser.parse_args().steps
    mg.manual_seed(0)
    train, (images, labels) = load(train=True), load(train=False)
    model = nn.Sequential(nn.Linear(64, 32), nn.Tanh(), nn.Linear(32, 10))
    log_rate = mg.tensor(-4.0, requires_grad=True)  # a rate of 0.018: too low
    score = mg.tensor(0.0, requires_grad=True)  # a momentum of 0.5
    outer = optim.Adam([log_rate, score], lr=0.1)
    for step in range(1, steps + 1):
        outer.zero_grad()
        weights = trained(model, train, log_rate.exp(), score.sigmoid())
        loss = F.cross_entropy(mg.func.functional_call(model, weights, images), labels)
        loss.backward()
        outer.step()
        if step % 10 == 0 or step in {1, steps}:
            print(
                f"step {step}: validation loss {loss.item():.3f} with learning rate "
                f"{log_rate.exp().item():.3f}, momentum {score.sigmoid().item():.2f}"
            )


if __name__ == "__main__":
    main()
