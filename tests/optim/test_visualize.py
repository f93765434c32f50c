"""Trajectories over surfaces and races of losses, as numbers and as pictures."""

import sys
from itertools import pairwise

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot

import minigrad as mg
from minigrad import optim
from minigrad.optim import visualize
from minigrad.optim.visualize import SURFACES

MAKERS = {
    "SGD": lambda params: optim.SGD(params, lr=1e-3),
    "Adam": lambda params: optim.Adam(params, lr=0.05),
    "LBFGS": lambda params: optim.LBFGS(params, lr=0.1),
}


@pytest.fixture(autouse=True)
def _no_window():
    mpl.use("Agg")
    yield
    pyplot.close("all")


def numeric_slope(surface, point, h=1e-5):
    x, y = point
    points = np.array([[x + h, x - h, x, x], [y, y, y + h, y - h]])
    right, left, above, below = surface.loss(*map(mg.from_numpy, points)).numpy()
    return np.array([right - left, above - below]) / (2 * h)


@pytest.mark.parametrize("surface", SURFACES.values(), ids=SURFACES)
def test_minima_are_where_the_surface_is_flat_and_start_is_in_sight(surface):
    for minimum in surface.minima:
        assert np.abs(numeric_slope(surface, minimum)).max() < 1e-3
    for point in (surface.start, *surface.minima):
        assert surface.x[0] < point[0] < surface.x[1]
        assert surface.y[0] < point[1] < surface.y[1]


def test_gradient_descent_goes_down_the_slope():
    surface = SURFACES["Beale"]
    path = visualize.trajectories(MAKERS, surface, start=(2, 0.5), steps=30)["SGD"]
    assert path.shape == (31, 2)
    assert path[0].tolist() == [2, 0.5]
    for before, after in pairwise(path):
        np.testing.assert_allclose(after - before, -1e-3 * numeric_slope(surface, before), 1e-5)


def test_all_that_take_part_start_together_and_get_ahead():
    surface = SURFACES["ravine"]
    paths = visualize.trajectories(MAKERS, surface, steps=60)
    assert list(paths) == list(MAKERS)
    losses = visualize.losses_along(paths, surface)
    for name, path in paths.items():
        assert tuple(path[0]) == surface.start
        np.testing.assert_allclose(losses[name], path[:, 0] ** 2 / 20 + 2 * path[:, 1] ** 2)
        assert losses[name][-1] < losses[name][0]


def test_a_race_of_losses():
    def problem():
        weight = mg.tensor([3.0, -2.0], requires_grad=True)
        return [weight], lambda: 1.0 * (weight * weight).sum()

    curves = visualize.race({"SGD": lambda params: optim.SGD(params, lr=0.25)}, problem, steps=5)
    np.testing.assert_allclose(curves["SGD"], 13 * 0.25 ** np.arange(5))
    assert visualize.race(MAKERS, problem, steps=0)["Adam"].shape == (0,)


def test_the_pictures():
    surface = SURFACES["Rosenbrock"]
    paths = visualize.trajectories(MAKERS, surface, steps=10)
    axes = visualize.plot_trajectories(paths, surface)
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert labels == list(MAKERS)
    lines = {line.get_label(): line for line in axes.lines}
    np.testing.assert_array_equal(lines["Adam"].get_xydata(), paths["Adam"])
    assert axes.get_xlim() == surface.x

    _, own = pyplot.subplots()
    curves = visualize.losses_along(paths, surface)
    assert visualize.plot_race(curves, own) is own
    assert own.get_yscale() == "log"
    np.testing.assert_array_equal(own.lines[1].get_ydata(), curves["Adam"])
    _, other = pyplot.subplots()
    assert visualize.plot_race({"a": np.array([1.0, -1.0])}, other).get_yscale() == "linear"
    own.figure.canvas.draw()
    axes.figure.canvas.draw()


def test_mistakes_are_refused_in_words(monkeypatch):
    with pytest.raises(ValueError, match="steps must be 0 or more, got -1"):
        visualize.trajectories(MAKERS, SURFACES["saddle"], steps=-1)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r"pip install 'minigrad\[plot\]'"):
        visualize.plot_race({})
