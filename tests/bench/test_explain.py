"""Where the time of a case goes: kernels, bytes, roofs, the inner loop, and what to try."""

import dataclasses
from importlib import import_module

import pytest

from minigrad import bench
from minigrad.bench.explain import Explanation, advice, explain, report
from minigrad.bench.explain.counters import in_words, read_counts
from minigrad.bench.explain.inner_loop import look_at
from minigrad.bench.explain.simulator import simulator
from minigrad.bench.peaks import Peaks
from minigrad.cli import main
from minigrad.kernels.observation.kernel_clock import KernelTime

module = import_module("minigrad.bench.explain.explain")  # which the package hides
CASE = bench.Case(
    name="made", sizes={"n": 1}, inputs=lambda draw: [], implementations={}, flops=1e8, elements=1e6
)
PEAKS = Peaks(1e11, ((2**14, 2e11), (2**20, 2e10)), 1e-6)


def made(flops=1e8, elements=1e6, seconds=2e-3, threads=1, **kernel):
    case = dataclasses.replace(CASE, flops=flops, elements=elements)
    given = {
        "seconds": 0.9 * seconds,
        "calls": 1,
        "bytes": int(4 * elements),
        "work": 1000,
        "least": 32768,
    }
    kernels = [KernelTime("family.kernel", **given | kernel)]
    return Explanation(case, "float32", threads, seconds, kernels, PEAKS, "no perf here")


@pytest.mark.parametrize(
    ("explanation", "words"),
    [
        (made(flops=10, elements=10, seconds=5e-6), "the work is smaller than a call"),
        (made(seconds=0.1), "nothing stands out"),
        (dataclasses.replace(made(), seconds=0.01), "Python and NumPy take 82% of the time"),
        (made(shared=True), "family.kernel is large enough for several threads"),
        (made(threads=2), "its work is 1000 of the 32768"),
        (made(flops=1e3, seconds=2.2e-4), "at the roof of memory"),
        (made(bytes=10**7), "2.5 times the bytes that have to be moved"),
        (made(seconds=1.2e-3), "near the peak of multiply-adds"),
        (made(seconds=0.8e-3), "more than the peak"),
    ],
)
def test_each_rule_speaks_of_its_own_numbers(explanation, words):
    found = list(advice(explanation))
    assert len(found) == 1
    assert words in found[0]
    assert words.split()[0] in report(explanation)


def test_numbers_of_an_explanation():
    found = made(flops=5e7, elements=1e6, seconds=1e-3)
    assert found.kernel_share == pytest.approx(0.9)
    assert found.share_of_flops == pytest.approx(0.5)
    assert found.share_of_bandwidth(2**30) == pytest.approx(0.2)
    assert found.share_of_roof == pytest.approx(0.5)


SUITE = """
from minigrad.bench import Case

def step(library, x, w):
    import minigrad
    def run():
        y = (x @ w).relu()
        return y.softmax(1).sum()
    return run

CASES = [Case(name="step", sizes=dict(n=200), inputs=lambda draw: [draw(200, 200), draw(200, 200)],
              implementations=dict(minigrad=step), flops=2 * 200**3, elements=3 * 200**2)]
"""


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    path = tmp_path_factory.mktemp("suite") / "cases.py"
    path.write_text(SUITE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "measured_peaks", lambda *_: PEAKS)
        (explanation,) = explain([path], "step")
    return explanation


def test_every_kernel_of_a_call_is_counted(found):
    kernels = {k.name: k for k in found.kernels}
    assert {"matmul", "pointwise", "reduction"} <= {name.split(".")[0] for name in kernels}
    product = next(k for name, k in kernels.items() if name.startswith("matmul"))
    assert product.calls == 1
    assert product.bytes >= 3 * 4 * 200**2
    assert product.shared
    assert all(k.calls == 1 and k.seconds > 0 for k in kernels.values())
    assert [k.seconds for k in found.kernels] == sorted((k.seconds for k in found.kernels),
                                                        reverse=True)  # fmt: skip
    assert 0.2 < found.kernel_share <= 1
    assert 1 < found.moved / found.bytes < 10


def test_the_inner_loop_of_the_longest_kernel(found):
    assert found.kernels[0].name.startswith("matmul")
    assert found.loop.multiply_adds > 0
    assert found.loop.spills == 0
    if simulator() is None:
        assert found.loop.cycles is None
        assert "llvm-mca is not installed" in report(found)
    elif found.loop.share is not None:
        assert 0.3 < found.loop.share <= 1.05


def test_the_report_fits_a_terminal(found):
    text = report(found, 80)
    assert max(map(len, text.splitlines())) <= 80
    for words in ("step n200", "Python and NumPy", "main memory", "what to try", "counters"):
        assert words in text


def test_code_without_a_loop_has_none():
    assert look_at("f:\n\tvaddps %ymm0, %ymm1, %ymm2\n\tretq\n") is None


def test_perf_s_table():
    rows = ["1000;;cycles", "2500;;instructions", "<not supported>;;branch-misses",
            "5;;cache-misses:u"]  # fmt: skip
    text = "# started on today\n\n" + "".join(f"{row};5;100.00;;\n" for row in rows)
    counts = read_counts(text)
    assert counts == {"cycles": 1000, "instructions": 2500, "cache-misses": 5}
    assert in_words(counts) == ("2.50 instructions a cycle, 2 cache misses in 1000 instructions")
    assert in_words("perf is not installed") == "perf is not installed"


def test_a_form_of_a_name_of_its_own(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(module, "measured_peaks", lambda *_: PEAKS)
    path = tmp_path / "own.py"
    path.write_text(SUITE.replace("minigrad=step", "v1=step, v2=step"))
    assert main(["bench", str(path), "--explain", "step", "--quick"]) == 0
    assert "step n200: " in capsys.readouterr().out
    assert main(["bench", str(path), "--explain", "nothing"]) == 2
    assert "no case has 'nothing'" in capsys.readouterr().err
