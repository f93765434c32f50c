"""The benchmark itself: what is drawn, checked, timed, kept, compared and shown."""

import dataclasses
import json
import math
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad import bench
from minigrad.bench import case as bench_case
from minigrad.bench import peaks, regression
from minigrad.bench.case_runner import QUICK, WrongResult, check
from minigrad.bench.peaks import Peaks
from minigrad.bench.process import Process, WorkerError, installed
from minigrad.cli import main

SUITE = """
import time
import numpy as np
from minigrad.bench import Case, both

def square(library, x):
    return lambda: x * x

def double(library, x):
    return lambda: x + x

def broken(library, x):
    raise RuntimeError("no such operation")

def noisy(library, x):
    print("something on standard output")
    return square(library, x)

def case(name, n, **implementations):
    return Case(name=name, sizes={"n": n}, inputs=lambda draw: [draw(n)], reference=np.square,
                implementations=implementations, flops=n, elements=2 * n)

CASES = [
    case("square", 10, minigrad=noisy, numpy=square, torch=square),
    case("square", 1000, minigrad=square, numpy=square, torch=square),
    case("wrong", 10, minigrad=square, numpy=double, torch=broken),
    Case(name="judged", sizes={"n": 10}, inputs=lambda draw: [draw(10)],
         implementations=both(square) | {"numpy": double}),
]
"""


@pytest.fixture
def suite(tmp_path):
    path = tmp_path / "my_cases.py"
    path.write_text(SUITE)
    return path


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    path = tmp_path_factory.mktemp("suite") / "my_cases.py"
    path.write_text(SUITE)
    return bench.run([path], quick=True)


def timing(times, **changes):
    return bench.Timing(**{"first": 0.1, "number": 1, "times": list(times), "error": 0.0} | changes)


def made_run(times, name="step", **changes):
    """A run with one case, timed in minigrad and, half as fast, in torch."""
    entry = bench.Entry(name, f"{name} n1", 1e6, 1e3)
    entry.timings["minigrad"] = timing(times)
    entry.timings["torch"] = timing([2 * time for time in times])
    run = bench.Run(
        1, "float32", {"minigrad": "1", "torch": "2"}, ["numpy"],
        Peaks(1e11, ((2**14, 2e11), (2**28, 2e10))), {"cpu": "planted"}, [entry],
    )  # fmt: skip
    return dataclasses.replace(run, **changes)


# ------------------------------------------------------------------------------ cases


def test_draws_are_the_same_everywhere_and_of_the_type_asked_for():
    first, second = bench.Draw("float32"), bench.Draw("float32")
    assert np.array_equal(first(3, 4), second(3, 4))
    assert first(2).dtype == np.float32
    assert bench.Draw("float64")().shape == ()
    labels = first.integers(5, 100)
    assert labels.dtype == np.int64
    assert set(labels) == set(range(5))


def test_choosing_and_the_smallest(suite):
    cases = bench.load_suite(suite)
    assert [c.label for c in bench_case.choose(cases, "SQUARE*10")] == [
        "square n10",
        "square n1000",
    ]
    assert len(bench_case.choose(cases, None)) == 4
    assert [c.label for c in bench_case.smallest(cases)] == [
        "square n10",
        "wrong n10",
        "judged n10",
    ]


def test_a_suite_that_is_not_one_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no file nowhere\.py"):
        bench.load_suite("nowhere.py")
    path = tmp_path / "empty.py"
    path.write_text("CASES = 3")
    with pytest.raises(ValueError, match="must have a list CASES"):
        bench.load_suite(path)
    path.write_text(SUITE + "CASES += CASES[:1]")
    with pytest.raises(ValueError, match=r"two cases with the same name.*square n10"):
        bench.load_suite(path)


KERNEL = """
import numpy as np
from minigrad.bench import Case
from minigrad.kernels.compiler.kernel import kernel

@kernel
def double(out, x):
    for i in range(x.size):
        out[i] = x[i] + x[i]

def doubled(library, x):
    out = np.empty_like(x)
    return lambda: (double.run(out, x), out)[1]

CASES = [Case(name="double", sizes={"n": 3}, inputs=lambda draw: [draw(3)],
              implementations={"minigrad": doubled})]
"""


def test_a_suite_may_have_kernels_of_its_own_also_from_the_disk_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MINIGRAD_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    path = tmp_path / "own_kernel.py"
    path.write_text(KERNEL)
    for _ in ("compiled", "read back"):
        (case,) = bench.load_suite(path)
        x = np.arange(3.0)
        assert case.implementations["minigrad"](mg, x)().tolist() == [0, 2, 4]
    assert [*(tmp_path / "cache").rglob("*.nbc")]


def test_a_suite_does_not_take_the_place_of_another_module(tmp_path):
    path = tmp_path / "dataclasses.py"
    path.write_text(SUITE)
    bench.load_suite(path)
    assert sys.modules["dataclasses"] is dataclasses
    (tmp_path / "broken_suite.py").write_text("1 / 0")
    with pytest.raises(ZeroDivisionError):
        bench.load_suite(tmp_path / "broken_suite.py")
    assert "broken_suite" not in sys.modules
    assert str(tmp_path) not in sys.path


def test_checking_a_result():
    right = [np.array([1.0, -4.0])]
    assert check([np.array([1.0, -4.4])], right, 0.2) == pytest.approx(0.1)
    for wrong in ([1.0, -5.0], [np.nan, -4.0], [np.inf, -4.0]):
        with pytest.raises(WrongResult, match="relative error"):
            check([np.array(wrong)], right, 0.1)
    with pytest.raises(WrongResult, match="shapes"):
        check([np.zeros(3)], right, 1.0)
    assert check([np.zeros((0, 2))], [np.zeros((0, 2))], 0.0) == 0.0


# ------------------------------------------------------------------------------ running


def test_every_library_is_timed_in_turns(found):
    entry = found.entries[0]
    assert set(entry.timings) == {"minigrad", "numpy", "torch"}
    for timed in entry.timings.values():
        assert len(timed.times) == QUICK.turns
        assert 0 < timed.best <= timed.median
        assert timed.first > 0
        assert timed.error < 1e-6
    assert set(found.libraries) == {"minigrad", "numpy", "torch"}
    assert found.libraries["numpy"] == np.__version__


def test_wrong_results_and_errors_are_reported_and_not_timed(found):
    entries = {entry.name: entry for entry in found.entries}
    wrong = entries["wrong"]
    assert set(wrong.timings) == {"minigrad"}
    assert "wrong result: relative error" in wrong.failures["numpy"]
    assert "no such operation" in wrong.failures["torch"]
    assert set(entries["judged"].timings) == {"minigrad", "torch"}
    assert "relative error" in entries["judged"].failures["numpy"]
    assert found.failed
    assert "failed: wrong n10, torch: RuntimeError: no such operation" in bench.table(found)


def test_a_process_that_dies_is_reported():
    with Process("numpy", threads=1) as process:
        process._process.kill()
        with pytest.raises(WorkerError, match="the process of numpy ended with status -9"):
            process.ask("load", suites=[])


def test_a_process_has_its_own_threads():
    with Process("minigrad", threads=3) as process:
        process.ask("load", suites=[])
        assert process._process.args[-1].startswith("import minigrad;")
        with pytest.raises(WorkerError, match="no case is prepared"):
            process.ask("time", number=1)


def test_a_library_that_is_missing_is_named(suite):
    assert installed("numpy")
    assert not installed("no_such_library")
    assert not installed("os; import this")
    text = SUITE.replace("torch=square)", "no_such_library=square)")
    suite.write_text(text)
    run = bench.run([suite], pattern="square n10", against=["no_such_library"], quick=True)
    assert run.missing == ["no_such_library"]
    assert "left out, not installed: no_such_library" in bench.heading(run)
    assert set(run.entries[0].timings) == {"minigrad"}


def test_what_cannot_be_run_is_refused(suite):
    with pytest.raises(ValueError, match="no case has 'nothing'"):
        bench.run([suite], pattern="nothing")
    with pytest.raises(ValueError, match=r"no case is written for \['torhc'\]"):
        bench.run([suite], against=["torhc"])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_peaks_are_plausible(dtype):
    found = peaks.measure(dtype, quick=True)
    assert 1e8 < found.flops < 1e14
    sizes, rates = zip(*found.bandwidths, strict=True)
    assert list(sizes) == sorted(sizes)
    assert all(1e8 < rate < 1e14 for rate in rates)


def test_the_roof_is_the_lower_bound_of_both():
    machine = Peaks(100.0, ((10, 50.0), (1000, 5.0)))
    assert machine.bandwidth(1) == machine.bandwidth(999) == 50.0
    assert machine.bandwidth(1e9) == 5.0
    assert machine.least_time(flops=200.0, size=10) == 2.0
    assert machine.least_time(flops=1.0, size=5000) == 1000.0
    assert machine.bound_by_memory(1.0, 5000)
    assert not machine.bound_by_memory(200.0, 10)
    busy_then = Peaks(120.0, ((10, 40.0), (1000, 6.0)))
    assert machine.or_better(busy_then) == Peaks(120.0, ((10, 50.0), (1000, 6.0)))


# ------------------------------------------------------------------------------ files, words


def test_a_run_survives_its_file(tmp_path, found):
    found.save(tmp_path / "run.json")
    assert bench.Run.load(tmp_path / "run.json") == found


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"format": 1}', '{"format": 2, "entries": []}'])
def test_a_file_that_is_no_run_is_refused(tmp_path, text):
    path = tmp_path / "run.json"
    path.write_text(text)
    with pytest.raises(ValueError, match="no result of minigrad bench --json"):
        bench.Run.load(path)


def test_the_table_shows_rates_and_ratios():
    run = made_run([1e-3, 2e-3, 3e-3])
    row = bench.table(run).splitlines()[2]
    assert row.split() == ["step", "n1", "1", "ms", "2", "ms", "50%", "1", "GFLOP/s", "1%", "100",
                           "ms", "2.00x"]  # fmt: skip
    assert "2.00 times as fast as torch" in bench.summary(run)
    assert "left out, not installed: numpy" in bench.heading(run)


@given(st.lists(st.floats(0.01, 100.0), min_size=1, max_size=10))
def test_geometric_mean(values):
    assert bench.geometric_mean(values) == pytest.approx(math.prod(values) ** (1 / len(values)))


# ------------------------------------------------------------------------------ compare

STEADY = [1.00, 1.01, 1.02, 1.01, 1.00, 1.02, 1.03]


@pytest.mark.parametrize(
    ("factor", "verdict"), [(1.0, "same"), (1.02, "same"), (1.2, "slower"), (0.8, "faster")]
)
def test_compare_tells_a_change_from_noise(factor, verdict):
    before, now = made_run(STEADY), made_run([factor * time for time in STEADY])
    (change,) = bench.compare(now, before)
    assert change.verdict == verdict
    assert change.ratio == pytest.approx(factor)
    text, slower = regression.tell(now, before)
    assert slower == (verdict == "slower")
    assert (f"{verdict}: step n1" in text) == (verdict != "same")


def test_a_change_within_a_wide_spread_is_noise():
    wide = [1.0, 1.1, 1.3, 1.5, 1.8]
    (change,) = bench.compare(made_run([1.15 * time for time in wide]), made_run(wide))
    assert change.verdict == "same"


@given(st.lists(st.floats(0.5, 2.0), min_size=3, max_size=11), st.floats(0.2, 5.0))
def test_comparing_the_other_way_round_gives_the_opposite(times, factor):
    one, other = made_run(times), made_run([factor * time for time in times])
    opposite = {"slower": "faster", "faster": "slower", "same": "same"}
    (there,), (back,) = bench.compare(one, other), bench.compare(other, one)
    assert back.verdict == opposite[there.verdict]


def test_runs_that_differ_in_more_cannot_be_compared():
    with pytest.raises(ValueError, match="threads=1"):
        bench.compare(made_run(STEADY), made_run(STEADY, threads=2))
    assert bench.compare(made_run(STEADY), made_run(STEADY, name="other")) == []


# ------------------------------------------------------------------------------ the command


def test_the_command_writes_and_catches_a_planted_slowdown(suite, tmp_path, capsys):
    record, picture = tmp_path / "run.json", tmp_path / "roof.png"
    options = ["bench", str(suite), "--filter", "square", "--quick", "--against", "numpy"]
    assert main([*options, "--json", str(record), "--plot", str(picture)]) == 0
    assert "times as fast as numpy" in capsys.readouterr().out
    assert picture.read_bytes().startswith(b"\x89PNG")
    # Planted: the implementation now waits for longer than any noise makes it.
    old = json.loads(record.read_text())["entries"][0]["timings"]["minigrad"]["times"]
    wait = f"time.sleep({20 * max(old) + 0.005})"
    suite.write_text(SUITE.replace("return lambda: x * x", f"return lambda: ({wait}, x * x)[1]"))
    assert main([*options, "--compare", str(record)]) == 1
    assert "slower: square n10" in capsys.readouterr().out


def test_a_wrong_result_is_the_status(suite, capsys):
    assert main(["bench", str(suite), "--filter", "wrong", "--quick", "--against", "numpy"]) == 1
    assert "failed: wrong n10, numpy: wrong result" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--filter", "nothing"], "no case has 'nothing'"),
        (["--threads", "0"], "--threads expects whole numbers from 1 on, as in 1,2,4; got 0"),
        (["--against", "torhc"], "no case is written for ['torhc']"),
        (["--json", "/no/such/folder/run.json"], "there is no folder /no/such/folder"),
        (["--compare", "/no/such/run.json"], "No such file"),
        (["nowhere.py"], "no file nowhere.py"),
    ],
)
def test_mistakes_are_reported_in_a_line(options, words, capsys):
    assert main(["bench", *options]) == 2
    assert words in capsys.readouterr().err


def test_comparing_with_another_number_of_threads_is_refused_at_once(tmp_path, capsys):
    made_run(STEADY, threads=2).save(tmp_path / "old.json")
    assert main(["bench", "--compare", str(tmp_path / "old.json")]) == 2
    assert "was measured with --threads 2, this run has --threads 1" in capsys.readouterr().err


def test_a_picture_needs_counts(tmp_path):
    run = made_run(STEADY)
    bench.draw_roofline(tmp_path / "roof.png", run)
    bare = dataclasses.replace(run, entries=[dataclasses.replace(run.entries[0], bytes=0.0)])
    with pytest.raises(ValueError, match="no picture"):
        bench.draw_roofline(tmp_path / "none.png", bare)
    assert not (tmp_path / "none.png").exists()
