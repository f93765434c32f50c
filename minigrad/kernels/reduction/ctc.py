"""Connectionist temporal classification: labels and their likelihood under all alignments.

Graves et al. 2006, section 4.  Of L labels 2 L + 1 states are made, with a blank around each label;
an alignment goes through them from left to right, a step in time staying where it is, moving on by
one, or passing over a blank between two different labels.  Forward variables log_alpha[t, s] are
the probability of all ways to be in state s at time t, emissions up to t included; backward ones
that of all ways on from there, emission at t not included.  Both are kept in logarithms and in
float64: they shrink with every step, and what is lost in one step no other brings back.
"""

from typing import Any, NamedTuple

import numpy as np

from minigrad.kernels.compiler.kernel import device_function, kernel, prange
from minigrad.kernels.reduction.softmax import EXP_WORK
from minigrad.kernels.simd import math

Array = np.ndarray[Any, Any]

# Room beside the states, impossible to be in, for moves of two.
MARGIN = 2
# log(x) for x in [1, 3] is log(sqrt(3)) + 2 artanh((x - sqrt(3)) / (x + sqrt(3))).
_CENTRE = 3**0.5
_LOG_CENTRE = float(np.log(3) / 2)
_ARTANH_TERMS = 14  # of its series: the argument is below 0.27


class Lattice(NamedTuple):
    """The states of each sequence of labels, and how long its signal is.

    labels (N, S): what each state emits.  over (N, S + 2): 0 where the state can be reached from
    two before it, else -inf.  states (N,): how many count.  steps (N,): times that count.
    """

    labels: Array
    over: Array
    states: Array
    steps: Array


def lattice(targets: Array, input_lengths: Array, target_lengths: Array, blank: int) -> Lattice:
    """The states of labels (N, L), of which those beyond each target length may be anything."""
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
    """log(x) for x in [1, 3], in arithmetic alone so that loops vectorise."""
    z = (x - _CENTRE) / (x + _CENTRE)
    square = z * z
    series = 1 / (2 * _ARTANH_TERMS + 1)
    for k in range(_ARTANH_TERMS - 1, -1, -1):
        series = series * square + 1 / (2 * k + 1)
    return _LOG_CENTRE + 2 * z * series


@device_function
def _merge(out: Array, stay: Array, one: Array, two: Array, over: Array) -> None:
    """log(e**stay + e**one + e**(two + over)): the ways by staying, by one move, and by two."""
    for s in range(out.size):
        a, b, c = stay[s], one[s], two[s] + over[s]
        largest = a if a > b else b
        largest = largest if largest > c else c
        base = largest if largest > -np.inf else 0.0
        total = math.decay(a - base) + math.decay(b - base) + math.decay(c - base)
        out[s] = -np.inf if total == 0 else base + _log_of_few(total)


@device_function
def _sweep(alpha: Array, log_p: Array, n: int, labels: Array, over: Array, steps: int) -> None:
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
        _sweep(log_alpha[n], log_p, n, labels[n][:count], over[n], steps[n])


def ctc_loss(log_p: Array, paths: Lattice) -> tuple[Array, Array]:
    """Log-probabilities (T, N, C) -> the log-likelihood (N,) of the labels, log_alpha (N, T, ...).

    Both in float64; the former is -inf where a signal is too short for its labels.
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
    # Of a signal of no length the only outcome is no labels.
    nothing = np.where(paths.states == 1, 0.0, -np.inf)
    return np.where(paths.steps == 0, nothing, likelihood), log_alpha


@device_function
def _spread(
    dx: Array, room: Array, g: float, likelihood: float, alpha: Array, log_p: Array, n: int,
    labels: Array, over: Array, steps: int,
) -> None:  # fmt: skip
    """Take from the gradient how probable each label is at each time, from the last one back.

    `room`, (2, MARGIN + states) or more, is filled with -inf.
    """
    states = labels.size
    beta = room[0, :states]
    onward = room[1, : states + MARGIN]
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
    dx: Array, room: Array, g: Array, likelihood: Array, log_alpha: Array, log_p: Array,
    labels: Array, over: Array, states: Array, steps: Array,
) -> None:  # fmt: skip
    for n in prange(steps.size):
        count = states[n]
        if likelihood[n] > -np.inf:
            _spread(
                dx, room[n], g[n], likelihood[n], log_alpha[n], log_p, n, labels[n][:count],
                over[n], steps[n],
            )  # fmt: skip


def ctc_loss_backward(
    g: Array, likelihood: Array, log_alpha: Array, log_p: Array, paths: Lattice
) -> Array:
    """The gradient (T, N, C) of log-probabilities whose losses have the cotangents g (N,).

    It is -g times the probability, given the labels, of each label at each time; 0 for a sequence
    that is impossible.
    """
    dx = np.zeros(log_p.shape, log_p.dtype)
    room = np.full((log_p.shape[1], 2, paths.over.shape[1]), -np.inf)
    work = log_p.shape[0] * int(paths.states.sum()) * EXP_WORK
    g, log_p = np.ascontiguousarray(g), np.ascontiguousarray(log_p)
    _backward.run(work, dx, room, g, likelihood, log_alpha, log_p, *paths)
    return dx
