"""A program in full types runs, and the strict type checker has nothing to say about it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture import typed_program
from tests.support.house import PROJECT

PROGRAM = Path(typed_program.__file__)


def test_the_program_runs(capsys):
    typed_program.main()
    assert "True" in capsys.readouterr().out


def test_the_program_needs_no_escape():
    text = PROGRAM.read_text()
    assert not re.search(r"\bcast\b|type: ignore|: Any\b|-> Any\b", text.partition('"""\n\n')[2])


def test_the_strict_type_checker_accepts_the_program(tmp_path):
    pytest.importorskip("mypy")
    config = tmp_path / "mypy.ini"  # a user's: strict, and nothing of this project's settings
    config.write_text("[mypy]\nstrict = True\nmypy_path = $MYPY_CONFIG_FILE_DIR\n")
    result = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", config, "--follow-imports=silent", PROGRAM],
        cwd=PROJECT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stdout + result.stderr
