"""Tensors of one library given to functions of the other: an error that says what to do."""

import pytest
import torch

import minigrad as mg

OURS, THEIRS = mg.ones(3), torch.ones(3)
PARAMETER = mg.nn.Parameter(mg.ones(3))
TO_TORCH = {
    "builtin": torch.abs,
    "with a number": lambda t: torch.add(t, 1),
    "of a list": lambda t: torch.cat([t, t]),
    "of both": lambda t: torch.maximum(THEIRS, t),
    "functional": torch.nn.functional.relu,
    "written in Python": lambda t: torch.nn.functional.softmax(t, 0),
    "of a namespace": torch.linalg.norm,
    "method": THEIRS.mul,
    "operator": lambda t: THEIRS + t,
    "comparison": lambda t: t > THEIRS,
    "in place": lambda t: torch.ones(3).add_(t),
    "module": torch.nn.Linear(3, 3),
}
TO_MINIGRAD = {
    "operation": mg.exp,
    "of both": lambda t: mg.add(OURS, t),
    "of a list": lambda t: mg.cat([OURS, t]),
    "composed": mg.nn.functional.gelu,
    "method": OURS.mul,
    "operator": lambda t: OURS + t,
    "of a parameter": lambda t: PARAMETER * t,
    "module": mg.nn.Linear(3, 3),
}


@pytest.mark.parametrize("name", TO_TORCH)
@pytest.mark.parametrize("tensor", [OURS, PARAMETER], ids=["tensor", "parameter"])
def test_functions_of_torch_refuse_minigrads_tensors(name, tensor):
    with pytest.raises(TypeError, match=r"torch\.from_dlpack\(t\)|minigrad\.from_dlpack\(t\)"):
        TO_TORCH[name](tensor)


@pytest.mark.parametrize("name", TO_MINIGRAD)
@pytest.mark.parametrize(
    "tensor", [THEIRS, torch.nn.Parameter(torch.ones(3))], ids=["tensor", "parameter"]
)
def test_functions_of_minigrad_refuse_torchs_tensors(name, tensor):
    with pytest.raises(TypeError, match=r"torch\.from_dlpack\(t\)|minigrad\.from_dlpack\(t\)"):
        TO_MINIGRAD[name](tensor)


def test_what_the_messages_name_works():
    assert torch.abs(torch.from_dlpack(OURS)).tolist() == [1.0] * 3
    assert torch.abs(torch.as_tensor(OURS.numpy())).tolist() == [1.0] * 3
    assert mg.exp(mg.from_dlpack(THEIRS)).shape == (3,)
    assert mg.exp(mg.from_numpy(THEIRS.numpy())).shape == (3,)


def test_a_subclass_is_still_asked():
    class Mine(mg.Tensor):
        """A subclass with the inherited protocol."""

    x = mg.ones(2).as_subclass(Mine)
    assert type(mg.exp(x)) is Mine
    with pytest.raises(TypeError, match=r"torch\.from_dlpack"):
        torch.exp(x)
