"""Connectionist temporal classification: the likelihood of labels under all alignments.

Graves et al. 2006, section 4.  L labels give 2 L + 1 states: the labels, with a blank before, after
and between them.  An alignment visits the states from left to right.  In each time step it stays,
moves on by one state, or moves on by two if that skips a blank between two different labels.

The forward variable log_alpha[t, s] is the log-probability of all paths that end in state s at time
t, emissions up to t included.  The backward variable is that of all paths from there on, without
the emission at t.  Both are logarithms in float64: they shrink with every step, and an underflow
could not be repaired later.
"""

from typing import Any, NamedTuple

import numpy as np

from minigrad.kernels.compiler.kernel import device_function, kernel, prange
from minigrad.kernels.reduction.softmax import EXP_WORK
from minigrad.kernels.simd import math

Array = np.ndarray[Any, Any]

# Extra states of probability 0 beside the others, so that moves by two need no bounds check.
MARGIN = 2
# log(x) for x in [1, 3] is log(sqrt(3)) + 2 artanh((x - sqrt(3)) / (x + sqrt(3))).
_CENTRE = 3**0.5
_LOG_CENTRE = float(np.log(3) / 2)
_ARTANH_TERMS = 14  # of its series: the argument is below 0.27


class Lattice(NamedTuple):
    """The states of each sequence of labels, and the length of its input.

    labels (N, S): the label that each state emits.  over (N, S + 2): 0 if the state can be reached
    by a move of two, else -inf.  states (N,): number of states.  steps (N,): number of time steps.
    """

    labels: Array
    over: Array
    states: Array
    steps: Array


def lattice(targets: Array, input_lengths: Array, target_lengths: Array, blank: int) -> Lattice:
    """The states of labels (N, L); labels beyond each target length are ignored."""
    count, length = targets.shape
    labels = np.full((count, 2 * length + 1), blank, np.int64)
    given = np.arange(length) < target_lengths[:, None]
    labels[:, 1::2] = np.where(given, targets, blank)
    over = np.full((count, labels.shape[1] + MARGIN), -np.inf)
    passes = labels[:, 2:] != labels[:, :-2]  # never from one blank to the next
    over[:, MARGIN : labels.shape[1]][passes] = 0.0
    return Lattice(labels, over, 2 * target_lengths + 1, np.asarray(input_lengths, np.int64))


@device_function
def _log_of_few(x: float) -> float:
    """log(x) for x in [1, 3], by arithmetic alone so that loops vectorise."""
    z = (x - _CENTRE) / (x + _CENTRE)
    square = z * z
    series = 1 / (2 * _ARTANH_TERMS + 1)
    for k in range(_ARTANH_TERMS - 1, -1, -1):
        series = series * square + 1 / (2 * k + 1)
    return _LOG_CENTRE + 2 * z * series


@device_function
def _merge(out: Array, stay: Array, one: Array, two: Array, over: Array) -> None:
    """log(e**stay + e**one + e**(two + over)): paths that stay, move by one, and move by two."""
    for s in range(out.size):
        a, b, c = stay[s], one[s], two[s] + over[s]
        largest = a if a > b else b
        largest = largest if largest > c else c
        base = largest if largest > -np.inf else 0.0
        total = math.decay(a - base) + math.decay(b - base) + math.decay(c - base)
        out[s] = -np.inf if total == 0 else base + _log_of_few(total)


@device_function
def _forward_variables(
    alpha: Array, log_p: Array, n: int, labels: Array, over: Array, steps: int
) -> None:
    """Fill the forward variables (T, MARGIN + states) of sequence n."""
    states = labels.size
    alpha[:, :] = -np.inf
    for t in range(steps):
        row, emitted = alpha[t][MARGIN : MARGIN + states], log_p[t, n]
        if t == 0:
            for s in range(min(2, states)):
                row[s] = 0.0
        else:
            before = alpha[t - 1]
            _merge(row, before[MARGIN:], before[1:], before, over)
        for s in range(states):
            row[s] += emitted[labels[s]]


@kernel
def _forward(
    log_alpha: Array, log_p: Array, labels: Array, over: Array, states: Array, steps: Array
) -> None:
    for n in prange(steps.size):
        count = states[n]
        _forward_variables(log_alpha[n], log_p, n, labels[n][:count], over[n], steps[n])


def ctc_loss(log_p: Array, paths: Lattice) -> tuple[Array, Array]:
    """Log-probabilities (T, N, C) -> the log-likelihood (N,) of the labels, log_alpha (N, T, ...).

    Both are float64; the log-likelihood is -inf if an input is too short for its labels.
    """
    length, count, _ = log_p.shape
    width = paths.labels.shape[1]
    log_alpha = np.empty((count, length, MARGIN + width))
    work = length * int(paths.states.sum()) * EXP_WORK
    _forward.run(work, log_alpha, np.ascontiguousarray(log_p), *paths)
    every = np.arange(count)
    last = log_alpha[every, np.maximum(paths.steps, 1) - 1]
    ends = last[every, MARGIN + paths.states - 1], last[every, MARGIN + paths.states - 2]
    likelihood = np.logaddexp(*ends)
    # An input of length 0 has the empty sequence of labels with probability 1.
    of_empty = np.where(paths.states == 1, 0.0, -np.inf)
    return np.where(paths.steps == 0, of_empty, likelihood), log_alpha


@device_function
def _subtract_posteriors(
    dx: Array, workspace: Array, g: float, likelihood: float, alpha: Array, log_p: Array, n: int,
    labels: Array, over: Array, steps: int,
) -> None:  # fmt: skip
    """Subtract g times the probability of each label at each time, from the last time to the first.

    `workspace`, (2, MARGIN + states) or more, is filled with -inf.
    """
    states = labels.size
    beta = workspace[0, :states]
    onward = workspace[1, : states + MARGIN]
    for s in range(max(states - 2, 0), states):
        beta[s] = 0.0
    for t in range(steps - 1, -1, -1):
        row, reached, emitted = dx[t, n], alpha[t][MARGIN:], log_p[t, n]
        for s in range(states):
            onward[s] = beta[s] + emitted[labels[s]]
        for s in range(states):
            beta[s] = math.decay(reached[s] + beta[s] - likelihood)
        blanks = 0.0
        for s in range(0, states, 2):
            blanks += beta[s]
        row[labels[0]] -= g * blanks
        for s in range(1, states, 2):
            row[labels[s]] -= g * beta[s]
        _merge(beta, onward, onward[1:], onward[MARGIN:], over[MARGIN:])


@kernel
def _backward(
    dx: Array, workspace: Array, g: Array, likelihood: Array, log_alpha: Array, log_p: Array,
    labels: Array, over: Array, states: Array, steps: Array,
) -> None:  # fmt: skip
    for n in prange(steps.size):
        count = states[n]
        if likelihood[n] > -np.inf:
            _subtract_posteriors(
                dx, workspace[n], g[n], likelihood[n], log_alpha[n], log_p, n, labels[n][:count],
                over[n], steps[n],
            )  # fmt: skip


def ctc_loss_backward(
    g: Array, likelihood: Array, log_alpha: Array, log_p: Array, paths: Lattice
) -> Array:
    """The gradient (T, N, C) of the log-probabilities, given the gradients g (N,) of the losses.

    It is -g times the probability of each label at each time, given the sequence of labels; 0 if
    that sequence is impossible.
    """
    dx = np.zeros(log_p.shape, log_p.dtype)
    workspace = np.full((log_p.shape[1], 2, paths.over.shape[1]), -np.inf)
    work = log_p.shape[0] * int(paths.states.sum()) * EXP_WORK
    g, log_p = np.ascontiguousarray(g), np.ascontiguousarray(log_p)
    _backward.run(work, dx, workspace, g, likelihood, log_alpha, log_p, *paths)
    return dx
