"""Public names of modules: what `dir` and `help` show, and words for names that are missing."""

import importlib
import pydoc
import types

import pytest

import minigrad as mg
from minigrad.core.scope import OUT_OF_SCOPE, REMEDIES, why_missing

for name in ("testing", "text", "vision"):
    importlib.import_module(f"minigrad.{name}")


def public_modules():
    """minigrad, and all modules that public names lead to."""
    found, waiting = {}, [mg, mg.text, mg.vision, mg.testing]
    while waiting:
        module = waiting.pop()
        if module.__name__ not in found:
            found[module.__name__] = module
            values = (getattr(module, name) for name in module.__all__)
            waiting += [v for v in values if isinstance(v, types.ModuleType)]
    return found


MODULES = public_modules()


@pytest.mark.parametrize("module", MODULES)
def test_dir_shows_public_names_only(module):
    shown = [name for name in dir(MODULES[module]) if not name.startswith("__")]
    assert shown == sorted(MODULES[module].__all__)
    assert len(shown) == len(set(shown))


@pytest.mark.parametrize("module", [name for name in MODULES if name.count(".") < 3])
def test_help_shows_public_names_only(module):
    text = pydoc.plain(pydoc.render_doc(MODULES[module]))
    for leaked in ("\n    Any = ", "\n    np = ", "\n    Sequence", "show_public_names"):
        assert leaked not in text


@pytest.mark.parametrize("module", MODULES)
def test_every_module_gives_words_for_a_missing_name(module):
    with pytest.raises(AttributeError, match=rf"module '{module}' has no attribute 'Lineer'"):
        _ = MODULES[module].Lineer


@pytest.mark.parametrize(
    ("module", "name", "words"),
    [
        (mg.nn, "Liner", "Did you mean: 'Linear'"),
        (mg.nn, "relu", "it is minigrad.nn.functional.relu"),
        (mg.nn, "Conv2D", "Did you mean: 'Conv2d'"),
        (mg.optim, "ADAM", "Did you mean: 'Adam'"),
        (mg.nn.functional, "crossentropy", "Did you mean: 'cross_entropy'"),
        (mg, "Linear", "it is minigrad.nn.Linear"),
        (mg, "fx", "compilation and export are out of scope: .*leave it out"),
        (mg.nn.functional, "scaled_mm", "use float32"),
        (mg.utils.data, "Dataloader", "Did you mean: 'DataLoader'"),
    ],
)
def test_a_missing_name_says_why_and_what_is_near(module, name, words):
    with pytest.raises(AttributeError, match=words):
        getattr(module, name)


def test_an_import_of_a_missing_name_says_the_same():
    with pytest.raises(ImportError, match="Did you mean: 'Linear'"):
        from minigrad.nn import Liner  # noqa: F401, PLC0415  the statement is what is tested


def test_a_missing_name_is_missing_for_hasattr():
    assert not hasattr(mg.nn, "Liner")
    assert getattr(mg.nn, "Liner", None) is None


@pytest.mark.parametrize("reason", OUT_OF_SCOPE)
def test_a_reason_says_what_to_do(reason):
    assert reason in REMEDIES or reason == "torch's machinery"


@pytest.mark.parametrize(
    ("namespace", "name"),
    [("nn", "LSTM"), ("nn", "Conv3d"), ("", "fft"), ("", "distributions"), ("nn", "Transformer")],
)
def test_words_vanish_when_the_name_is_there(namespace, name):
    module = MODULES[f"minigrad.{namespace}".rstrip(".")]
    assert hasattr(module, name) or "not here yet" in why_missing(namespace, name)
