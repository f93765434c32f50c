"""`Module` and the hooks of all modules, as in `torch.nn.modules.module`."""

from minigrad.core.public_names import show_public_names
from minigrad.nn.global_hooks import (
    register_module_backward_hook,
    register_module_buffer_registration_hook,
    register_module_forward_hook,
    register_module_forward_pre_hook,
    register_module_full_backward_hook,
    register_module_full_backward_pre_hook,
    register_module_module_registration_hook,
    register_module_parameter_registration_hook,
)
from minigrad.nn.module import Module
from minigrad.nn.state_dict import IncompatibleKeys

__all__ = [
    "Module",
    "register_module_backward_hook",
    "register_module_buffer_registration_hook",
    "register_module_forward_hook",
    "register_module_forward_pre_hook",
    "register_module_full_backward_hook",
    "register_module_full_backward_pre_hook",
    "register_module_module_registration_hook",
    "register_module_parameter_registration_hook",
]
_IncompatibleKeys = IncompatibleKeys


def _addindent(s_: str, numSpaces: int) -> str:
    """The text with all lines but the first indented."""
    return s_.replace("\n", "\n" + " " * numSpaces)


show_public_names(__name__)
