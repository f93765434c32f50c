"""A search for a learning rate: one step each at rates that grow, until the loss does."""

import math
from itertools import chain, repeat

from minigrad.training.output import Output
from minigrad.training.trainer import Trainer

LOWEST, HIGHEST, STEPS = 1e-6, 10.0, 100
SMOOTHING = 0.9


def losses_by_rate(trainer: Trainer) -> list[tuple[float, float]]:
    """(rate, smoothed loss) of a step at each rate, until the loss is four times the least."""
    found: list[tuple[float, float]] = []
    average, least = 0.0, math.inf
    batches = chain.from_iterable(iter(loader) for loader in repeat(trainer.loader))
    trainer.model.train()
    for i, batch in zip(range(STEPS), batches, strict=False):
        rate = LOWEST * (HIGHEST / LOWEST) ** (i / (STEPS - 1))
        for group in trainer.optimizer.param_groups:
            group["lr"] = rate
        trainer.optimizer.zero_grad()
        loss = trainer.task.loss(trainer.model, batch).loss
        value = float(loss.item())
        average = SMOOTHING * average + (1 - SMOOTHING) * value
        smoothed = average / (1 - SMOOTHING ** (i + 1))
        least = min(least, smoothed)
        if trainer.interruption.name or not math.isfinite(smoothed) or smoothed > 4 * least:
            break
        found.append((rate, smoothed))
        loss.backward()
        trainer.optimizer.step()
    return found


def suggestion(found: list[tuple[float, float]]) -> float:
    """The rate where the loss falls fastest; a third of the one where it is least at most."""
    least = min(range(len(found)), key=lambda i: found[i][1])
    falls = [
        (found[i + 1][1] - found[i - 1][1], found[i][0]) for i in range(1, max(least, 2))
        if i + 1 < len(found)
    ]  # fmt: skip
    steepest = min(falls)[1] if falls else found[least][0]
    return min(max(steepest, found[least][0] / 30), found[least][0] / 3)


def find_rate(trainer: Trainer, output: Output) -> int:
    """Print the losses by rates, and a rate to begin with; the exit status."""
    found = losses_by_rate(trainer)
    if trainer.interruption.name:
        return trainer.interruption.status
    if len(found) < 3:
        output.warn("no learning rate could be found: the loss is not finite from the beginning")
        return 3
    top = max(loss for _, loss in found)
    for rate, loss in found[:: max(len(found) // 25, 1)]:
        output.say(f"  lr {rate:8.2g}  loss {loss:8.4f}  {'#' * round(50 * loss / top)}")
    output.result(f"suggested: --lr {suggestion(found):.1g}")
    return 0
