"""Complete training steps: forward, loss, backward, optimizer."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any, NamedTuple

from minigrad.bench.case import Case, Draw, Implementation, both
from minigrad.bench.cases.networks import (
    LECTURE_CNN,
    RESNET18,
    lecture_cnn,
    perceptron,
    resnet18,
)


class Network(NamedTuple):
    """A network's constructor, input shape, number of classes, and multiply-adds per sample."""

    build: Callable[[Any], Any]
    image: tuple[int, ...]
    classes: int
    multiply_adds: int
    loss: str = "cross_entropy"


def perceptron_of(*widths: int) -> Network:
    """Linear layers of these widths, the first of which is the input's and the last the classes."""
    multiply_adds = sum(a * b for a, b in pairwise(widths))
    return Network(lambda lib: perceptron(lib, *widths), widths[:1], widths[-1], multiply_adds)


NETWORKS = {
    "lecture CNN": Network(lecture_cnn, (1, 28, 28), 10, LECTURE_CNN, "nll_loss"),
    "ResNet-18": Network(resnet18, (3, 32, 32), 10, RESNET18),
    "784-100-10": perceptron_of(784, 100, 10),
    "784-30-2": perceptron_of(784, 30, 2),
    "32-32-32-2": perceptron_of(32, 32, 32, 2),
}

# The learning rates are small because a case is trained on one batch for thousands of steps.
OPTIMIZERS: dict[str, tuple[str, dict[str, Any]]] = {
    "SGD": ("SGD", {"lr": 1e-4, "momentum": 0.9}),
    "Adam": ("Adam", {"lr": 1e-5}),
}

# The first batch of each is there to be tested quickly; ResNet-18 needs several images, because
# its last batch normalisations see one value of each.
STEPS = (
    ("lecture CNN", "SGD", (2, 64)),
    ("784-100-10", "SGD", (10, 100)),
    ("784-100-10", "Adam", (10, 100)),
    ("ResNet-18", "SGD", (16, 64)),
    ("ResNet-18", "Adam", (16, 256)),
    ("784-30-2", "SGD", (16, 256)),
    ("32-32-32-2", "Adam", (4, 16)),
)


def same_start(library: Any, model: Any, dtype: Any) -> Any:
    """The model with parameters that are the same in every library."""
    draw = Draw("float64", seed=1)
    model = model.to(dtype)
    with library.no_grad():
        for parameter in model.parameters():
            shape = tuple(parameter.shape)
            if len(shape) == 1:
                parameter.fill_(0.5)
            else:
                fan_in = parameter[0].numel()
                parameter.copy_(library.from_numpy(draw(*shape) / fan_in**0.5))
    return model


def step_of(network: Network, optimizer: str) -> Implementation:
    """A training step; it returns the loss."""
    kind, settings = OPTIMIZERS[optimizer]

    def prepare(library: Any, images: Any, labels: Any) -> Callable[[], Any]:
        model = same_start(library, network.build(library), images.dtype)
        loss_of = getattr(library.nn.functional, network.loss)
        rule = getattr(library.optim, kind)(model.parameters(), **settings)

        def step() -> Any:
            rule.zero_grad()
            loss = loss_of(model(images), labels)
            loss.backward()
            rule.step()
            return loss

        return step

    return prepare


def training_step(name: str, optimizer: str, N: int, title: str = "training step") -> Case:
    """A step on a batch of N."""
    network = NETWORKS[name]

    def inputs(draw: Draw) -> list[Any]:
        return [draw(N, *network.image), draw.integers(network.classes, N)]

    return Case(
        name=f"{title} {name} {optimizer}",
        sizes={"N": N},
        inputs=inputs,
        implementations=both(step_of(network, optimizer)),
        flops=6.0 * N * network.multiply_adds,
        calls=3,
        tolerance=1e-3,
    )


CASES = [training_step(name, optimizer, N) for name, optimizer, batches in STEPS for N in batches]
