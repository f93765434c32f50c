"""Weights by their address: the folder they are in, and the name of their file."""

import os
import tempfile
from pathlib import Path

import pytest

ADDRESS = "https://example.invalid/models/net-12345678.pth"

DIFFERENT = {
    "check_weights_that_are_not_there_are_downloaded": (
        "`hub.load_state_dict_from_url` of a file that is not there"
    ),
}


def stored(torch, folder, name):
    weights = {"weight": torch.arange(3.0), "steps": torch.tensor(4)}
    with open(os.path.join(folder, name), "wb") as file:
        torch.save(weights, file)


def check_weights_are_read_from_the_folder_given(torch):
    with tempfile.TemporaryDirectory() as folder:
        stored(torch, folder, "net-12345678.pth")
        found = torch.hub.load_state_dict_from_url(ADDRESS, folder, map_location="cpu")
    assert sorted(found) == ["steps", "weight"]
    assert found["weight"].tolist() == [0, 1, 2]


def check_weights_are_read_under_another_name(torch):
    with tempfile.TemporaryDirectory() as folder:
        stored(torch, folder, "other.pth")
        read = torch.hub.load_state_dict_from_url
        assert read(ADDRESS, model_dir=folder, file_name="other.pth", progress=False)["steps"] == 4


def check_weights_are_in_a_folder_of_the_chosen_one(torch):
    before = torch.hub.get_dir()
    with tempfile.TemporaryDirectory() as folder:
        os.mkdir(os.path.join(folder, "checkpoints"))
        stored(torch, os.path.join(folder, "checkpoints"), "net-12345678.pth")
        torch.hub.set_dir(folder)
        try:
            assert torch.hub.get_dir() == folder
            assert torch.hub.load_state_dict_from_url(ADDRESS)["steps"] == 4
        finally:
            torch.hub.set_dir(before)


def check_the_folder_follows_the_environment(torch):
    torch.hub._hub_dir = None
    home = os.environ.get("TORCH_HOME")
    os.environ["TORCH_HOME"] = "/weights"
    try:
        assert torch.hub.get_dir() == os.path.join("/weights", "hub")
    finally:
        os.environ.pop("TORCH_HOME")
        if home is not None:
            os.environ["TORCH_HOME"] = home
    assert Path(torch.hub.get_dir()).parts[-2:] == ("torch", "hub") or home is not None


def check_weights_that_are_not_there_are_downloaded(torch):
    with tempfile.TemporaryDirectory() as folder, pytest.raises(OSError, match=r"URL|urlopen|name"):
        torch.hub.load_state_dict_from_url(ADDRESS, folder)
