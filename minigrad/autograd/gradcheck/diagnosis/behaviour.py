"""Mistakes that show when the function is asked again: elsewhere, or with other cotangents."""

import numpy as np

from minigrad.autograd.gradcheck.diagnosis.attached import attached
from minigrad.autograd.gradcheck.diagnosis.evidence import Cause, Evidence
from minigrad.core.types import Array


def not_deterministic(evidence: Evidence) -> Cause | None:
    """Another gradient each time."""
    again = evidence.gradient()
    if np.array_equal(again, evidence.analytic, equal_nan=True) or evidence.same(
        again, evidence.analytic
    ):
        return None
    return Cause("not deterministic", "backward gives another gradient each time")


def ignores_cotangent(evidence: Evidence) -> Cause | None:
    """A rule without the cotangent, or not linear in it."""
    turned = evidence.scaled_gradient(-2.0)
    if evidence.same(turned, evidence.analytic):
        return Cause("cotangent ignored", "the rule does not use the cotangent g")
    if not evidence.same(turned, -2.0 * evidence.analytic):
        return Cause("not linear", "the rule is not linear in the cotangent g")
    return None


def detached(evidence: Evidence) -> Cause | None:
    """Right if `detach()` and the like had no effect."""
    try:
        with attached():
            found = evidence.gradient()
    except Exception:  # whatever the function raises: it cannot run without what it detaches
        return None
    if evidence.same(found, evidence.numeric) and not evidence.same(found, evidence.analytic):
        return Cause(
            "detached part",
            "a part is cut off: without its detach() (or .data, no_grad) it would be right",
        )
    return None


def only_right_if_symmetric(evidence: Evidence) -> Cause | None:
    """Right where all square matrices are symmetric: a transpose is forgotten."""
    if not evidence.is_small:
        return None
    there = evidence.situation
    square = [i for i, x in enumerate(there.point)
              if x.ndim >= 2 and x.shape[-1] == x.shape[-2] > 1]  # fmt: skip
    if not square:
        return None
    for sign in (1.0, -1.0):
        for position in square:
            x = evidence.situation.point[position]
            there = there.moved(position, sign * (x + np.swapaxes(x, -1, -2)) / 2)
        found, numeric = evidence.gradient(there), evidence.differences(there)
        if not np.isfinite(numeric).all() or evidence.differs(found, numeric).any():
            return None
    return Cause(
        "symmetric only",
        "right if the square matrices are symmetric, wrong otherwise: a forgotten transpose",
    )


def of_another_argument(evidence: Evidence) -> Cause | None:
    """The gradient of another argument."""
    for label, numeric in evidence.others():
        if evidence.same(evidence.analytic, numeric) and not evidence.same(
            evidence.numeric, numeric
        ):
            return Cause(
                "swapped", f"it is the gradient of {label}: rules of two arguments swapped"
            )
    return None


def one_branch(evidence: Evidence) -> Cause | None:
    """Wrong above or below one value of the argument, wherever it stands."""
    if not evidence.is_small or evidence.wrong.all() or not evidence.wrong.any():
        return None
    points, wrong = [evidence.point.ravel()], [evidence.wrong.ravel()]
    for point, analytic, numeric in evidence.shuffled:
        points.append(point.astype(np.float64).ravel())
        wrong.append(evidence.differs(analytic, numeric).ravel())
    if any(w.all() or not w.any() for w in wrong) or wrong[0].sum() < 2:
        return None
    bound = _bound(np.concatenate(points), np.concatenate(wrong))
    if bound is None:
        return None
    side = "above" if points[0][wrong[0]].min() >= bound else "below"
    return Cause(
        "one branch",
        f"wrong at {int(evidence.wrong.sum())} of {evidence.wrong.size} entries, those where the "
        f"argument is {side} about {bound:.3g}: one branch of the rule",
    )


def _bound(points: Array, wrong: Array) -> float | None:
    """The value that separates wrong entries from right ones; None if none does."""
    for low, high in ((points[wrong], points[~wrong]), (points[~wrong], points[wrong])):
        if low.max() < high.min():
            return float((low.max() + high.min()) / 2)
    return None


def one_place(evidence: Evidence) -> Cause | None:
    """Wrong at one index along a dimension, whatever stands there."""
    if not evidence.is_small or evidence.wrong.all() or not evidence.wrong.any():
        return None
    masks = [evidence.wrong, *(evidence.differs(a, n) for _, a, n in evidence.shuffled)]
    for axis in range(evidence.wrong.ndim):
        at = [set(np.nonzero(mask)[axis].tolist()) for mask in masks]
        if len(at[0]) == 1 and all(a == at[0] for a in at) and evidence.wrong.shape[axis] > 1:
            return Cause(
                "one place",
                f"wrong at {int(evidence.wrong.sum())} of {evidence.wrong.size} entries, all of "
                f"them at {at[0].pop()} along dim {axis}",
            )
    return None
