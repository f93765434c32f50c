"""Results of gradient checks as a table, as JSON and as JUnit's XML."""

import json
import math
import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from minigrad.testing.suite import Result
from minigrad.utils import terminal


def rows(results: Sequence[Result]) -> list[dict[str, Any]]:
    """One row per subject: checks of each order, the worst error, the time, failures."""
    by_subject: dict[str, list[Result]] = {}
    for result in results:
        by_subject.setdefault(result.subject, []).append(result)
    return [
        {
            "subject": subject,
            "cases": len(found),
            "first": sum(r.first is not None for r in found),
            "second": sum(r.second is not None for r in found),
            "worst": max((e for r in found for e in (r.first, r.second) if e is not None),
                         default=math.nan),
            "seconds": sum(r.seconds for r in found),
            "failed": sum(r.failure is not None for r in found),
        }
        for subject, found in by_subject.items()
    ]  # fmt: skip


def table(results: Sequence[Result], heading: str = "operation", width: int | None = None) -> str:
    """The rows as text; where that is wider than `width`, a row takes two lines."""
    found = [
        [
            row["subject"],
            *(str(row[what]) for what in ("cases", "first", "second")),
            "-" if math.isnan(row["worst"]) else f"{row['worst']:.1e}",
            f"{row['seconds']:.2f} s",
            f"{row['failed']} FAILED" if row["failed"] else "",
        ]
        for row in rows(results)
    ]
    head = [heading, "cases", "first", "second", "worst error", "time", ""]
    return terminal.table(head, found, width, rule=False)


def summary(results: Sequence[Result], seconds: float, heading: str = "operation") -> str:
    """One line: what was checked, in how long, and how it went."""
    found = rows(results)
    first, second, failed = (sum(r[what] for r in found) for what in ("first", "second", "failed"))
    return (
        f"{len(found)} {heading}{'' if len(found) == 1 else 's'}, {len(results)} cases: {first} "
        f"first- and {second} second-order checks passed, "
        f"{f'{failed} cases FAILED' if failed else 'none failed'}, in {seconds:.1f} s"
    )


def coverage(results: Sequence[Result]) -> str:
    """What was looked at of arguments of many entries."""
    return "\n".join(
        f"{r.subject}{r.case}, {line}" for r in results for line in r.coverage.splitlines()
    )


def failures(results: Sequence[Result]) -> str:
    """Every failure in full."""
    return "\n\n".join(r.failure for r in results if r.failure is not None)


def write_json(path: Path, results: Sequence[Result], seed: int, seconds: float) -> None:
    """Write everything, with the versions that it holds for."""
    found = {
        "minigrad": version("minigrad"),
        "numpy": version("numpy"),
        "python": platform.python_version(),
        "seed": seed,
        "seconds": round(seconds, 3),
        "failed": sum(r.failure is not None for r in results),
        "rows": [row | {"worst": _number(row["worst"])} for row in rows(results)],
        "results": [r._asdict() for r in results],
    }
    path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def _number(worst: float) -> float | None:
    return None if math.isnan(worst) else worst


def write_junit(path: Path, results: Sequence[Result], seconds: float) -> None:
    """Write what continuous integration reads: one test case per check."""
    failed = sum(r.failure is not None for r in results)
    counts = {"tests": str(len(results)), "failures": str(failed), "time": f"{seconds:.3f}"}
    root = ElementTree.Element("testsuites", counts)
    suite = ElementTree.SubElement(root, "testsuite", {"name": "gradcheck", **counts})
    for result in results:
        case = ElementTree.SubElement(
            suite,
            "testcase",
            {
                "classname": f"gradcheck.{result.subject}",
                "name": result.case,
                "time": f"{result.seconds:.6f}",
            },
        )
        if result.failure is not None:
            reported = {"message": result.failure.splitlines()[0]}
            ElementTree.SubElement(case, "failure", reported).text = result.failure
    ElementTree.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)
