"""The description of a wrong derivative: where, by how much, and the likely mistake.

`evidence` holds what is known and what can be asked, `table` prints the entries, and the other
modules have one function for each kind of mistake.  A cause is only given where its own test holds;
`CAUSES` is their order, the more special ones first.
"""

from collections.abc import Callable

from minigrad.autograd.gradcheck.diagnosis import behaviour, precision, structure, values
from minigrad.autograd.gradcheck.diagnosis.evidence import Cause, Evidence
from minigrad.autograd.gradcheck.diagnosis.shapes import cause_of_shape
from minigrad.autograd.gradcheck.diagnosis.table import table

CAUSES: tuple[Callable[[Evidence], Cause | None], ...] = (
    precision.gradient_not_finite,
    precision.function_not_finite,
    precision.rounded,
    precision.stepwise,
    precision.noisy,
    precision.outside_slopes,
    behaviour.not_deterministic,
    values.zero,
    behaviour.ignores_cotangent,
    behaviour.detached,
    behaviour.only_right_if_symmetric,
    behaviour.of_another_argument,
    structure.wrong_axis,
    structure.rearranged,
    structure.missing_terms,
    values.mask_missing,
    values.masked_out,
    values.constant_ratio,
    values.power_of_argument,
    values.offset,
    behaviour.one_branch,
    behaviour.one_place,
    precision.not_smooth,
)
# Of mistakes in some entries or at some points: they compare what is wrong with what is right, and
# need a difference that is more than rounding.
OF_PLACES = {
    behaviour.only_right_if_symmetric, behaviour.one_branch, behaviour.one_place,
    structure.rearranged, values.mask_missing, values.masked_out,
}  # fmt: skip


def likely_cause(evidence: Evidence) -> Cause | None:
    """The likely mistake behind such numbers; None if no test of a kind holds."""
    for test in CAUSES:
        if test in OF_PLACES and not evidence.is_clear:
            continue
        found = test(evidence)
        if found is not None:
            return found
    return None


def report(evidence: Evidence) -> tuple[str, str | None]:
    """Where the gradient disagrees and the likely cause, in words; and the kind of the cause."""
    cause = likely_cause(evidence)
    wrong, looked = int(evidence.wrong.sum()), len(evidence.verdicts)
    where = f"at {wrong} of {looked} entries, the worst first" if wrong else (
        f"along a random direction, though at none of the {looked} entries looked at"
    )  # fmt: skip
    words = f"{where}:\n{table(evidence)}"
    return (words, None) if cause is None else (f"{words}\nlikely: {cause.words}", cause.kind)
