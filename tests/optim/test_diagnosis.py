"""The diagnostic suite of optimizers, the search of a rate, and the table of proofs."""

import json

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from minigrad.cli import main
from minigrad.testing import optimizers

OWN = """
import numpy as np
from minigrad import optim

@optim.transformation(legal={"most": "[0, inf]"})
def soften(u, *, most=1.0):
    return u * most / (most + abs(u))

Soft = optim.chain(soften(2.0), optim.trace(0.9), lr=0.01)

@optim.rule
def plain(theta, g, *, lr=0.1):
    return theta - lr * g

class Plain(optim.RuleOptimizer, rule=plain):
    "Gradient descent."
"""


def test_every_problem_gives_the_same_start_and_losses_each_time():
    for problem in optimizers.PROBLEMS.values():
        losses = []
        for _ in range(2):
            params, loss_of = problem.make()
            losses.append([float(loss_of(step)) for step in (0, 3)])
            loss_of(0).backward()
            assert all(p.grad is not None for p in params)
        assert losses[0] == losses[1]
        assert losses[0][0] > problem.target


def test_an_outcome_has_the_rate_that_reaches_the_target_first():
    (found,) = optimizers.diagnose({"SGD": optim.SGD}, ["ravine"], [1e-3, 0.3, 1e3])
    assert found.rate == 0.3
    assert found.steps is not None
    assert len(found.losses[0.3]) == found.steps + 1
    assert found.losses[1e3][-1] == np.inf
    assert "| SGD | " in optimizers.table([found])


def test_the_command_diagnoses_rules_and_files(tmp_path, capsys):
    file = tmp_path / "own_rules.py"
    file.write_text(OWN)
    out, picture = tmp_path / "out.json", tmp_path / "out.png"
    asked = ["optim", "diagnose", "SGD", str(file), "--quick", "--json", str(out)]
    assert main([*asked, "--picture", str(picture)]) == 0
    text = capsys.readouterr().out
    for name in ("SGD", "Soft", "Plain"):
        assert f"| {name} |" in text
    found = json.loads(out.read_text())
    assert {o["optimizer"] for o in found["outcomes"]} == {"SGD", "Soft", "Plain"}
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("what", ["NoSuchRule", "nothing.py"])
def test_the_command_says_what_is_not_there(what, capsys):
    assert main(["optim", "diagnose", what]) == 2
    assert what in capsys.readouterr().err


def test_the_search_of_a_rate_leaves_everything_as_it_was():
    mg.manual_seed(0)
    model = nn.Linear(4, 1)
    optimizer = optim.Adam(model.parameters(), lr=0.123)
    x, y = mg.randn(16, 4), mg.randn(16, 1)

    def closure():
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(x), y)
        loss.backward()
        return loss

    optimizer.step(closure)
    before = model.weight.detach().numpy().copy()
    steps = optimizer.state[model.weight]["step"].item()
    curve = optim.lr_finder(optimizer, closure, low=1e-5, high=10, steps=40)
    assert optimizer.param_groups[0]["lr"] == 0.123
    assert optimizer.state[model.weight]["step"].item() == steps
    np.testing.assert_array_equal(model.weight.detach().numpy(), before)
    assert curve.rates == sorted(curve.rates)
    assert 1e-3 < curve.suggestion < 10
    assert curve.plot().get_xscale() == "log"
    with pytest.raises(ValueError, match="0 < low < high"):
        optim.lr_finder(optimizer, closure, low=1, high=0.1)
