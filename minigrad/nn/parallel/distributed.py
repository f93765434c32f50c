"""DistributedDataParallel, as it is in torch before there is a process group."""

from typing import Any

from minigrad.nn.module import Module


class DistributedDataParallel(Module):
    """A module trained by several processes.  Raises ValueError: there is no process group here.

    The class is there so that programs that choose it only with several processes can import it,
    and ask `isinstance(model, DistributedDataParallel)`.
    """

    def __init__(self, module: Module, *args: Any, **kwargs: Any) -> None:
        raise ValueError(
            "Default process group has not been initialized, and minigrad has none: it trains in "
            "one process, with many threads. Use the module itself, or DataParallel"
        )
