"""States of schedules: those of PyTorch resume here, and those that went through JSON too."""

import copy
import json
import warnings

import pytest
import torch

import minigrad as mg
from tests.behaviour.schedulers import MAKERS, made, rates


@pytest.mark.parametrize("name", MAKERS)
def test_a_state_of_torch_resumes_here(name):
    ours, theirs = made(mg, name), made(torch, name)
    rates(*theirs, 3)
    ours[1].load_state_dict(copy.deepcopy(theirs[1].state_dict()))
    ours[0].load_state_dict(_as_plain(theirs[0].state_dict()))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert rates(*ours, 6) == rates(*theirs, 6)


def _as_plain(state):
    return {**state, "state": {}}


@pytest.mark.parametrize("name", sorted(MAKERS.keys() - {"LambdaLR", "MultiplicativeLR"}))
def test_a_state_that_went_through_json_resumes(name):
    ours = made(mg, name)
    rates(*ours, 3)
    state = json.loads(json.dumps(ours[1].state_dict()))
    other = made(mg, name)
    other[1].load_state_dict(state)
    other[0].load_state_dict(ours[0].state_dict())
    assert rates(*other, 6) == rates(*ours, 6)


def test_a_state_resumes_in_torch():
    ours, theirs = made(mg, "OneCycleLR"), made(torch, "OneCycleLR")
    rates(*ours, 3)
    rates(*theirs, 3)
    theirs[1].load_state_dict(ours[1].state_dict())
    assert rates(*ours, 6) == rates(*theirs, 6)
