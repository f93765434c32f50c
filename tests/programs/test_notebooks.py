"""The notebooks' committed code still runs; what they show is complete, without errors, small."""

import importlib.util
import json
import os
import subprocess
import sys
from copy import deepcopy
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
LONGEST_CELL = 25  # lines: a cell that fits a lecturer's slide
LARGEST_FILE = 500_000  # bytes: what can be reviewed, and cloned without regret
LONGEST_RUN = 600  # seconds, kernels compiled anew on a busy machine

each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
needs_matplotlib = pytest.mark.skipif(
    importlib.util.find_spec("matplotlib") is None,
    reason="notebooks draw with matplotlib, the extra `plot`, which is not installed",
)

needs_jupyter = pytest.mark.skipif(
    importlib.util.find_spec("nbclient") is None,
    reason="notebooks run in Jupyter's kernel, the extra `notebooks`, which is not installed",
)


def read(path):
    return json.loads(path.read_text(encoding="utf-8"))


def code_cells(notebook):
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def text(source):
    """Jupyter keeps a text as one string or as its lines."""
    return source if isinstance(source, str) else "".join(source)


def faults(notebook):
    """Descriptions of what is wrong with a notebook's cells and outputs."""
    found = []
    cells = code_cells(notebook)
    outputs = [output for cell in cells for output in cell["outputs"]]
    if [cell["execution_count"] for cell in cells] != list(range(1, len(cells) + 1)):
        found.append("the outputs are not those of one run from the first cell to the last")
    if not any("image/png" in output.get("data", {}) for output in outputs):
        found.append("no picture is shown")
    for cell in cells:
        if (lines := len(text(cell["source"]).splitlines())) > LONGEST_CELL:
            found.append(f"cell {cell['id']} has {lines} lines, more than {LONGEST_CELL}")
        for output in cell["outputs"]:
            if output["output_type"] == "error":
                found.append(f"cell {cell['id']} shows the error {output['ename']}")
            if output.get("name") == "stderr":
                found.append(f"cell {cell['id']} shows messages: {text(output['text'])}")
    return found


def run(program, *arguments):
    """Run Python in the notebooks' folder, on the digits, without a display."""
    paths = [str(FOLDER), str(FOLDER.parent), os.environ.get("PYTHONPATH", "")]
    surroundings = {
        **os.environ,
        "MINIGRAD_NOTEBOOK_DATA": "digits",
        "MPLBACKEND": "Agg",
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
    }
    return subprocess.run(
        [sys.executable, *program, *arguments],
        cwd=FOLDER, env=surroundings, capture_output=True, text=True, timeout=LONGEST_RUN,
        check=False,
    )  # fmt: skip


def test_all_are_there():
    assert [path.name.partition("_")[0] for path in NOTEBOOKS] == list("123456789")


@needs_jupyter
@each_notebook
def test_the_code_runs(path):
    ended = run(["execute.py", "--check"], path.stem)
    assert ended.returncode == 0, ended.stderr[-4000:]


@each_notebook
def test_what_is_shown(path):
    assert faults(read(path)) == []
    assert path.stat().st_size <= LARGEST_FILE


@needs_jupyter
def test_the_page_says_what_they_show():
    says = "import summary as s; print(s.SECTION.read(s.PAGE) == s.table(), len(s.ROWS))"
    ended = run(["-c", says])
    assert ended.stdout.split() == ["True", "8"], ended.stderr[-4000:]


@needs_matplotlib
def test_the_examples_of_the_helpers():
    ended = run(["-m", "doctest"], "figures.py")
    assert ended.returncode == 0, ended.stdout[-4000:]


PICTURE = {"output_type": "display_data", "data": {"image/png": ""}}
ERROR = {"output_type": "error", "ename": "KeyError"}
MESSAGE = {"output_type": "stream", "name": "stderr", "text": ["compiling"]}
SOUND = {
    "cells": [
        {
            "id": "a", "cell_type": "code", "source": ["x = 1\n", "x"], "execution_count": 1,
            "outputs": [PICTURE],
        },
        {"id": "b", "cell_type": "code", "source": "x", "execution_count": 2, "outputs": []},
    ]
}  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"execution_count": None}, "not those of one run"),
        ({"outputs": []}, "no picture"),
        ({"source": ["x\n"] * 26}, "26 lines"),
        ({"outputs": [PICTURE, ERROR]}, "the error KeyError"),
        ({"outputs": [PICTURE, MESSAGE]}, "messages: compiling"),
    ],
)
def test_planted_faults_are_found(changes, complaint):
    assert faults(SOUND) == []
    planted = deepcopy(SOUND)
    planted["cells"][0].update(changes)
    assert [complaint in fault for fault in faults(planted)] == [True]
