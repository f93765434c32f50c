"""Why a step cannot be replayed, in words for its author."""


class GraphBreak(Exception):  # noqa: N818  an answer, and torch's word for it
    """A reason why replaying a step could give other results than running it.

    `where` is the line of the program, as "file.py:12: the text of the line".
    """

    def __init__(self, reason: str, where: str = "") -> None:
        super().__init__(f"{reason} ({where})" if where else reason)
        self.reason = reason
        self.where = where


class CompiledStepError(RuntimeError):
    """A step that had to be recorded whole (`fullgraph=True`) and cannot be."""
