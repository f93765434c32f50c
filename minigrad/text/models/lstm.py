"""A recurrent language model."""

from typing import Any

from minigrad import nn
from minigrad.tensor import Tensor
from minigrad.text.models.language_model import LanguageModel, check_positive


class CharLSTM(LanguageModel):
    """Scores of the next character: an embedding, an LSTM of some layers, and a linear layer.

    Every sequence begins with a state of zeros; `dropout` stands after the embedding and each
    layer.  Raises ValueError for sizes below 1.

    Karpathy 2015, The unreasonable effectiveness of recurrent neural networks; Hochreiter &
    Schmidhuber 1997.

    >>> import minigrad as mg
    >>> from minigrad.text.models import CharLSTM
    >>> CharLSTM(65)(mg.zeros(2, 7, dtype=mg.int64)).shape
    minigrad.Size([2, 7, 65])
    """

    def __init__(
        self, vocab_size: int, hidden_size: int = 256, num_layers: int = 2, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.sizes = {
            "vocab_size": vocab_size,
            "hidden_size": hidden_size,
            "num_layers": num_layers,
            "dropout": dropout,
        }
        check_positive(
            "CharLSTM", vocab_size=vocab_size, hidden_size=hidden_size, num_layers=num_layers
        )
        between = dropout if num_layers > 1 else 0.0
        self.embedding = nn.Embedding(vocab_size, hidden_size)
        self.drop = nn.Dropout(dropout)
        self.lstm = nn.LSTM(hidden_size, hidden_size, num_layers, batch_first=True, dropout=between)
        self.head = nn.Linear(hidden_size, vocab_size)

    def forward(self, tokens: Tensor) -> Tensor:
        return self._run(tokens, None)[0]

    def advance(self, tokens: Tensor, state: Any = None) -> tuple[Tensor, Any]:
        scores, state = self._run(tokens, state)
        return scores[:, -1], state

    def _run(self, tokens: Tensor, state: Any) -> tuple[Tensor, Any]:
        hidden, state = self.lstm(self.drop(self.embedding(tokens)), state)
        return self.head(self.drop(hidden)), state
