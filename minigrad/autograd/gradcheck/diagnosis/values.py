"""Mistakes that the numbers themselves show: zeros, signs, factors, powers, masks."""

import numpy as np

from minigrad.autograd.gradcheck.diagnosis.evidence import Cause, Evidence
from minigrad.core.types import Array


def _is_zero(evidence: Evidence) -> Array:
    """True at entries where function values say that the derivative is zero."""
    scale = np.abs(evidence.numeric[evidence.looked]).max(initial=0.0)
    return np.asarray(np.abs(evidence.numeric) <= 1e-2 * evidence.same_to * scale)


def zero(evidence: Evidence) -> Cause | None:
    """No gradient at all."""
    if (evidence.analytic == 0).all() and evidence.wrong.any():
        return Cause("zero", "zero everywhere: a detached tensor, or a rule that gives no gradient")
    return None


def mask_missing(evidence: Evidence) -> Cause | None:
    """A gradient where the function does not depend on the argument, right everywhere else."""
    wrong, right = evidence.wrong, evidence.looked & ~evidence.wrong
    nothing = _is_zero(evidence)
    if not wrong.any() or not (nothing[wrong]).all() or not (right & ~nothing).any():
        return None
    return Cause(
        "mask missing",
        f"a mask missing: the function does not depend on the argument at {int(wrong.sum())} of "
        f"the {len(evidence.verdicts)} entries, where the gradient is not zero",
    )


def masked_out(evidence: Evidence) -> Cause | None:
    """No gradient at some entries on which the function depends, right everywhere else."""
    wrong, right = evidence.wrong, evidence.looked & ~evidence.wrong
    if not wrong.any() or (evidence.analytic[wrong] != 0).any():
        return None
    if not (right & (evidence.analytic != 0)).any():
        return None
    return Cause(
        "masked out",
        f"a mask of too much: zero at {int(wrong.sum())} of {len(evidence.verdicts)} entries that "
        f"the function depends on{_where_below(evidence)}",
    )


def _where_below(evidence: Evidence) -> str:
    wrong, right = evidence.point[evidence.wrong], evidence.point[evidence.looked & ~evidence.wrong]
    if wrong.max() < right.min():
        return f", those where the argument is below about {(wrong.max() + right.min()) / 2:.3g}"
    if wrong.min() > right.max():
        return f", those where the argument is above about {(wrong.min() + right.max()) / 2:.3g}"
    return ""


def constant_ratio(evidence: Evidence) -> Cause | None:
    """The sign, or one factor throughout."""
    seen = evidence.looked & ~_is_zero(evidence)
    rest = evidence.looked & ~seen
    if seen.sum() < min(2, evidence.point.size) or evidence.wrong[rest].any():
        return None
    ratios = evidence.analytic[seen] / evidence.numeric[seen]
    ratio = float(np.median(ratios))
    spread = np.abs(ratios - ratio).max()
    if spread > evidence.same_to * max(abs(ratio), 1e-3) or abs(ratio) < 1e-12:
        return None
    if abs(ratio + 1.0) < evidence.same_to:
        return Cause("sign", "the sign")
    if abs(ratio - 1.0) < 3 * spread:
        return None  # not to be told from 1
    for size in _reduced_by(evidence):
        if min(abs(ratio * size - 1.0), abs(ratio / size - 1.0)) < evidence.same_to:
            return Cause(
                "reduction",
                f"a factor of {ratio:.6g} throughout, and {size:g} entries are reduced to one, or "
                f"spread from one: a sum taken for a mean, or the reverse",
            )
    return Cause("factor", f"a factor of {ratio:.6g} throughout")


def _reduced_by(evidence: Evidence) -> set[float]:
    outputs = sum(np.size(c) for c in evidence.situation.cotangents)
    shares = {outputs / evidence.point.size, evidence.point.size / outputs}
    return {share for share in shares if share > 1 and share == int(share)}


def power_of_argument(evidence: Evidence) -> Cause | None:
    """A factor times a power of the argument."""
    seen = evidence.looked & ~_is_zero(evidence) & (evidence.point != 0)
    rest = evidence.looked & ~seen
    base = evidence.point[seen]
    if seen.sum() < 4 or evidence.wrong[rest].any() or np.ptp(np.abs(base)) < 0.1 * abs(base[0]):
        return None
    ratios = evidence.analytic[seen] / evidence.numeric[seen]
    for power in (-2, -1, -0.5, 0.5, 1, 2):
        if power != int(power) and (base < 0).any():
            continue
        factors = ratios / base**power
        factor = float(np.median(factors))
        if factor and np.abs(factors - factor).max() <= evidence.same_to * abs(factor):
            words = f"a factor of {factor:.6g} * x**{power}, x being the argument: a wrong power"
            return Cause("power", words)
    return None


def offset(evidence: Evidence) -> Cause | None:
    """One number added throughout."""
    difference = (evidence.analytic - evidence.numeric)[evidence.looked]
    if difference.size < 4 or np.ptp(evidence.numeric[evidence.looked]) == 0:
        return None
    if np.ptp(difference) <= 1e2 * evidence.same_to * np.abs(difference).max():
        return Cause("offset", f"{difference[0]:.6g} added throughout")
    return None
