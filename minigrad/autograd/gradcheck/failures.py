"""The errors that a check ends with."""


class GradcheckError(RuntimeError, AssertionError):
    """An analytic derivative that disagrees with the function; says where, and by what ratio.

    kind: the likely mistake in one or two words, None where there is no telling.
    """

    def __init__(self, message: str, kind: str | None = None) -> None:
        super().__init__(message)
        self.kind = kind


class NotSmoothError(GradcheckError):
    """The function has no derivative near the point that differences could give."""
