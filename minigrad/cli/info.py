"""`minigrad info`: what is installed, what the machine offers, which data and operations exist.

With --ops the operations, with --api how much of torch's interface is here.
"""

import argparse
from pathlib import Path
from types import ModuleType
from typing import Any

from minigrad.cli import coverage, inventory
from minigrad.cli.usage_error import UsageError, as_usage_error
from minigrad.testing.api import compare_with_torch
from minigrad.training.choices import DATA, TEXTS
from minigrad.utils import terminal
from minigrad.utils.collect_env import get_pretty_env_info

STANDARD_OUTPUT = "-"
DESCRIPTION = (
    "Show what belongs in a report of a problem: versions, the CPU, threads, the cache, "
    "which data are found. With --ops the operations, with --api how much of torch's interface "
    "is here."
)


def add_to(commands: Any) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "info",
        help="show versions, CPU, threads, cache and data",
        description=DESCRIPTION,
    )
    parser.add_argument("--root", type=Path, help="look for data files in this folder")
    tables = parser.add_mutually_exclusive_group()
    tables.add_argument(
        "--ops", action="store_true", help="show all operations: derivative, kernel, samples"
    )
    tables.add_argument(
        "--api",
        action="store_true",
        help="compare with the installed torch: what is there, differs, is missing, is left out",
    )
    parser.add_argument(
        "--markdown",
        nargs="?",
        const=STANDARD_OUTPUT,
        metavar="FILE",
        help="with --ops or --api: a summary as Markdown; with FILE between the marks in that file",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print what a report of a problem should have in it, or one of the tables."""
    if options.ops:
        _show(inventory, inventory.entries(), options.markdown)
    elif options.api:
        with as_usage_error(ModuleNotFoundError):
            _show(coverage, compare_with_torch(), options.markdown)
    elif options.markdown is not None:
        raise UsageError("--markdown goes with --ops or --api")
    else:
        _describe_installation(options.root)
    return 0


def _show(report: ModuleType, found: Any, markdown: str | None) -> None:
    """Print a report's table or its Markdown, or write that into a file."""
    if markdown is None:
        print(report.table(found, terminal.columns()))
    elif markdown == STANDARD_OUTPUT:
        print(report.markdown(found))
    else:
        with as_usage_error(OSError, ValueError):
            report.SECTION.write(Path(markdown), report.markdown(found))


def _describe_installation(root: Path | None) -> None:
    print(get_pretty_env_info())
    for name, source in DATA.items():
        place = "in the package" if source.bundled else _place(source.dataset, root)
        print(f"{name:<16} {place}")
    for name, text in TEXTS.items():
        print(f"{name:<16} {_place(text, root)}")


def _place(dataset: Any, root: Path | None) -> str:
    """A note on where the files of a data set are found."""
    found = dataset.located(root)
    return f"in {found}" if found else "not found; minigrad train downloads it"
