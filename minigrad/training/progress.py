"""How far a run is: steps, epochs, the sums of the epoch that is under way, and the best so far."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Progress:
    """Numbers that a run goes on from; plain values, as a part of a checkpoint."""

    step: int = 0
    epoch: int = 1
    """The epoch that is under way."""
    loss: float = 0.0
    """The sum of losses in this epoch, by what they are means of."""
    count: int = 0
    correct: int = 0
    batch: int = 0
    """The batches of this epoch that are done."""
    trained: bool = False
    """Whether this epoch only has to be evaluated."""
    seconds: float = 0.0
    skipped: int = 0
    """Steps that were left out in the whole run, because of inf or nan."""
    epochs: list[dict[str, Any]] = field(default_factory=list)
    best_loss: float | None = None
    epochs_without_best: int = 0
    stopped: bool = False
    """Whether the run has ended before its last epoch, by early stopping."""

    def add(self, loss: float, amount: int, correct: int) -> None:
        """Add the loss of some samples, and how many of them were right, to the epoch's sums."""
        self.loss += loss * amount
        self.count += amount
        self.correct += correct

    def begin_epoch(self) -> None:
        """Go to the next epoch."""
        self.epoch += 1
        self.loss, self.seconds = 0.0, 0.0
        self.count = self.correct = self.batch = 0
        self.trained = False

    def state_dict(self) -> dict[str, Any]:
        """All of it."""
        return dataclasses.asdict(self)

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on from a state."""
        for name in self.state_dict():
            setattr(self, name, state_dict[name])
