"""`minigrad predict`: the predictions of a trained model for images or for a table's rows."""

import argparse
import csv
import sys
from pathlib import Path
from typing import Any

from minigrad.cli.usage_error import UsageError, as_usage_error
from minigrad.training.settings import whole
from minigrad.training.trained import BATCH, Prediction, TrainedRun, image_files, load_run


def add_to(commands: Any) -> None:
    """Declare the command and its options."""
    parser = commands.add_parser(
        "predict",
        help="predict images, or the rows of a table, with a trained model",
        description="Print a model's predictions for images or for a table's rows, as CSV: the "
        "file or the number of the row, the label, and probabilities, the largest first. Images "
        "that cannot be read are named and left out, and the exit status is 1.",
    )
    add = parser.add_argument
    add("run_folder", type=Path, metavar="DIR", help="the folder of a run, or its weights")
    add("inputs", nargs="+", metavar="INPUT", help="images, folders of images, or a table")
    add("--top", type=int, default=3, metavar="K", help="classes for each input (%(default)s)")
    add(
        "--csv",
        type=Path,
        metavar="FILE",
        help="write there, with the probabilities of all classes",
    )
    add("--run-code", action="store_true", help="let the model's file in DIR run")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print predictions, or write them."""
    with as_usage_error(ValueError):
        whole(1)(options.top)
    with as_usage_error(OSError, ValueError, ImportError):
        trained = load_run(options.run_folder, run_code=options.run_code)
        names, found, status = _predictions(trained, options.inputs)
    if options.csv is None:
        _write(sys.stdout, trained, names, found, options.top)
        return status
    with as_usage_error(OSError), options.csv.open("w", newline="", encoding="utf-8") as file:
        _write(file, trained, names, found, None)
    print(f"written: {options.csv} ({len(found)} rows)")
    return status


Found = tuple[list[str], list[Prediction], int]
"""The names of inputs, their predictions, and the exit status."""


def _predictions(trained: TrainedRun, inputs: list[str]) -> Found:
    kind = trained.preprocessing.get("kind")
    if kind == "table":
        if len(inputs) != 1:
            raise UsageError("one table at a time")
        found = trained.predict(inputs[0])
        return [str(i + 1) for i in range(len(found))], found, 0
    if kind != "images":
        raise UsageError("the model writes text: minigrad sample DIR/weights.safetensors")
    return _of_images(trained, image_files(inputs))


def _of_images(trained: TrainedRun, files: list[Path]) -> Found:
    """Those of all images that can be read; the others are named, and make the status 1."""
    names: list[str] = []
    found: list[Prediction] = []
    for start in range(0, len(files), BATCH):
        prepared = {}
        for file in files[start : start + BATCH]:
            try:
                prepared[str(file)] = trained.preprocess(file)
            except (OSError, ValueError) as error:
                print(f"minigrad predict: left out: {error}", file=sys.stderr)
        if prepared:
            names += prepared
            found += trained.predict_prepared(prepared.values())
    if not found:
        raise UsageError("none of the images can be read")
    return names, found, int(len(found) < len(files))


def _write(
    file: Any, trained: TrainedRun, names: list[str], found: list[Prediction], top: int | None
) -> None:
    table = csv.writer(file, lineterminator="\n")
    first = "row" if trained.preprocessing["kind"] == "table" else "file"
    if trained.task == "regression":
        table.writerow([first, trained.preprocessing["target"]])
        table.writerows((name, f"{p.value:.7g}") for name, p in zip(names, found, strict=True))
        return
    if top is None:
        table.writerow([first, "label", *trained.classes])
        for name, p in zip(names, found, strict=True):
            table.writerow([name, p.label, *(f"{v:.6f}" for v in p.probabilities.values())])
        return
    shown = min(top, len(trained.classes))
    places = [
        ("label", "probability"),
        *((f"label{i}", f"probability{i}") for i in range(2, shown + 1)),
    ]
    table.writerow([first, *(name for pair in places for name in pair)])
    for name, p in zip(names, found, strict=True):
        order = sorted(p.probabilities.items(), key=lambda item: -item[1])[:shown]
        table.writerow([name, *(v for c, share in order for v in (c, f"{share:.4f}"))])
