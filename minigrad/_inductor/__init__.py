"""The settings of torch._inductor, which programs set before they compile; they change nothing."""

from minigrad._inductor import config
from minigrad.core.public_names import show_public_names

__all__ = ["config"]

show_public_names(__name__)
