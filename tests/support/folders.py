"""The table of the package's folders: each with the first sentence of its docstring.

`python -m tests.support.folders docs/architecture.md` writes it between that page's two marks.
"""

import ast
import re
import sys
from pathlib import Path

from minigrad.cli.generated_section import Section
from tests.support.house import ROOT

SECTION = Section("folders", "python -m tests.support.folders")


def folders() -> dict[str, str]:
    """The purpose of every folder that holds modules, by the folder's name."""
    holders = sorted({path.parent for path in ROOT.rglob("*.py")})
    return {folder.relative_to(ROOT.parent).as_posix(): purpose(folder) for folder in holders}


def purpose(folder: Path) -> str:
    """The first sentence of a package's docstring.  Raises ValueError where there is none."""
    init = folder / "__init__.py"
    docstring = ast.get_docstring(ast.parse(init.read_text())) if init.is_file() else None
    if not docstring:
        raise ValueError(f"{init} needs a docstring that says what belongs in {folder.name}/")
    sentence = re.split(r"\.\s", docstring, maxsplit=1)[0]
    return " ".join(sentence.split()).rstrip(".") + "."


def table() -> str:
    """The folders and their purposes in Markdown."""
    rows = [f"| `{name}/` | {purpose} |" for name, purpose in folders().items()]
    return "\n".join(["| folder | holds |", "|---|---|", *rows])


if __name__ == "__main__":
    SECTION.write(Path(sys.argv[1]), table())
