"""BatchNorm and InstanceNorm: running statistics, and settings changed later."""

import pytest


def seen(norm, torch, times=1):
    """The norm after batches of mean 3 and variance 4."""
    x = torch.tensor([[1.0], [5.0]])
    for _ in range(times):
        norm(x)
    return norm


def check_running_statistics_follow_the_batches(torch):
    norm = seen(torch.nn.BatchNorm1d(1), torch)
    assert norm.running_mean.item() == pytest.approx(0.3)
    assert norm.running_var.item() == pytest.approx(0.9 + 0.1 * 8)
    assert norm.num_batches_tracked.item() == 1


def check_momentum_none_averages_all_batches(torch):
    norm = seen(torch.nn.BatchNorm1d(1, momentum=None), torch, 3)
    assert norm.running_mean.item() == pytest.approx(3)
    assert norm.num_batches_tracked.item() == 3


def check_statistics_stop_when_tracking_is_switched_off(torch):
    norm = torch.nn.BatchNorm1d(1)
    norm.track_running_stats = False
    seen(norm, torch)
    assert norm.running_mean.item() == 0
    assert norm.num_batches_tracked.item() == 0
    norm.eval()
    assert norm(torch.tensor([[2.0]])).item() == pytest.approx(2, abs=1e-4)


def check_tracking_switched_on_without_statistics_uses_the_batch(torch):
    norm = torch.nn.BatchNorm1d(1, track_running_stats=False)
    norm.track_running_stats = True
    out = norm(torch.tensor([[1.0], [5.0]]))
    assert out.sum().item() == pytest.approx(0, abs=1e-5)


def check_without_statistics_evaluation_uses_the_batch(torch):
    norm = torch.nn.BatchNorm1d(1, track_running_stats=False).eval()
    assert norm.running_mean is None
    assert norm(torch.tensor([[1.0], [5.0]])).tolist()[1][0] == pytest.approx(1, abs=1e-4)


def check_a_count_removed_later_leaves_momentum(torch):
    norm = torch.nn.BatchNorm1d(1)
    norm.num_batches_tracked = None
    seen(norm, torch)
    assert norm.running_mean.item() == pytest.approx(0.3)


def check_statistics_removed_later_are_not_used(torch):
    norm = torch.nn.BatchNorm1d(1)
    norm.running_mean = norm.running_var = None
    norm.eval()
    assert norm(torch.tensor([[1.0], [5.0]])).sum().item() == pytest.approx(0, abs=1e-5)


def check_momentum_set_later_is_followed(torch):
    norm = torch.nn.BatchNorm1d(1)
    norm.momentum = 1.0
    seen(norm, torch)
    assert norm.running_mean.item() == 3


def check_evaluation_leaves_statistics_alone(torch):
    norm = torch.nn.BatchNorm1d(1).eval()
    seen(norm, torch, 2)
    assert norm.running_mean.item() == 0
    assert norm.num_batches_tracked.item() == 0


def check_reset_running_stats(torch):
    norm = seen(torch.nn.BatchNorm1d(1), torch)
    norm.reset_running_stats()
    assert (norm.running_mean.item(), norm.running_var.item()) == (0, 1)
    assert norm.num_batches_tracked.item() == 0


def check_dimensions_are_checked_in_words(torch):
    with pytest.raises(ValueError, match="expected 4D input"):
        torch.nn.BatchNorm2d(1)(torch.ones(2, 1))
    with pytest.raises(ValueError, match="expected 2D or 3D input"):
        torch.nn.BatchNorm1d(1)(torch.ones(2))


def check_one_value_per_channel_is_refused_in_training(torch):
    with pytest.raises(ValueError, match="Expected more than 1 value per channel when training"):
        torch.nn.BatchNorm1d(2)(torch.ones(1, 2))


def check_an_overridden_dimension_check_is_called(torch):
    calls = []

    class Any(torch.nn.BatchNorm1d):
        def _check_input_dim(self, input):
            calls.append(input.dim())

    Any(1)(torch.ones(2, 1, 2, 2))
    assert calls == [4]


def check_weights_are_optional(torch):
    norm = torch.nn.BatchNorm1d(2, affine=False)
    assert norm.weight is None
    assert norm.bias is None
    assert list(norm.parameters()) == []


def check_frozen_statistics_in_training(torch):
    norm = torch.nn.BatchNorm1d(1)
    norm.train()
    norm.eval()
    norm.weight.requires_grad_(False)
    x = torch.ones(2, 1, requires_grad=True)
    norm(x).sum().backward()
    assert x.grad.tolist()[0][0] == pytest.approx(1, abs=1e-4)
    assert norm.weight.grad is None


def check_instance_norm_tracks_only_if_asked(torch):
    assert torch.nn.InstanceNorm1d(2).running_mean is None
    norm = torch.nn.InstanceNorm1d(1, track_running_stats=True)
    norm(torch.tensor([[[1.0, 5.0]]]))
    assert norm.running_mean.item() == pytest.approx(0.3)


def check_texts_show_the_settings(torch):
    text = repr(torch.nn.BatchNorm2d(3))
    assert text.startswith("BatchNorm2d(3, eps=1e-05, momentum=0.1, affine=True")
    assert "track_running_stats=True" in text
