"""Formulas as MathML, which browsers show by themselves: no script, nothing to download."""

import re
from typing import Any

from docutils import nodes
from docutils.utils.math import latex2mathml
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

# What docutils does not know: the optional space after a row of a matrix, and bold text.
_SPACE_AFTER_A_ROW = re.compile(r"\\\\\[[^\]]*\]")


def tree(formula: str, *, block: bool) -> str:
    """The MathML of a LaTeX formula.  Raises ExtensionError, with the formula, if it is not one."""
    root = latex2mathml.math(xmlns="http://www.w3.org/1998/Math/MathML")
    if block:
        root.set("display", "block")
    known = _SPACE_AFTER_A_ROW.sub(r"\\\\", formula).replace(r"\textbf", r"\mathbf")
    try:
        latex2mathml.parse_latex_math(root, known)
    except Exception as error:  # docutils knows few of its errors itself
        raise ExtensionError(f"no formula: {formula}") from error
    return str(root.toxml())


def visit_inline(writer: Any, node: nodes.math) -> None:
    writer.body.append(tree(node.astext(), block=False))
    raise nodes.SkipNode


def visit_block(writer: Any, node: nodes.math_block) -> None:
    writer.body.append(f'<div class="math-block">{tree(node.astext(), block=True)}</div>')
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_html_math_renderer(
        "mathml",
        inline_renderers=(visit_inline, None),
        block_renderers=(visit_block, None),
    )
    return {"parallel_read_safe": True, "parallel_write_safe": True}
