"""The comparison of language models: both libraries take the same steps, and a page shows it."""

import json

import numpy as np
import pytest
import torch

import minigrad as mg
from benchmarks import language_models
from benchmarks.published.pages import pages


@pytest.mark.parametrize("name", language_models.TASKS)
def test_both_libraries_take_the_same_steps(name, tmp_path):
    task = language_models.TASKS[name]
    mg.manual_seed(0)
    state = task.own(7).state_dict()
    arrays = {
        "tokens": np.random.default_rng(0).integers(0, 7, 200),
        "characters": np.array(list("abcdefg")),
        **{f"weight {key}": value.numpy() for key, value in state.items()},
    }
    runs = {
        library.__name__: language_models.train(library, task, arrays, 2)[1]
        for library in (mg, torch)
    }
    np.testing.assert_allclose(*(run["losses"] for run in runs.values()), rtol=1e-4)
    assert runs["minigrad"]["losses"][0] == pytest.approx(np.log(7), abs=0.3)

    runs["minigrad"]["text"] = "\nabba\n"
    found = {name: {"task": task.title, "tokens": 768, "threads": 1, "runs": runs}}
    (tmp_path / "language-models.json").write_text(json.dumps(found))
    page = pages(tmp_path)["README.md"]
    assert "## Language models" in page
    assert f"| {task.title} | 2 | " in page
    assert "```text\nabba\n```" in page
