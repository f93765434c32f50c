"""A variational autoencoder that draws digits: Kingma & Welling 2014, arXiv:1312.6114.

`python examples/vae.py` trains for about ten seconds and prints new digits as characters.
"""

import argparse

import minigrad as mg
from minigrad import nn, optim
from minigrad.nn import functional as F
from minigrad.vision.datasets import Digits

LATENT, SHADES = 8, " .:-=+*#%@"


class VAE(nn.Module):
    """An encoder to the mean and log variance of a code, and a decoder from a code."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 2 * LATENT))
        self.decoder = nn.Sequential(nn.Linear(LATENT, 128), nn.ReLU(), nn.Linear(128, 64))

    def forward(self, x: mg.Tensor) -> tuple[mg.Tensor, mg.Tensor, mg.Tensor]:
        mean, log_variance = self.encoder(x).chunk(2, dim=1)
        # A draw written as a function of mean and variance, so that gradients reach both.
        code = mean + (0.5 * log_variance).exp() * mg.randn_like(mean)
        return self.decoder(code), mean, log_variance


def negative_bound(
    scores: mg.Tensor, x: mg.Tensor, mean: mg.Tensor, log_variance: mg.Tensor
) -> mg.Tensor:
    """What the image costs given its code, and the code given a normal distribution; in nats."""
    image = F.binary_cross_entropy_with_logits(scores, x, reduction="sum")
    code = 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance).sum()
    return (image + code) / len(x)


def draw(images: mg.Tensor) -> str:
    """Images of 8 x 8 pixels from 0 to 1 beside each other, as characters."""
    rows = images.reshape(-1, 8, 8).transpose(0, 1).reshape(8, -1)
    shades = (rows * (len(SHADES) - 1)).round().long().tolist()
    return "\n".join("".join(2 * SHADES[shade] for shade in row) for row in shades)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=3000)
    steps = parser.parse_args().steps
    mg.manual_seed(0)
    images = Digits(train=True).data.reshape(-1, 64).float() / 16
    model = VAE()
    optimizer = optim.Adam(model.parameters(), lr=2e-3)
    for step in range(1, steps + 1):
        x = images[mg.randint(0, len(images), (128,))]
        optimizer.zero_grad()
        loss = negative_bound(*(out := model(x))[:1], x, *out[1:])
        loss.backward()
        optimizer.step()
        if step % 500 == 0 or step == steps:
            print(f"step {step}: {loss.item():.2f} nats for an image")
    with mg.no_grad():
        print(draw(model.decoder(mg.randn(5, LATENT)).sigmoid()))


if __name__ == "__main__":
    main()
