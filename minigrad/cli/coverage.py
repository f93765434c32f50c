"""The table of `minigrad info --api`: how much of torch's interface is here."""

from minigrad.cli.generated_section import Section
from minigrad.testing.api import Namespace
from minigrad.utils import terminal

# The section of a Markdown file that is made from the comparison.
SECTION = Section("coverage", "minigrad info --api")


def table(found: list[Namespace], width: int | None = None) -> str:
    """For each namespace the names that are missing, that differ, and that are left out."""
    return terminal.fitted("\n\n".join(map(_described, found)), width)


def _described(space: Namespace) -> str:
    lines = [
        f"{space.path}: {len(space.present)} of {space.in_scope} names; arguments compared of "
        f"{space.compared}"
    ]
    if space.missing:
        lines.append(f"  missing: {', '.join(space.missing)}")
    lines += [f"  {name} differs: {'; '.join(words)}" for name, words in space.differing.items()]
    for reason, names in space.left_out.items():
        lines.append(f"  out of scope, {reason}: {', '.join(names)}")
    return "\n".join(lines)


def markdown(found: list[Namespace]) -> str:
    """A row for each namespace, and the reasons for which names are left out."""
    lines = [
        "| namespace | here | missing | arguments compared | of these differ | out of scope |",
        "|---|---|---|---|---|---|",
    ]
    for space in found:
        left_out = sum(map(len, space.left_out.values()))
        lines.append(
            f"| `{space.path}` | {len(space.present)} | {len(space.missing)} | {space.compared} | "
            f"{len(space.differing)} | {left_out} |"
        )
    reasons: dict[str, int] = {}
    for space in found:
        for reason, names in space.left_out.items():
            reasons[reason] = reasons.get(reason, 0) + len(names)
    listed = sorted(reasons.items(), key=lambda item: -item[1])
    reported = ", ".join(f"{reason} ({count})" for reason, count in listed)
    return "\n".join([*lines, "", f"Out of scope: {reported}."])
