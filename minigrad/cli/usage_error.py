"""A mistake of the user's, to be told in one line."""

from collections.abc import Iterator
from contextlib import contextmanager


class UsageError(Exception):
    """What is wrong, in words; the command ends with status 2 and no traceback."""


@contextmanager
def as_mistake(*kinds: type[Exception]) -> Iterator[None]:
    """Turn errors that the user's input can cause, raised inside the block, into a UsageError."""
    try:
        yield
    except kinds as error:
        raise UsageError(str(error)) from error
