"""Text: corpora of characters, language models, and text that models continue."""

from minigrad.core.public_names import show_public_names
from minigrad.text import models
from minigrad.text.corpus import Corpus, TinyShakespeare, read_text
from minigrad.text.sampling import continuation, sample_tokens
from minigrad.text.trained import TrainedModel, load_model, save_model
from minigrad.text.vocabulary import Vocabulary
from minigrad.text.windows import Windows

__all__ = [
    "Corpus",
    "TinyShakespeare",
    "TrainedModel",
    "Vocabulary",
    "Windows",
    "continuation",
    "load_model",
    "models",
    "read_text",
    "sample_tokens",
    "save_model",
]

show_public_names(__name__)
