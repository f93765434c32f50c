"""Training and evaluating a classifier, one epoch at a time."""

import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from tqdm import tqdm

from minigrad import nn, optim
from minigrad.cli.experiment import loss_of
from minigrad.engine.grad_mode import no_grad
from minigrad.utils.data import DataLoader


class Score(NamedTuple):
    """Loss and accuracy over a set of images; what was predicted, and what was right."""

    loss: float
    accuracy: float
    predictions: np.ndarray[Any, Any]
    labels: np.ndarray[Any, Any]


class Epoch(NamedTuple):
    """Loss, accuracy and speed of one epoch."""

    number: int
    train_loss: float
    train_accuracy: float
    test_loss: float
    test_accuracy: float
    images_per_second: float


def train_epoch(
    model: nn.Module, loader: Any, optimizer: optim.Optimizer, title: str, quiet: bool
) -> tuple[float, float, float]:
    """One pass over the training images: mean loss, accuracy, images per second."""
    model.train()
    total_loss, correct, seen = 0.0, 0, 0
    start = time.perf_counter()
    with tqdm(total=len(loader.dataset), desc=title, unit=" images", disable=quiet or None) as bar:
        for images, labels in loader:
            optimizer.zero_grad()
            output = model(images)
            loss = loss_of(output, labels)
            loss.backward()
            optimizer.step()
            count = len(labels)
            seen += count
            total_loss += loss.item() * count
            correct += int((output.argmax(1) == labels).sum())
            bar.set_postfix(loss=f"{total_loss / seen:.4f}", refresh=False)
            bar.update(count)
    return total_loss / seen, correct / seen, seen / (time.perf_counter() - start)


@no_grad()
def evaluate(model: nn.Module, dataset: Any, batch_size: int = 500) -> Score:
    """Loss and accuracy in evaluation mode."""
    model.eval()
    total, predictions, labels = 0.0, [], []
    for images, target in DataLoader(dataset, batch_size=batch_size):
        output = model(images)
        total += loss_of(output, target).item() * len(target)
        predictions.append(output.argmax(1).numpy())
        labels.append(target.numpy())
    predicted, right = np.concatenate(predictions), np.concatenate(labels)
    return Score(total / len(right), float((predicted == right).mean()), predicted, right)


def epochs(
    model: nn.Module,
    loader: Any,
    test_data: Any,
    optimizer: optim.Optimizer,
    count: int,
    quiet: bool,
) -> Iterator[tuple[Epoch, Score]]:
    """Train for `count` epochs, giving what each one reached."""
    for number in range(1, count + 1):
        title = f"epoch {number}/{count}"
        loss, accuracy, speed = train_epoch(model, loader, optimizer, title, quiet)
        score = evaluate(model, test_data)
        yield Epoch(number, loss, accuracy, score.loss, score.accuracy, speed), score


def per_class_accuracy(score: Score, classes: list[str]) -> dict[str, float]:
    """For each class the part of its images that was recognised; nan where it has none."""
    found = {}
    for number, name in enumerate(classes):
        of_class = score.labels == number
        hits = score.predictions[of_class] == number
        found[name] = float(hits.mean()) if hits.size else float("nan")
    return found
