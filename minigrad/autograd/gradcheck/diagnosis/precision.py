"""Mistakes of numbers as such: not finite, rounded to a shorter type, noise, kinks and poles."""

import numpy as np

from minigrad.autograd.gradcheck.diagnosis.evidence import Cause, Evidence
from minigrad.autograd.gradcheck.numeric import jump, sizes_of
from minigrad.core.types import Array

SHORTER = {"float16": np.float16, "float32": np.float32}


def gradient_not_finite(evidence: Evidence) -> Cause | None:
    """The rule gives nan or inf."""
    bad = ~np.isfinite(evidence.analytic)
    if not bad.any():
        return None
    index = tuple(map(int, np.argwhere(bad)[0]))
    return Cause(
        "gradient not finite",
        f"the analytic gradient is nan or inf at {int(bad.sum())} of {bad.size} entries, the first "
        f"at {index}, where the argument is {evidence.point[index]:.6g}",
    )


def function_not_finite(evidence: Evidence) -> Cause | None:
    """The function is nan or inf at a step from the point: a pole, or the edge of its domain."""
    if not evidence.unresolved.any() and evidence.looked.all():
        return None
    near = [index for index, verdict in evidence.verdicts.items()
            if not np.isfinite(verdict.numeric)]  # fmt: skip
    if not near:
        return None
    return Cause(
        "not finite",
        f"the function is not finite beside the point, at {len(near)} entries, the first {near[0]}"
        f": a pole, or the edge of its domain",
    )


def rounded(evidence: Evidence) -> Cause | None:
    """Values that only a shorter type would give."""
    point = evidence.situation.point[evidence.position]
    for name, shorter in SHORTER.items():
        if np.dtype(shorter).itemsize >= point.dtype.itemsize:
            continue
        what = _rounded_by(evidence, point, shorter)
        if what:
            return Cause(f"rounded to {name}", f"{what} rounded to {name}")
    return None


def _rounded_by(evidence: Evidence, point: Array, shorter: type) -> str:
    """The words for what is rounded to this type; empty if nothing is."""
    with np.errstate(over="ignore"):
        if (point == point.astype(shorter)).all():
            return ""  # it makes no difference at this point
        values = evidence.situation.flat_values()
        there = evidence.situation.moved(
            evidence.position, point.astype(shorter).astype(point.dtype)
        ).flat_values()
        moves = not np.array_equal(values, evidence.situation.moved(
            evidence.position, point + 0.01 * sizes_of(point)).flat_values())  # fmt: skip
        if moves and np.array_equal(values, there):
            return "the argument is"
        if moves and _only(values, shorter):
            return "the function's values are"
        close = np.abs(evidence.analytic - evidence.numeric) <= 4 * np.finfo(shorter).eps * np.abs(
            evidence.numeric
        )
        if _only(evidence.analytic, shorter) and close[evidence.looked].all():
            return "the gradient is"
    return ""


def _only(values: Array, shorter: type) -> bool:
    """True if all values are of the shorter type, and this cannot be chance."""
    telling = values[(values != 0) & np.isfinite(values)]
    whole = telling == np.round(telling * 64) / 64  # small whole numbers and their parts
    return bool((telling == telling.astype(shorter)).all() and (~whole).sum() >= 2)


def noisy(evidence: Evidence) -> Cause | None:
    """Values that jump however short the step: rounding inside, cancellation, random numbers."""
    if not (evidence.unresolved & evidence.wrong).any():
        return None
    point = evidence.situation.point[evidence.position]
    terms = evidence.situation.terms_along(evidence.position, sizes_of(point))
    jumps = jump(terms, evidence.bounds.rounding)
    if not jumps:
        return None
    return Cause(
        "noise",
        f"the function's values jump by about {jumps:.1g} however short the step: digits are "
        f"lost inside, by rounding to a shorter type or by cancellation",
    )


def not_smooth(evidence: Evidence) -> Cause | None:
    """No step gives a derivative to the tolerance."""
    if (evidence.unresolved & evidence.wrong).any():
        return Cause("not smooth", "a kink or a pole at the point")
    return None


def outside_slopes(evidence: Evidence) -> Cause | None:
    """At a kink, a derivative that is not between the slopes of both sides."""
    at = [index for index, verdict in evidence.verdicts.items()
          if verdict.slopes is not None and not verdict.right]  # fmt: skip
    if len(at) != int(evidence.wrong.sum()) or not at:
        return None
    slopes = evidence.verdicts[at[0]].slopes
    assert slopes is not None
    return Cause(
        "outside slopes",
        f"a kink at the point, and the gradient is not between the slopes of its two sides: at "
        f"{at[0]} these are {slopes[0]:.6g} and {slopes[1]:.6g}",
    )
