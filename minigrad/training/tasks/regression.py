"""Learning a number of a table's rows."""

from pathlib import Path
from typing import Any

import numpy as np

from minigrad import nn
from minigrad.core.types import Array
from minigrad.engine.grad_mode import no_grad
from minigrad.nn import functional as F
from minigrad.training.data.source import Source
from minigrad.training.making import choose_model
from minigrad.training.plots import draw_regression
from minigrad.training.settings import Settings, SettingsError
from minigrad.training.tasks.task import BatchLoss, Check, Evaluation, Task
from minigrad.utils.data import DataLoader, Dataset

TEST_BATCH = 500
SHOWN = 500  # rows of the test in a report


class Regression(Task):
    """Numbers, of which the loss is the mean square after they are brought to deviation 1."""

    unit = "rows"

    def __init__(self, settings: Settings, source: Source) -> None:
        super().__init__(settings)
        self.source = source
        assert settings.model is not None
        self.model_choice = choose_model(settings.model, source.sizes)
        if settings.label_smoothing:
            raise SettingsError("--label-smoothing is for classes; the target holds numbers")

    def amounts(self) -> str:
        return (
            f"{len(self.source.train):,} training and {len(self.source.test):,} test rows, "
            f"{self.source.sizes['in_features']} inputs, the target is a number"
        )

    def samples(self) -> Dataset[Any]:
        return self.source.train  # type: ignore[no-any-return]

    def loader(self, workers: int) -> DataLoader[Any]:
        size = self.settings.batch_size or 1
        return DataLoader(self.source.train, size, shuffle=True, num_workers=workers)

    def loss(self, model: nn.Module, batch: Any) -> BatchLoss:
        inputs, target = batch
        output = model(inputs)
        if tuple(getattr(output, "shape", ())) not in ((len(target), 1), (len(target),)):
            found = getattr(output, "shape", type(output).__name__)
            raise SettingsError(
                f"--model: the model gives {found}, expected a number for each of {len(target)} "
                "rows"
            )
        return BatchLoss(F.mse_loss(output.reshape(-1), target), len(target))

    @no_grad()
    def evaluate(self, model: nn.Module, check: Check) -> Evaluation:
        model.eval()

        def score(batch: Any) -> tuple[Array, Array]:
            inputs, target = batch
            return model(inputs).reshape(-1).numpy(), target.numpy()

        found = self.test_scores(self.source.test, TEST_BATCH, score, check)
        outputs, labels = zip(*found, strict=True)
        scale = self.source.target
        predicted, true = np.concatenate(outputs).astype(np.float64), np.concatenate(labels)
        error = predicted - true
        loss, spread = float(np.square(error).mean()), float(true.var())
        scores = {
            "rmse": float(np.sqrt(loss)) * scale["std"],
            "mae": float(np.abs(error).mean()) * scale["std"],
            "r2": 1 - loss / spread if spread else float("nan"),
        }
        given = [values * scale["std"] + scale["mean"] for values in (predicted, true)]
        return Evaluation(loss, scores, *given)

    def epoch(
        self, model: nn.Module, loss: float, correct: float, evaluation: Evaluation, speed: float
    ) -> dict[str, Any]:
        scores = {f"test_{name}": value for name, value in evaluation.scores.items()}
        return {
            "train_loss": loss,
            "test_loss": evaluation.loss,
            **scores,
            "rows_per_second": speed,
        }

    def line(self, epoch: dict[str, Any]) -> str:
        return (
            f"epoch {epoch['number']}: train loss {epoch['train_loss']:.4f}, test loss "
            f"{epoch['test_loss']:.4f} rmse {epoch['test_rmse']:.4g} r2 {epoch['test_r2']:.4f}, "
            f"{epoch['rows_per_second']:,.0f} rows/s"
        )

    def result(self, evaluation: Evaluation) -> str:
        return f"test rmse: {evaluation.scores['rmse']:.4g} (r2 {evaluation.scores['r2']:.4f})"

    def record(self, evaluation: Evaluation) -> dict[str, Any]:
        assert evaluation.outputs is not None
        assert evaluation.labels is not None
        scores = {f"test_{name}": value for name, value in evaluation.scores.items()}
        pairs = zip(
            evaluation.labels[:SHOWN].tolist(), evaluation.outputs[:SHOWN].tolist(), strict=True
        )
        return {"test_loss": evaluation.loss, **scores, "predictions": [list(p) for p in pairs]}

    def description(self) -> dict[str, Any]:
        return {
            "task": "regression",
            "target": self.source.target,
            "preprocessing": self.source.preprocessing,
        }

    def draw(self, path: Path, epochs: list[dict[str, Any]], evaluation: Evaluation) -> None:
        draw_regression(path, epochs, evaluation)
