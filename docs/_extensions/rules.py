"""The table of update rules: paper, states, and the text that is compiled."""

from pathlib import Path

from sphinx.application import Sphinx

from minigrad import optim

HEAD = """# Update rules

Each optimizer's rule as it is written and compiled: `theta` is an element of a parameter,
`g` its gradient, names after `g` are its state, `t` is the step.
Made from the package when the documentation is built.

| optimizer | states of each parameter | lines | source |
|---|---|---|---|
"""


def page() -> str:
    rules = {
        name: cls.rule
        for name in sorted(optim.__all__)
        if isinstance(cls := getattr(optim, name), type) and getattr(cls, "rule", None) is not None
    }
    rows = [
        f"| [{name}](#{name.lower()}) | {', '.join((*r.states.values(), *r.numbers.values()))} | "
        f"{len(r.source.splitlines())} | {r.paper or ''} |"
        for name, r in rules.items()
    ]
    texts = [
        f"\n## {name}\n\n{r.paper or ''}\n\n```python\n{r.source.strip()}\n```\n"
        for name, r in rules.items()
    ]
    others = "`LBFGS`, `Adafactor`, `Muon` and `SparseAdam` work on whole arrays, not on elements."
    return "\n".join([HEAD.rstrip("\n"), *rows, "", others, *texts])


def write(app: Sphinx) -> None:
    path = Path(app.srcdir) / "tables" / "rules.md"
    if not path.is_file() or path.read_text(encoding="utf-8") != page():
        path.write_text(page(), encoding="utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("builder-inited", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
