"""The table of operations: every one, its derivative, and what computes it."""

import sys
from collections.abc import Iterator
from types import CodeType, FunctionType, ModuleType
from typing import Any, NamedTuple, NoReturn

from minigrad import linalg, ops
from minigrad.cli.generated_section import Section
from minigrad.engine.op import Op, Operation
from minigrad.kernels.compiler.kernel import Kernel, kernel
from minigrad.nn import functional
from minigrad.ops.table import declared
from minigrad.tensor import Tensor
from minigrad.utils import terminal

PACKAGE = __name__.partition(".")[0]
KERNEL, NUMPY, COMPOSED = "kernel", "NumPy", "operations"
# The section of a Markdown file that is made from the code.
SECTION = Section("operations", "minigrad info --ops")


class Entry(NamedTuple):
    """One operation: its family, the orders of its derivative, what computes it, its samples."""

    name: str
    family: str
    derivative: str
    computed_by: str
    samples: int


def entries() -> list[Entry]:
    """Every declared operation, then the public ones of other names that are composed of these."""
    found = [_declared(operation) for operation in declared().values()]
    names = {entry.name for entry in found}
    return found + sorted(entry for entry in _composed() if entry.name not in names)


def _declared(operation: Operation) -> Entry:
    op = operation.op
    family = operation.__module__.rpartition(".")[2]
    by = KERNEL if _reaches_kernel(op.forward) else NUMPY
    return Entry(op.name, family, _derivative(op), by, len(op.samples))


def _derivative(op: Op) -> str:
    if op.vjp_rules is None:
        return "none"
    if callable(op.vjp_rules) or all(rule is not None for rule in op.vjp_rules):
        return "every order"
    # One rule may stand for any number of tensors, which have no names.
    pairs = zip(op.tensors, op.vjp_rules, strict=False)
    return f"every order in {', '.join(name for name, rule in pairs if rule is not None)}"


def _composed() -> Iterator[Entry]:
    """Functions of `ops` that users meet, and that are no declared operation themselves."""
    package = sys.modules[PACKAGE]
    seen: set[int] = set()
    for prefix, face in (("", package), ("", Tensor), ("linalg.", linalg), ("F.", functional)):
        for name, call in _public(face):
            if not isinstance(call, FunctionType) or hasattr(call, "op") or id(call) in seen:
                continue
            refuses = call.__annotations__.get("return") is NoReturn
            if call.__module__.startswith(f"{ops.__name__}.") and not refuses:
                seen.add(id(call))
                family = call.__module__.rpartition(".")[2]
                yield Entry(prefix + name, family, "of its parts", COMPOSED, 0)


def _public(face: Any) -> Iterator[tuple[str, Any]]:
    """The names that a module or class offers, and what they are."""
    names = getattr(face, "__all__", None) or dir(face)
    for name in names:
        if not name.startswith("_"):
            yield name, getattr(face, name, None)


# --- kernel or NumPy -----------------------------------------------------------------------------


def _reaches_kernel(function: Any) -> bool:
    """True if a forward can call a compiled kernel, through functions of minigrad."""
    pending, seen = [function], set()
    while pending:
        reached = pending.pop()
        if isinstance(reached, Kernel) or reached is kernel or hasattr(reached, "py_func"):
            return True  # declared as a kernel, makes kernels, or compiled by Numba
        reached = getattr(reached, "__wrapped__", reached)
        if id(reached) in seen:
            continue
        seen.add(id(reached))
        home = getattr(reached, "__module__", None) or ""
        if isinstance(reached, FunctionType) and home.startswith(f"{PACKAGE}."):
            pending.extend(_named_in(reached))
        elif home.startswith(f"{PACKAGE}.kernels."):
            pending.extend(getattr(reached, "__dict__", {}).values())
    return False


def _named_in(function: FunctionType) -> Iterator[Any]:
    """Objects that a function's code names: globals, attributes of modules, enclosed variables."""
    names = set(_names(function.__code__))
    for name in names:
        found = function.__globals__.get(name)
        if isinstance(found, ModuleType):
            yield from (vars(found)[n] for n in names if n in vars(found))
        elif isinstance(found, dict):
            yield from found.values()
        elif found is not None:
            yield found
    for cell in function.__closure__ or ():
        yield cell.cell_contents


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


# --- as text -------------------------------------------------------------------------------------


def table(found: list[Entry], width: int | None = None) -> str:
    """One line per operation; where that is wider than `width`, its details are below its name."""
    names = max(len(e.name) for e in found) + 2
    head = f"{'operation':<{names}}{'family':<22}{'derivative':<34}{'computed by':<13}samples"
    lines = [
        f"{e.name:<{names}}{e.family:<22}{e.derivative:<34}{e.computed_by:<13}"
        + f"{e.samples or '-':>7}"
        for e in found
    ]
    if width is not None and max(map(len, lines)) > width:
        head = terminal.fitted("operation\n    family; derivative; computed by; samples", width)
        lines = [
            terminal.fitted(
                f"{e.name}\n    {e.family}; {e.derivative}; {e.computed_by}; {e.samples or '-'}",
                width,
            )
            for e in found
        ]
    return "\n".join([head, *lines, "", terminal.fitted(summary(found), width)])


def summary(found: list[Entry]) -> str:
    """The number of operations of each kind."""
    declared = [e for e in found if e.computed_by != COMPOSED]
    composed = [e for e in found if e.computed_by == COMPOSED]
    in_place = sum(e.name.endswith("_") for e in composed)
    smooth = [e for e in declared if e.derivative != "none"]
    compiled = sum(e.computed_by == KERNEL for e in declared)
    return (
        f"{len(declared)} declared operations: {len(smooth)} with a derivative of every order "
        f"({sum(e.samples for e in smooth)} samples to check it on), {compiled} on compiled "
        f"kernels, {len(declared) - compiled} on NumPy; {len(composed) - in_place} "
        f"composed of these, and {in_place} that work in place."
    )


def markdown(found: list[Entry]) -> str:
    """One row per family, for a page; in-place forms are only counted."""
    families = dict.fromkeys(e.family for e in found if not e.name.endswith("_"))
    lines = [
        summary(found),
        "",
        "| family | on compiled kernels | on NumPy | without derivative | composed of others |",
        "|---|---|---|---|---|",
    ]
    for family in families:
        here = [e for e in found if e.family == family and not e.name.endswith("_")]
        smooth = [e for e in here if e.derivative != "none"]
        columns = [
            [e.name for e in smooth if e.computed_by == KERNEL],
            [e.name for e in smooth if e.computed_by == NUMPY],
            [e.name for e in here if e.derivative == "none"],
            [e.name for e in smooth if e.computed_by == COMPOSED],
        ]
        lines.append(f"| {family} | {' | '.join(' '.join(names) for names in columns)} |")
    return "\n".join(lines)
