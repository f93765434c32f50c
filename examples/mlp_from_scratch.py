"""A network of one hidden layer, with nothing but tensors: no nn, no optim.

`python examples/mlp_from_scratch.py` reads the digits in the package, and reaches some 97 % on the
test images in a few seconds.
"""

import argparse

import minigrad as mg
from minigrad.vision.datasets import Digits

HIDDEN, CLASSES, BATCH, RATE = 100, 10, 64, 0.2


def load(train: bool) -> tuple[mg.Tensor, mg.Tensor]:
    """All images as rows of 64 numbers from 0 to 1, and their labels."""
    digits = Digits(train=train)
    return digits.data.reshape(-1, 64).float() / 16, digits.targets


def scores(x: mg.Tensor, weights: list[mg.Tensor]) -> mg.Tensor:
    w1, b1, w2, b2 = weights
    hidden = (x @ w1 + b1).clamp(min=0)
    return hidden @ w2 + b2


def cross_entropy(score: mg.Tensor, labels: mg.Tensor) -> mg.Tensor:
    """-log of the probability of the right class, in the mean."""
    shifted = score - score.detach().amax(dim=1, keepdim=True)  # so that exp does not overflow
    log_probability = shifted - shifted.exp().sum(dim=1, keepdim=True).log()
    return -log_probability[mg.arange(len(labels)), labels].mean()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=1000)
    steps = parser.parse_args().steps
    mg.manual_seed(0)
    (images, labels), (test_images, test_labels) = load(train=True), load(train=False)
    weights = [
        mg.randn(64, HIDDEN) * (2 / 64) ** 0.5,  # He et al. 2015: the scale of a layer before relu
        mg.zeros(HIDDEN),
        mg.randn(HIDDEN, CLASSES) * (1 / HIDDEN) ** 0.5,
        mg.zeros(CLASSES),
    ]
    for weight in weights:
        weight.requires_grad_()
    for step in range(1, steps + 1):
        batch = mg.randint(0, len(images), (BATCH,))
        loss = cross_entropy(scores(images[batch], weights), labels[batch])
        loss.backward()
        with mg.no_grad():  # the steps themselves are not to be differentiated
            for weight in weights:
                weight -= RATE * weight.grad
                weight.grad = None  # or the next gradient would be added to it
        if step % 200 == 0 or step == steps:
            with mg.no_grad():
                right = scores(test_images, weights).argmax(1) == test_labels
            print(f"step {step}: loss {loss.item():.3f}, test accuracy {right.float().mean():.1%}")


if __name__ == "__main__":
    main()
