"""`minigrad compile`: a step of each model, whose kernels are in the cache from then on."""

import os
import subprocess
import sys

import pytest

from minigrad.cli import main
from minigrad.cli.workloads import WORKLOADS
from minigrad.core import dtypes

NOTICE_IN_A_BAR = """
import sys
from tqdm import tqdm
from minigrad.kernels.compiler.cache_folder import say_once
with tqdm(range(2), file=sys.stderr, ascii=True, disable=False) as bar:
    say_once("a line")
    say_once("a line")
"""


@pytest.mark.parametrize("name", WORKLOADS)
def test_a_workload_runs(name):
    WORKLOADS[name](dtypes.float32)


def test_nothing_is_left_to_compile(tmp_path):
    """In a cache of its own: other tests, that run beside this one, compile into the common one."""
    kernels = []
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-m", "minigrad", "compile", "mlp", "--dtype", "float32"],
            env=os.environ | {"MINIGRAD_CACHE": str(tmp_path)},
            check=True, capture_output=True, text=True,
        )  # fmt: skip
        (row,) = (line.split() for line in done.stdout.splitlines() if line.startswith("mlp"))
        assert row[:2] == ["mlp", "float32"]
        kernels.append(int(row[2]))
    assert kernels[0] > 10
    assert kernels[1] == 0


def test_an_unknown_model_is_a_mistake(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["compile", "mlq"])
    assert ended.value.code == 2
    assert "no model 'mlq'; choose from mlp, cnn" in capsys.readouterr().err


def test_a_notice_has_a_line_of_its_own_above_a_bar():
    done = subprocess.run(
        [sys.executable, "-c", NOTICE_IN_A_BAR], check=True, capture_output=True, text=True
    )
    lines = done.stderr.replace("\r", "\n").split("\n")
    assert lines.count("minigrad: a line") == 1
