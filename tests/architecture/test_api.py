"""The comparison of interfaces: nothing is missing, nothing is left out without a reason."""

from itertools import chain
from pathlib import Path

import pytest
import torch

from minigrad.cli import coverage, main
from minigrad.core.scope import OUT_OF_SCOPE, reason_to_leave_out
from minigrad.testing.api import NAMESPACES, Namespace, compare_with_torch
from minigrad.testing.signatures import differences, documented_forms

ROOT = Path(__file__).parents[2]
FOUND = {space.name: space for space in compare_with_torch()}


@pytest.mark.parametrize("namespace", NAMESPACES)
def test_nothing_is_missing(namespace):
    assert FOUND[namespace].missing == []


@pytest.mark.parametrize("namespace", NAMESPACES)
def test_every_name_is_in_one_place(namespace):
    space = FOUND[namespace]
    assert space.present
    placed = [*space.present, *space.missing, *chain.from_iterable(space.left_out.values())]
    assert len(placed) == len(set(placed))
    root = torch
    for part in filter(None, namespace.split(".")):
        root = getattr(root, part)
    declared = getattr(root, "__all__", None) if namespace != "Tensor" else None
    for name in declared or []:
        if not name.startswith("_") and getattr(root, name, None) is not None:
            assert name in placed


def test_every_reason_and_every_pattern_leaves_something_out():
    used = {reason for space in FOUND.values() for reason in space.left_out}
    assert set(OUT_OF_SCOPE) <= used
    names = [
        (space.name, name)
        for space in FOUND.values()
        for left_out in space.left_out.values()
        for name in left_out
    ]
    for why, patterns in OUT_OF_SCOPE.items():
        for pattern in patterns.split():
            assert any(reason_to_leave_out(*name, None, {why: pattern}) == why for name in names), (
                f"{why}: {pattern} leaves nothing out"
            )


@pytest.mark.parametrize(
    "name",
    ["relu", "Module", "Function", "Sequential", "Size", "Generator", "finfo", "values", "mode",
     "cond_of_mine", "Value", "conv2d", "rms_norm", "Linear", "quantile", "indices", "tensor"],
)  # fmt: skip
def test_plain_names_are_not_swept_out(name):
    assert reason_to_leave_out("nn", name, len) is None


def test_a_name_that_only_refuses_is_out_of_scope():
    assert "sparse_coo_tensor" in FOUND[""].left_out["sparse tensors"]
    assert "to_sparse" in FOUND["Tensor"].left_out["sparse tensors"]
    assert "chalf" in FOUND[""].left_out["complex numbers of half precision"]


# --- what functions take --------------------------------------------------------------------------


def test_documentation_is_read_for_compiled_functions():
    forms = list(documented_forms("sum", torch.sum.__doc__))
    assert [[a.name for a in form] for form in forms] == [
        ["input", "dtype"],
        ["input", "dim", "keepdim", "dtype"],
    ]
    (form,) = documented_forms("solve", torch.linalg.solve.__doc__)
    assert [(a.name, a.positional) for a in form] == [
        ("A", True), ("B", True), ("left", False), ("out", False),
    ]  # fmt: skip
    assert not list(documented_forms("f", "Does things.\n\nf(x) is not the first line"))
    (form,) = documented_forms("f", "f(x, *, y=1, _of_no_concern=None)")
    assert [a.name for a in form] == ["x", "y"]


def test_differences_are_reported():
    def theirs(x, y, *, p=2, q=None): ...

    assert differences(lambda x, y, *, p=2, q=None: 0, theirs, "f") == []
    assert differences(lambda x, y, *, q=None: 0, theirs, "f") == ["no p"]
    assert differences(lambda x, y, *, p=3, q=None: 0, theirs, "f") == ["p=3, not 2"]
    assert differences(lambda y, x, *, p=2, q=None: 0, theirs, "f") == ["another order"]
    assert differences(lambda *args: 0, theirs, "f") is None
    assert differences(theirs, torch.Tensor.numpy, "g") is None


def test_what_differs_is_few():
    differing = [words for space in FOUND.values() for words in space.differing.values()]
    assert len(differing) <= 0.11 * sum(space.compared for space in FOUND.values())
    assert "another order" not in chain.from_iterable(differing)


# --- the command ----------------------------------------------------------------------------------


def test_the_page_has_the_summary_of_today():
    written = coverage.SECTION.read(ROOT / "docs/tables/coverage.md")
    assert written == coverage.markdown(list(FOUND.values())), (
        "run: minigrad info --api --markdown docs/tables/coverage.md"
    )


def test_what_is_missing_is_reported():
    space = Namespace("nn", present={"here": []}, missing=["gone", "lost"])
    assert coverage.table([space]).startswith("torch.nn: 1 of 3 names")
    assert "  missing: gone, lost" in coverage.table([space])
    assert "| `torch.nn` | 1 | 2 | 1 | 0 | 0 |" in coverage.markdown([space])


def test_the_command_prints_and_writes(tmp_path, capsys):
    assert main(["info", "--api"]) == 0
    printed = capsys.readouterr().out
    for space in FOUND.values():
        assert f"{space.path}: {len(space.present)} of {space.in_scope} names" in printed
    page = tmp_path / "page.md"
    page.write_text(f"before\n{coverage.SECTION.begin}\nold\n{coverage.SECTION.end}\nafter\n")
    assert main(["info", "--api", "--markdown", str(page)]) == 0
    assert page.read_text().startswith(f"before\n{coverage.SECTION.begin}\n| namespace |")
    assert page.read_text().endswith(f".\n{coverage.SECTION.end}\nafter\n")
    page.write_text("no marks")
    assert main(["info", "--api", "--markdown", str(page)]) == 2
    assert "no lines" in capsys.readouterr().err
