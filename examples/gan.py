"""Two networks against each other: one draws digits, one tells them from real ones.

Goodfellow et al. 2014, arXiv:1406.2661.  `python examples/gan.py` takes about twenty seconds.
"""

import argparse

import minigrad as mg
from minigrad import nn, optim
from minigrad.nn import functional as F
from minigrad.vision.datasets import Digits

NOISE, BATCH, SHADES = 16, 64, " .:-=+*#%@"


def generator() -> nn.Sequential:
    """From noise to an image with values from -1 to 1."""
    return nn.Sequential(
        nn.Linear(NOISE, 128), nn.BatchNorm1d(128), nn.ReLU(),
        nn.Linear(128, 128), nn.BatchNorm1d(128), nn.ReLU(),
        nn.Linear(128, 64), nn.Tanh(),
    )  # fmt: skip


def discriminator() -> nn.Sequential:
    """From an image to a score: positive for what looks real."""
    return nn.Sequential(
        nn.Linear(64, 128), nn.LeakyReLU(0.2), nn.Dropout(0.3),
        nn.Linear(128, 128), nn.LeakyReLU(0.2), nn.Dropout(0.3),
        nn.Linear(128, 1),
    )  # fmt: skip


def costs(scores: mg.Tensor, real: float) -> mg.Tensor:
    return F.binary_cross_entropy_with_logits(scores, mg.full_like(scores, real))


def draw(images: mg.Tensor) -> str:
    """Images of 8 x 8 pixels from -1 to 1 beside each other, as characters."""
    rows = images.reshape(-1, 8, 8).transpose(0, 1).reshape(8, -1)
    shades = ((rows + 1) / 2 * (len(SHADES) - 1)).round().long().tolist()
    return "\n".join("".join(2 * SHADES[shade] for shade in row) for row in shades)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=3000)
    steps = parser.parse_args().steps
    mg.manual_seed(0)
    images = Digits(train=True).data.reshape(-1, 64).float() / 8 - 1
    draws, judges = generator(), discriminator()
    settings = {"lr": 5e-4, "betas": (0.5, 0.999)}
    of_draws = optim.Adam(draws.parameters(), **settings)
    of_judges = optim.Adam(judges.parameters(), **settings)
    for step in range(1, steps + 1):
        real = images[mg.randint(0, len(images), (BATCH,))]
        fake = draws(mg.randn(BATCH, NOISE))
        of_judges.zero_grad()
        judged = costs(judges(real), 0.9) + costs(judges(fake.detach()), 0.0)
        judged.backward()
        of_judges.step()
        of_draws.zero_grad()
        fooled = costs(judges(fake), 1.0)
        fooled.backward()
        of_draws.step()
        if step % 1000 == 0 or step == steps:
            print(f"step {step}: judge {judged.item():.3f}, drawer {fooled.item():.3f}")
    draws.eval()
    with mg.no_grad():
        print(draw(draws(mg.randn(5, NOISE))))


if __name__ == "__main__":
    main()
