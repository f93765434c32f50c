"""The eleven programs of examples/ run; each says in its docstring how it is started."""

import ast
import runpy
import sys
from pathlib import Path

import pytest

import minigrad

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.py"))
LONGEST = 150  # lines
LAST_LINES = {
    "cnn": "test accuracy", "dqn": "of the balls caught", "gan": "", "gpt": "The function ",
    "hypergradient": "learning rate", "lstm": "test accuracy", "mlp_from_scratch": "test accuracy",
    "own_optimizer": "the same: True",
    "pinn": "largest error of the solution", "resnet": "test accuracy", "vae": "",
}  # fmt: skip


def test_all_are_there_and_on_the_page():
    assert [path.stem for path in EXAMPLES] == sorted(LAST_LINES)
    page = (EXAMPLES[0].parents[1] / "docs/examples.md").read_text(encoding="utf-8")
    assert [path.name for path in EXAMPLES if f"../examples/{path.name}" not in page] == []


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_it_runs_for_a_few_steps(path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", [path.name, "--steps", "2"])
    runpy.run_path(str(path), run_name="__main__")
    printed = capsys.readouterr().out
    assert "nan" not in printed
    assert LAST_LINES[path.stem] in printed
    assert len(printed.splitlines()) >= 1
    minigrad.manual_seed(0)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_it_is_short_and_says_how_to_start_it(path):
    source = path.read_text(encoding="utf-8")
    assert len(source.splitlines()) <= LONGEST
    assert f"`python examples/{path.name}`" in ast.get_docstring(ast.parse(source))
