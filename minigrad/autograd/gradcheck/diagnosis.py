"""The description of a wrong derivative: where, by how much, and the likely cause."""

import itertools
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from minigrad.core.types import Array

# Entries that a report lists, the worst first.
LISTED = 8
# Two arrays that agree to this are the same derivative.
SAME = 1e-5


class GradcheckError(RuntimeError, AssertionError):
    """An analytic derivative that disagrees with the function; says where, and by what ratio."""


class NotSmoothError(GradcheckError):
    """The function has a kink near the point, so that no difference gives its derivative."""


class Evidence(NamedTuple):
    """One gradient, from the rules and from function values.

    analytic, numeric, point: of the argument's shape; numeric is nan at entries not looked at.
    scaled_gradient(factor): the analytic gradient for `factor` times the cotangents.
    others: (label, numeric gradient) of the other arguments of the same shape, when asked.
    parts(index): the terms that the output's entries add to the gradient at one entry: analytic,
        numeric.
    """

    analytic: Array
    numeric: Array
    point: Array
    scaled_gradient: Callable[[float], Array]
    others: Callable[[], Iterator[tuple[str, Array]]]
    parts: Callable[[tuple[int, ...]], tuple[Array, Array] | None]

    @property
    def looked(self) -> Array:
        return np.isfinite(self.numeric)

    @property
    def wrong(self) -> Array:
        """Entries that disagree by more than the error of differences."""
        difference = np.abs(self.analytic - self.numeric)
        scale = np.abs(self.numeric[self.looked]).max(initial=0.0)
        bound = 1e-6 * np.abs(self.numeric) + 1e-8 * (1.0 + scale)
        return np.asarray(self.looked & ~(difference <= bound))


def worst_entries(evidence: Evidence) -> list[tuple[int, ...]]:
    """Indices of the entries to list, those that disagree most first."""
    difference = np.abs(evidence.analytic - evidence.numeric)
    difference = np.where(evidence.looked, np.where(np.isnan(difference), np.inf, difference), -1.0)
    order = np.argsort(-difference, axis=None, kind="stable")
    shown = order[: min(LISTED, max(int(evidence.wrong.sum()), 1))]
    return [tuple(map(int, np.unravel_index(i, evidence.point.shape))) for i in shown]


def table(evidence: Evidence) -> str:
    """The entries that disagree most: index, analytic, numeric, ratio."""
    lines = [f"  {'index':<14}{'analytic':>16}{'numeric':>16}{'ratio':>12}"]
    for index in worst_entries(evidence):
        analytic, numeric = float(evidence.analytic[index]), float(evidence.numeric[index])
        ratio = analytic / numeric if numeric else float("nan")
        lines.append(f"  {index!s:<14}{analytic:>16.8g}{numeric:>16.8g}{ratio:>12.6g}")
    more = int(evidence.wrong.sum()) - LISTED
    return "\n".join([*lines, f"  and {more} more"] if more > 0 else lines)


def likely_cause(evidence: Evidence) -> str | None:
    """The likely mistake behind such numbers, in words; None if none is known."""
    for looks_like in (
        _not_finite, _zero, _ignores_cotangent, _rearranged, _belongs_to_another_input,
        _missing_terms, _constant_ratio, _power_of_argument, _constant_offset, _local_error,
    ):  # fmt: skip
        found = looks_like(evidence)
        if found is not None:
            return found
    return None


def cause_of_shape(shape: tuple[int, ...], expected: tuple[int, ...]) -> str | None:
    """The likely mistake behind a gradient of this shape, in words; None if none is known."""
    if len(shape) == len(expected) and sorted(shape) == sorted(expected):
        return "transposed"
    surplus = len(shape) - len(expected)
    if surplus >= 0:
        padded = (None,) * surplus + expected
        dims = [i for i, (a, b) in enumerate(zip(shape, padded, strict=True)) if a != b]
        if all(padded[i] in {None, 1} for i in dims):
            return f"a missing sum over {_dims(dims)} of the output"
    if np.prod(shape) == np.prod(expected):
        return "a missing reshape to the argument's shape"
    return None


def _dims(dims: list[int]) -> str:
    return ("dim " if len(dims) == 1 else "dims ") + ", ".join(map(str, dims))


def _same(a: Array, b: Array) -> bool:
    seen = np.isfinite(b)
    if not seen.any() or a.shape != b.shape:
        return False
    scale = np.abs(b[seen]).max()
    return bool(scale > 0 and np.abs(a - b)[seen].max() <= SAME * scale)


def _not_finite(evidence: Evidence) -> str | None:
    bad = ~np.isfinite(evidence.analytic)
    return "the analytic gradient is nan or inf" if bad.any() else None


def _zero(evidence: Evidence) -> str | None:
    if (evidence.analytic == 0).all():
        return "zero everywhere: a detached tensor, or a rule that gives no gradient"
    return None


def _ignores_cotangent(evidence: Evidence) -> str | None:
    turned = evidence.scaled_gradient(-2.0)
    if _same(turned, evidence.analytic):
        return "the rule does not use the cotangent g"
    if not _same(turned, -2.0 * evidence.analytic):
        return "the rule is not linear in the cotangent g"
    return None


def _rearranged(evidence: Evidence) -> str | None:
    shape = evidence.point.shape
    for axes in itertools.permutations(range(len(shape))) if len(shape) <= 4 else ():
        moved = evidence.analytic.transpose(axes)
        if list(axes) != sorted(axes) and _same(moved, evidence.numeric):
            return f"transposed: permuted by {axes} it would be right"
    for axis in range(len(shape)):
        if shape[axis] < 2:
            continue
        if _same(np.flip(evidence.analytic, axis), evidence.numeric):
            return f"reversed along dim {axis}"
        for shift in (1, -1):
            if _same(np.roll(evidence.analytic, shift, axis), evidence.numeric):
                return f"shifted by {-shift} along dim {axis}"
    return None


def _belongs_to_another_input(evidence: Evidence) -> str | None:
    for label, numeric in evidence.others():
        if _same(evidence.analytic, numeric) and not _same(evidence.numeric, numeric):
            return f"it is the gradient of {label}: rules of two arguments swapped"
    return None


def _missing_terms(evidence: Evidence) -> str | None:
    worst = np.argmax(np.where(evidence.wrong, np.abs(evidence.analytic - evidence.numeric), -1.0))
    index = tuple(int(i) for i in np.unravel_index(worst, evidence.point.shape))
    found = evidence.parts(index)
    if found is None:
        return None
    analytic, numeric = found
    scale = np.abs(numeric).max(initial=0.0)
    depends = np.abs(numeric) > SAME * scale
    reached = np.abs(analytic) > SAME * scale
    if 0 < (reached & depends).sum() < depends.sum() and not (reached & ~depends).any():
        return (
            f"a missing sum: at {index} only {int((reached & depends).sum())} of the "
            f"{int(depends.sum())} output entries that depend on it contribute"
        )
    return None


def _constant_ratio(evidence: Evidence) -> str | None:
    seen = evidence.looked & (np.abs(evidence.numeric) > 1e-8)
    if seen.sum() < 1 or (evidence.point.size > 1 and seen.sum() < 2):
        return None
    ratios = evidence.analytic[seen] / evidence.numeric[seen]
    ratio = float(np.median(ratios))
    if np.abs(ratios - ratio).max() > SAME * max(abs(ratio), 1e-3) or abs(ratio) < 1e-12:
        return None
    if abs(ratio + 1.0) < SAME:
        return "the sign"
    hint = ""
    for size in {*evidence.point.shape, evidence.point.size} - {1}:
        if size and min(abs(ratio * size - 1.0), abs(ratio / size - 1.0)) < SAME:
            hint = f" ({size} is a size of the argument: a sum taken for a mean, or the reverse?)"
    return f"a factor of {ratio:.6g} throughout{hint}"


def _power_of_argument(evidence: Evidence) -> str | None:
    seen = evidence.looked & (np.abs(evidence.numeric) > 1e-8) & (np.abs(evidence.point) > 1e-8)
    if seen.sum() < 3:
        return None
    ratios = evidence.analytic[seen] / evidence.numeric[seen]
    for power in (-2, -1, -0.5, 0.5, 1, 2):
        base = evidence.point[seen]
        if power != int(power) and (base < 0).any():
            continue
        factors = ratios / base**power
        factor = float(np.median(factors))
        if factor and np.abs(factors - factor).max() <= SAME * abs(factor):
            return f"a factor of {factor:.6g} * x**{power}, x being the argument: a wrong power"
    return None


def _constant_offset(evidence: Evidence) -> str | None:
    difference = (evidence.analytic - evidence.numeric)[evidence.looked]
    if difference.size > 1 and np.ptp(difference) <= SAME * np.abs(difference).max():
        return f"{difference[0]:.6g} added throughout"
    return None


def _local_error(evidence: Evidence) -> str | None:
    wrong, right = evidence.wrong, evidence.looked & ~evidence.wrong
    if not wrong.any() or not right.any():
        return None
    count = f"{int(wrong.sum())} of {int(evidence.looked.sum())} entries"
    at_wrong, at_right = evidence.point[wrong], evidence.point[right]
    if wrong.sum() > 1 and (at_wrong.max() < at_right.min() or at_wrong.min() > at_right.max()):
        above = at_wrong.min() > at_right.max()
        bound = (at_right.max() + at_wrong.min() if above else at_right.min() + at_wrong.max()) / 2
        return f"wrong at {count}, those where the argument is {'above' if above else 'below'} " \
               f"about {bound:.3g}: one branch of the rule"  # fmt: skip
    positions = np.argwhere(wrong)
    for axis in range(positions.shape[1]):
        at = set(positions[:, axis].tolist())
        if len(at) == 1 and evidence.point.shape[axis] > 1:
            return f"wrong at {count}, all of them at {at.pop()} along dim {axis}"
    return f"wrong at {count}, right at the others"
