"""Texts as training and validation tokens."""

from pathlib import Path
from typing import ClassVar

from minigrad.tensor import Tensor
from minigrad.text.vocabulary import Vocabulary
from minigrad.text.windows import Windows
from minigrad.utils.data_files.download import Remote, download
from minigrad.utils.data_files.files import data_root, find, located, not_found, read

VALIDATION = 0.1  # the part of a text, at its end


def read_text(path: str | Path) -> str:
    """The text of a UTF-8 file, gzipped if its name ends in .gz; every line ends with a newline.

    Raises OSError if the file cannot be read, ValueError if it is empty or not UTF-8.
    """
    path = Path(path).expanduser()
    try:
        text = read(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path} is not UTF-8: byte {error.object[error.start]:#04x} at position "
            f"{error.start}; convert it first, as in: iconv -f LATIN1 -t UTF-8"
        ) from error
    if not text:
        raise ValueError(f"{path} is empty; a model needs some text to learn from")
    return text.replace("\r\n", "\n").replace("\r", "\n")


class Corpus:
    """A text as tokens of its own characters: `train`, and `validation`, its last tenth.

    >>> from minigrad.text import Corpus
    >>> corpus = Corpus("to be or not to be " * 10)
    >>> len(corpus.vocabulary), len(corpus.train), len(corpus.validation)
    (7, 171, 19)
    """

    def __init__(self, text: str, validation: float = VALIDATION) -> None:
        if not 0 < validation < 1:
            raise ValueError(f"validation is a part of the text, in (0, 1); got {validation}")
        self.vocabulary = Vocabulary.of(text)
        tokens = self.vocabulary.encode(text)
        end = len(text) - int(len(text) * validation)
        self.train: Tensor = tokens[:end]
        self.validation: Tensor = tokens[end:]

    @classmethod
    def from_file(cls, path: str | Path, validation: float = VALIDATION) -> "Corpus":
        """The corpus of a file; see `read_text`."""
        return cls(read_text(path), validation)

    def windows(self, context: int) -> tuple[Windows, Windows]:
        """All windows of the training part, and those of the validation part that do not overlap.

        Raises ValueError for a text that is too short.
        """
        shortest = min(len(self.train), len(self.validation))
        if shortest <= context:
            whole = len(self.train) + len(self.validation)
            raise ValueError(
                f"the text is too short: of its {whole} characters {len(self.train)} are for "
                f"training and {len(self.validation)} for validation, and windows of {context} "
                f"need {context + 1} of each; take a longer text or a shorter context"
            )
        return Windows(self.train, context), Windows(self.validation, context, stride=context)


class TinyShakespeare(Corpus):
    """Plays of Shakespeare: 1 115 394 characters, of which there are 65.

    `root` (default: `MINIGRAD_DATA`, then the user's cache directory) has `tinyshakespeare.txt`,
    gzipped or not, in `tinyshakespeare/`, `text/` or itself; `download` fetches it if it is
    missing.  Raises RuntimeError if the file is missing or cannot be downloaded.

    Karpathy, char-rnn, data/tinyshakespeare.
    """

    mirrors: ClassVar[list[str]] = [
        "https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt",
    ]
    resource: ClassVar[Remote] = Remote(
        "tinyshakespeare.txt", 1_115_394, "6fb458f1232090904fb40fe944165e91"
    )
    folders: ClassVar[list[str]] = ["tinyshakespeare", "text", ""]

    def __init__(
        self,
        root: str | Path | None = None,
        download: bool = False,
        validation: float = VALIDATION,
    ) -> None:
        self.root = data_root(root)
        if download:
            self.download()
        path = find(self.root, self.folders, self.resource.name)
        if path is None:
            raise not_found(type(self).__name__, self.resource.name, self.root, self.folders)
        super().__init__(read_text(path), validation)

    @classmethod
    def located(cls, root: str | Path | None = None) -> Path | None:
        """The folder with the file, or None if it is missing."""
        return located(root, cls.folders, [cls.resource.name])

    def download(self) -> None:
        """Fetch the file if the root does not have it."""
        if self.located(self.root) is None:
            target = self.root / self.folders[0] / self.resource.name
            download(self.mirrors, target, self.resource)
