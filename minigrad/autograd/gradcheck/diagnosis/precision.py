"""Mistakes of numbers as such: not finite, rounded to a shorter type, noise, kinks and poles."""

import numpy as np

from minigrad.autograd.gradcheck.diagnosis.evidence import Cause, Evidence
from minigrad.autograd.gradcheck.numeric import jump, noise, sizes_of, stairs, unit
from minigrad.core.types import Array

SHORTER = {"float16": np.float16, "float32": np.float32}


def gradient_not_finite(evidence: Evidence) -> Cause | None:
    """The rule gives nan or inf."""
    bad = ~np.isfinite(evidence.analytic)
    if not bad.any():
        return None
    index = tuple(map(int, np.argwhere(bad)[0]))
    where = f"at {index}, where the argument is {evidence.point[index]:.6g}"
    why = "1 / 0 in a rule, as for a root or a logarithm at zero"
    if np.isnan(evidence.analytic).any():
        why = "0 / 0, 0 * inf or inf - inf in a rule, as for a root, a norm or a quotient at zero"
    return Cause(
        "gradient not finite",
        f"the analytic gradient is nan or inf at {int(bad.sum())} of {bad.size} entries, the first "
        f"{where}: {why}",
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
        if _is_argument_rounded(evidence, point, shorter):
            return "the argument is"
        values = evidence.situation.flat_values()
        moves = not np.array_equal(values, evidence.situation.moved(
            evidence.position, point + 0.01 * sizes_of(point)).flat_values())  # fmt: skip
        if moves and _only(values, shorter):
            return "the function's values are"
        close = np.abs(evidence.analytic - evidence.numeric) <= 4 * np.finfo(shorter).eps * np.abs(
            evidence.numeric
        )
        if _only(evidence.analytic, shorter) and close[evidence.looked].all():
            return "the gradient is"
    return ""


def _is_argument_rounded(evidence: Evidence, point: Array, shorter: type) -> bool:
    """True if rounding changes no value, at several points, and a few roundings change some."""
    rng, eps = np.random.default_rng(evidence.situation.seed), float(np.finfo(shorter).eps)

    def values(at: Array) -> Array:
        moved = at.astype(point.dtype)
        return evidence.situation.moved(evidence.position, moved).flat_values()

    if np.array_equal(values(point), values(point * (1 + 4 * eps))):
        return False
    near = [point, *(point * (1 + eps * rng.uniform(-4, 4, point.shape)) for _ in range(7))]
    return all(np.array_equal(values(x), values(x.astype(shorter))) for x in near)


def _only(values: Array, shorter: type) -> bool:
    """True if all values are of the shorter type, and this cannot be chance."""
    telling = values[(values != 0) & np.isfinite(values)]
    whole = telling == np.round(telling * 64) / 64  # small whole numbers and their parts
    if (~whole).sum() < 2 or not (telling == telling.astype(shorter)).all():
        return False
    # Most values of the shorter type need all of its digits; of those that were lost otherwise,
    # few do.
    mantissas = np.abs(np.frexp(telling)[0]) * 2.0**53
    digits = [54 - (int(m) & -int(m)).bit_length() for m in mantissas]
    return 2 * sum(d >= np.finfo(shorter).nmant for d in digits) >= len(digits)


def stepwise(evidence: Evidence) -> Cause | None:
    """A step function, whose values are constant but for jumps."""
    still = evidence.wrong & ((evidence.numeric == 0) | evidence.unresolved)
    if not still.any():
        return None
    point = evidence.situation.point[evidence.position]
    index = tuple(map(int, np.argwhere(still)[0]))
    direction = np.where(unit(point.shape, index) > 0, sizes_of(point), 0.0)
    terms = evidence.situation.terms_along(evidence.position, direction)
    jumps = max(stairs(terms, step) for step in (evidence.bounds.step, 0.1))
    if not jumps:
        return None
    return Cause(
        "steps",
        f"the function's values are constant near {index}, but for jumps of about {jumps:.1g}: a "
        f"step function, as round() and comparisons are, or most digits are lost inside",
    )


def noisy(evidence: Evidence) -> Cause | None:
    """Values that jump however short the step: rounding inside, cancellation, random numbers."""
    point = evidence.situation.point[evidence.position]
    terms = evidence.situation.terms_along(evidence.position, sizes_of(point))
    rounding, middle = evidence.bounds.rounding, float(np.abs(terms(0.0)).max(initial=0.0))
    jumps = noise(terms, evidence.bounds.step)
    if jumps <= 1e3 * rounding * middle:
        jumps = 0.0
        if (evidence.unresolved & evidence.wrong).any():
            jumps = jump(terms, rounding)
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
