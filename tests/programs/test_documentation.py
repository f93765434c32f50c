"""The programs on the pages of docs/ run, links between pages lead somewhere, pictures are true."""

import importlib
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import minigrad

DOCS = Path(__file__).parents[2] / "docs"
GENERATED = ("tables/rules.md", "reference/", "notebooks/")  # made when the site is built
PAGES = {p.relative_to(DOCS).as_posix(): p.read_text(encoding="utf-8") for p in DOCS.rglob("*.md")}


def blocks(page, language="python"):
    pattern = rf"^```{language}\n(.*?)^```$"
    return re.findall(pattern, PAGES[page], re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize(
    "page", [page for page in sorted(set(PAGES) - {GENERATED[0]}) if blocks(page)]
)
def test_the_programs_run(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    threads = minigrad.get_num_threads()
    program = "\n".join(blocks(page))
    (tmp_path / "page.py").write_text(program)  # where tracebacks and kernels look for lines
    try:
        exec(compile(program, tmp_path / "page.py", "exec"), {"__name__": "page"})
    finally:
        minigrad.set_num_threads(threads)


@pytest.mark.parametrize("page", sorted(PAGES))
def test_links_lead_somewhere(page):
    links = re.findall(r"\]\(([^)\s#]+)[^)]*\)", PAGES[page])
    here = (DOCS / page).parent
    lost = [
        link
        for link in links
        if "://" not in link
        and not (here / link).exists()
        and not any(part in (here / link).as_posix() for part in GENERATED)
    ]
    assert lost == []


def test_the_pictures_are_those_of_today():
    ended = subprocess.run(
        [sys.executable, DOCS / "pictures/draw.py", "--check"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_every_public_name_has_a_text(monkeypatch):
    monkeypatch.syspath_prepend(str(DOCS / "_extensions"))
    public_names = importlib.import_module("public_names")
    found = [name for group in public_names.names().values() for name in group]
    found += [name for name in public_names.tensor_methods() if callable(name.value)]
    ours = [name for name in found if name.kind != "data" and name.home.startswith("minigrad")]
    assert len(ours) > 2000
    assert [name.path for name in ours if not inspect.getdoc(name.value)] == []
