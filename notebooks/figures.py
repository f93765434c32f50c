"""Figures of the notebooks: one style, images with labels, curves, tables."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from cycler import cycler
from matplotlib import pyplot as plt

# Okabe & Ito 2008: colours that people of any colour vision tell apart.
BLUE, ORANGE, GREEN, PINK = "#0072B2", "#E69F00", "#009E73", "#CC79A7"
SKY, RED, YELLOW, GREY = "#56B4E9", "#D55E00", "#F0E442", "#7F7F7F"
COLOURS = (BLUE, ORANGE, GREEN, RED, PINK, SKY, GREY)
OPTIMIZERS = {  # the same colour in every notebook
    "vanilla": BLUE, "SGD": BLUE, "momentum": ORANGE, "Nesterov": SKY, "Adagrad": GREEN,
    "Adam": RED, "RMSprop": PINK, "Adadelta": GREY, "AdaBelief": "black",
}  # fmt: skip


def use_style() -> None:
    """Set matplotlib's defaults for all pictures that follow."""
    plt.rcParams.update({
        "figure.dpi": 80,
        "figure.figsize": (7, 3.5),
        "figure.constrained_layout.use": True,
        "axes.prop_cycle": cycler(color=COLOURS),
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "axes.titlesize": 11,
        "grid.alpha": 0.25,
        "legend.frameon": False,
        "lines.linewidth": 1.8,
        "image.cmap": "gray_r",
    })  # fmt: skip


def colour_of(optimizer: str) -> str:
    """The colour of an optimizer's curves.  Raises KeyError for one that has none."""
    return OPTIMIZERS[optimizer]


def mark(axes: Any, place: tuple[float, float], text: str) -> None:
    """Write what a point is, beside it."""
    axes.plot(*place, "ks", ms=3)
    axes.annotate(text, place, (6, -12), textcoords="offset points", size=9)


def show_images(
    images: Any,
    labels: Sequence[Any] | None = None,
    *,
    columns: int = 8,
    right: Sequence[bool] | None = None,
    title: str = "",
    size: float = 1.0,
) -> None:
    """Draw images (N, H, W), (N, 1, H, W) or (N, 3, H, W), each under its label.

    `right` colours the labels: blue where True, vermilion where False.  `size` is the width of one
    image in inches.  Colour images have values from 0 to 1.
    """
    pixels = _channels_last(np.asarray(images))
    rows = -(-len(pixels) // columns)
    figure, grid = plt.subplots(
        rows, columns, figsize=(columns * size, rows * size * 1.2 + 0.3), squeeze=False
    )
    for axes in grid.flat:
        axes.axis("off")
    for n, (axes, image) in enumerate(zip(grid.flat, pixels, strict=False)):
        axes.imshow(image)
        if labels is not None:
            colour = "black" if right is None else BLUE if right[n] else RED
            axes.set_title(str(labels[n]), size=9, pad=4, color=colour)
    figure.suptitle(title, size=11)


def show_signed(axes: Any, values: Any, bound: float) -> None:
    """Draw signed numbers (rows, columns): red is positive, blue negative, and white is 0.

    Colours are full at `bound` and at `-bound`.
    """
    axes.imshow(values, cmap="RdBu_r", vmin=-bound, vmax=bound)
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    axes.grid(False)


def plot_curves(
    curves: Mapping[str, Iterable[float]],
    *,
    x: Sequence[float] | None = None,
    xlabel: str,
    ylabel: str,
    title: str = "",
    log: bool = False,
    axes: Any = None,
    **style: Any,
) -> Any:
    """Draw curves by name over `x` (default: 0, 1, 2, ...); the axes they are drawn on.

    A single curve has no legend: axes and title say what it is.  Optimizers have their colours.
    """
    axes = plt.subplots()[1] if axes is None else axes
    for name, values in curves.items():
        heights = list(values)
        own = {"color": OPTIMIZERS[name]} | style if name in OPTIMIZERS else style
        axes.plot(range(len(heights)) if x is None else x, heights, label=name, **own)
    axes.set(xlabel=xlabel, ylabel=ylabel, title=title, yscale="log" if log else "linear")
    if len(curves) > 1:
        axes.legend()
    return axes


def smooth(values: Iterable[float], width: int) -> np.ndarray[Any, Any]:
    """At each place the mean of the `width` values around it, an odd number; of fewer at the ends.

    >>> smooth([0.0, 3.0, 0.0, 6.0], 3).tolist()
    [1.5, 1.0, 3.0, 3.0]
    """
    heights = np.fromiter(values, float)
    ones = np.ones(width)
    counts = np.convolve(np.ones_like(heights), ones, "same")
    return np.convolve(heights, ones, "same") / counts


class Table:
    """Rows of a table; a notebook shows it as one, and `print` as Markdown's text.

    >>> print(Table(["optimizer", "accuracy"], [["Adam", "97.0%"]]))
    | optimizer | accuracy |
    |---|---|
    | Adam | 97.0% |
    """

    def __init__(self, headings: Sequence[Any], rows: Iterable[Sequence[Any]]) -> None:
        self.headings, self.rows = headings, list(rows)

    def _repr_markdown_(self) -> str:
        first, *rows = (f"| {' | '.join(map(str, line))} |" for line in (self.headings, *self.rows))
        return "\n".join([first, "|" + "---|" * len(self.headings), *rows])

    __str__ = __repr__ = _repr_markdown_


def _channels_last(images: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    if images.ndim == 4:
        return images[:, 0] if images.shape[1] == 1 else images.transpose(0, 2, 3, 1)
    return images
