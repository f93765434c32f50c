"""Trained language models: files with weights, vocabulary and sizes."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from minigrad.serialization import load, save
from minigrad.serialization.safetensors_reader import read_metadata
from minigrad.text.models import GPT, CharLSTM, LanguageModel
from minigrad.text.vocabulary import Vocabulary

MODELS: dict[str, type[LanguageModel]] = {"gpt": GPT, "lstm": CharLSTM}
"""The models by the names that files and the command have for them."""


class TrainedModel(NamedTuple):
    """A model, and the characters that its tokens stand for."""

    model: LanguageModel
    vocabulary: Vocabulary


def save_model(
    path: str | Path,
    model: LanguageModel,
    vocabulary: Vocabulary,
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Write the weights, with all in the header that `load_model` needs, and `metadata`.

    Raises TypeError for a model of another class than `CharLSTM` and `GPT`.
    """
    names = [name for name, kind in MODELS.items() if type(model) is kind]
    if not names:
        raise TypeError(f"save_model expects a CharLSTM or a GPT, got {type(model).__name__}")
    header = {
        "model": names[0],
        "sizes": json.dumps(model.sizes),
        "vocabulary": json.dumps("".join(vocabulary.characters)),
    }
    save(model.state_dict(), path, metadata={**(metadata or {}), **header})


def load_model(path: str | Path) -> TrainedModel:
    """The model in a file of `save_model`, with its weights, in evaluation mode.

    Raises OSError if the file cannot be read, ValueError if it is of another kind or damaged.
    """
    header = read_metadata(Path(path))
    missing = [name for name in ("model", "sizes", "vocabulary") if name not in header]
    if missing or header["model"] not in MODELS:
        what = f"no {' and no '.join(missing)}" if missing else f"the model {header['model']!r}"
        raise ValueError(
            f"{path} is not a trained language model: its header has {what}; expected is a file of "
            "save_model, or weights.safetensors of minigrad train with a text"
        )
    state = load(path)
    try:
        model = MODELS[header["model"]](**json.loads(header["sizes"]))
        vocabulary = Vocabulary(json.loads(header["vocabulary"]))
        model.load_state_dict(state)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ValueError(f"{path}: weights and header do not fit together: {error}") from error
    if len(vocabulary) != model.sizes["vocab_size"]:
        raise ValueError(
            f"{path}: the vocabulary has {len(vocabulary)} characters, the model "
            f"{model.sizes['vocab_size']} tokens"
        )
    model.eval()
    return TrainedModel(model, vocabulary)
