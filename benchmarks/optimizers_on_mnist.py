"""Optimizers on MNIST: a 784-100-10 network with dropout, and a Markdown table of how they do.

`python benchmarks/optimizers_on_mnist.py`; data are read, or downloaded, as by `minigrad train`.
"""

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path

import minigrad as mg
from minigrad import Tensor, nn, optim
from minigrad.nn import functional as F
from minigrad.vision.datasets import MNIST

BATCH = 100
OPTIMIZERS: dict[str, Callable[[Iterator[nn.Parameter]], optim.Optimizer]] = {
    "SGD, lr 0.1": lambda params: optim.SGD(params, lr=0.1),
    "momentum 0.9, lr 0.1": lambda params: optim.SGD(params, lr=0.1, momentum=0.9),
    "Nesterov 0.9, lr 0.1": lambda params: optim.SGD(params, lr=0.1, momentum=0.9, nesterov=True),
    "Adagrad, lr 0.01": lambda params: optim.Adagrad(params, lr=0.01),
    "RMSprop, lr 0.001": lambda params: optim.RMSprop(params, lr=0.001),
    "Adadelta, lr 1": lambda params: optim.Adadelta(params, lr=1.0),
    "Adam, lr 0.001": lambda params: optim.Adam(params, lr=0.001),
}


def images_and_labels(root: Path | None, train: bool) -> tuple[Tensor, Tensor]:
    """(N, 784) in [0, 1], and (N,)."""
    dataset = MNIST(root, train=train, download=True)
    return dataset.data.reshape(-1, 784).float() / 255, dataset.targets


def network(seed: int) -> nn.Module:
    mg.manual_seed(seed)
    return nn.Sequential(nn.Linear(784, 100), nn.ReLU(), nn.Dropout(0.2), nn.Linear(100, 10))


def epochs(
    make: Callable[[Iterator[nn.Parameter]], optim.Optimizer],
    train: tuple[Tensor, Tensor],
    test: tuple[Tensor, Tensor],
    count: int,
    seed: int,
) -> Iterator[tuple[float, float, float]]:
    """For each epoch the mean loss in training, and loss and accuracy on the test images."""
    model = network(seed)
    optimizer = make(model.parameters())
    images, labels = train
    for _ in range(count):
        model.train()
        total = 0.0
        for batch in mg.randperm(len(images)).split(BATCH):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(images[batch]), labels[batch])
            loss.backward()
            optimizer.step()
            total += loss.item() * len(batch)
        model.eval()
        with mg.no_grad():
            scores = model(test[0])
            accuracy = (scores.argmax(1) == test[1]).float().mean().item()
            yield total / len(images), F.cross_entropy(scores, test[1]).item(), accuracy


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--root", type=Path, help="folder of the data files")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--images", type=int, help="train on so many only")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    images, labels = images_and_labels(options.root, train=True)
    train = images[: options.images], labels[: options.images]
    test = images_and_labels(options.root, train=False)
    numbers = range(1, options.epochs + 1)
    print("| optimizer |", *(f"epoch {n} |" for n in numbers))
    print("|---|", *("---|" for _ in numbers), sep="")
    for name, make in OPTIMIZERS.items():
        print(f"| {name} |", end="", flush=True)
        for loss, test_loss, accuracy in epochs(make, train, test, options.epochs, options.seed):
            print(f" {loss:.3f}, {test_loss:.3f}, {accuracy:.2%} |", end="", flush=True)
        print()


if __name__ == "__main__":
    main()
