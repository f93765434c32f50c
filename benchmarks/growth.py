"""Growth of a training step's time with the batch and with the depth of the network."""

from minigrad.bench import Case, both
from minigrad.bench.cases.training import Network, perceptron_of, step_of, training_step

BATCHES = (1, 4, 16, 64, 256)
DEPTHS = (1, 4, 16, 64)


def deep_step(depth: int) -> Case:
    """A step of a network of `depth` hidden layers of 32."""
    network: Network = perceptron_of(32, *[32] * depth, 2)
    return Case(
        name="depth: 32-...-2 SGD",
        sizes={"layers ": depth},
        inputs=lambda draw: [draw(16, 32), draw.integers(2, 16)],
        implementations=both(step_of(network, "SGD")),
        calls=3,
        tolerance=1e-3,
    )


CASES = [
    *(training_step("lecture CNN", "SGD", N, title="batch:") for N in BATCHES),
    *(training_step("784-100-10", "SGD", N, title="batch:") for N in BATCHES),
    *map(deep_step, DEPTHS),
]
