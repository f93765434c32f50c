"""The handle of a registered hook, under torch's path.

>>> from collections import OrderedDict
>>> from minigrad.utils.hooks import RemovableHandle
>>> hooks = OrderedDict()
>>> handle = RemovableHandle(hooks)
>>> hooks[handle.id] = print
>>> handle.remove()
>>> len(hooks)
0
"""

from minigrad.core.public_names import show_public_names
from minigrad.engine.hooks import RemovableHandle

__all__ = ["RemovableHandle"]

show_public_names(__name__)
