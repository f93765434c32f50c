"""A training step in other libraries: JAX compiled with jit, and MyGrad.

SGD on a 784-100-10 perceptron with a batch of 100, the same in all of them.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.bench import Case
from minigrad.bench.case import Draw

LR = 1e-3


def inputs(draw: Draw) -> list[Any]:
    """Images, labels, and the layers' weights and biases."""
    first, second = draw(784, 100) / np.float32(28), draw(100, 10) / np.float32(10)
    return [
        draw(100, 784), draw.integers(10, 100), first.astype(draw.dtype), 0 * draw(100),
        second.astype(draw.dtype), 0 * draw(10),
    ]  # fmt: skip


def in_torch_style(library: Any, images: Any, labels: Any, *arrays: Any) -> Callable[[], Any]:
    weights = [library.nn.Parameter(array) for array in arrays]
    optimizer = library.optim.SGD(weights, lr=LR)

    def step() -> Any:
        optimizer.zero_grad()
        hidden = library.relu(images @ weights[0] + weights[1])
        scores = hidden @ weights[2] + weights[3]
        loss = library.nn.functional.cross_entropy(scores, labels)
        loss.backward()
        optimizer.step()
        return loss

    return step


def in_jax(jax: Any, images: Any, labels: Any, *weights: Any) -> Callable[[], Any]:
    jnp = jax.numpy
    images, labels = jnp.asarray(images), jnp.asarray(labels)
    state = [jnp.asarray(weight) for weight in weights]

    def loss_of(weights: Any) -> Any:
        hidden = jax.nn.relu(images @ weights[0] + weights[1])
        logs = jax.nn.log_softmax(hidden @ weights[2] + weights[3])
        return -jnp.take_along_axis(logs, labels[:, None], 1).mean()

    def updated(weights: Any) -> Any:
        loss, grads = jax.value_and_grad(loss_of)(weights)
        return loss, [w - LR * g for w, g in zip(weights, grads, strict=True)]

    compiled = jax.jit(updated)

    def step() -> Any:
        loss, state[:] = compiled(state)
        loss.block_until_ready()
        return np.asarray(loss)

    return step


def in_mygrad(mygrad: Any, images: Any, labels: Any, *arrays: Any) -> Callable[[], Any]:
    from mygrad.nnet.activations import relu  # noqa: PLC0415  where it is installed
    from mygrad.nnet.losses import softmax_crossentropy  # noqa: PLC0415

    weights = [mygrad.tensor(array) for array in arrays]

    def step() -> Any:
        hidden = relu(mygrad.matmul(images, weights[0]) + weights[1])
        loss = softmax_crossentropy(mygrad.matmul(hidden, weights[2]) + weights[3], labels)
        loss.backward()
        for weight in weights:
            weight.data -= LR * weight.grad
            weight.null_grad()
        return loss.data

    return step


CASES = [
    Case(
        name="training step 784-100-10 plain SGD",
        sizes={"N": 100},
        inputs=inputs,
        implementations={
            "minigrad": in_torch_style,
            "torch": in_torch_style,
            "jax": in_jax,
            "mygrad": in_mygrad,
        },
        flops=6.0 * 100 * (math.prod((784, 100)) + 1000),
        calls=3,
        tolerance=1e-3,
    )
]
