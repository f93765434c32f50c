"""minigrad.utils.benchmark against torch.utils.benchmark."""

import math

import numpy as np
import pytest
import torch.utils.benchmark as theirs
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.utils import benchmark as ours

TIMES = st.lists(st.floats(1e-7, 10.0), min_size=1, max_size=40)
SPEC = {
    "stmt": "x + y",
    "setup": "pass",
    "label": "add",
    "sub_label": "small",
    "description": "n=1",
}


def measurement(library, times, number=1, **spec):
    return library.Measurement(number, list(times), library.TaskSpec(**SPEC | spec))


@given(TIMES, st.integers(1, 1000))
def test_statistics_are_those_of_torch(times, number):
    mine, right = measurement(ours, times, number), measurement(theirs, times, number)
    assert mine.times == right.times
    for name in ("median", "mean", "iqr"):
        assert getattr(mine, name) == pytest.approx(getattr(right, name), rel=1e-9, abs=1e-18)
    for threshold in (0.05, 0.1, 0.25):
        if abs(right.iqr / right.median - threshold) > 1e-9:
            assert mine.meets_confidence(threshold) == right.meets_confidence(threshold)


@given(st.lists(st.floats(1.0, 1.2), min_size=2, max_size=30), st.sampled_from([1e-6, 1e-3, 1.0]))
def test_significant_figures_are_those_of_torch(times, scale):
    mine = measurement(ours, [t * scale for t in times])
    right = measurement(theirs, [t * scale for t in times])
    # torch computes the interval in float32: where the logarithm is nearly whole it may differ.
    ordered = sorted(mine.times)
    middle = ordered[len(ordered) // 4 : math.ceil(3 * len(ordered) / 4)]
    interval = max(1.645 * np.std(middle) / math.sqrt(len(middle)), 25e-9)
    figures = math.log10(mine.median / interval)
    if abs(figures - round(figures)) > 1e-4:
        assert mine.significant_figures == right.significant_figures


def test_repr_is_that_of_torch():
    for times in ([2e-3], [1e-6, 2e-6, 3e-6, 9e-6, 4e-6], [1.0, 1.01, 1.02, 1.03]):
        for spec in ({}, {"setup": "x = 1"}, {"label": None}, {"num_threads": 2}):
            mine = repr(measurement(ours, times, **spec)).splitlines()
            right = repr(measurement(theirs, times, **spec)).splitlines()
            assert [line.rstrip() for line in mine[1:]] == [line.rstrip() for line in right[1:]]


def test_merging_joins_the_replicates_of_a_task():
    parts = [([1.0, 2.0], 2, "a"), ([5.0], 1, "b"), ([3.0], 3, "a")]

    def merged(library):
        made = [measurement(library, t, n, description=d) for t, n, d in parts]
        return [(m.task_spec.description, m.times) for m in library.Measurement.merge(made)]

    assert merged(ours) == merged(theirs) == [("a", [0.5, 1.0, 1.0]), ("b", [5.0])]


@pytest.mark.parametrize("seconds", [3e-9, 1.5e-6, 2e-4, 0.7, 1.0, 60.0])
def test_units_are_those_of_torch(seconds):
    unit, scale = ours.select_unit(seconds)
    assert (unit, scale) == theirs.select_unit(seconds)
    assert ours.unit_to_english(unit) == theirs.unit_to_english(unit)


@given(st.floats(1e-3, 1e6), st.integers(1, 4))
def test_trimming_keeps_the_first_figures(x, n):
    assert ours.trim_sigfig(x, n) == pytest.approx(float(f"{x:.{n - 1}e}"), rel=10.0 ** (1 - n) / 2)
    assert ours.trim_sigfig(3.14159, 2) == pytest.approx(3.1)


def test_the_fields_of_the_task_can_be_read_and_no_others():
    made = measurement(ours, [1.0])
    assert made.num_threads == 1
    assert made.as_row_name == "small"
    with pytest.raises(AttributeError, match="no attribute 'speed'"):
        made.speed  # noqa: B018


class Clock:
    """A clock on which every statement that calls `work` takes a millisecond."""

    now = 0.0

    def read(self):
        self.now += 1e-9
        return self.now

    def work(self):
        self.now += 1e-3


def test_timer_counts_what_the_statement_takes():
    clock = Clock()
    timer = ours.Timer("work()", timer=clock.read, globals={"work": clock.work})
    assert timer.timeit(10).median == pytest.approx(1e-3, rel=1e-3)
    blocks = []
    result = timer.blocked_autorange(lambda number, spent: blocks.append(spent), min_run_time=0.05)
    assert result.median == pytest.approx(1e-3, rel=1e-3)
    assert blocks == result.raw_times
    assert 0.05 <= sum(blocks) < 0.05 + max(blocks)
    steady = timer.adaptive_autorange(min_run_time=0.0)
    assert len(steady.raw_times) == 4


def test_adaptive_timing_goes_on_while_the_times_vary():
    clock = Clock()
    lengths = iter(range(1, 10_000))

    def work():
        clock.now += 1e-2 * next(lengths)

    timer = ours.Timer("work()", timer=clock.read, globals={"work": work})
    result = timer.adaptive_autorange(0.01, max_run_time=50.0)
    assert not result.meets_confidence(0.01)
    assert sum(result.raw_times) > 50.0


def test_timer_dedents_and_runs_its_setup():
    timer = ours.Timer(
        """
        y = x + 1
        seen.append(y)
        """,
        setup="x = 41",
        globals={"seen": (seen := [])},
    )
    timer.timeit(3)
    assert set(seen) == {42}


def test_timer_sets_the_threads_and_puts_them_back():
    before = mg.get_num_threads()
    seen = []
    timer = ours.Timer("look()", globals={"look": lambda: seen.append(mg.get_num_threads())})
    timer.timeit(1)
    assert set(seen) == {1}
    assert mg.get_num_threads() == before


def test_timer_refuses_what_it_cannot_time():
    with pytest.raises(ValueError, match="stmt must be a str"):
        ours.Timer(lambda: None)
    with pytest.raises(ValueError, match="threads"):
        ours.Timer("pass", num_threads=10_000).timeit(1)


def test_compare_shows_a_table_for_each_label():
    made = [
        measurement(ours, [value], description=column, sub_label=row, label=label)
        for label in ("first", "second")
        for row, values in (("small", (1e-6, 2e-6)), ("large", (3e-6, 4e-6)))
        for column, value in zip(("numpy", "mine"), values, strict=True)
    ]
    text = str(ours.Compare(made[:-1]))
    first, second = text.split("[", 2)[1:]
    assert "first" in first.splitlines()[0]
    assert "second" in second.splitlines()[0]
    lines = [line.split("|") for line in first.splitlines() if "|" in line]
    assert [[cell.strip() for cell in line] for line in lines] == [
        ["", "numpy", "mine"],
        ["small", "1.0", "2.0"],
        ["large", "3.0", "4.0"],
    ]
    assert "Times are in microseconds (us)." in second
    assert "4.0" not in second


def test_compare_trims_colours_and_warns():
    made = [
        measurement(ours, times, description=column)
        for column, times in (("good", [1e-3] * 5), ("bad", [3e-3, 3e-3, 6e-3, 9e-3, 9e-3]))
    ]
    table = ours.Compare(made)
    table.trim_significant_figures()
    table.highlight_warnings()
    assert "(! 100%)" in str(table)
    assert "IQR / median * 100" in str(table)
    plain = str(table)
    table.colorize(rowwise=True)
    assert "\033[" in str(table)
    assert "\033[" not in plain
    with pytest.raises(ValueError, match="expects Measurements, got float"):
        table.extend_results([1.0])
