"""`minigrad gradcheck`, `minigrad info --ops` and the pytest plugin: what they print and return."""

import json
import tomllib
from importlib import import_module
from pathlib import Path
from xml.etree import ElementTree

import pytest

from minigrad.cli import gradcheck as cli_gradcheck
from minigrad.cli import inventory, main
from minigrad.ops import table
from minigrad.testing import differentiable, pytest_plugin

pytest_plugins = ["pytester"]

ROOT = Path(__file__).parents[2]
CUSTOM = ROOT / "tests" / "programs" / "scripts" / "custom_operations.py"


# --- a user's file --------------------------------------------------------------------------


def test_a_file_with_right_and_wrong_operations(capsys):
    assert main(["gradcheck", str(CUSTOM)]) == 1
    reported = capsys.readouterr().out
    rows = {line.split()[0]: line for line in reported.splitlines()[1:6]}
    assert list(rows) == ["Cube", "WrongCube", "WrongProduct", "swish", "Gate"]
    assert [name for name, row in rows.items() if "FAILED" in row] == ["WrongCube", "WrongProduct"]
    assert rows["swish"].split()[1:4] == ["2", "2", "2"]
    assert "likely: a factor of 0.666667 * x**-1, x being the argument: a wrong power" in reported
    assert "WrongProduct([5, 3], [4, 3]): the gradient of argument 1 (shape [4, 3])" in reported
    assert "likely: a factor of 0.5 throughout" in reported
    assert f"again: minigrad gradcheck {CUSTOM}:WrongProduct --seed 0" in reported
    assert "5 subjects, 6 cases" in reported
    assert "2 cases FAILED" in reported


def test_one_name_of_a_file_and_the_same_failure_for_the_same_seed(capsys):
    reports = []
    for seed in ("3", "3", "4"):
        assert main(["gradcheck", f"{CUSTOM}:WrongCube", "--seed", seed]) == 1
        reports.append(capsys.readouterr().out.split("index")[1].split("again")[0])
    assert reports[0] == reports[1]
    assert reports[0] != reports[2]
    assert main(["gradcheck", f"{CUSTOM}:Cube"]) == 0


def test_a_module_by_its_name(tmp_path, monkeypatch, capsys):
    (tmp_path / "my_functions.py").write_text(
        "from minigrad import Tensor\n"
        "def soft(x: Tensor, y: Tensor) -> Tensor:\n    return (x.exp() + y.exp()).log()\n"
        "def helper(path):\n    raise SystemExit\n"
    )
    monkeypatch.chdir(tmp_path)
    assert main(["gradcheck", "my_functions"]) == 0
    reported = capsys.readouterr().out
    assert "soft" in reported
    assert "helper" not in reported


TEXTS = {
    "nothing": ("x = 1\n", "has nothing to check"),
    "broken": ("1 / 0\n", "ZeroDivisionError"),
    "module with arguments": (
        "from minigrad import nn\nclass Net(nn.Module):\n"
        "    def __init__(self, n):\n        super().__init__()\n",
        "needs n to be made",
    ),
}


@pytest.mark.parametrize(("text", "reported"), TEXTS.values(), ids=TEXTS)
def test_a_file_that_cannot_be_checked_is_a_mistake(text, reported, tmp_path, capsys):
    file = tmp_path / "user_code.py"
    file.write_text(text)
    assert main(["gradcheck", str(file)]) == 2
    assert reported in capsys.readouterr().err


MISTAKES = {
    "no file": (["somewhere.py"], "no file somewhere.py"),
    "no module": (["no_such_module_here"], "no_such_module_here"),
    "no name": ([f"{CUSTOM}:Absent"], "Absent"),
    "no operation": (["--filter", "no_such_operation"], "no_such_operation"),
    "nothing filtered": ([str(CUSTOM), "--filter", "zzz"], "zzz"),
    "jobs": (["--jobs", "0"], "--jobs"),
    "runs": (["--runs", "0"], "--runs"),
    "seed": (["--seed", "-1"], "--seed"),
    "folder": (["--json", "no/such/folder.json"], "no folder"),
}


@pytest.mark.parametrize(("arguments", "reported"), MISTAKES.values(), ids=MISTAKES)
def test_mistakes_end_with_status_2_and_a_reason(arguments, reported, capsys):
    assert main(["gradcheck", *arguments]) == 2
    assert reported in capsys.readouterr().err


# --- the library ----------------------------------------------------------------------------


def test_the_library_on_two_processes_with_json_and_junit(tmp_path, capsys):
    files = {"json": tmp_path / "all.json", "junit": tmp_path / "all.xml"}
    options = [word for kind, path in files.items() for word in (f"--{kind}", str(path))]
    assert main(["gradcheck", "--filter", "log[12]*", "--quick", "--jobs", "2", *options]) == 0
    reported = capsys.readouterr().out
    wanted = [name for name in differentiable() if name.startswith(("log1", "log2"))]
    assert len(wanted) > 1
    assert [line.split()[0] for line in reported.splitlines()[1 : len(wanted) + 1]] == wanted
    found = json.loads(files["json"].read_text())
    assert [row["subject"] for row in found["rows"]] == wanted
    assert all(row["first"] == row["second"] == 1 and row["worst"] < 1e-6 for row in found["rows"])
    root = ElementTree.parse(files["junit"]).getroot()
    assert root.get("failures") == "0"
    assert len(root.findall("testsuite/testcase")) == len(wanted)


def test_a_failure_reaches_json_and_junit(tmp_path, capsys):
    files = [tmp_path / "all.json", tmp_path / "all.xml"]
    main(["gradcheck", f"{CUSTOM}:WrongCube", "--json", str(files[0]), "--junit", str(files[1])])
    assert "wrong power" in json.loads(files[0].read_text())["results"][0]["failure"]
    failure = ElementTree.parse(files[1]).getroot().find("testsuite/testcase/failure")
    assert "wrong power" in failure.text


# --- the table of operations ----------------------------------------------------------------


def test_info_lists_every_operation(capsys):
    assert main(["info", "--ops"]) == 0
    lines = {}
    for line in filter(None, capsys.readouterr().out.splitlines()):
        lines.setdefault(line.split()[0], line)  # declared ones come first
    for name, call in table.declared().items():
        assert name in lines
        assert ("none" in lines[name].split()) == (call.op.vjp_rules is None)
    assert "kernel" in lines["conv2d"]
    assert "kernel" in lines["add"]
    assert "NumPy" in lines["neg"]
    assert "operations" in lines["addmm"]


def test_the_page_has_the_table_of_today():
    written = inventory.SECTION.read(ROOT / "docs/tables/operations.md")
    assert written == inventory.markdown(inventory.entries()), (
        "run: minigrad info --ops --markdown docs/tables/operations.md"
    )


def test_markdown_goes_between_the_marks(tmp_path, capsys):
    page = tmp_path / "page.md"
    page.write_text(f"before\n{inventory.SECTION.begin}\nold\n{inventory.SECTION.end}\nafter\n")
    assert main(["info", "--ops", "--markdown", str(page)]) == 0
    assert page.read_text().startswith(
        f"before\n{inventory.SECTION.begin}\n{len(table.declared())} declared"
    )
    assert page.read_text().endswith(f"|\n{inventory.SECTION.end}\nafter\n")
    page.write_text("no marks")
    assert main(["info", "--ops", "--markdown", str(page)]) == 2
    assert "no lines" in capsys.readouterr().err
    assert main(["info", "--markdown"]) == 2


# --- the pytest plugin ----------------------------------------------------------------------

TESTS = """
import runpy
from minigrad.testing import arr

own = runpy.run_path({path!r})
swish, WrongProduct, Cube, Gate = (own[n] for n in ("swish", "WrongProduct", "Cube", "Gate"))

def test_right(gradcheck):
    gradcheck(Cube, arr.of(2, 2))
    gradcheck(Gate(), arr.of(2, 3))

def test_wrong(gradcheck):
    gradcheck(WrongProduct, arr.of(2, 3), arr.of(2, 3))
"""


LINES = (
    "test_mine.py::swish[0] PASSED",
    "test_mine.py::swish[1] PASSED",
    "test_mine.py::WrongProduct[0] FAILED",
    "test_mine.py::test_right PASSED",
    "test_mine.py::test_wrong FAILED",
    "likely: a factor of 0.5 throughout",
    "again: pytest 'test_mine.py::WrongProduct[0]' --gradcheck-seed 2",
    "2 failed, 3 passed",
)


def test_what_pytest_prints_for_a_file_that_imports_the_user_s_operations(pytester):
    pytester.makepyfile(test_mine=TESTS.format(path=str(CUSTOM)))
    plugin = ["-p", "no:minigrad", "-p", "minigrad.testing.pytest_plugin", "-p", "no:cacheprovider"]
    ended = pytester.runpytest_inprocess("-v", "test_mine.py", *plugin, "--gradcheck-seed", "2")
    assert ended.ret == 1
    printed = ended.stdout.str()
    assert [line for line in LINES if line not in printed] == []


def test_the_plugin_is_registered():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert import_module(project["entry-points"]["pytest11"]["minigrad"]) is pytest_plugin


def test_long_checks_show_how_far_they_are(capsys, monkeypatch):
    bars = []

    class Bar:
        def __init__(self, *, total, desc, **options):
            self.n, self.total, self.desc, self.closed = 0, total, desc, False
            bars.append(self)

        def update(self, by):
            self.n += by

        def close(self):
            self.closed = True

    monkeypatch.setattr(cli_gradcheck, "tqdm", Bar)
    with cli_gradcheck.EntryBar() as bar:
        for label, count in (("x", 3), ("y", 2)):
            for done in range(count):
                bar(label, done, count)
    assert [(b.desc, b.n, b.total, b.closed) for b in bars] == [
        ("x", 2, 3, True),
        ("y", 1, 2, True),
    ]
