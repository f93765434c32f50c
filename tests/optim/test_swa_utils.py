"""Averages along training are PyTorch's."""

import copy

import numpy as np
import pytest
import torch

import minigrad as mg
from minigrad import nn
from minigrad.optim import swa_utils
from minigrad.tensor.creation import from_numpy


def twins():
    """The same small network in both libraries."""
    mine = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))
    theirs = torch.nn.Sequential(
        torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4), torch.nn.Linear(4, 2)
    )
    copy_state(mine, theirs)
    return mine, theirs


def copy_state(mine, theirs):
    state = {k: torch.from_numpy(np.array(v.numpy())) for k, v in mine.state_dict().items()}
    theirs.load_state_dict(state)


def disturb(mine, theirs, rng):
    with mg.no_grad():
        for p in mine.parameters():
            p.add_(from_numpy(rng.standard_normal(p.shape).astype(np.float32)))
        mine[1].running_mean.add_(1.0)
    copy_state(mine, theirs)


def assert_same_state(mine, theirs):
    found, expected = mine.state_dict(), theirs.state_dict()
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_allclose(found[name].numpy(), value.numpy(), rtol=1e-5, atol=1e-6)


def choices(library):
    utils = library.optim.swa_utils
    return {
        "equal": {},
        "swa": {"avg_fn": utils.get_swa_avg_fn()},
        "ema": {"avg_fn": utils.get_ema_avg_fn(0.7)},
        "many swa": {"multi_avg_fn": utils.get_swa_multi_avg_fn()},
        "many ema": {"multi_avg_fn": utils.get_ema_multi_avg_fn(0.7)},
        "buffers": {"multi_avg_fn": utils.get_ema_multi_avg_fn(0.7), "use_buffers": True},
    }


@pytest.mark.parametrize("choice", choices(mg))
def test_averages_are_torchs_and_can_be_saved(choice):
    rng = np.random.default_rng(0)
    mine, theirs = twins()
    averaged = swa_utils.AveragedModel(mine, **choices(mg)[choice])
    reference = torch.optim.swa_utils.AveragedModel(theirs, **choices(torch)[choice])
    for _ in range(4):
        averaged.update_parameters(mine)
        reference.update_parameters(theirs)
        assert_same_state(averaged, reference)
        disturb(mine, theirs, rng)
    x = rng.standard_normal((5, 3)).astype(np.float32)
    averaged.eval()
    reference.eval()
    np.testing.assert_allclose(
        averaged(from_numpy(x)).detach().numpy(), reference(torch.from_numpy(x)).detach().numpy(),
        rtol=1e-4, atol=1e-5,
    )  # fmt: skip
    other = swa_utils.AveragedModel(mine, **choices(mg)[choice])
    other.load_state_dict(averaged.state_dict())
    assert_same_state(other, reference)
    assert other.n_averaged.item() == 4


def test_the_average_is_a_module_of_its_own():
    mine, theirs = twins()
    averaged = swa_utils.AveragedModel(mine)
    reference = torch.optim.swa_utils.AveragedModel(theirs)
    assert isinstance(averaged, nn.Module)
    names = [name for name, _ in reference.named_parameters()]
    assert [name for name, _ in averaged.named_parameters()] == names
    assert [name for name, _ in averaged.named_buffers()] == [
        name for name, _ in reference.named_buffers()
    ]
    averaged.eval()
    assert not averaged.module[1].training
    assert mine.training
    averaged.update_parameters(mine)
    with mg.no_grad():
        mine[0].weight.zero_()
    assert averaged.module[0].weight.any()
    again = copy.deepcopy(averaged)
    again.update_parameters(mine)
    assert (again.n_averaged.item(), averaged.n_averaged.item()) == (2, 1)


def test_batch_statistics_are_computed_anew():
    mine, theirs = twins()
    rng = np.random.default_rng(1)
    batches = [rng.standard_normal((6, 3)).astype(np.float32) for _ in range(3)]
    mine.eval()
    theirs.eval()
    swa_utils.update_bn([from_numpy(b) for b in batches[:1]], mine)
    swa_utils.update_bn([(from_numpy(b), None) for b in batches], mine)
    torch.optim.swa_utils.update_bn([(torch.from_numpy(b), None) for b in batches], theirs)
    assert_same_state(mine, theirs)
    assert not mine.training
    assert mine[1].momentum == 0.1
    swa_utils.update_bn([], nn.Linear(1, 1))  # nothing to be done


def test_mistakes_are_refused_in_words():
    model = nn.Linear(1, 1)
    with pytest.raises(ValueError, match=r"decay value 1.5: .* \[0, 1\]"):
        swa_utils.get_ema_avg_fn(1.5)
    average = swa_utils.get_swa_avg_fn()
    with pytest.raises(ValueError, match="Only one of"):
        swa_utils.AveragedModel(model, avg_fn=average, multi_avg_fn=average)
    with pytest.raises(RuntimeError, match="n_averaged"):
        swa_utils.AveragedModel(model).load_state_dict(model.state_dict())
