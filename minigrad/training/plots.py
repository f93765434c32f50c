"""The picture of a training run: curves, and what the model does (extra `plot`)."""

import importlib.util
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from minigrad.core.files import write_atomically
from minigrad.core.types import Array
from minigrad.training.tasks.task import Evaluation

# Okabe & Ito 2008: colours that people of any colour vision tell apart.
BLUE, ORANGE, VERMILION = "#0072B2", "#E69F00", "#D55E00"
RIGHT, WRONG = BLUE, VERMILION
SHOWN = 24
LINES, COLUMNS = 26, 80  # of a text that a model wrote


def plotting_available() -> bool:
    """True if matplotlib, the extra `plot`, is installed."""
    return importlib.util.find_spec("matplotlib") is not None


Epochs = list[dict[str, Any]]


def draw_report(
    path: Path,
    history: Epochs,
    evaluation: Evaluation,
    confusion: Array,
    classes: list[str],
    picture: Callable[[int], Array] | None,
) -> None:
    """Write a PNG with loss, accuracy, confusion matrix and a grid of test images."""
    figure = _figure()
    left, right = _beside(figure, 1, 2, width_ratios=[1, 1.15])
    loss, accuracy = left.subplots(2, 1, sharex=True)
    _draw_curves(loss, accuracy, history)
    upper, lower = _beside(right, 2, 1, height_ratios=[1.25, 1])
    _draw_confusion(upper.subplots(), confusion, classes)
    if picture is not None:
        _draw_images(lower, evaluation, classes, picture)
    number = confusion.sum()
    wrong = number - confusion.trace()
    reached = evaluation.scores["accuracy"]
    figure.suptitle(f"test accuracy {reached:.2%}: {wrong} of {number:,} wrong")
    _write(path, figure)


def draw_regression(path: Path, history: Epochs, evaluation: Evaluation) -> None:
    """Write a PNG with the loss, and the numbers predicted beside the true ones."""
    assert evaluation.outputs is not None
    assert evaluation.labels is not None
    figure = _figure()
    left, right = _beside(figure, 1, 2, width_ratios=[1, 1.15])
    loss, error = left.subplots(2, 1, sharex=True)
    numbers = [epoch["number"] for epoch in history]
    loss.plot(numbers, [e["train_loss"] for e in history], "o-", color=BLUE, label="training")
    loss.plot(numbers, [e["test_loss"] for e in history], "s-", color=ORANGE, label="test")
    loss.set_ylabel("loss")
    loss.legend()
    error.plot(numbers, [e["test_rmse"] for e in history], "s-", color=ORANGE)
    error.set_ylabel("root of the mean square error")
    error.set_xlabel("epoch")
    scatter = right.subplots()
    scatter.plot(evaluation.labels, evaluation.outputs, ".", color=BLUE, alpha=0.6)
    scatter.axline((float(evaluation.labels[0]),) * 2, slope=1, color="black", lw=0.8)
    scatter.set_xlabel("true")
    scatter.set_ylabel("predicted")
    figure.suptitle(f"r2 {evaluation.scores['r2']:.4f}")
    _write(path, figure)


def draw_text_report(path: Path, history: Epochs, perplexity: float) -> None:
    """Write a PNG with loss, perplexity and what the model wrote at first and in the end."""
    figure = _figure()
    left, right = _beside(figure, 1, 2, width_ratios=[1, 1.15])
    loss, unsure = left.subplots(2, 1, sharex=True)
    numbers = [epoch["number"] for epoch in history]
    for axes, what in ((loss, "loss"), (unsure, "perplexity")):
        for part, marker, colour in (("train", "o-", BLUE), ("validation", "s-", ORANGE)):
            values = [epoch[f"{part}_{what}"] for epoch in history]
            axes.plot(numbers, values, marker, color=colour, label=part)
        axes.set_ylabel(what)
        axes.grid(alpha=0.3)
    loss.legend()
    unsure.set_xlabel("epoch")
    unsure.xaxis.get_major_locator().set_params(integer=True)
    shown = history[:1] + history[-1:] if len(history) > 1 else history
    texts = [f"epoch {epoch['number']}:\n{_plain(epoch['sample'])}" for epoch in shown]
    right.text(0.02, 0.96, "\n\n".join(texts), va="top", family="monospace", size=8)
    figure.suptitle(f"validation perplexity {perplexity:.2f}")
    _write(path, figure)


def _plain(text: str) -> str:
    """The text in short lines, and not too many, with nothing that is read as a formula."""
    lines = [part for line in text.strip().splitlines() for part in textwrap.wrap(line, COLUMNS)]
    return "\n".join(lines[:LINES]).replace("$", r"\$")


def _figure() -> Any:
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415  extra `plot`
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(13, 8), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _write(path: Path, figure: Any) -> None:
    write_atomically(path, lambda p: figure.savefig(p, dpi=110, format="png"))


def _beside(figure: Any, *grid: int, **ratios: list[float]) -> Any:
    return figure.subfigures(*grid, **ratios)


def _draw_curves(loss: Any, accuracy: Any, history: Epochs) -> None:
    numbers = [epoch["number"] for epoch in history]
    loss.plot(numbers, [e["train_loss"] for e in history], "o-", color=BLUE, label="training")
    loss.plot(numbers, [e["test_loss"] for e in history], "s-", color=ORANGE, label="test")
    loss.set_ylabel("loss")
    loss.legend()
    accuracy.plot(
        numbers, [100 * e["train_accuracy"] for e in history], "o-", color=BLUE, label="training"
    )
    accuracy.plot(
        numbers, [100 * e["test_accuracy"] for e in history], "s-", color=ORANGE, label="test"
    )
    accuracy.set_ylabel("accuracy (%)")
    accuracy.set_xlabel("epoch")
    accuracy.xaxis.get_major_locator().set_params(integer=True)
    for axes in (loss, accuracy):
        axes.grid(alpha=0.3)


def _draw_confusion(axes: Any, confusion: Array, classes: list[str]) -> None:
    share = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
    places = range(len(classes))
    axes.set_xticks(places, classes, rotation=45 if max(map(len, classes)) > 2 else 0)
    axes.set_yticks(places, classes)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    for i in places:
        for j in places:
            if confusion[i, j]:
                colour = "white" if share[i, j] > 0.5 else "black"
                axes.text(j, i, confusion[i, j], ha="center", va="center", color=colour, size=7)


def _draw_images(
    figure: Any, evaluation: Evaluation, names: list[str], picture: Callable[[int], Array]
) -> None:
    """Test images with their predictions, wrong ones first."""
    assert evaluation.outputs is not None
    assert evaluation.labels is not None
    predictions, labels = evaluation.outputs.argmax(1), evaluation.labels
    missed = np.flatnonzero(predictions != labels)[: SHOWN // 2]
    hit = np.flatnonzero(predictions == labels)[: SHOWN - len(missed)]
    figure.suptitle("predictions of test images, wrong ones first", size=9)
    cells = figure.subplots(3, SHOWN // 3).ravel()
    for axes in cells:
        axes.axis("off")
    for axes, i in zip(cells, [*missed, *hit], strict=False):
        axes.imshow(picture(int(i)), cmap="gray_r")
        predicted, label = predictions[i], labels[i]
        right = predicted == label
        title = names[predicted] if right else f"{names[predicted]}, is {names[label]}"
        axes.set_title(title, color=RIGHT if right else WRONG, size=7, pad=2)
