"""Language models: networks that give every next token a score."""

from minigrad.core.public_names import show_public_names
from minigrad.text.models.gpt import GPT
from minigrad.text.models.language_model import LanguageModel
from minigrad.text.models.lstm import CharLSTM

__all__ = ["GPT", "CharLSTM", "LanguageModel"]

show_public_names(__name__)
