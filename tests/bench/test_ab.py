"""Two versions in turns: verdicts, and what the command prints and returns."""

import math
from itertools import product

import numpy as np
import pytest

from minigrad.bench import ab
from minigrad.bench.ab import measure
from minigrad.bench.ab.interval import ERROR, _left_out
from minigrad.cli import main

SUITE = """
import time
from minigrad.bench import Case

def work(library, x):
    return lambda: [x * x for _ in range({repeats})][-1]

CASES = [Case(name="square", sizes=dict(n=n), inputs=lambda draw, n=n: [draw(n)],
              implementations=dict(minigrad=work)) for n in (10, 100)]
"""


@pytest.fixture
def suites(tmp_path):
    files = {}
    for name, repeats in (("same", 20), ("double", 40)):
        files[name] = tmp_path / f"{name}.py"
        files[name].write_text(SUITE.format(repeats=repeats))
    return files


# --- the interval ----------------------------------------------------------------------------


def test_the_interval_leaves_out_what_wilcoxon_s_distribution_allows():
    """Counted over all signs of the ranks."""
    for count in range(1, 13):
        sums = [sum(r for r, s in zip(range(1, count + 1), signs, strict=True) if s)
                for signs in product((0, 1), repeat=count)]  # fmt: skip
        fitting = [k for k in range(max(sums)) if np.mean(np.array(sums) <= k) <= ERROR]
        assert _left_out(count) == (max(fitting) if fitting else None)


def drawn(rng, shift, spread, launches):
    noise = rng.standard_normal(launches) * spread
    busy = rng.random(launches) < 0.1  # moments that something else takes
    return np.exp(math.log(shift) + noise + busy * rng.exponential(0.5, launches)).tolist()


def test_rates_of_drawn_launches():
    """Identical code is not called changed; a tenth is found where launches differ by 3 %."""
    rng = np.random.default_rng(0)
    alarms = [ab.verdict_of(drawn(rng, 1.0, 0.03, 14)).verdict for _ in range(3000)]
    assert sum(v != ab.UNRESOLVED for v in alarms) <= 3
    found = [ab.verdict_of(drawn(rng, 1.1, 0.015, 14)).verdict for _ in range(400)]
    assert found.count(ab.SLOWER) >= 0.95 * len(found)
    assert ab.FASTER not in found


def test_verdicts_mirror_each_other():
    rng = np.random.default_rng(1)
    for shift in (0.8, 1.0, 1.25):
        ratios = drawn(rng, shift, 0.01, 10)
        there, back = ab.verdict_of(ratios), ab.verdict_of([1 / r for r in ratios])
        assert there.ratio == pytest.approx(1 / back.ratio)
        assert (there.verdict == ab.SLOWER) == (back.verdict == ab.FASTER)
    assert ab.verdict_of([2.0] * 5).verdict == ab.UNRESOLVED  # too few to hold
    assert ab.verdict_of([2.0] * 9, margin=1.5).verdict == ab.UNRESOLVED


# --- the command -----------------------------------------------------------------------------


def test_twice_the_work_is_slower(suites, tmp_path, capsys):
    page = tmp_path / "verdicts.md"
    options = ["--filter", "n10", "--quick", "--markdown", str(page)]
    assert main(["bench", str(suites["double"]), "--ab", str(suites["same"]), *options]) == 1
    printed = capsys.readouterr().out
    assert "1 cases: 1 slower, 0 faster, 0 unresolved" in printed
    assert page.read_text().startswith("**1 cases: 1 slower")
    assert "| square n10 |" in page.read_text()


def test_a_percentage_decides(suites, capsys, monkeypatch):
    monkeypatch.setattr(measure, "FIRST", 1)
    options = ["--filter", "n10", "--quick", "--fail-slower", "300"]
    assert main(["bench", str(suites["double"]), "--ab", str(suites["same"]), *options]) == 0
    assert "no difference beyond 300% shown" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--ab", "/no/such/checkout"], "there is no checkout or file /no/such/checkout"),
        (["--ab", "/tmp"], "is no checkout of minigrad"),
        (["--fail-slower", "5"], "needs --ab"),
        (["--ab", "/tmp", "--fail-slower", "-5"], "a positive number of percent"),
    ],
)
def test_mistakes(options, words, capsys):
    assert main(["bench", *options]) == 2
    assert words in capsys.readouterr().err


def test_a_case_that_fails_is_named(suites, tmp_path, capsys):
    wrong = tmp_path / "wrong.py"
    wrong.write_text(SUITE.format(repeats=20).replace("x * x", "x + x"))
    assert main(["bench", str(wrong), "--ab", str(suites["same"]), "--quick"]) == 1
    assert "failed: square n10: wrong result: relative error" in capsys.readouterr().out


# --- implementations of names of their own ---------------------------------------------------

OWN = """
from minigrad.bench import Case

def slow(mg, x):
    return lambda: [x * x for _ in range(30)][-1]

def quick(mg, x):
    return lambda: x * x

CASES = [Case(name="square", sizes=dict(n=10), inputs=lambda draw: [draw(10)],
              implementations=dict(v1=slow, v2=quick))]
"""


def test_two_implementations_beside_each_other(tmp_path, capsys):
    file = tmp_path / "own.py"
    file.write_text(OWN)
    assert main(["bench", str(file), "--quick", "--against", "v1"]) == 0
    printed = capsys.readouterr().out
    assert "v2 is " in printed
    assert "times as fast as v1" in printed
    assert main(["bench", str(file), "--list"]) == 0
    assert capsys.readouterr().out == "square n10\n"
    assert main(["bench", str(file), "--against", "v3"]) == 2
    assert "no case is written for ['v3']; there are cases for ['v1', 'v2']" in (
        capsys.readouterr().err
    )
    assert main(["bench", str(file), "--against", "v1,v2"]) == 2
