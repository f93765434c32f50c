"""Text fits the terminal it is printed to, and stays whole where it goes to another program."""

import pytest

from minigrad.utils import terminal

HEAD = ["case", "best", "median"]
ROWS = [["conv2d 64x3x32x32", "1.23 ms", "1.3 ms"], ["mm 8x8", "900 us", "1 ms"]]


def test_a_table_has_columns():
    assert terminal.table(HEAD, ROWS).splitlines() == [
        "case                  best  median",
        "----------------------------------",
        "conv2d 64x3x32x32  1.23 ms  1.3 ms",
        "mm 8x8              900 us    1 ms",
    ]


def test_a_table_that_is_too_wide_takes_two_lines_a_row():
    assert terminal.table(HEAD, ROWS, 25).splitlines() == [
        "case",
        "       best  median",
        "-------------------------",
        "conv2d 64x3x32x32",
        "    1.23 ms  1.3 ms",
        "mm 8x8",
        "     900 us    1 ms",
    ]


@pytest.mark.parametrize("width", [20, 40, 80])
def test_long_lines_are_wrapped_and_no_word_is_lost(width):
    text = "missing: " + ", ".join(f"name_{i}" for i in range(40)) + "\n\n  short\n"
    found = terminal.fitted(text, width)
    assert max(map(len, found.splitlines())) <= width
    assert found.split() == text.split()
    assert found.splitlines()[1].startswith(terminal.INDENT)
    assert "\n\n  short\n" in found


def test_the_width_is_that_of_the_variable_or_there_is_none(monkeypatch):
    monkeypatch.setenv("COLUMNS", "72")
    assert terminal.columns() == 72
    monkeypatch.setenv("COLUMNS", "3")
    assert terminal.columns() == terminal.NARROWEST
    monkeypatch.delenv("COLUMNS")
    assert terminal.columns() is None  # pytest reads what is printed
    assert terminal.fitted("x " * 200, None) == "x " * 200
