"""`minigrad train --compile` reaches what `minigrad train` reaches."""

import json

from minigrad.cli import main


def test_a_compiled_run_has_the_history_of_a_run(tmp_path, monkeypatch):
    monkeypatch.setattr("minigrad.training.run.plotting_available", lambda: False)  # a picture each
    histories = []
    for name, options in (("eager", []), ("compiled", ["--compile"])):
        folder = tmp_path / name
        main(
            ["train", "--epochs", "1", "--threads", "1", "--quiet", "--out", str(folder), *options]
        )
        histories.append(json.loads((folder / "history.json").read_text()))
    losses = [json.dumps([e["train_loss"] for e in h["epochs"]]) for h in histories]
    assert losses[0] == losses[1]
