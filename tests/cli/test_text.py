"""`minigrad train` on a text, and `minigrad sample`."""

import json
import math

import pytest

from minigrad.cli import main
from minigrad.text import TinyShakespeare, load_model

LINE = "fix my bug\n"  # all but the space has one character that can follow
SMALL = {
    "lstm": ["--model", "lstm", "--layers", "1", "--width", "32"],
    "gpt": ["--layers", "1", "--width", "32", "--heads", "2"],
}


@pytest.fixture(scope="module")
def verse(tmp_path_factory):
    path = tmp_path_factory.mktemp("text") / "verse.txt"
    path.write_text(LINE * 180)
    return path


@pytest.fixture(scope="module", params=SMALL)
def trained(request, verse, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    rest = ["--context", "20", "--epochs", "6", "--lr", "0.01", "--quiet", "--out", str(folder)]
    assert main(["train", "--data", str(verse), *SMALL[request.param], *rest]) == 0
    return folder


def test_training_is_reported(trained, verse):
    history = json.loads((trained / "history.json").read_text())
    epochs = history["epochs"]
    assert [epoch["number"] for epoch in epochs] == list(range(1, 7))
    assert epochs[-1]["validation_loss"] == history["validation_loss"]
    assert history["validation_perplexity"] == pytest.approx(math.exp(history["validation_loss"]))
    assert history["validation_perplexity"] < 1.6 < epochs[0]["validation_perplexity"]
    assert history["settings"]["data"] == str(verse)
    assert history["settings"]["context"] == 20
    assert ("heads" in history["settings"]) == (history["settings"]["model"] == "gpt")
    assert not history["interrupted"]
    assert all(len(epoch["sample"]) == 160 for epoch in epochs)
    assert (trained / "report.png").read_bytes().startswith(b"\x89PNG")


def test_sample_continues_what_was_learnt(trained, capsys):
    weights = str(trained / "weights.safetensors")
    arguments = ["sample", weights, "--prompt", LINE, "--length", "10", "--temperature", "0"]
    assert main(arguments) == 0
    assert capsys.readouterr().out == LINE + LINE


def test_sample_is_reproducible(trained, capsys):
    weights = str(trained / "weights.safetensors")
    written = []
    for seed in ("1", "1", "2"):
        arguments = ["--length", "80", "--temperature", "2", "--top-k", "8", "--seed", seed]
        assert main(["sample", weights, *arguments]) == 0
        written.append(capsys.readouterr().out)
    assert written[0] == written[1] != written[2]
    assert len(written[0]) == 81


@pytest.mark.parametrize("model", SMALL)
def test_same_seed_same_weights(model, verse, tmp_path):
    states = []
    for folder in (tmp_path / "first", tmp_path / "second"):
        rest = ["--context", "20", "--epochs", "1", "--quiet", "--out", str(folder)]
        assert main(["train", "--data", str(verse), *SMALL[model], *rest]) == 0
        states.append(load_model(folder / "weights.safetensors").model.state_dict())
    assert all(states[0][name].equal(value) for name, value in states[1].items())


def test_the_report_on_the_terminal(verse, capsys):
    arguments = ["--data", str(verse), *SMALL["lstm"], "--epochs", "1", "--context", "20"]
    assert main(["train", *arguments]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("lstm with ")
    assert "1,782 training and 198 validation characters, 10 different, windows of 20" in lines[0]
    assert lines[1].startswith("epoch 1: train loss ")
    assert "characters/s" in lines[1]
    assert lines[2].startswith("  | ")
    assert lines[-1].startswith("validation perplexity: ")


def test_tinyshakespeare_by_name(tmp_path, monkeypatch, capsys):
    (tmp_path / "tinyshakespeare.txt").write_text(LINE * 40)
    arguments = ["train", "--data", "tinyshakespeare", *SMALL["gpt"], "--context", "8"]
    rest = ["--epochs", "1", "--quiet", "--root", str(tmp_path)]
    assert main([*arguments, *rest]) == 0
    assert capsys.readouterr().out.startswith("validation perplexity: ")
    monkeypatch.setattr(TinyShakespeare, "mirrors", ["http://127.0.0.1:9/"])
    assert main([*arguments, *rest[:-1], str(tmp_path / "none")]) == 2
    assert "tinyshakespeare.txt" in capsys.readouterr().err


MISTAKES = {
    "no file": (["--data", "no/such.txt"], "--data no/such.txt is none of digits, "),
    "classifier for a text": (["--model", "cnn"], "--model cnn is for images"),
    "width and heads": (["--width", "30", "--heads", "4"], "--width 30 is not divisible"),
    "heads of an lstm": (["--model", "lstm", "--heads", "4"], "--heads is for --model gpt"),
    "context": (["--context", "0"], "--context"),
    "too short": (["--context", "300"], "the text is too short: of its 1980 characters"),
    "root": (["--root", "somewhere"], "--root is for data sets with a name"),
    "model for images": (["--data", "digits", "--model", "gpt"], "--model gpt is for texts"),
    "option for images": (["--data", "digits", "--width", "3"], "--width is for texts"),
}


@pytest.mark.parametrize(("arguments", "reported"), MISTAKES.values(), ids=MISTAKES)
def test_mistakes_end_with_status_2_and_a_reason(arguments, reported, verse, capsys):
    data = [] if "--data" in arguments else ["--data", str(verse)]
    try:
        status = main(["train", *data, *arguments])
    except SystemExit as end:
        status = end.code
    assert status == 2
    assert reported in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "reported"), [(b"", "is empty"), (b"caf\xe9 " * 900, "is not UTF-8: byte 0xe9")]
)
def test_files_that_are_no_text_are_refused(tmp_path, content, reported, capsys):
    (tmp_path / "text.txt").write_bytes(content)
    assert main(["train", "--data", str(tmp_path / "text.txt")]) == 2
    assert reported in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "reported"),
    [
        (["--prompt", "Wozu?"], "'?', 'W', 'o', 'z' are not among the 10 characters"),
        (["--prompt", ""], "--prompt: the prompt is empty"),
        (["--temperature", "-1"], "--temperature should be"),
        (["--top-k", "0"], "--top-k should be at least 1"),
        (["--length", "-5"], "--length should be at least 0"),
    ],
)
def test_mistakes_in_sample(trained, arguments, reported, capsys):
    assert main(["sample", str(trained / "weights.safetensors"), *arguments]) == 2
    assert reported in capsys.readouterr().err


def test_sample_refuses_other_files(tmp_path, capsys):
    assert main(["sample", str(tmp_path / "none")]) == 2
    assert "No such file" in capsys.readouterr().err
    arguments = ["train", "--model", "linear", "--epochs", "1", "--quiet", "--out", str(tmp_path)]
    assert main(arguments) == 0
    assert main(["sample", str(tmp_path / "weights.safetensors")]) == 2
    assert "is not a trained language model" in capsys.readouterr().err
