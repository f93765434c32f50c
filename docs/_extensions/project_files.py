"""The rest that the site needs of the project: notebooks, results, and pages outside docs/."""

import shutil
from pathlib import Path

from sphinx.application import Sphinx

ROOT = Path(__file__).parents[2]
# Links as GitHub follows them, and the pages of the site that they mean.
LINKS = {
    "](../CONTRIBUTING.md)": "](/contributing.md)",
    "](docs/architecture.md)": "](/architecture.md)",
    "](CHANGELOG.md)": "](/changelog.md)",
    "](../benchmarks/results/README.md)": "](/measurements/README.md)",
    "](../../benchmarks/results/README.md)": "](/measurements/README.md)",
    "](../../notebooks/": "](/notebooks/",
    "](../docs/": "](/",
}
# The pages that hang below the overview of results.
BELOW = """
```{toctree}
:hidden:
:glob:

*
*/*
```
"""


def copy_notebooks(app: Sphinx) -> None:
    """Lay the notebooks where Sphinx reads its pages."""
    folder = Path(app.srcdir) / "notebooks"
    sources = sorted((ROOT / "notebooks").glob("*.ipynb"))
    for old in folder.glob("*.ipynb"):
        if old.name not in {source.name for source in sources}:
            old.unlink()
    for source in sources:
        there = folder / source.name
        if not there.is_file() or there.read_bytes() != source.read_bytes():
            shutil.copyfile(source, there)


def copy_measurements(app: Sphinx) -> None:
    """Lay the pages of results where Sphinx reads its pages, folder by folder."""
    there, results = Path(app.srcdir) / "measurements", ROOT / "benchmarks/results"
    shutil.rmtree(there, ignore_errors=True)
    for source in sorted(results.rglob("*.md")):
        page = there / source.relative_to(results)
        page.parent.mkdir(parents=True, exist_ok=True)
        below = source == results / "README.md"
        page.write_text(source.read_text(encoding="utf-8") + (BELOW if below else ""), "utf-8")


def mend_links(app: Sphinx, name: str, content: list[str]) -> None:
    for link, page in LINKS.items():
        content[0] = content[0].replace(link, page)


def mend_included(app: Sphinx, path: Path, name: str, content: list[str]) -> None:
    mend_links(app, name, content)


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("builder-inited", copy_notebooks)
    app.connect("builder-inited", copy_measurements)
    app.connect("source-read", mend_links)
    app.connect("include-read", mend_included)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
