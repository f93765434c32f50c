"""The loop of a run: steps, epochs, checkpoints, and what ends it early."""

import dataclasses
import math
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from typing import Any

import numpy as np
from tqdm import tqdm

from minigrad import nn
from minigrad.compiler import compile
from minigrad.nn.utils import clip_grad_norm_
from minigrad.nn.utils.clip_grad import get_total_norm
from minigrad.ops.generator import default_generator
from minigrad.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from minigrad.training.checkpoints import CheckpointManager
from minigrad.training.gradients import Score, gradients
from minigrad.training.interruption import Interruption
from minigrad.training.making import make_model, make_optimizer
from minigrad.training.output import Output, SafeStream
from minigrad.training.progress import Progress
from minigrad.training.random_state import RandomState
from minigrad.training.schedules import make_schedule
from minigrad.training.tasks.task import Evaluation, Task
from minigrad.training.team import Team


class Interrupted(Exception):  # noqa: N818  it is no error
    """A signal has come; the state is that after a whole step."""


class Diverged(Exception):  # noqa: N818  the run's end, not the program's
    """A loss, a gradient or a weight is inf or nan."""


class Trainer:
    """A model, its optimizer and all that changes with them during a run."""

    def __init__(
        self,
        task: Task,
        output: Output,
        manager: CheckpointManager | None,
        interruption: Interruption,
        team: Team | None = None,
    ) -> None:
        self.task, self.settings = task, task.settings
        self.team = task.team = team or Team()
        self.output, self.manager, self.interruption = output, manager, interruption
        settings = self.settings
        default_generator.manual_seed(settings.seed)
        self.model = make_model(task.model_choice)
        self.optimizer = make_optimizer(settings.optimizer, self.model.parameters(), settings.lr)
        # The model that steps call; what it computes is the same, bit for bit.
        called = compile(self.model) if settings.compile else self.model
        self.gradients = gradients(task, called, self.team, interruption)
        settings.lr = float(self.optimizer.param_groups[0]["lr"])
        self.loader = self.gradients.loader
        self.batches = len(self.loader)
        steps = -(-self.batches // settings.accumulate)
        self.schedule = make_schedule(
            settings.schedule, self.optimizer, settings.epochs or 1, steps
        )
        self.average: AveragedModel | None = None
        if settings.ema is not None:
            average = get_ema_multi_avg_fn(settings.ema)
            self.average = AveragedModel(self.model, multi_avg_fn=average, use_buffers=True)
        self.progress = Progress()
        self.best: dict[str, Any] | None = None
        self.evaluation: Evaluation | None = None

    @property
    def evaluated(self) -> nn.Module:
        """The model whose scores count: the average of weights, if one is kept."""
        return self.model if self.average is None else self.average.module

    def parts(self) -> dict[str, Any]:
        """All that has a state, by its name in a checkpoint."""
        parts = {
            "model": self.model,
            "optimizer": self.optimizer,
            "loader": self.loader,
            "random": RandomState(),
            "progress": self.progress,
        }
        if self.schedule is not None:
            parts["schedule"] = self.schedule.scheduler
        if self.average is not None:
            parts["average"] = self.average
        return parts

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a checkpoint."""
        for name, part in self.parts().items():
            part.load_state_dict(state[name])
        self.best = state.get("best")

    def epochs(self) -> Iterator[dict[str, Any]]:
        """Train to the end, giving what history.json has of each epoch.

        Raises Interrupted after a signal and Diverged as the settings say.
        """
        settings, progress = self.settings, self.progress
        while progress.epoch <= (settings.epochs or 1) and not progress.stopped:
            if not progress.trained:
                self._train_epoch()
                progress.trained = True
            self.evaluation = self.task.evaluate(self.evaluated, self._check_interruption)
            record = self._finish_epoch(self.evaluation)
            self._checkpoint()
            yield record

    def evaluate(self) -> Evaluation:
        """Evaluate what was reached."""
        self.evaluation = self.task.evaluate(self.evaluated, lambda: None)
        return self.evaluation

    def take_best(self) -> None:
        """With early stopping: go back to the best weights."""
        if self.best is not None:
            self.evaluated.load_state_dict(self.best)
            self.evaluate()

    def _train_epoch(self) -> None:
        progress = self.progress
        self.model.train()
        self.gradients.begin_epoch(progress)
        title = f"epoch {progress.epoch}/{self.settings.epochs}"
        began, steps = time.perf_counter(), progress.step
        group, finite = 0, True
        with progress_bar(self, title) as bar:
            for batch in self.loader:
                if group == 0:
                    self.optimizer.zero_grad()
                    size = min(self.settings.accumulate, self.batches - progress.batch)
                found = self.gradients.add(batch, size)
                group, finite = group + 1, self._add(found) and finite
                if group == size:
                    self._update(finite)
                    group, finite = 0, True
                    progress.seconds += time.perf_counter() - began
                    self._after_step()
                    began = time.perf_counter()
                bar.set_postfix(loss=f"{progress.loss / max(progress.count, 1):.4f}", refresh=False)
                bar.update(sum(score.amount for score in found))
        if progress.step == steps and progress.skipped:
            raise Diverged(f"all steps of epoch {progress.epoch} were skipped")

    def _add(self, found: Sequence[Score]) -> bool:
        """Add a batch to the sums; whether its loss is finite."""
        progress = self.progress
        finite = all(math.isfinite(score.loss) for score in found)
        progress.batch += 1
        if finite or self.settings.on_nonfinite == "ignore":
            for score in found:
                progress.add(*score)
        return finite

    def _update(self, finite: bool) -> None:
        """One step of the optimizer, unless a loss or gradient is inf or nan."""
        settings, progress = self.settings, self.progress
        found = None if finite else "the loss"
        parameters = [p for p in self.model.parameters() if p.grad is not None]
        if settings.on_nonfinite == "skip" and finite:
            gradients = [p.grad for p in parameters if p.grad is not None]
            if not math.isfinite(get_total_norm(gradients).item()):
                found = "a gradient"
        if found is not None and settings.on_nonfinite == "stop":
            raise Diverged(f"{found} is inf or nan at step {progress.step + 1}")
        if found is not None and settings.on_nonfinite == "skip":
            progress.skipped += 1
            return
        if settings.clip is not None:
            clip_grad_norm_(parameters, settings.clip)
        self.optimizer.step()
        if self.schedule is not None and self.schedule.every_step:
            self.schedule.scheduler.step()
        if self.average is not None:
            self.average.update_parameters(self.model)
        progress.step += 1

    def _after_step(self) -> None:
        every, step = self.settings.checkpoint_every, self.progress.step
        if self.interruption.name is not None:
            self._checkpoint()
            raise Interrupted
        if every is not None and step % every == 0:
            self._checkpoint()

    def _check_interruption(self) -> None:
        self.interruption.agree(self.team.all_of(self.interruption.noted))  # as at a step
        if self.interruption.name is not None:
            self._checkpoint()
            raise Interrupted

    def _finish_epoch(self, evaluation: Evaluation) -> dict[str, Any]:
        progress, settings = self.progress, self.settings
        loss = progress.loss / max(progress.count, 1)
        right = progress.correct / max(progress.count, 1)
        speed = progress.count / max(progress.seconds, 1e-9)
        reached = self.task.epoch(self.evaluated, loss, right, evaluation, speed)
        rate = float(self.optimizer.param_groups[0]["lr"])
        record = {"number": progress.epoch, **reached, "lr": rate, "step": progress.step}
        progress.epochs.append(record)
        if settings.on_nonfinite != "ignore" and not math.isfinite(evaluation.loss):
            raise Diverged(
                f"the loss on the test data is {evaluation.loss} after step {progress.step}"
            )
        if self.schedule is not None and not self.schedule.every_step:
            step = self.schedule.scheduler.step
            step(evaluation.loss) if self.schedule.follows_loss else step()
        if settings.early_stop is not None:
            self._look_for_best(evaluation.loss, settings.early_stop)
        progress.begin_epoch()
        return record

    def _look_for_best(self, loss: float, patience: int) -> None:
        progress = self.progress
        if progress.best_loss is None or loss < progress.best_loss:
            progress.best_loss, progress.epochs_without_best = loss, 0
            self.best = deepcopy(self.evaluated.state_dict())
            return
        progress.epochs_without_best += 1
        progress.stopped = progress.epochs_without_best >= patience

    def _checkpoint(self) -> None:
        """Save a checkpoint; if that cannot be, the run goes on without it."""
        if self.settings.out is None:
            return
        if self.settings.on_nonfinite != "ignore" and not all_finite(self.model):
            raise Diverged(f"a weight is inf or nan after step {self.progress.step}")
        if self.manager is None:  # the leader saves
            return
        step, state = self.progress.step, checkpoint_state(self)
        trying(lambda manager: manager.save(step, state), self.manager, self.output)


def progress_bar(trainer: Trainer, title: str) -> Any:
    """The bar of an epoch."""
    unit = trainer.task.unit
    total, done = trainer.task.units(trainer.loader), trainer.progress.count
    scaled = unit == "characters"
    return tqdm(
        total=total, initial=done, desc=title, unit=f" {unit}", unit_scale=scaled,
        disable=trainer.output.quiet or None, file=SafeStream(sys.stderr),
    )  # fmt: skip


def checkpoint_state(trainer: Trainer) -> dict[str, Any]:
    """All that a checkpoint holds."""
    progress, task = trainer.progress, trainer.task
    last = progress.epochs[-1] if progress.epochs else {}
    return {
        **trainer.parts(),
        "best": trainer.best,
        "settings": dataclasses.asdict(trainer.settings),
        "model_choice": task.model_choice._asdict(),
        "description": task.description(),
        "metrics": {n: v for n, v in last.items() if isinstance(v, int | float)},
    }


def trying(
    save: Callable[[CheckpointManager], object], manager: CheckpointManager, output: Output
) -> None:
    """Save; what fails is said once, and the run goes on.

    The error may be that of the checkpoint before, which was written meanwhile: then this one is
    still to be saved.
    """
    for _ in range(2):
        try:
            save(manager)
            return
        except OSError as error:
            reason = error.strerror or error
            output.warn_once(
                f"a checkpoint could not be written to {manager.directory}, the run goes on: "
                f"{reason}"
            )


def all_finite(model: nn.Module) -> bool:
    """Whether all parameters are finite."""
    for parameter in model.parameters():
        array = parameter.array
        with np.errstate(all="ignore"):
            quick = np.isfinite(np.add.reduce(array, axis=None))
        if not quick and not np.isfinite(array).all():
            return False
    return True
