"""Parts of a model with optimizers of their own, and groups by name."""

import copy
from functools import partial

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from minigrad.optim.lr_scheduler import StepLR


def model_of():
    mg.manual_seed(0)
    return nn.Sequential(nn.Embedding(5, 4), nn.Linear(4, 4), nn.LayerNorm(4), nn.Linear(4, 2))


def names(part):
    return [name for group in part.param_groups for name in group["param_names"]]


MATRICES = ["1.weight", "3.weight"]
OTHERS = ["0.weight", "1.bias", "2.weight", "2.bias", "3.bias"]


@pytest.mark.parametrize(
    "by",
    [
        {"hidden": ["1.weight", "3.weight"]},
        {"hidden": lambda name, p: p.ndim == 2 and not name.startswith("0.")},
        {"rest": [nn.Embedding, nn.LayerNorm, "*.bias"]},
        lambda name, p, module: (
            "hidden" if isinstance(module, nn.Linear) and p.ndim == 2 else "rest"
        ),
    ],
)
def test_parts_are_chosen_by_name_shape_and_module(by):
    made = optim.partition(model_of(), {"hidden": optim.SGD, "rest": optim.AdamW}, by=by)
    assert names(made.parts["hidden"]) == MATRICES
    assert names(made.parts["rest"]) == OTHERS
    text = repr(made)
    assert "hidden: SGD, 2 parameters, 24 elements" in text
    assert "1.weight [4, 4], lr 0.001" in text


def test_each_part_takes_its_own_steps_under_one_schedule_and_resumes():
    def trained(model, optimizer, steps):
        for _ in range(steps):
            optimizer.zero_grad()
            (model(mg.tensor([1, 2])) ** 2).sum().backward()
            optimizer.step()

    def make(model):
        return optim.partition(
            model,
            {"hidden": optim.chain(optim.clip_by_norm(0.1), optim.trace()), "rest": optim.AdamW},
            by={"hidden": MATRICES},
        )

    model, twin = model_of(), model_of()
    optimizer = make(model)
    schedule = StepLR(optimizer, 1, 0.5)
    trained(model, optimizer, 2)
    schedule.step()
    assert {group["lr"] for group in optimizer.param_groups} == {0.0005}
    other = make(twin)
    twin.load_state_dict(model.state_dict())
    other.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    trained(model, optimizer, 3)
    trained(twin, other, 3)
    for a, b in zip(model.parameters(), twin.parameters(), strict=True):
        np.testing.assert_array_equal(a.detach().numpy(), b.detach().numpy())
    with pytest.raises(ValueError, match="has the parts"):
        other.load_state_dict({"parts": {"x": {}}})


def test_overlaps_and_leftovers_are_refused():
    two = {"a": optim.SGD, "b": optim.SGD}
    with pytest.raises(ValueError, match=r"1.weight is in two parts: a and b"):
        optim.partition(model_of(), two, by={"a": "1.*", "b": "*"})
    with pytest.raises(ValueError, match=r"0.weight \[5, 4\] is in no part"):
        optim.partition(model_of(), two, by={"a": "1.*", "b": "3.*"})
    with pytest.raises(ValueError, match="no parameter is in a"):
        optim.partition(model_of(), two, by={"a": "nothing"})
    with pytest.raises(ValueError, match="no optimizer is given for c"):
        optim.partition(model_of(), two, by={"c": "*"})
    with pytest.raises(ValueError, match="only one part can have the rest"):
        optim.partition(model_of(), two, by={})
    with pytest.raises(ValueError, match="goes to 'x', which has no optimizer"):
        optim.partition(model_of(), two, by=lambda name, p, module: "x")


def test_groups_by_name_and_layer():
    found = optim.groups(
        model_of(), no_decay=("bias", "norm"), layer_decay=0.5, lr=1.0, weight_decay=0.1
    )
    table = {
        name: (group["lr"], group["weight_decay"]) for group in found for name, _ in group["params"]
    }
    assert table == {
        "0.weight": (0.125, 0.1), "1.weight": (0.25, 0.1), "1.bias": (0.25, 0.0),
        "2.weight": (0.5, 0.0), "2.bias": (0.5, 0.0), "3.weight": (1.0, 0.1), "3.bias": (1.0, 0.0),
    }  # fmt: skip
    assert len(optim.AdamW(found).param_groups) == 6
    with pytest.raises(ValueError, match="no parameter has 'head'"):
        optim.groups(model_of(), no_decay=["head"])
    with pytest.raises(ValueError, match="give lr, too"):
        optim.groups(model_of(), layer_decay=0.5)
    made = optim.partition(
        model_of(), {"a": partial(optim.SGD, lr=0.5), "b": optim.Adam}, by={"a": "0.*"}
    )
    assert made.parts["a"].param_groups[0]["lr"] == 0.5
