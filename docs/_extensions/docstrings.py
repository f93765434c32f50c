"""Docstrings as reStructuredText.

minigrad's docstrings are plain text: paragraphs, `code` between single backticks, examples after
`>>>`, indented blocks, and lists of arguments (`name: what it is`, further lines indented).
"""

import inspect
import re
from collections.abc import Iterator

_ITEM = re.compile(r"(?P<name>`?[*\w][\w*., ]*`?): +(?P<text>\S.*)")
_CODE = re.compile(r"`([^`]+)`")
_SPECIAL = re.compile(r"([\\*_|`])")
_LABEL = re.compile(r"\A(PyTorch differs|Paper|Raises)\b")


def as_rst(docstring: str) -> list[str]:
    """The lines of a docstring in reStructuredText."""
    lines: list[str] = []
    for block in _blocks(inspect.cleandoc(docstring)):
        lines += [*_rendered(block), ""]
    return lines


def first_sentence(docstring: str) -> str:
    """The docstring up to its first full stop, as reStructuredText of one line."""
    paragraph = next(_blocks(inspect.cleandoc(docstring)), [""])
    sentence = re.split(r"(?<=\.)\s{1,2}(?=[A-Z`])", " ".join(paragraph), maxsplit=1)[0]
    return inline(sentence)


def inline(text: str) -> str:
    """One paragraph: code between double backticks, all other signs as they stand."""
    pieces = _CODE.split(" ".join(text.split()))
    written = ""
    for i, piece in enumerate(pieces):
        if i % 2 == 0:
            written += _SPECIAL.sub(r"\\\1", piece)
        elif piece == piece.strip():
            # Markup may touch no letter: the backslash and space between vanish.
            before = "\\ " if written and re.search(r"[\w.)\]]\Z", written) else ""
            after = "\\ " if i + 1 < len(pieces) and re.match(r"\w", pieces[i + 1]) else ""
            written += f"{before}``{piece}``{after}"
        else:
            written += _SPECIAL.sub(r"\\\1", f"`{piece}`")
    return _plain_at_the_ends(written)


def _plain_at_the_ends(text: str) -> str:
    """The paragraph without the beginnings and ends that reStructuredText gives a meaning."""
    if re.match(r"(\.\.|[-+•]|\w+\.|\(?\w\))(\s|\Z)", text):
        text = f"\\{text}"
    return re.sub(r"::\Z", ":", text)


def _blocks(text: str) -> Iterator[list[str]]:
    """Lines between blank lines; an example keeps to its own block."""
    block: list[str] = []
    for line in [*text.splitlines(), ""]:
        if line.strip():
            if line.lstrip().startswith(">>>") and block and not _is_example(block):
                yield block
                block = []
            block.append(line)
        elif block:
            yield block
            block = []


def _is_example(block: list[str]) -> bool:
    return block[0].lstrip().startswith(">>>")


def _rendered(block: list[str]) -> list[str]:
    indent = min(len(line) - len(line.lstrip()) for line in block)
    bare = [line[indent:] for line in block]
    if _is_example(block):
        return _code_block("pycon", bare)
    if indent >= 4:
        return _code_block("python" if "def " in bare[0] else "text", bare)
    return list(_paragraphs(bare))


def _code_block(language: str, lines: list[str]) -> list[str]:
    return [f".. code-block:: {language}", "   :force:", "", *(f"   {line}" for line in lines)]


def _paragraphs(lines: list[str]) -> Iterator[str]:
    """A paragraph, or the items of a list of arguments with the text around them."""
    items = _items(lines) if len(lines) > 1 else [("", lines[0])]
    for name, text in items:
        if name:
            yield ""
            yield f"* ``{name.strip('`')}`` – {inline(text)}"
        else:
            yield ""
            yield inline(text)


def _items(lines: list[str]) -> list[tuple[str, str]]:
    """(name, text) for each item of a list, ("", text) for lines that belong to none.

    An item's further lines are indented, or the block is no list.
    """
    found: list[tuple[str, str]] = []
    hangs = any(line.startswith("    ") for line in lines)
    every = all(_ITEM.match(line) or line.startswith(" ") for line in lines)
    for line in lines:
        match = _ITEM.match(line) if (hangs or every) else None
        if match and not _LABEL.match(line):
            found.append((match["name"], match["text"]))
        elif found and (line.startswith(" ") or not found[-1][0]):
            found[-1] = (found[-1][0], f"{found[-1][1]} {line.strip()}")
        else:
            found.append(("", line.strip()))
    return found
