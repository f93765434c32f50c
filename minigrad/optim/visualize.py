"""Pictures of optimizers: trajectories over a surface of two parameters, races of their losses.

>>> from minigrad import optim
>>> from minigrad.optim import visualize
>>> makers = {"Adam": lambda p: optim.Adam(p, lr=0.1), "SGD": lambda p: optim.SGD(p, lr=1e-3)}
>>> paths = visualize.trajectories(makers, visualize.SURFACES["Rosenbrock"], steps=50)
>>> paths["Adam"].shape
(51, 2)
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from minigrad.core.public_names import show_public_names
from minigrad.core.types import Array
from minigrad.engine.grad_mode import no_grad
from minigrad.optim.optimizer import Optimizer
from minigrad.tensor import Tensor
from minigrad.tensor.creation import from_numpy

Maker = Callable[[list[Tensor]], Optimizer]
"""A function that makes an optimizer of a list of parameters."""


class Surface(NamedTuple):
    """A loss of two parameters.

    `loss(x, y)` takes two tensors of the same shape; `x` and `y` are the ranges that are drawn.
    """

    loss: Callable[[Tensor, Tensor], Tensor]
    x: tuple[float, float]
    y: tuple[float, float]
    start: tuple[float, float]
    minima: Sequence[tuple[float, float]] = ()


SURFACES = {
    "Rosenbrock": Surface(
        lambda x, y: (1 - x) ** 2 + 100 * (y - x**2) ** 2,
        (-2, 2), (-1, 3), (-1.5, 2.5), [(1, 1)],
    ),
    "Himmelblau": Surface(
        lambda x, y: (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2,
        (-6, 6), (-6, 6), (-1, 0.5),
        [(3, 2), (-2.805118, 3.131312), (-3.77931, -3.283186), (3.584428, -1.848126)],
    ),
    "Beale": Surface(
        lambda x, y: (
            (1.5 - x + x * y) ** 2 + (2.25 - x + x * y**2) ** 2 + (2.625 - x + x * y**3) ** 2
        ),
        (-4.5, 4.5), (-4.5, 4.5), (1, 1.5), [(3, 0.5)],
    ),
    "ravine": Surface(lambda x, y: x**2 / 20 + 2 * y**2, (-11, 3), (-3, 3), (-10, 2), [(0, 0)]),
    "saddle": Surface(lambda x, y: x**2 - y**2 + y**4 / 4, (-2, 2), (-2.5, 2.5), (1.5, 1e-3),
                      [(0, 2**0.5), (0, -(2**0.5))]),
}  # fmt: skip


def trajectories(
    optimizers: Mapping[str, Maker],
    surface: Surface,
    start: tuple[float, float] | None = None,
    steps: int = 100,
) -> dict[str, Array]:
    """The path of each optimizer, with the start and every step: (steps + 1, 2), in float64.

    `optimizers` maps names to functions that make an optimizer of a list of parameters.  They start
    at `start`, by default the start of the surface.  Raises ValueError if steps < 0.
    """
    _require_steps(steps)
    paths = {}
    for name, make in optimizers.items():
        point = from_numpy(np.array(start or surface.start, np.float64)).requires_grad_()
        optimizer = make([point])

        def closure(optimizer: Optimizer = optimizer, point: Tensor = point) -> Tensor:
            optimizer.zero_grad()
            loss = surface.loss(point[0], point[1])
            loss.backward()
            return loss

        path = [point.array.copy()]
        for _ in range(steps):
            optimizer.step(closure)
            path.append(point.array.copy())
        paths[name] = np.array(path)
    return paths


def losses_along(paths: Mapping[str, Array], surface: Surface) -> dict[str, Array]:
    """The loss at each point of each path, for `plot_race`."""
    return {name: _height(surface, path[:, 0], path[:, 1]) for name, path in paths.items()}


def race(
    optimizers: Mapping[str, Maker],
    problem: Callable[[], tuple[list[Tensor], Callable[[], Tensor]]],
    steps: int = 100,
) -> dict[str, Array]:
    """The loss of each optimizer before each of its steps: (steps,), in float64.

    `problem()` gives parameters and a function that computes their loss; it is called once for
    each optimizer and must give the same start each time.  Raises ValueError if steps < 0.
    """
    _require_steps(steps)
    curves = {}
    for name, make in optimizers.items():
        params, loss_of = problem()
        optimizer = make(params)

        def closure(
            optimizer: Optimizer = optimizer, loss_of: Callable[[], Tensor] = loss_of
        ) -> Tensor:
            optimizer.zero_grad()
            loss = loss_of()
            loss.backward()
            return loss

        curves[name] = np.array([float(optimizer.step(closure)) for _ in range(steps)])
    return curves


def plot_trajectories(paths: Mapping[str, Array], surface: Surface, axes: Any = None) -> Any:
    """Draw paths over the contour lines of the surface; the result is the axes of the picture.

    Raises ImportError without matplotlib.
    """
    axes = axes_or_new(axes)
    x, y = np.meshgrid(np.linspace(*surface.x, 200), np.linspace(*surface.y, 200))
    height = _height(surface, x, y)
    # Logarithmic levels: with levels of equal distance, valleys would be blank.
    levels = np.log1p(height - height.min())
    axes.contourf(x, y, levels, levels=20, cmap="Greys", alpha=0.6)
    for name, path in paths.items():
        (line,) = axes.plot(path[:, 0], path[:, 1], lw=1.5, label=name)
        axes.plot(*path[-1], "o", ms=6, color=line.get_color())
    for minimum in surface.minima:
        axes.plot(*minimum, "k*", ms=12)
    axes.set(xlim=surface.x, ylim=surface.y, xlabel="x", ylabel="y")
    axes.legend()
    return axes


def plot_race(curves: Mapping[str, Array], axes: Any = None) -> Any:
    """Draw loss over steps for each optimizer; the result is the axes of the picture.

    The loss is on a logarithmic axis if it is positive throughout.  Raises ImportError without
    matplotlib.
    """
    axes = axes_or_new(axes)
    for name, curve in curves.items():
        axes.plot(curve, lw=1.5, label=name)
    if all((curve > 0).all() for curve in curves.values()):
        axes.set_yscale("log")
    axes.set(xlabel="step", ylabel="loss")
    axes.grid(alpha=0.25)
    axes.legend()
    return axes


def _require_steps(steps: int) -> None:
    if steps < 0:
        raise ValueError(f"steps must be 0 or more, got {steps}")


@no_grad()
def _height(surface: Surface, x: Array, y: Array) -> Array:
    return surface.loss(from_numpy(np.array(x)), from_numpy(np.array(y))).array


def axes_or_new(axes: Any) -> Any:
    """The axes, or those of a new picture.  Raises ImportError without matplotlib."""
    if axes is not None:
        return axes
    try:
        from matplotlib import pyplot  # noqa: PLC0415  extra `plot`
    except ImportError as error:
        raise ImportError("a picture needs matplotlib: pip install 'minigrad[plot]'") from error
    return pyplot.subplots(layout="constrained")[1]


__all__ = [
    "Surface",
    "losses_along",
    "plot_race",
    "plot_trajectories",
    "race",
    "trajectories",
]

show_public_names(__name__)
