"""Runs in the formats of others, and what the command writes."""

import csv
import dataclasses
import io
import json
import re
import statistics
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest

from minigrad import bench
from minigrad.bench import exchange, runner
from minigrad.bench.peaks import Peaks
from minigrad.bench.roofline_points import places_of_labels, points_of
from minigrad.cli import main

MACHINE = {
    "when": "2026-01-02T03:04:05+00:00", "cpu": "znver9", "cores": 2, "system": "Linux",
    "python": "3.11.7", "commit": "abc123+",
}  # fmt: skip
PEAKS = Peaks(1e11, ((2**14, 2e11), (2**28, 2e10)), 1e-6)
NAMES = ("matmul NN", "relu forward", "relu gradient", "wrong & <odd> | name")


def made_run(threads=1, factor=1.0, names=NAMES):
    rng = np.random.default_rng(threads)
    entries = []
    for place, name in enumerate(names):
        entry = bench.Entry(name, f"{name} n{place}", 1e6 * (place + 1), 1e5)
        for library, slower in (("minigrad", 1.0), ("torch", 2.0)):
            times = (factor * slower * 1e-4 * (1 + 0.1 * rng.random(7))).tolist()
            entry.timings[library] = bench.Timing(0.5, 3, times, 1e-7)
        entries.append(entry)
    entries[-1].failures["numpy"] = "wrong result: relative error 1, allowed 0.1"
    libraries = {"minigrad": "1", "torch": "2", "numpy": "3"}
    return bench.Run(threads, "float32", libraries, [], PEAKS, dict(MACHINE), entries)


def test_csv_has_every_number():
    runs = [made_run(1), made_run(2)]
    rows = list(csv.DictReader(io.StringIO(exchange.csv(runs))))
    assert len(rows) == 2 * (4 * 2 + 1)
    for run in runs:
        for entry in run.entries:
            for library, timing in entry.timings.items():
                (row,) = [r for r in rows if (r["case"], r["library"], r["threads"]) ==
                          (entry.label, library, str(run.threads))]  # fmt: skip
                assert float(row["best"]) == min(timing.times)
                assert float(row["median"]) == statistics.median(timing.times)
                assert float(row["share_of_roof"]) == entry.share_of_roof(library, run.peaks)
    assert [r["failure"][:12] for r in rows if r["library"] == "numpy"] == ["wrong result"] * 2


def test_markdown_is_a_table_for_each_number_of_threads():
    text = exchange.markdown([made_run(1), made_run(2)])
    assert text.count("| case | best |") == 2
    assert "| matmul NN n0 | 1" in text
    assert r"wrong & <odd> \| name n3" in text
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in lines} == {10}


def test_pytest_benchmark_s_statistics():
    found = json.loads(exchange.pytest_benchmark([made_run(1), made_run(2)]))
    assert found["commit_info"]["id"] == "abc123"
    assert found["commit_info"]["dirty"] is True
    assert len({b["fullname"] for b in found["benchmarks"]}) == 16
    for one in found["benchmarks"]:
        stats = one["stats"]
        assert stats["mean"] == pytest.approx(statistics.fmean(stats["data"]))
        assert stats["stddev"] == pytest.approx(statistics.stdev(stats["data"]))
        assert (stats["min"], stats["max"]) == (min(stats["data"]), max(stats["data"]))
        assert stats["q1"] <= stats["median"] <= stats["q3"]
        assert stats["rounds"] == 7
        assert stats["ops"] == pytest.approx(1 / stats["mean"])


def test_asv_s_columns_fit_its_results():
    found = json.loads(exchange.asv([made_run(1), made_run(2)]))
    assert found["version"] == 2
    assert found["date"] == 1767323045000
    assert len(found["results"]) == 8
    for name, result in found["results"].items():
        assert re.fullmatch(r"bench\.time_\w+_float32_[12]_threads?", name)
        row = dict(zip(found["result_columns"], result, strict=True))
        assert row["params"] == [["'minigrad'", "'torch'"]]
        assert row["result"][1] == pytest.approx(2 * row["result"][0], rel=0.1)
        for low, value, high in zip(row["stats_q_25"], row["result"], row["stats_q_75"],
                                    strict=True):  # fmt: skip
            assert low <= value <= high


class _Page(HTMLParser):
    """Checks that tags are closed in order, and collects what is outside the page."""

    def __init__(self):
        super().__init__()
        self.open, self.rows, self.links = [], 0, []

    def handle_starttag(self, tag, attrs):
        self.rows += tag == "tr"
        self.links += [value for name, value in attrs if name in ("src", "href")]
        if tag not in ("meta",):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_a_page_stands_alone():
    runs = [made_run(1), made_run(2)]
    text = exchange.html(runs, [made_run(1, 1.5), made_run(1, 1.2)])
    page = _Page()
    page.feed(text)
    assert page.open == []
    assert page.links == []
    assert page.rows == 1 + 2 * 9
    assert "wrong &amp; &lt;odd&gt; | name" in text
    assert "<odd>" not in text
    pictures = re.findall(r"<svg.*?</svg>", text)
    for picture in pictures:
        ElementTree.fromstring(picture)
    assert len(pictures) == 2 + len(NAMES)  # rooflines, histories
    history = text[text.index("<h2>History") :]
    times = [float(t) for t in re.findall(r"thread\(s\): ([\d.]+) at", history)]
    for place, entry in enumerate(runs[0].entries):
        best = 1e6 * entry.timings["minigrad"].best
        expected = [1.5 * best, 1.2 * best, best]
        assert times[3 * place : 3 * place + 3] == pytest.approx(expected, rel=1e-3)


def test_one_table_for_several_numbers_of_threads():
    head, _, row, *_ = bench.threads_table([made_run(1), made_run(2, 0.5)]).splitlines()
    assert head.split("  ")[0] == "case"
    words = ["1 thr.", "2 thr.", "speed-up", "torch, 1", "torch, 2"]
    assert [head.index(w) for w in words] == sorted(head.index(w) for w in words)
    first, second = (made_run(t, f).entries[0] for t, f in ((1, 1.0), (2, 0.5)))
    speed = first.timings["minigrad"].best / second.timings["minigrad"].best
    assert f"{speed:.2f}" in row.split()
    missing = made_run(2, names=NAMES[:2])
    assert "wrong & <odd>" in bench.threads_table([made_run(1), missing])


def test_cases_below_a_call_are_marked():
    run = made_run()
    small = dataclasses.replace(run.entries[1], flops=10.0, bytes=40.0)
    run = dataclasses.replace(run, entries=[run.entries[0], small])
    table = bench.table(run)
    assert " call " in table.splitlines()[3]
    assert " call " not in table.splitlines()[2]
    assert "takes, 1 us;" in table


# --- the roofline ----------------------------------------------------------------------------


def test_points_of_the_same_intensity_are_spread():
    points = points_of(made_run())
    xs = {p.label: p.x for p in points if p.library == "minigrad"}
    assert len(set(xs.values())) == 4
    assert [p.is_gradient for p in points[::2]] == [False, False, True, False]
    many = made_run(names=[f"kind{i} forward" for i in range(40)])
    crowd = [dataclasses.replace(e, flops=1e6) for e in many.entries]
    spread = [p for p in points_of(dataclasses.replace(many, entries=crowd)) if p.labelled]
    assert len({round(p.x, 9) for p in spread}) == 40
    assert all(0.85 < p.x / p.intensity < 1.15 for p in spread)


def test_labels_cover_neither_points_nor_each_other():
    rng = np.random.default_rng(0)
    anchors = [tuple(a) for a in rng.uniform(0, 300, (40, 2))]
    widths = [60.0] * 40
    found = places_of_labels(anchors, widths, 10.0, (300.0, 300.0))
    boxes = [(x, y - 5, x + 60, y + 5) for x, y in filter(None, found)]
    assert 10 < len(boxes) < 40
    for i, (left, low, right, high) in enumerate(boxes):
        assert left >= 0
        assert low >= 0
        assert max(right, high) <= 300
        assert not any(left < x < right and low < y < high for x, y in anchors)
        assert not any(left < r and right > l and low < h and high > b
                       for l, b, r, h in boxes[:i])  # fmt: skip


# --- the command -----------------------------------------------------------------------------

SUITE = """
from minigrad.bench import Case

def square(library, x):
    return lambda: x * x

CASES = [Case(name="square", sizes=dict(n=n), inputs=lambda draw, n=n: [draw(n)], flops=n,
              elements=2 * n, implementations=dict(minigrad=square, numpy=square)) for n in (10,)]
"""


@pytest.fixture
def suite(tmp_path):
    path = tmp_path / "cases.py"
    path.write_text(SUITE)
    return str(path)


def test_the_command_writes_every_format(suite, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(runner, "measured_peaks", lambda *_: PEAKS)
    files = {name: tmp_path / f"out.{name}" for name in exchange.FORMATS}
    old = tmp_path / "old.json"
    made_run(names=("square",)).save(old)
    exports = [word for name, path in files.items() for word in ("--export", f"{name}={path}")]
    options = [*exports, "--history", str(old), "--threads", "1,2", "--against", "numpy"]
    options += ["--json", str(tmp_path / "run.json"), "--markdown", str(tmp_path / "page.md")]
    assert main(["bench", suite, "--quick", *options]) == 0
    printed = capsys.readouterr().out
    assert "speed-up" in printed
    assert "numpy, 2" in printed
    assert [bench.Run.load(tmp_path / f"run-{n}.json").threads for n in (1, 2)] == [1, 2]
    assert (tmp_path / "page.md").read_text() == files["markdown"].read_text()
    assert files["html"].read_text().startswith("<!DOCTYPE html>")
    assert files["csv"].read_text().count("square n10,") == 4
    for name in ("asv", "pytest-benchmark"):
        json.loads(files[name].read_text())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--export", "yaml=x"], "expects FORMAT=FILE with one of asv, csv, html"),
        (["--export", "csv="], "got csv="),
        (["--export", "csv=/no/such/folder/x"], "there is no folder /no/such/folder"),
        (["--history", "x.json"], "--history needs --export html=FILE"),
        (["--threads", "1,x"], "as in 1,2,4; got 1,x"),
        (["--threads", "1,2", "--ab", "x"], "one number of threads at a time"),
        (["--ab", "x", "--export", "csv=x"], "written as Markdown only"),
        (["--explain", "conv"], "which is more than 8"),
    ],
)
def test_mistakes(options, words, capsys):
    assert main(["bench", *options]) == 2
    assert words in capsys.readouterr().err
