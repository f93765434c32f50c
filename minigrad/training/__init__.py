"""Training runs that lose nothing: checkpoints, and all that `minigrad train` is made of."""

from minigrad.core.public_names import show_public_names
from minigrad.training.checkpoint_file import DamagedCheckpointError
from minigrad.training.checkpoints import CheckpointManager
from minigrad.training.random_state import RandomState

__all__ = ["CheckpointManager", "DamagedCheckpointError", "RandomState"]

show_public_names(__name__)
