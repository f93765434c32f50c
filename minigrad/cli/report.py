"""`minigrad report`: one page about a run, or about several beside each other."""

import argparse
import json
from pathlib import Path
from typing import Any

from minigrad.cli.usage_error import UsageError, as_usage_error
from minigrad.core.files import write_atomically
from minigrad.training.report.page import report_page
from minigrad.training.run_folder import settle

LARGEST = 1 << 28  # bytes of a history


def add_to(commands: Any) -> None:
    """Declare the command and its options."""
    parser = commands.add_parser(
        "report",
        help="one page about runs: curves, confusions, mistakes, calibration, settings",
        description="Write one page of HTML about runs, that needs no other file.",
    )
    add = parser.add_argument
    add("runs", nargs="+", type=Path, metavar="DIR", help="folders of runs")
    add("--html", type=Path, metavar="FILE", help="the page (report.html in the only DIR, or here)")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Write the page."""
    runs = [(str(path), _history(path)) for path in options.runs]
    only = options.runs[0] if len(options.runs) == 1 else Path()
    target = options.html or only / "report.html"
    try:
        page = report_page(runs)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UsageError(f"a history.json is damaged: {error!r}") from error
    with as_usage_error(OSError):
        write_atomically(target, lambda path: path.write_text(page, encoding="utf-8"))
    print(f"written: {target}")
    return 0


def _history(folder: Path) -> dict[str, Any]:
    path = folder / "history.json"
    with as_usage_error(OSError):
        if folder.is_dir():
            settle(folder)
        if path.stat().st_size > LARGEST:
            raise UsageError(f"{path} has more than {LARGEST:,} bytes")
        content = path.read_bytes()
    try:
        history = json.loads(content)
        if not isinstance(history["epochs"], list):
            raise TypeError("its epochs are no list")
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise UsageError(f"{path} is no history of a run: {error}") from error
    return dict(history)
