"""`--find-lr`: what `optim.lr_finder` finds on the batches of a run."""

from itertools import chain, repeat
from typing import Any

from minigrad.optim import lr_finder
from minigrad.training.output import Output
from minigrad.training.trainer import Interrupted, Trainer

LOWEST, HIGHEST = 1e-6, 10.0
LINES = 25  # printed, at most


def find_rate(trainer: Trainer, output: Output) -> int:
    """Print the losses by rates, and a rate to begin with; the exit status."""
    batches = chain.from_iterable(iter(loader) for loader in repeat(trainer.loader))
    trainer.model.train()

    def loss_of_next_batch() -> Any:
        if trainer.interruption.name:
            raise Interrupted
        trainer.optimizer.zero_grad()
        loss = trainer.task.loss(trainer.model, next(batches)).loss
        loss.backward()
        return loss

    try:
        curve = lr_finder(trainer.optimizer, loss_of_next_batch, LOWEST, HIGHEST)
    except Interrupted:
        return trainer.interruption.status
    if len(curve.rates) < 3:
        output.warn("no learning rate could be found: the loss is not finite from the beginning")
        return 3
    top = max(curve.losses[:-1])  # the last one ended the search: it may be anything
    shown = list(zip(curve.rates, curve.losses, strict=True))[:-1]
    for rate, loss in shown[:: max(len(shown) // LINES, 1)]:
        output.say(f"  lr {rate:8.2g}  loss {loss:8.4f}  {'#' * round(50 * loss / top)}")
    output.result(f"suggested: --lr {curve.suggestion:.1g}")
    return 0
