"""Tables of campaigns in the documentation: sections of a page that the campaigns write."""

import argparse
from collections.abc import Iterable
from pathlib import Path

from minigrad.cli.generated_section import Section


def add_page(parser: argparse.ArgumentParser) -> None:
    """Declare the option that names the page."""
    parser.add_argument(
        "--page", type=Path, metavar="FILE", help="a page that has a section for the table"
    )


def publish(lines: Iterable[str], command: str, page: Path | None) -> list[str]:
    """Print a table line by line, as it is made; then write it into the page's section.

    command: a module of benchmarks, with options where the module has several tables.
    """
    section = Section(command.replace(" --", ", "), f"python -m benchmarks.{command}")
    if page is not None:
        section.read(page)  # complains before the work, not after it
    found = []
    for line in lines:
        print(line, flush=True)
        found.append(line)
    if page is not None:
        section.write(page, "\n".join(found))
    return found
