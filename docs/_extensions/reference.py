"""The pages of the reference, made from the package: every public name, its signature, its text.

They are written to docs/reference/ when a build begins; nothing of them is kept in the repository.
"""

import importlib
import inspect
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from docstrings import as_rst, first_sentence, inline
from public_names import PACKAGE, Name, members, modules, names, tensor_methods
from signatures import annotation, shown, signature
from sphinx.addnodes import pending_xref, pending_xref_condition
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

from minigrad import Tensor
from minigrad.cli.inventory import Entry, entries

# Pages that minigrad's own names are spread over: (file, title, where the names are defined).
FAMILIES = (
    ("creation", "Making tensors", ("minigrad.tensor.", "minigrad.tensor_")),
    ("elementwise", "Element by element", ("minigrad.ops.elementwise", "minigrad.ops.compose")),
    ("reductions", "Reductions, scans, sorting", ("minigrad.ops.reduction",)),
    ("shapes", "Shapes, joining, splitting", ("minigrad.ops.shape", "minigrad.ops.dims")),
    ("indexing", "Reading and writing at positions", ("minigrad.ops.indexing",)),
    ("linear_algebra", "Linear algebra", ("minigrad.ops.linalg",)),
    ("complex_numbers", "Complex numbers and spectra",
     ("minigrad.ops.complex_numbers", "minigrad.ops.fourier")),
    ("in_place", "In place", ("minigrad.ops.inplace",)),
    ("layers", "Functions of layers", ("minigrad.nn.", "minigrad.ops.nn", "functools")),
    ("settings", "Gradients, random numbers, settings, types", ("",)),
)  # fmt: skip
# The modules in groups: (file, title, how the names of the modules begin after `minigrad.`).
GROUPS = (
    ("networks", "Networks and their training", ("nn", "optim", "training")),
    ("derivatives", "Derivatives and transforms", ("autograd", "func")),
    ("mathematics", "Mathematics",
     ("linalg", "fft", "special", "signal", "distributions", "random")),
    ("data", "Data, images, texts", ("utils.data", "vision", "text")),
    ("tools", "Saving, checking, measuring",
     ("serialization", "testing", "profiler", "utils", "hub")),
    ("places", "Devices, processes, and what programs for PyTorch ask", ("",)),
)  # fmt: skip
SECTIONS_FROM = 25  # names: a shorter page needs no headings
MARK = {0: "=", 1: "-"}


def write_pages(folder: Path) -> None:
    """Write all pages, those alone that are not there or have changed."""
    pages = dict(all_pages())
    for old in set(folder.glob("*.rst")) - {folder / f"{name}.rst" for name in pages}:
        old.unlink()
    for name, lines in pages.items():
        path, text = folder / f"{name}.rst", "\n".join(lines) + "\n"
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def all_pages() -> Iterator[tuple[str, list[str]]]:
    """The name and the lines of each page."""
    for module_name, found in names().items():
        if module_name == PACKAGE:
            yield from _top_pages(found)
        else:
            yield module_name, _module_page(module_name, found)
    yield f"{PACKAGE}.Tensor", _tensor_page()
    yield from _group_pages(list(names()))


def _group_pages(found: list[str]) -> Iterator[tuple[str, list[str]]]:
    """A page for each group of modules, with its modules and what they hold."""
    left = [name for name in found if name != PACKAGE]
    for file, title, beginnings in GROUPS:
        paths = tuple(f"{PACKAGE}.{beginning}" for beginning in beginnings)
        here = [name for name in left if name.startswith(paths)]
        left = [name for name in left if name not in here]
        lines = [*_heading(title), ".. toctree::", "   :hidden:", ""]
        lines += [*(f"   {name}" for name in here), ""]
        for name in here:
            purpose = first_sentence(inspect.getdoc(modules()[name]) or "")
            lines += [f"* :doc:`{name} <{name}>`: {purpose}"]
        yield f"group.{file}", lines


def _top_pages(found: list[Name]) -> Iterator[tuple[str, list[str]]]:
    left = [name for name in found if name.value is not Tensor]
    for file, title, homes in FAMILIES:
        here = [name for name in left if name.home.startswith(homes)]
        left = [name for name in left if name not in here]
        yield f"top.{file}", [*_heading(f"{PACKAGE}: {title[0].lower()}{title[1:]}"), *_body(here)]


def _module_page(module_name: str, found: list[Name]) -> list[str]:
    # The names are written out in full, so the module ends where it is declared.
    begin = [f".. py:module:: {module_name}", "", ".. py:currentmodule:: None", ""]
    parent = names().get(module_name.rpartition(".")[0], [])
    is_also_a_name = any(name.path == module_name for name in parent)
    lines = [*_heading(module_name), *([] if is_also_a_name else begin)]
    return [*lines, *as_rst(inspect.getdoc(modules()[module_name]) or ""), *_body(found)]


def _tensor_page() -> list[str]:
    described = Name(f"{PACKAGE}.Tensor", Tensor, f"{PACKAGE}.Tensor")
    lines = [*_heading("minigrad.Tensor"), *_declared(described, "class", with_members=False)]
    return [*lines, *_heading("Methods and attributes", 1), *_each(tensor_methods())]


def _body(found: list[Name]) -> list[str]:
    """The names of a page; of many, those that one module defines under one heading."""
    homes = dict.fromkeys(sorted(name.home for name in found))
    if len(found) < SECTIONS_FROM or len(homes) < 2:
        return _each(found)
    groups: dict[str, list[Name]] = {}
    for name in found:
        groups.setdefault(_purpose(name.home), []).append(name)
    return [line for title, here in groups.items() for line in [*_heading(title, 1), *_each(here)]]


@cache
def _purpose(module_name: str) -> str:
    """What a module holds, in the first sentence of its docstring."""
    module = importlib.import_module(module_name)
    if module_name in {PACKAGE, "functools"}:
        return "Others"
    return first_sentence(inspect.getdoc(module) or module_name).rstrip(".")


def _each(found: Iterable[Name]) -> list[str]:
    return [line for name in found for line in _entry(name)]


def _entry(name: Name) -> list[str]:
    kind = name.kind
    if name.path.startswith(f"{PACKAGE}.Tensor."):
        kind = "method" if callable(name.value) else "attribute"
    return _declared(name, kind)


def _declared(name: Name, kind: str, *, with_members: bool = True) -> list[str]:
    """One name: what is written to call it, and its text."""
    call = kind in {"function", "method", "class", "exception"}
    arguments = signature(name.value) if call else ""
    lines = [f".. py:{kind}:: {name.path}{arguments}", ""]
    if name.described_at != name.path:
        body = [f"The same as :py:obj:`{name.described_at}`.", ""]
    else:
        body = [*_text(name, kind), *_operation(name.value)]
        if kind in {"class", "exception"} and with_members:
            body += _members(name.value)
    return [*lines, *(f"   {line}" if line else "" for line in body)]


def _text(name: Name, kind: str) -> list[str]:
    if kind == "data":
        value = shown(name.value)
        return [f"{inline(type(name.value).__name__)} ``{value}``", ""]
    return as_rst(inspect.getdoc(name.value) or "")


@cache
def _operations() -> dict[str, Entry]:
    return {entry.name: entry for entry in entries()}


def _operation(value: Any) -> list[str]:
    """Of a declared operation: its derivative, what computes it, how its derivative is checked."""
    declared = getattr(value, "op", None)
    entry = _operations().get(getattr(declared, "name", ""))
    if entry is None:
        return []
    by = "compiled kernels" if entry.computed_by == "kernel" else entry.computed_by
    checked = f", checked on {entry.samples} samples" if entry.samples else ""
    return [f"*Derivative: {inline(entry.derivative)}{checked}. Computed by {by}.*", ""]


def _members(owner: type) -> list[str]:
    lines: list[str] = []
    for short, value in members(owner):
        function = value.__func__ if isinstance(value, classmethod | staticmethod) else value
        if isinstance(value, property):
            lines += [f".. py:property:: {short}", *_type_of(value), ""]
        else:
            lines += [f".. py:method:: {short}{signature(function)}", *_option(value), ""]
        lines += [f"   {line}" if line else "" for line in as_rst(inspect.getdoc(function) or "")]
    return lines


def _option(value: Any) -> list[str]:
    kinds = {classmethod: "classmethod", staticmethod: "staticmethod"}
    return [f"   :{kinds[type(value)]}:"] if type(value) in kinds else []


def _type_of(value: property) -> list[str]:
    given = getattr(value.fget, "__annotations__", {}).get("return")
    return [f"   :type: {annotation(given)}"] if given is not None else []


def _heading(title: str, level: int = 0) -> list[str]:
    return [title, MARK[level] * len(title), ""]


def _check_all_are_there(app: Sphinx, env: Any) -> None:
    """Every public name can be reached, or the build fails."""
    known = env.get_domain("py").objects
    missing = [n.path for found in names().values() for n in found if n.path not in known]
    if missing:
        raise ExtensionError(f"the reference lacks {len(missing)} names: {missing[:10]}")


def _unlink_foreign_types(app: Sphinx, doctree: Any) -> None:
    """Leave types without a path as text: `int` is Python's, not the dtype minigrad.int."""
    for reference in list(doctree.findall(pending_xref)):
        if reference.get("reftype") == "class" and "." not in reference["reftarget"]:
            short = [
                n for n in reference.findall(pending_xref_condition) if n["condition"] == "resolved"
            ]
            reference.replace_self(short[0].children if short else reference.children)


def _begin(app: Sphinx) -> None:
    write_pages(Path(app.srcdir) / "reference")


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("builder-inited", _begin)
    app.connect("doctree-read", _unlink_foreign_types)
    app.connect("env-check-consistency", _check_all_are_there)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
