"""Errors in what the user asked for, reported in one line."""

from collections.abc import Iterator
from contextlib import contextmanager


class UsageError(Exception):
    """The message of a usage error; the command ends with status 2 and no traceback."""


@contextmanager
def as_usage_error(*kinds: type[Exception]) -> Iterator[None]:
    """Turn errors that the user's input can cause, raised inside the block, into a UsageError."""
    try:
        yield
    except kinds as error:
        raise UsageError(str(error)) from error
