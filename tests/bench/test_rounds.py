"""Rounds in turns: what counts on a busy machine, where each process may be slowed at any time."""

import random

import numpy as np
import pytest

from minigrad.bench import ab
from minigrad.bench.ab import measure, rounds
from minigrad.bench.process import WorkerError


class Made:
    """A process whose rounds take `base` seconds, if nothing disturbs them."""

    def __init__(self, base, seed, *, quiet=0.1, waits=0.0, old=False, slow=1.0):
        self.base, self.quiet, self.waits, self.old, self.slow = base, quiet, waits, old, slow
        self.rng = np.random.default_rng(seed)
        self.asked = 0

    def _round(self):
        """Disturbed nearly always, by up to a factor of two, and now and then by a whole slice."""
        self.asked += 1
        slow = 1.0 if self.rng.random() < self.quiet else 1 + self.rng.random()
        computed = self.base * slow * self.slow * (1 + 0.005 * self.rng.random())
        lost = 0.004 * (self.rng.random() < 0.05)
        return computed + lost + self.waits, computed

    def ask(self, what, **details):
        if what == "warm_up":
            return {"number": 10}
        if what == "rounds" and self.old:
            raise WorkerError("AttributeError: '_Worker' object has no attribute 'rounds'")
        if what == "rounds":
            passed, computed = zip(*(self._round() for _ in range(details["count"])), strict=True)
            return {"seconds": list(passed), "cpu": list(computed)}
        assert what == "time"
        return {"seconds": self._round()[0]}


def ratio(old, new, seed=0):
    first, second = rounds.time_by_turns(old, new, True, random.Random(seed))
    return second / first


@pytest.mark.parametrize("quiet", [0.05, 0.3, 1.0])
def test_disturbed_rounds_do_not_count(quiet):
    for seed in range(20):
        pair = Made(2e-5, 2 * seed, quiet=quiet), Made(2.2e-5, 2 * seed + 1, quiet=quiet)
        assert ratio(*pair, seed) == pytest.approx(1.1, rel=0.02)
        if quiet == 1.0:
            assert pair[0].asked <= rounds.FEWEST * rounds.IN_BATCH


def test_what_waits_is_timed_by_what_passes():
    pair = Made(2e-5, 0, waits=1e-5), Made(2e-5, 1, waits=5e-5)
    assert ratio(*pair) == pytest.approx(7 / 3, rel=0.02)


def test_long_calls_are_slowed_but_what_they_compute_is_known():
    pair = Made(5e-3, 0, quiet=0.5), Made(5.5e-3, 1, quiet=0.5)
    assert ratio(*pair) == pytest.approx(1.1, rel=0.01)
    assert pair[0].asked < 100


def test_an_older_version_answers_round_by_round():
    pair = Made(2e-5, 0, quiet=0.5, old=True), Made(2.2e-5, 1, quiet=0.5)
    assert ratio(*pair) == pytest.approx(1.1, rel=0.01)


def test_launches_in_a_busy_moment_do_not_count():
    rng = np.random.default_rng(0)
    for true, word in ((1.0, ab.UNRESOLVED), (1.1, ab.SLOWER), (1 / 1.1, ab.FASTER)):
        measured = measure._Measured("")
        while len(measured.times) < measure.FIRST or measured.suspicious(ab.MARGIN):
            busy = 1 + 0.3 * rng.random(2) * (rng.random(2) < 0.3)
            old, new = busy * (1 + 0.01 * rng.random(2)) * [1.0, true]
            measured.times.append((old, new))
        assert ab.verdict_of(measured.ratios).verdict == word
        assert len(measured.times) <= measure.AT_MOST


def launches(true, rng):
    """Three of ten are disturbed."""
    while True:
        busy = 1 + 0.3 * rng.random(2) * (rng.random(2) < 0.17)
        old, new = np.exp(0.012 * rng.standard_normal(2)) * busy * [1.0, true]
        yield old, new


def simulated(true, count, seed):
    """Verdicts of the whole procedure."""
    rng = np.random.default_rng(seed)
    return [ab.decided(launches(true, rng)).verdict for _ in range(count)]


def test_rates_of_the_whole_procedure():
    assert simulated(1.0, 1000, 0).count(ab.UNRESOLVED) >= 999
    assert simulated(1.1, 200, 1).count(ab.SLOWER) >= 0.95 * 200


def test_launches_in_which_one_version_is_always_disturbed_leave_it_open():
    disturbed = [(1.0, 2.0), (2.0, 1.0)] * 20
    assert ab.decided(disturbed).verdict == "unresolved"


def test_a_launch_that_is_faster_than_all_others_leaves_these_undisturbed():
    # A clock that is a tenth faster for once, in both versions.
    measured = [(1.0, 1.1), (1.12, 1.232), *[(1.11 + 0.001 * i, 1.221) for i in range(8)]]
    assert ab.decided(measured).verdict == ab.SLOWER
