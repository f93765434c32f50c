"""The table docs/tables/notebooks.md: the notebooks' results beside what the originals claim.

`python notebooks/summary.py` reads the tables that close the committed notebooks, and writes the
rows chosen here between two comments of that page.
"""

from pathlib import Path
from typing import NamedTuple

import nbformat

from minigrad.cli.generated_section import Section

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs/tables/notebooks.md"
SECTION = Section("seeds", "python notebooks/summary.py")


class Row(NamedTuple):
    """A system, the notebook it runs in, and how the row begins that sums it up there.

    `data` is what the row is about, where it is not what the notebook's first output names.
    """

    system: str
    notebook: str
    begins: str
    data: str = ""


ROWS = (
    Row("SGD from scratch, He's start", "1_sgd_from_scratch", "the sum of squares"),
    Row("784-100-10, four optimizers", "2_optimizers_on_mnist", "the network learns"),
    Row("optimizer notes", "3_optimizer_notes", "the formula is what runs", "one number"),
    Row("ResNet-18, four optimizers", "3_optimizer_notes", "ResNet-18 learns", "CIFAR-10"),
    Row("three or seven, by pixels", "4_three_or_seven", "pixel similarity, L1"),
    Row("three or seven, in seven steps", "4_three_or_seven", "linear, by hand"),
    Row("three or seven, a hidden layer", "4_three_or_seven", "one hidden layer"),
    Row("the lecture's CNN, 2 epochs", "5_cnn_lecture", "test accuracy"),
)


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def closing_table(name: str) -> list[list[str]]:
    """The last table that the notebook shows, its headings first."""
    notebook = nbformat.read(HERE / f"{name}.ipynb", as_version=4)
    shown = [
        output.data["text/markdown"]
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if output.get("data", {}).get("text/markdown", "").startswith("|")
    ]
    head, _, *body = shown[-1].splitlines()
    return [cells(line) for line in (head, *body)]


def data_of(name: str) -> str:
    """The data that the notebook's outputs were made from, as its first output says."""
    notebook = nbformat.read(HERE / f"{name}.ipynb", as_version=4)
    outputs = (output for cell in notebook.cells for output in cell.get("outputs", []))
    told = "".join(output.get("text", "") for output in outputs)
    return min((d for d in ("CIFAR-10", "MNIST", "digits") if d in told), key=told.find)


def table() -> str:
    """The chosen rows, as Markdown."""
    lines = ["| system | the original | here | on |", "|---|---|---|---|"]
    for system, name, begins, data in ROWS:
        head, *body = closing_table(name)
        row = next(row for row in body if row[0].startswith(begins))
        ours = next(i for i, title in enumerate(head) if title.startswith("here"))
        claimed = next((i for i, t in enumerate(head) if "original" in t or "book" in t), 0)
        link = f"[{system}](../../notebooks/{name}.ipynb)"
        lines.append(f"| {link} | {row[claimed]} | {row[ours]} | {data or data_of(name)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    SECTION.write(PAGE, table())
