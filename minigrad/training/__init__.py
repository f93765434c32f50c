"""Training runs that lose nothing: checkpoints, and all that `minigrad train` is made of."""

from minigrad.core.public_names import show_public_names
from minigrad.training.checkpoint_file import DamagedCheckpointError
from minigrad.training.checkpoints import CheckpointManager
from minigrad.training.random_state import RandomState
from minigrad.training.trained import Prediction, TrainedRun, load_run

__all__ = [
    "CheckpointManager",
    "DamagedCheckpointError",
    "Prediction",
    "RandomState",
    "TrainedRun",
    "load_run",
]

show_public_names(__name__)
