"""Training steps of small language models, each written once for every library."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from minigrad.bench.case import Array, Case, Draw, both
from minigrad.bench.cases.networks import gpt, recurrent_model
from minigrad.bench.cases.training import same_start

CHARACTERS = 65  # of tinyshakespeare
LR = 1e-5  # a case is trained on one batch for thousands of steps


class Sizes(NamedTuple):
    """A model's constructor, its context, and multiply-adds for each token."""

    build: Callable[[Any], Any]
    context: int
    multiply_adds: float


def gpt_of(layers: int, heads: int, width: int, context: int) -> Sizes:
    """A GPT; on average a position attends to half of the context."""
    attention = context * width  # scores, and weighted values
    each = 12 * width**2 + attention
    return Sizes(
        lambda library: gpt(library, CHARACTERS, context, layers, heads, width),
        context,
        layers * each + CHARACTERS * width,
    )


def lstm_of(layers: int, width: int, context: int) -> Sizes:
    """A character LSTM."""
    return Sizes(
        lambda library: recurrent_model(library, CHARACTERS, width, layers),
        context,
        layers * 8 * width**2 + CHARACTERS * width,
    )


MODELS = {
    "GPT 4 layers 128 wide": gpt_of(4, 4, 128, context=64),
    "GPT 6 layers 384 wide": gpt_of(6, 6, 384, context=128),
    "char LSTM 2 layers 256 wide": lstm_of(2, 256, context=64),
}
# The first batch of each is there to be tested quickly.
STEPS = (
    ("GPT 4 layers 128 wide", (1, 12)),
    ("GPT 6 layers 384 wide", (1, 8)),
    ("char LSTM 2 layers 256 wide", (1, 12)),
)


def training_step(name: str, N: int) -> Case:
    """A step on N windows."""
    model = MODELS[name]

    def inputs(draw: Draw) -> Sequence[Array]:
        dtype = draw.ones(1)  # by which the parameters know their type
        return [draw.integers(CHARACTERS, N, model.context + 1), dtype]

    def prepare(library: Any, tokens: Any, one: Any) -> Callable[[], Any]:
        network = same_start(library, model.build(library), one.dtype)
        optimizer = library.optim.AdamW(network.parameters(), lr=LR)
        given, following = tokens[:, :-1], tokens[:, 1:].flatten()

        def step() -> Any:
            optimizer.zero_grad()
            scores = network(given).flatten(0, 1)
            loss = library.nn.functional.cross_entropy(scores, following)
            loss.backward()
            optimizer.step()
            return loss

        return step

    return Case(
        name=f"training step {name} AdamW",
        sizes={"N": N},
        inputs=inputs,
        implementations=both(prepare),
        flops=6.0 * N * model.context * model.multiply_adds,
        calls=3,
        tolerance=1e-3,
    )


CASES = [training_step(name, N) for name, batches in STEPS for N in batches]
