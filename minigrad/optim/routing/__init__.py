"""Which parameters an optimizer gets: parts of a model by name, shape or module; groups by name."""

from minigrad.core.public_names import show_public_names
from minigrad.optim.routing.by_name import groups
from minigrad.optim.routing.parts import Partition, partition

__all__ = ["Partition", "groups", "partition"]

show_public_names(__name__)
