"""Settings of torch's compiler: they can be set and read, and change nothing.

Their names change from version to version, so none is refused; what was not set is None.
"""

__all__: list[str] = []


def __getattr__(name: str) -> None:
    if name.startswith("__"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
