"""What the command prints fits 80 columns, has no colour codes, and completes in a shell."""

import shutil
import subprocess
import sys

import pytest

from minigrad.cli import COMMANDS, main
from minigrad.utils import terminal

NAMES = [module.__name__.rpartition(".")[2] for module in COMMANDS]


@pytest.mark.parametrize("width", [40, 80])
@pytest.mark.parametrize("command", [[], *([name] for name in NAMES)], ids=str)
def test_help_fits(command, width, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(width))
    with pytest.raises(SystemExit) as ended:
        main([*command, "--help"])
    printed = capsys.readouterr().out
    assert ended.value.code == 0
    assert "default: None" not in printed
    usage, _, text = printed.partition("\n\n")
    for line in (usage if width == 80 else "").splitlines() + text.splitlines():
        # What may not be cut is longer: a file's name, a variable with its value.
        assert len(line) <= width or max(map(len, line.split())) > width - 8, line


def test_the_version_is_printed(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith("minigrad 0.1.0")


@pytest.mark.parametrize("width", [40, 80])
def test_the_table_of_operations_fits(width, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(width))
    assert main(["info", "--ops"]) == 0
    printed = capsys.readouterr().out
    assert max(map(len, printed.splitlines())) <= width
    assert "\033[" not in printed


def test_the_training_writes_no_progress_into_a_file(capsys):
    assert main(["train", "--epochs", "1", "--model", "linear"]) == 0
    assert "images/s]" not in capsys.readouterr().err


def test_a_reader_that_ends_early_is_no_error():
    program = f"{sys.executable} -m minigrad info --ops | head -n 1"
    ended = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {program}"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.stdout.startswith("operation")
    assert "Traceback" not in ended.stderr
    assert ended.returncode in {0, 141}


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_completion_knows_all_commands_and_options(shell, capsys):
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    for name in NAMES:
        assert name in script
    assert "batch-size" in script


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("minigrad gr", "gradcheck"),
        ("minigrad train --batch", "--batch-size"),
        ("minigrad b", "bench"),
    ],
)
def test_bash_completes(words, expected, capsys):
    assert main(["completion", "bash"]) == 0
    script = capsys.readouterr().out
    listed = words.split()
    program = (
        f"{script}\nCOMP_WORDS=({words}); COMP_CWORD={len(listed) - 1}\n"
        '_minigrad; echo "${COMPREPLY[@]}"'
    )
    ended = subprocess.run(["bash", "-c", program], capture_output=True, text=True, check=True)
    assert ended.stdout.split() == [expected]


def test_info_has_what_a_report_needs(capsys, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert main(["info"]) == 0
    lines = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    for what in ("python", "system", "minigrad", "numpy", "numba", "blas", "cpu", "memory",
                 "threads", "cache", "variable"):  # fmt: skip
        assert what in lines


def test_colours_are_for_terminals_alone(monkeypatch):
    patterns = {r"\d+ FAILED": "red", "none failed": "green"}
    text = "a  2 FAILED\nnone failed"
    assert terminal.coloured(text, patterns) == text
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    shown = terminal.coloured(text, patterns)
    assert shown == "a  \033[31m2 FAILED\033[0m\n\033[32mnone failed\033[0m"
    for name, value in (("TERM", "dumb"), ("NO_COLOR", "1")):
        monkeypatch.setenv(name, value)
        assert terminal.coloured(text, patterns) == text
        monkeypatch.setenv("TERM", "xterm")
