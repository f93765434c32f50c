"""Connectionist temporal classification: the loss of labels without an alignment in time."""

from typing import Any

import numpy as np

from minigrad.core.types import Array
from minigrad.engine.grad_mode import thread
from minigrad.engine.graph import V, wrap_like
from minigrad.engine.op import arr, op, sample
from minigrad.kernels.reduction import ctc as kernels
from minigrad.ops.elementwise.elementary import exp, where
from minigrad.ops.indexing import gather_scatter
from minigrad.ops.reduction.reduce import logsumexp
from minigrad.ops.shape import copies

# Stands for log(0) where a derivative is taken: -inf less -inf would be no number.
NEVER = -1e30


def _rule(
    g: V, out: V, x: V, *, targets: Array, input_lengths: Array, target_lengths: Array,
    blank: int, zero_infinity: bool,
) -> V:  # fmt: skip
    likelihood, log_alpha = out[0].array, out[1].array
    paths = kernels.lattice(targets, input_lengths, target_lengths, blank)
    within = np.arange(x.shape[0])[:, None] < paths.steps
    possible = likelihood > -np.inf
    # A loss that is infinite or no number has no derivative, unless it counts as 0.
    undefined = within & ~possible & ~(np.isneginf(likelihood) & zero_infinity)
    if not thread.mode.differentiates():
        dx = kernels.ctc_loss_backward(g.array, likelihood, log_alpha, x.array, paths)
        dx[undefined] = np.nan
        return wrap_like(g, dx)
    shares = _shares(x, paths, within & possible) * -g.unsqueeze(-1)
    place = np.broadcast_to(paths.labels, shares.shape)
    start = g.new_tensor(np.where(np.broadcast_to(undefined[..., None], x.shape), np.nan, 0.0))
    return gather_scatter.scatter_add(start, shares, dim=2, index=place)


def _shares(x: V, paths: "kernels.Lattice", alive: Array) -> V:
    """(T, N, C) -> (T, N, S): how probable each state is at each time, given the labels.

    Recorded step by step, for derivatives of the gradient.
    """
    length, count, _ = x.shape
    width = paths.labels.shape[1]
    place = np.broadcast_to(paths.labels, (length, count, width))
    emitted = gather_scatter.gather(x, dim=2, index=place)
    over = np.where(np.isneginf(paths.over), NEVER, 0.0)
    states = np.arange(width)
    start = np.where(states < 2, 0.0, NEVER)
    left = paths.states[:, None] - states
    end = x.new_tensor(np.where((left == 1) | (left == 2), 0.0, NEVER))
    arrive, leave = x.new_tensor(over[:, :width]), x.new_tensor(over[:, kernels.MARGIN :])

    forward = [emitted[0] + x.new_tensor(start)]
    for t in range(1, length):
        forward.append(_merged(forward[-1], 1, arrive) + emitted[t])
    backward = [end]
    for t in range(length - 2, -1, -1):
        onward = _merged(backward[-1] + emitted[t + 1], -1, leave)
        last = x.new_tensor(t >= paths.steps[:, None] - 1, dtype=bool)
        backward.append(where(last, end, onward))
    through = _stacked(forward) + _stacked(backward[::-1])
    likelihood = logsumexp(through[0], dim=-1, keepdim=True)
    counts = x.new_tensor(alive[..., None], dtype=bool)
    return exp(where(counts, through - likelihood, NEVER))


def _merged(before: V, direction: int, over: V) -> V:
    """The ways into each state: by staying, from the next one, and from the one after that."""
    ways = [before, _moved(before, direction), _moved(before, 2 * direction) + over]
    return logsumexp(_stacked(ways), dim=0)


def _moved(x: V, by: int) -> V:
    """(N, S) with each row's elements shifted by `by` states, which may be negative."""
    size = x.shape[1]
    room = x.new_full((x.shape[0], min(abs(by), size)), NEVER)
    if by > 0:
        return copies.concatenate(room, x.narrow(1, 0, max(size - by, 0)), dim=1)
    return copies.concatenate(x.narrow(1, min(-by, size), max(size + by, 0)), room, dim=1)


def _stacked(rows: list[V]) -> V:
    return copies.concatenate(*(row.unsqueeze(0) for row in rows), dim=0)


# Repeated labels, an empty list, a shorter signal, and one too short for its labels.
LABELS = np.array([[1, 1, 2], [2, 0, 0], [0, 0, 0]])
SAMPLES = [
    sample(
        arr.of(5, 3, 4, high=0.0),
        targets=LABELS, input_lengths=np.array([5, 3, 4]), target_lengths=np.array([3, 1, 0]),
        blank=0, zero_infinity=False,
    ),
    sample(
        arr.of(3, 2, 3, high=0.0),
        targets=np.array([[0, 0], [0, 1]]), input_lengths=np.array([2, 3]),
        target_lengths=np.array([2, 2]), blank=2, zero_infinity=True,
    ),
    sample(
        arr.of(2, 1, 3),
        targets=np.zeros((1, 0), np.int64), input_lengths=np.array([2]),
        target_lengths=np.array([0]), blank=1, zero_infinity=False,
    ),
]  # fmt: skip


@op(vjp=(_rule,), samples=SAMPLES, accumulates=True)
def ctc_loss(
    input: Array,
    *,
    targets: Array,
    input_lengths: Array,
    target_lengths: Array,
    blank: int,
    zero_infinity: bool,
) -> Any:
    """Log-probabilities (T, N, C) and labels (N, S), both with lengths (N,) -> losses (N,).

    Minus the logarithm of the probability of all alignments; infinite, or 0 with zero_infinity,
    where there is none.  By-products: the log-likelihoods and the forward variables, in float64.
    """
    paths = kernels.lattice(targets, input_lengths, target_lengths, blank)
    likelihood, log_alpha = kernels.ctc_loss(input, paths)
    counted = np.where(np.isneginf(likelihood) & zero_infinity, 0.0, -likelihood)
    return counted.astype(input.dtype), likelihood, log_alpha
