"""The pages of results: kinds of machines side by side, short, as the files beside them say."""

import json
from dataclasses import replace

import pytest

from benchmarks.published.kinds import RESULTS, kind, kinds_in
from benchmarks.published.pages import overview, pages, publish, summary
from benchmarks.published.tables import GROUPS, group_of
from minigrad.bench import Run, load_suite
from minigrad.bench.peaks import Peaks
from minigrad.bench.record import Entry, Timing

SCREENS = 2 * 50  # lines


@pytest.mark.parametrize(
    ("features", "folder"),
    [
        (["avx", "avx2", "fma"], "avx2"),
        (["avx2", "avx512f", "avx512vl"], "avx512"),
        (["neon"], "arm"),
        (["neon", "sve"], "arm"),
        (["sse4.1"], "other"),
    ],
)
def test_kind_of_machine(features, folder):
    assert kind(features) == folder


def a_run(threads, seconds):
    times = {"minigrad": Timing(0.0, 1, [seconds], 0.0), "torch": Timing(0.0, 1, [0.004], 0.0)}
    machine = {"when": "2026-01-02T03:04:05", "cpu": "fast", "cores": 2, "system": "Linux",
               "python": "3.11.7", "numba": "0.68.1", "commit": "abc"}  # fmt: skip
    entries = [Entry("training step net SGD", "training step net SGD N4", 0.0, 0.0, times)]
    peaks = Peaks(1e9, ((2**60, 1e9),))
    return Run(threads, "float32", {"minigrad": "1", "torch": "2"}, [], peaks, machine, entries)


def test_kinds_stand_side_by_side_with_their_own_pages(tmp_path):
    for folder, seconds in (("avx2", 0.002), ("avx512", 0.001)):
        (tmp_path / folder).mkdir()
        a_run(1, seconds).save(tmp_path / folder / "cases-1.json")
    (tmp_path / "avx2/startup.json").write_text(json.dumps({"minigrad": {"import": 0.375}}))
    publish(tmp_path)
    page = (tmp_path / "README.md").read_text()
    assert "| training step | AVX-512, 1 thr. | AVX2, 1 thr. |" in page
    assert "| net SGD N4 | 1 ms : 4 ms, **4.00** | 2 ms : 4 ms, **2.00** |" in page
    assert "| Start-up | [AVX2](avx2/README.md#start-up) |" in page
    assert "## Start-up" in (tmp_path / "avx2/README.md").read_text()
    assert "net SGD N4" in (tmp_path / "avx512/cases-1.md").read_text()
    assert "## AVX-512" in summary(tmp_path)


def test_a_case_that_one_machine_lacks_is_an_empty_cell(tmp_path):
    for folder, label in (("avx2", "N4"), ("arm", "N8")):
        (tmp_path / folder).mkdir()
        run = a_run(1, 0.002)
        entry = replace(run.entries[0], label=f"training step net SGD {label}")
        replace(run, entries=[entry]).save(tmp_path / folder / "cases-1.json")
    page = overview(tmp_path)
    assert "| net SGD N4 | 2 ms : 4 ms, **2.00** |  |" in page
    assert "| net SGD N8 |  | 2 ms : 4 ms, **2.00** |" in page


def test_every_case_has_a_group():
    assert {group_of(case.name) for case in load_suite()} == set(GROUPS)


def test_what_is_published_is_what_the_files_say():
    page = (RESULTS / "README.md").read_text(encoding="utf-8")
    assert page == overview(RESULTS)
    assert len(page.splitlines()) <= SCREENS
    for folder in kinds_in(RESULTS):
        for name, text in pages(RESULTS / folder).items():
            assert (RESULTS / folder / name).read_text(encoding="utf-8") == text, name
