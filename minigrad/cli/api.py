"""The table of `minigrad info --api`: how much of torch's interface is here."""

from minigrad.testing.api import Namespace, compare_with_torch


def table() -> str:
    """One line of Markdown for each namespace, with the names left out and why."""
    found = compare_with_torch()
    lines = [
        "| namespace | of torch's names in scope | with other arguments | out of scope |",
        "|---|---|---|---|",
    ]
    for space in found:
        share = f"{len(space.present)} of {space.in_scope}"
        left_out = sum(map(len, space.left_out.values()))
        lines.append(f"| `{_path(space)}` | {share} | {len(space.differing)} | {left_out} |")
    return "\n".join(lines)


def details() -> str:
    """For each namespace the names that are missing, that differ, and that are left out."""
    lines = []
    for space in compare_with_torch():
        lines += [f"\n{_path(space)}: {len(space.present)} of {space.in_scope} names in scope"]
        if space.missing:
            lines.append(f"  missing: {', '.join(space.missing)}")
        for name, arguments in space.differing.items():
            lines.append(f"  {name} does not take {', '.join(arguments)}")
        for reason, names in space.left_out.items():
            lines.append(f"  out of scope, {reason}: {', '.join(names)}")
    return "\n".join(lines).strip()


def _path(space: Namespace) -> str:
    return ".".join(filter(None, ("torch", space.name)))
