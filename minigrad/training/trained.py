"""Trained models, read again from the folder of their run, ready for new data."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from minigrad import nn
from minigrad.core.types import Array
from minigrad.engine.grad_mode import no_grad
from minigrad.nn import functional as F
from minigrad.ops.shape.join import stack
from minigrad.serialization import load
from minigrad.serialization.safetensors_reader import read_metadata
from minigrad.tensor import Tensor
from minigrad.tensor.creation import from_numpy
from minigrad.text import load_model
from minigrad.training.data.preparation import Preparation
from minigrad.training.data.tables import column_of, encode, read_table
from minigrad.training.making import ModelChoice, make_model
from minigrad.training.own_code import checksum
from minigrad.training.run_folder import settle
from minigrad.training.settings import SettingsError
from minigrad.vision.datasets.folder import is_image_file

RUN = "minigrad.run"
"""The key in the header of weights under which their description stands."""
BATCH = 64


class Prediction(NamedTuple):
    """What a model says of one input: a class with the probabilities of all, or a number."""

    label: str | None
    probabilities: dict[str, float]
    value: float | None = None


class TrainedRun:
    """A model in evaluation mode, with how its inputs are prepared and its outputs are called.

    `description` is what its file says of it; `task` is "classification", "regression" or "text".
    """

    def __init__(self, model: nn.Module, description: Mapping[str, Any]) -> None:
        self.model = model.eval()
        self.description = description
        self.task: str = description["task"]
        self.classes: list[str] = list(description.get("classes", []))
        self.preprocessing: dict[str, Any] = dict(description.get("preprocessing", {}))

    def __repr__(self) -> str:
        what = f"{len(self.classes)} classes" if self.classes else self.task
        return f"<TrainedRun: {type(self.model).__name__} of {self._kind()}, {what}>"

    def preprocess(self, image: Any) -> Tensor:
        """The input (C, H, W) of an image: a path, a PIL image, or pixels as in a file, uint8."""
        if self.preprocessing.get("kind") != "images":
            raise ValueError(f"the model is no model of images but of {self._kind()}")
        return Preparation(self.preprocessing)(image)

    def predict(self, inputs: Any) -> list[Prediction]:
        """A prediction for each image of a list, or each row of a table.

        A table is the path of a file, or a dictionary of columns.  Raises ValueError for inputs of
        another kind, and for files that cannot be read.
        """
        if self.preprocessing.get("kind") == "table":
            return self._named(self._outputs(self._rows(inputs)))
        if self.preprocessing.get("kind") != "images":
            raise ValueError(f"predict is for images and tables; the model is of {self._kind()}")
        given = [inputs] if isinstance(inputs, str | Path) else list(inputs)
        found: list[Prediction] = []
        for start in range(0, len(given), BATCH):
            found += self.predict_prepared(map(self.preprocess, given[start : start + BATCH]))
        return found

    def predict_prepared(self, images: Iterable[Tensor]) -> list[Prediction]:
        """A prediction for each image that `preprocess` has made, all in one batch."""
        return self._named(self._outputs(stack(list(images))))

    def _kind(self) -> str:
        return {"table": "tables", "images": "images"}.get(
            self.preprocessing.get("kind", ""), "text"
        )

    def _rows(self, inputs: Any) -> Tensor:
        if not isinstance(inputs, str | Path | Mapping):
            raise ValueError(
                "predict of a table takes the path of a file, or a dictionary of columns; got "
                f"{type(inputs).__name__}"
            )
        if isinstance(inputs, str | Path):
            columns = read_table(inputs)
        else:
            given = {str(name): np.asarray(values) for name, values in inputs.items()}
            columns = {name: column_of("predict", name, array) for name, array in given.items()}
        return from_numpy(encode(columns, self.preprocessing["columns"]))

    @no_grad()
    def _outputs(self, inputs: Tensor) -> Array:
        parts = [self.model(inputs[i : i + 1024]) for i in range(0, len(inputs), 1024)]
        if self.task == "classification":
            parts = [F.softmax(part, 1) for part in parts]
        return np.concatenate([part.numpy() for part in parts])

    def _named(self, outputs: Array) -> list[Prediction]:
        if self.task == "regression":
            target = self.description["target"]
            values = outputs.reshape(-1).astype(np.float64) * target["std"] + target["mean"]
            return [Prediction(None, {}, float(value)) for value in values]
        return [
            Prediction(
                self.classes[int(row.argmax())],
                dict(zip(self.classes, map(float, row), strict=True)),
            )
            for row in outputs
        ]


def load_run(path: str | Path, *, run_code: bool = False) -> TrainedRun:
    """The model of a run, by the run's folder or its weights.safetensors.

    A model from a user's file is made by that file, if it is as it was in training; `run_code`
    runs the copy that lies beside the weights.  Nothing else is executed.
    Raises OSError if there are no weights, ValueError if they are damaged or of another kind.

    >>> from minigrad.training import load_run
    >>> load_run("no/such/run")
    Traceback (most recent call last):
    ...
    FileNotFoundError: no/such/run has no weights.safetensors: it is no folder of a finished run
    """
    path = Path(path)
    weights = path / "weights.safetensors" if path.is_dir() or not path.suffix else path
    if path.is_dir():
        settle(path)
    if not weights.is_file():
        raise FileNotFoundError(
            f"{path} has no weights.safetensors: it is no folder of a finished run"
        )
    description = read_run_description(weights)
    if description["task"] == "text":
        return TrainedRun(load_model(weights).model, description)
    choice = _choice(description, weights, run_code)
    try:
        model = make_model(choice)
        model.load_state_dict(load(weights))
        return TrainedRun(model, description)
    except (SettingsError, RuntimeError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"{weights}: weights and header do not fit together: {error}") from error


def read_run_description(weights: Path) -> dict[str, Any]:
    """What the header of weights says of their run.  Raises ValueError if it says nothing."""
    metadata = read_metadata(weights)
    if RUN not in metadata:
        raise ValueError(f"{weights} has no description of a run: its header lacks {RUN}")
    try:
        description = json.loads(metadata[RUN])
        found, by, task = description["format"], description["minigrad"], description["task"]
        if task not in ("classification", "regression", "text"):
            raise ValueError(f"its task is {task!r:.40}")
        _check_description(description)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ValueError(f"{weights}: the description in its header is damaged: {error}") from error
    if found != 1:
        raise ValueError(f"{weights} has format {found!r:.20}, of minigrad {by!r:.20}")
    return dict(description)


def _check_description(description: Mapping[str, Any]) -> None:
    """Refuse what `TrainedRun` could not work with."""
    if description["task"] == "text":
        return
    prepared = description["preprocessing"]
    if prepared["kind"] == "images":
        Preparation(prepared)
    elif prepared["kind"] == "table":
        for column in prepared["columns"]:
            if "values" not in column:
                float(column["mean"]), float(column["std"])
            str(column["name"])
    else:
        raise ValueError(f"its inputs are {prepared['kind']!r:.40}")
    if description["task"] == "classification" and not (
        description["classes"] and all(isinstance(c, str) for c in description["classes"])
    ):
        raise ValueError("its classes should be names")
    if description["task"] == "regression":
        float(description["target"]["mean"]), float(description["target"]["std"])


def _choice(description: Mapping[str, Any], weights: Path, run_code: bool) -> ModelChoice:
    try:
        choice = ModelChoice(**description["model"])
        if not isinstance(choice.name, str) or not isinstance(choice.arguments, dict):
            raise TypeError("its model should have a name and arguments")
    except (TypeError, KeyError) as error:
        raise ValueError(f"{weights}: the description in its header is damaged: {error}") from error
    if choice.file is None:
        return choice
    copy = weights.parent / "model.py"
    if run_code:
        return choice._replace(file=str(copy))
    file = Path(choice.file)
    if file.is_file() and checksum(file) == choice.sha256:
        return choice
    why = "has changed since" if file.is_file() else "is not there any more"
    raise ValueError(
        f"{weights}: its model is {choice.name} of {file}, which {why}; a copy is {copy}: read it, "
        "and if you trust it, let it run: load_run(..., run_code=True), or --run-code"
    )


def image_files(paths: Iterable[str | Path]) -> list[Path]:
    """The images among files and folders, those in folders by name.

    Raises FileNotFoundError for a path that is not there, ValueError if there is none at all.
    """
    found: list[Path] = []
    for given in map(Path, paths):
        if given.is_dir():
            found += sorted(p for p in given.rglob("*") if p.is_file() and is_image_file(p.name))
        elif given.exists():
            found.append(given)
        else:
            raise FileNotFoundError(f"there is no file or folder {given}")
    if not found:
        raise ValueError(f"there are no images in {', '.join(map(str, paths))}")
    return found
