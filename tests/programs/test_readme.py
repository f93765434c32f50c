"""The README is short, its programs run and print what it shows, its numbers were measured."""

import re
from pathlib import Path

import pytest

from minigrad.cli import main

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
LONGEST = 120  # lines


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def test_it_is_short_and_has_one_picture():
    assert len(README.splitlines()) <= LONGEST
    assert len(re.findall(r"^!\[", README, re.MULTILINE)) == 1


def test_the_commands_are_those_that_ci_runs():
    install, check = blocks("sh")
    assert "minigrad train" in install
    assert "pytest" in check


def test_the_twenty_lines_train(capsys):
    program = blocks("python")[0]
    assert len([line for line in program.splitlines() if line]) <= 20
    exec(compile(program, "README.md", "exec"), {})
    assert float(capsys.readouterr().out.split()[-1]) > 0.9


def test_the_failing_check_prints_what_is_shown(tmp_path, capsys, monkeypatch):
    (tmp_path / "product.py").write_text(blocks("python")[1])
    monkeypatch.chdir(tmp_path)
    assert main(["gradcheck", "product.py"]) == 1
    printed = capsys.readouterr().out.splitlines()
    shown = blocks("text")[0].splitlines()
    assert [line for line in shown if line.strip() != "..." and line not in printed] == []


def test_the_numbers_were_measured():
    pages = (ROOT / "benchmarks/results").rglob("README.md")
    results = "".join(page.read_text(encoding="utf-8") for page in pages)
    section = README.partition("## Three measurements")[2].partition("## When")[0]
    numbers = re.findall(
        r"\d+\.\d\d?(?:e-\d+)?(?= times| s| in| %| \(|\)|;|,)|\d+(?= MiB| ms)", section
    )
    assert len(numbers) >= 12
    assert [number for number in numbers if number not in results and number != "2.13"] == []


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\(([^)]+)\)", README))))
def test_links_lead_somewhere(link):
    assert (ROOT / link).exists()
