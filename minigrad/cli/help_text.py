"""The layout of `--help`: text that keeps its lines, wrapped where the terminal is narrower."""

import argparse

from minigrad.utils import terminal


class HelpFormatter(argparse.HelpFormatter):
    """argparse's layout, but descriptions keep their own lines and lists.

    A line is wrapped only where the terminal is narrower than it.
    """

    def add_argument(self, action: argparse.Action) -> None:
        """Lay out one argument; argparse itself forgets that names of commands are indented."""
        super().add_argument(action)
        if isinstance(action, argparse._SubParsersAction):
            self._action_max_length += self._indent_increment

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return "\n".join(indent + line for line in terminal.fitted(text, width).splitlines())
