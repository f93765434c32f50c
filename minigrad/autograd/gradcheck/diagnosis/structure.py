"""Mistakes of places: entries that went elsewhere, axes mixed up, terms left out."""

import itertools

import numpy as np

from minigrad.autograd.gradcheck.diagnosis.evidence import Cause, Evidence, Jacobians
from minigrad.core.types import Array


def rearranged(evidence: Evidence) -> Cause | None:
    """The right numbers in another order: transposed, reversed or shifted."""
    shape = evidence.point.shape
    for axes in itertools.permutations(range(len(shape))) if len(shape) <= 4 else ():
        moved = evidence.analytic.transpose(axes)
        if list(axes) != sorted(axes) and evidence.same(moved, evidence.numeric):
            return Cause("transposed", f"transposed: permuted by {axes} it would be right")
    for axis in range(len(shape)):
        if shape[axis] < 2:
            continue
        if evidence.same(np.flip(evidence.analytic, axis), evidence.numeric):
            return Cause("reversed", f"reversed along dim {axis}")
        for shift in (1, -1):
            if evidence.same(np.roll(evidence.analytic, shift, axis), evidence.numeric):
                return Cause("shifted", f"shifted by {-shift} along dim {axis}")
    return None


# --- by the Jacobians ----------------------------------------------------------------------------


def wrong_axis(evidence: Evidence) -> Cause | None:
    """A rule that works along another axis than the function."""
    jacobians = evidence.jacobians
    if jacobians is None:
        return None
    shapes = [np.shape(c) for c in evidence.situation.cotangents]
    analytic, numeric = jacobians.supports
    if shapes == [evidence.point.shape]:
        return _mixed_along_another(analytic, numeric, evidence.point.shape)
    return _reduced_along_another(analytic, numeric, evidence.point.shape)


def _mixed_along_another(analytic: Array, numeric: Array, shape: tuple[int, ...]) -> Cause | None:
    """Of functions that keep the shape: along which axes output and argument entries differ."""
    rule, truth = _axes_spread(analytic, shape), _axes_spread(numeric, shape)
    if len(rule) == len(truth) == 1 and rule != truth:
        return _along(rule.pop(), truth.pop())
    return None


def _axes_spread(support: Array, shape: tuple[int, ...]) -> set[int]:
    outputs, inputs = np.nonzero(support)
    pairs = zip(np.unravel_index(outputs, shape), np.unravel_index(inputs, shape), strict=True)
    return {axis for axis, (o, i) in enumerate(pairs) if (o != i).any()}


def _reduced_along_another(analytic: Array, numeric: Array, shape: tuple[int, ...]) -> Cause | None:
    """Of reductions: with two axes exchanged the rule would reach the right output entries."""
    if (numeric.sum(1) <= 1).all() or (analytic == numeric).all():
        return None
    positions = np.arange(analytic.shape[1]).reshape(shape)
    for a, b in itertools.combinations(range(len(shape)), 2):
        if shape[a] != shape[b] or shape[a] == 1:
            continue
        exchanged = analytic[:, np.swapaxes(positions, a, b).ravel()]
        constant = (numeric.reshape(-1, *shape) == np.take(
            numeric.reshape(-1, *shape), [0], axis=1 + a
        )).all(), (numeric.reshape(-1, *shape) == np.take(
            numeric.reshape(-1, *shape), [0], axis=1 + b
        )).all()  # fmt: skip
        if (exchanged == numeric).all() and any(constant):
            rule, truth = (b, a) if constant[0] else (a, b)
            return _along(rule, truth)
    return None


def _along(rule: int, truth: int) -> Cause:
    words = f"the wrong axis: the rule works along dim {rule}, the function along dim {truth}"
    return Cause("wrong axis", words)


def missing_terms(evidence: Evidence) -> Cause | None:
    """Fewer output entries contribute than depend on an entry of the argument."""
    jacobians = evidence.jacobians
    if jacobians is None:
        return None
    reached, depends = jacobians.supports
    if (reached & ~depends).any():
        return None
    counts, wanted = reached.sum(0), depends.sum(0)
    partly = (counts > 0) & (counts < wanted)
    if not partly.any() or ((counts == 0) & (wanted > 0)).any():
        return None
    place = int(np.argmax(wanted - np.where(partly, counts, wanted)))
    index = tuple(map(int, np.unravel_index(place, evidence.point.shape)))
    seen = (
        f"at {index} only {int(counts[place])} of the {int(wanted[place])} output entries that "
        f"depend on it contribute"
    )
    if evidence.same(np.where(reached, jacobians.analytic, 0), _kept(jacobians, reached)):
        return Cause("missing sum", f"a missing sum: {seen}")
    return Cause("missing term", f"a missing term, {_through(evidence, depends & ~reached)}{seen}")


def _kept(jacobians: Jacobians, reached: Array) -> Array:
    return np.where(reached, jacobians.numeric, 0)


def _through(evidence: Evidence, missing: Array) -> str:
    """Along which axis the entries lie that were forgotten."""
    shape = evidence.point.shape
    if [np.shape(c) for c in evidence.situation.cotangents] != [shape]:
        return "through what entries have in common: "
    axes = sorted(_axes_spread(missing, shape))
    if axes == [0]:
        return "through the other entries of the batch (dim 0), as a mean or a norm has it: "
    along = ", ".join(map(str, axes))
    return f"through the other entries along dim {along}, as a mean or a norm has it: "
