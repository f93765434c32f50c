"""A part of a Markdown file that is made by the command, and by nobody else."""

from pathlib import Path
from typing import NamedTuple


class Section(NamedTuple):
    """A generated part of a file, between two comments: its name, and the command that makes it."""

    name: str
    command: str

    @property
    def begin(self) -> str:
        return f"<!-- {self.name}: made by `{self.command}` -->"

    @property
    def end(self) -> str:
        return f"<!-- end of {self.name} -->"

    def read(self, path: Path) -> str:
        """The text in the file now.  Raises ValueError if the two comments are not there."""
        _, opened, rest = path.read_text(encoding="utf-8").partition(f"{self.begin}\n")
        content, closed, _ = rest.partition(f"\n{self.end}")
        if not opened or not closed:
            raise ValueError(
                f"{path} has no lines {self.begin!r} and {self.end!r} to write between"
            )
        return content

    def write(self, path: Path, content: str) -> None:
        """Put the content there.  Raises ValueError if the two comments are not there."""
        old, new = (f"{self.begin}\n{c}\n{self.end}" for c in (self.read(path), content))
        path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
