"""In-place changes after an operation: they break backward only where PyTorch's rule breaks too.

A rule that keeps its output, or an argument of which it needs the shape only, refuses programs that
run in PyTorch, and holds memory.
"""

import numpy as np
import pytest
import torch

import minigrad as mg
from minigrad.engine.op import arr
from minigrad.ops import table
from minigrad.testing.operations import describe, draw
from tests.support.torch_functions import TORCH_FUNCTIONS

# Operations whose twin in the table is made of several torch operations, which copy what ours keep.
COMPOSED_IN_TORCH = {
    "conv2d": "the twin pads, which copies",
    "conv2d_weight_grad": "the twin pads, which copies",
    "conv3d": "the twin pads, which copies",
    "conv3d_weight_grad": "the twin pads, which copies",
    "attention": "the twin is a formula",
    "lstm_layer": "the twin takes its steps one by one",
    "gru_layer": "the twin takes its steps one by one",
    "rnn_layer": "the twin takes its steps one by one",
    "elu": "the twin is a formula",
    "hardsigmoid": "the twin is a formula",
    "leaky_relu_backward": "the twin is a formula",
    "relu_backward": "the twin is a formula",
    "sigmoid_backward": "the twin is a formula",
    "tanh_backward": "the twin is a formula",
    "log_softmax_backward": "the twin is a formula",
    "recurrence": "part of the rule of cumprod, nobody else sees its output",
    "ctc_loss": "the twin takes log_softmax first",
    "mm": "where it broadcasts, torch copies the operands",
}
# Kept on purpose.
KEPT = {"cross_entropy": "the logits are kept in place of their log_softmax, which takes memory"}


def outcome(module, function, drawn, settings, needing, changed):
    """If backward raises after `changed`, the output (-1) or a tensor argument, was changed."""
    args, tensors = [], []
    for given in drawn:
        argument = given
        if isinstance(given, np.ndarray):
            argument = module.tensor(given)
            if given.dtype.kind == "f" and needing in (None, len(tensors)):
                argument = argument.requires_grad_() * 1
            tensors.append(argument)
        args.append(argument)
    out = function(*args, **settings)
    out = out[0] if isinstance(out, tuple) else out
    target = out if changed < 0 else tensors[changed]
    if not out.requires_grad or not target.is_floating_point():
        return "nothing to see"
    try:
        with module.no_grad():
            target.mul_(1.5)
    except RuntimeError as error:
        return "nothing to see" if "more than one element" in str(error) else "unexpected"
    try:
        out.sum().backward()
    except RuntimeError as error:
        return "raises" if "inplace" in str(error) else "unexpected"
    return "runs"


@pytest.mark.parametrize("name", sorted(set(TORCH_FUNCTIONS) & set(table.declared())))
def test_a_change_breaks_no_more_than_in_torch(name):
    operation = table.declared()[name]
    for case in operation.op.samples:
        rng = np.random.default_rng(1)
        drawn = [draw(a, rng) if isinstance(a, arr) else a for a in case.args]
        count = sum(isinstance(a, np.ndarray) for a in drawn)
        for needing in (None, *(range(count) if count > 1 else ())):
            for changed in range(-1, count):
                given = drawn, case.settings, needing, changed
                if outcome(mg, operation, *given) != "raises" or name in COMPOSED_IN_TORCH | KEPT:
                    continue
                theirs = outcome(torch, TORCH_FUNCTIONS[name], *given)
                assert theirs == "raises", f"{name}{describe(case)}: {needing=}, {changed=}"


FUNCTIONS = {
    "cat": lambda m, x, y: m.cat([x, y]),
    "cat of one": lambda m, x, y: m.cat([x], 1),
    "concat": lambda m, x, y: m.concat((y, x, y), -1),
    "stack": lambda m, x, y: m.stack([x, y], 1),
    "hstack": lambda m, x, y: m.hstack([x, y]),
    "vstack": lambda m, x, y: m.vstack([x, y]),
    "dstack": lambda m, x, y: m.dstack([x, y]),
    "column_stack": lambda m, x, y: m.column_stack([x, y]),
    "block_diag": lambda m, x, y: m.block_diag(x, y),
    "repeat": lambda m, x, y: x.repeat(2, 3),
    "repeat of one": lambda m, x, y: x.sum().reshape(1).repeat(3),
    "tile": lambda m, x, y: y.tile((1, 2)),
    "repeat_interleave": lambda m, x, y: x.repeat_interleave(2, 0),
    "pad": lambda m, x, y: m.nn.functional.pad(x, (1, 1)),
    "roll": lambda m, x, y: x.roll(1),
    "flip": lambda m, x, y: x.flip(0),
    "index": lambda m, x, y: x[[0, 0]],
    "gather": lambda m, x, y: x.gather(0, m.zeros(2, 2, dtype=m.int64)),
    "where": lambda m, x, y: m.where(x.detach() > 0, x, y),
    "mean": lambda m, x, y: x.mean(0),
    "add": lambda m, x, y: x + y,
    "linear": lambda m, x, y: m.nn.functional.linear(x, y[:2, :3]),
    "layer_norm": lambda m, x, y: m.nn.functional.layer_norm(x, (3,)),
    "relu then add": lambda m, x, y: m.relu(x) + y,
}


@pytest.mark.parametrize("m", [mg, torch], ids=["minigrad", "torch"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_output_takes_a_position_in_place(name, m):
    x = m.tensor([[0.5, -1.0, 2.0], [1.5, 3.0, -0.25]], dtype=m.float64, requires_grad=True)
    y = m.tensor([[1.0, 2.0, 4.0], [-1.0, 0.5, 1.0]], dtype=m.float64, requires_grad=True)
    expected = m.autograd.grad(FUNCTIONS[name](m, x, y).sum(), (x, y), allow_unused=True)
    out = FUNCTIONS[name](m, x * 1, y * 1)
    out += 1.0
    found = m.autograd.grad(out.sum(), (x, y), allow_unused=True)
    for ours, wanted in zip(found, expected, strict=True):
        assert (ours is None) == (wanted is None)
        assert ours is None or ours.tolist() == wanted.tolist()


@pytest.mark.parametrize("m", [mg, torch], ids=["minigrad", "torch"])
def test_what_is_joined_may_change_afterwards(m):
    x, y = (m.ones(2, 3, requires_grad=True) for _ in range(2))
    for join in (m.cat, m.stack, m.hstack, m.vstack, m.dstack):
        a, b = x * 1, y * 1
        out = join([a, b])
        a.mul_(2)
        b.zero_()
        g, h = m.autograd.grad(out.sum(), (x, y))
        assert g.tolist() == h.tolist() == [[1] * 3] * 2
