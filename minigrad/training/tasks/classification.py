"""Learning classes, of images or of a table's rows."""

import base64
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from minigrad import nn
from minigrad.core.types import Array
from minigrad.engine.grad_mode import no_grad
from minigrad.nn import functional as F
from minigrad.training.data.source import Source
from minigrad.training.making import choose_model
from minigrad.training.plots import draw_report
from minigrad.training.settings import Settings, SettingsError
from minigrad.training.tasks.task import BatchLoss, Check, Evaluation, Task, loss_of
from minigrad.utils.data import DataLoader, Dataset

TEST_BATCH = 500
BINS = 10  # of confidence
MISTAKES = 24  # shown in a report


class Classification(Task):
    """Classes of images or rows."""

    def __init__(self, settings: Settings, source: Source) -> None:
        super().__init__(settings)
        self.source, self.unit = source, source.unit
        assert settings.model is not None
        self.model_choice = choose_model(settings.model, source.sizes)

    def amounts(self) -> str:
        train, test = self.source.train, self.source.test
        return f"{len(train):,} training and {len(test):,} test {self.unit}"

    def samples(self) -> Dataset[Any]:
        return self.source.train  # type: ignore[no-any-return]

    def loader(self, workers: int) -> DataLoader[Any]:
        size = self.settings.batch_size or 1
        return DataLoader(self.source.train, size, shuffle=True, num_workers=workers)

    def loss(self, model: nn.Module, batch: Any) -> BatchLoss:
        inputs, labels = batch
        output = model(inputs)
        self._check_shape(output, labels)
        loss = loss_of(output, labels, self.settings.label_smoothing)
        return BatchLoss(loss, len(labels), int((output.argmax(1) == labels).sum()))

    def _check_shape(self, output: Any, labels: Any) -> None:
        expected = (len(labels), len(self.source.classes))
        if tuple(getattr(output, "shape", ())) != expected:
            found = getattr(output, "shape", type(output).__name__)
            raise SettingsError(
                f"--model: the model gives {found}, expected scores of shape {list(expected)}"
            )

    @no_grad()
    def evaluate(self, model: nn.Module, check: Check) -> Evaluation:
        model.eval()

        def score(batch: Any) -> tuple[float, Array, Array]:
            inputs, target = batch
            output = model(inputs)
            loss = loss_of(output, target).item() * len(target)
            return loss, F.softmax(output, 1).numpy(), target.numpy()

        found = self.test_scores(self.source.test, TEST_BATCH, score, check)
        losses, outputs, labels = zip(*found, strict=True)
        probabilities, right = np.concatenate(outputs), np.concatenate(labels)
        accuracy = float((probabilities.argmax(1) == right).mean())
        loss = sum(losses) / len(right)
        return Evaluation(loss, {"accuracy": accuracy}, probabilities, right)

    def epoch(
        self, model: nn.Module, loss: float, correct: float, evaluation: Evaluation, speed: float
    ) -> dict[str, Any]:
        return {
            "train_loss": loss,
            "train_accuracy": correct,
            "test_loss": evaluation.loss,
            "test_accuracy": evaluation.scores["accuracy"],
            f"{self.unit}_per_second": speed,
        }

    def line(self, epoch: dict[str, Any]) -> str:
        return (
            f"epoch {epoch['number']}: train loss {epoch['train_loss']:.4f} accuracy "
            f"{epoch['train_accuracy']:.2%}, test loss {epoch['test_loss']:.4f} accuracy "
            f"{epoch['test_accuracy']:.2%}, {epoch[f'{self.unit}_per_second']:,.0f} {self.unit}/s"
        )

    def details(self, evaluation: Evaluation) -> list[str]:
        by_class = self._by_class(evaluation)
        width = max(map(len, by_class))
        bars = {name: "#" * round(40 * a) if a >= 0 else "" for name, a in by_class.items()}
        return [
            "accuracy per class:",
            *(f"  {name:<{width}} {a:7.2%}  {bars[name]}" for name, a in by_class.items()),
        ]

    def result(self, evaluation: Evaluation) -> str:
        return f"test accuracy: {evaluation.scores['accuracy']:.2%}"

    def record(self, evaluation: Evaluation) -> dict[str, Any]:
        return {
            "test_loss": evaluation.loss,
            "test_accuracy": evaluation.scores["accuracy"],
            "classes": self.source.classes,
            "accuracy_per_class": self._by_class(evaluation),
            "confusion": self._confusion(evaluation).tolist(),
            "calibration": calibration(evaluation),
            "mistakes": self._mistakes(evaluation),
        }

    def description(self) -> dict[str, Any]:
        return {
            "task": "classification",
            "classes": self.source.classes,
            "preprocessing": self.source.preprocessing,
        }

    def draw(self, path: Path, epochs: list[dict[str, Any]], evaluation: Evaluation) -> None:
        pictures = self.source.picture
        confusion = self._confusion(evaluation)
        draw_report(path, epochs, evaluation, confusion, self.source.classes, pictures)

    def _by_class(self, evaluation: Evaluation) -> dict[str, float]:
        """For each class the part of its samples that was recognised; nan where it has none."""
        confusion = self._confusion(evaluation)
        found = {}
        for number, name in enumerate(self.source.classes):
            of_class = int(confusion[number].sum())
            found[name] = float(confusion[number, number] / of_class) if of_class else float("nan")
        return found

    def _confusion(self, evaluation: Evaluation) -> Array:
        """(true class, predicted class) -> how many test samples."""
        assert evaluation.outputs is not None
        assert evaluation.labels is not None
        counts = np.zeros((len(self.source.classes),) * 2, np.int64)
        np.add.at(counts, (evaluation.labels, evaluation.outputs.argmax(1)), 1)
        return counts

    def _mistakes(self, evaluation: Evaluation) -> list[dict[str, Any]]:
        """The test samples that are wrong with the largest probability."""
        outputs, labels = evaluation.outputs, evaluation.labels
        assert outputs is not None
        assert labels is not None
        predicted = outputs.argmax(1)
        wrong = np.flatnonzero(predicted != labels)
        order = wrong[np.argsort(-outputs[wrong, predicted[wrong]], kind="stable")][:MISTAKES]
        picture = self.source.picture
        return [
            {
                "index": int(i),
                "true": self.source.classes[labels[i]],
                "predicted": self.source.classes[predicted[i]],
                "probability": float(outputs[i, predicted[i]]),
                "picture": None if picture is None else _data_uri(picture(int(i))),
            }
            for i in order
        ]


def calibration(evaluation: Evaluation) -> list[dict[str, float]]:
    """Of predictions with about the same probability: how many, its mean, how many are right."""
    assert evaluation.outputs is not None
    confidence = evaluation.outputs.max(1).astype(np.float64)
    right = evaluation.outputs.argmax(1) == evaluation.labels
    places = np.clip(np.nan_to_num(confidence) * BINS, 0, BINS - 1).astype(np.int64)
    bins = []
    for i in range(BINS):
        inside = places == i
        if inside.any():
            mean, share = float(confidence[inside].mean()), float(right[inside].mean())
            bins.append({"confidence": mean, "accuracy": share, "count": int(inside.sum())})
    return bins


def _data_uri(pixels: Array) -> str:
    """A PNG image in a page's text."""
    height, width = pixels.shape[:2]
    kind = 0 if pixels.ndim == 2 else 2
    rows = np.ascontiguousarray(pixels).reshape(height, -1)
    lines = b"".join(b"\0" + row.tobytes() for row in rows)
    header = struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0)
    content = b"\x89PNG\r\n\x1a\n" + b"".join(
        _chunk(name, data)
        for name, data in ((b"IHDR", header), (b"IDAT", zlib.compress(lines, 9)), (b"IEND", b""))
    )
    return f"data:image/png;base64,{base64.b64encode(content).decode()}"


def _chunk(name: bytes, data: bytes) -> bytes:
    check = zlib.crc32(name + data)
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", check)
