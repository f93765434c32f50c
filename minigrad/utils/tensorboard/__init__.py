"""Writing of TensorBoard's event files, under the names of torch.utils.tensorboard."""

from minigrad.core.public_names import show_public_names
from minigrad.utils.tensorboard.writer import SummaryWriter

__all__ = ["SummaryWriter"]

show_public_names(__name__)
