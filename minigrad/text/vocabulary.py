"""The characters that a model knows, and their tokens."""

from collections.abc import Iterable

import numpy as np

from minigrad.tensor import Tensor
from minigrad.tensor.creation import from_numpy

_SHOWN = 20  # characters in a message


class Vocabulary:
    """Characters, each of whose tokens is its position.

    Raises ValueError for no characters, for one that stands twice, and for strings that are no
    single characters.

    >>> from minigrad.text import Vocabulary
    >>> vocabulary = Vocabulary.of("hello")
    >>> vocabulary.encode("hole")
    tensor([1, 3, 2, 0])
    >>> vocabulary.decode([1, 0, 2, 2])
    'hell'
    """

    def __init__(self, characters: Iterable[str]) -> None:
        self.characters = tuple(characters)
        self._known = frozenset(self.characters)
        if not self.characters:
            raise ValueError("Vocabulary expects at least one character")
        if longer := [string for string in self.characters if len(string) != 1]:
            raise ValueError(f"Vocabulary expects single characters, got {longer[0]!r}")
        if len(self._known) != len(self.characters):
            raise ValueError("Vocabulary expects every character once")

    @classmethod
    def of(cls, text: str) -> "Vocabulary":
        """All characters of a text, in the order of their code points."""
        return cls(sorted(set(text)))

    def __len__(self) -> int:
        return len(self.characters)

    def __contains__(self, character: object) -> bool:
        return character in self._known

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Vocabulary) and self.characters == other.characters

    def __hash__(self) -> int:
        return hash(self.characters)

    def encode(self, text: str) -> Tensor:
        """The tokens (len(text),), int64; ValueError for characters that are not known."""
        if unknown := sorted(set(text) - self._known):
            raise ValueError(
                f"{_listed(unknown)} not among the {len(self)} characters of the vocabulary: "
                f"{''.join(self.characters)!r}"
            )
        codes = np.array([ord(character) for character in self.characters], np.uint32)
        order = np.argsort(codes)
        given = np.frombuffer(text.encode("utf-32-le"), np.uint32)
        return from_numpy(order[np.searchsorted(codes[order], given)])

    def decode(self, tokens: Iterable[int] | Tensor) -> str:
        """The text of tokens; IndexError for one that is no position in the vocabulary."""
        numbers = tokens.tolist() if isinstance(tokens, Tensor) else tokens
        return "".join(self.characters[_position(token, len(self))] for token in numbers)


def _position(token: int, count: int) -> int:
    if not 0 <= token < count:
        raise IndexError(f"token {token} is not in a vocabulary of {count} characters")
    return token


def _listed(characters: list[str]) -> str:
    shown = ", ".join(map(repr, characters[:_SHOWN]))
    more = len(characters) - _SHOWN
    if more > 0:
        shown += f" and {more} more"
    return f"{shown} {'is' if len(characters) == 1 else 'are'}"
