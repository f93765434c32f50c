"""torch.utils.checkpoint: its checks of the second call, its contexts and its errors."""

import contextlib

import pytest


def _input(torch):
    torch.manual_seed(1)
    return torch.randn(3, 4, dtype=torch.float64).requires_grad_()


def check_an_argument_changed_in_place_before_backward_is_an_error(torch):
    x = _input(torch) * 1
    y = torch.utils.checkpoint.checkpoint(lambda x: x.exp().sin(), x, use_reentrant=False)
    x.detach().mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


def check_other_shapes_in_the_second_call_are_an_error(torch):
    lengths = [3, 2]

    def f(x):
        n = lengths.pop(0)
        return x[:n].exp().sin().sum()

    y = torch.utils.checkpoint.checkpoint(f, _input(torch), use_reentrant=False)
    with pytest.raises(torch.utils.checkpoint.CheckpointError, match="have different metadata"):
        y.backward()


def check_fewer_tensors_in_the_second_call_are_an_error(torch):
    calls = []

    def f(x):
        calls.append(1)
        return x.exp().sin().exp().sin() if len(calls) == 1 else x.exp()

    y = torch.utils.checkpoint.checkpoint(f, _input(torch), use_reentrant=False)
    with pytest.raises(torch.utils.checkpoint.CheckpointError, match="A different number of ten"):
        y.sum().backward()


def check_more_tensors_in_the_second_call_are_an_error_without_early_stop(torch):
    calls = []

    def f(x):
        calls.append(1)
        return x.exp() if len(calls) == 1 else x.exp().sin().exp()

    y = torch.utils.checkpoint.checkpoint(f, _input(torch), use_reentrant=False, early_stop=False)
    with pytest.raises(torch.utils.checkpoint.CheckpointError, match="more tensors during recomp"):
        y.sum().backward()


def check_debug_lists_the_operations(torch):
    calls = []

    def f(x):
        calls.append(1)
        return x.exp().sin().exp().sin() if len(calls) == 1 else x.exp()

    y = torch.utils.checkpoint.checkpoint(f, _input(torch), use_reentrant=False, debug=True)
    with pytest.raises(torch.utils.checkpoint.CheckpointError, match=r"(?i)sin"):
        y.sum().backward()


def check_the_determinism_check_can_be_left_out(torch):
    calls = []

    def f(x):
        calls.append(1)
        return (x if len(calls) == 1 else x.reshape(4, 3)).exp().sum()

    x = _input(torch)
    y = torch.utils.checkpoint.checkpoint(f, x, use_reentrant=False, determinism_check="none")
    with contextlib.suppress(RuntimeError):  # of shapes, later
        y.backward()


def check_an_unknown_determinism_check_is_refused(torch):
    with pytest.raises(ValueError, match="determinism_check should be one of"):
        torch.utils.checkpoint.checkpoint(
            torch.exp, _input(torch), use_reentrant=False, determinism_check="some"
        ).sum().backward()


def check_context_fn_gives_a_context_for_each_call(torch):
    seen = []

    @contextlib.contextmanager
    def noting(name):
        seen.append(name)
        yield

    y = torch.utils.checkpoint.checkpoint(
        lambda x: x.exp().sin(), _input(torch), use_reentrant=False,
        context_fn=lambda: (noting("forward"), noting("again")),
    )  # fmt: skip
    assert seen == ["forward"]
    y.sum().backward()
    assert seen == ["forward", "again"]


def check_the_second_call_stops_early(torch):
    ends = []

    def f(x):
        y = x.exp().sin()
        ends.append(1)
        return y

    torch.utils.checkpoint.checkpoint(f, _input(torch), use_reentrant=False).sum().backward()
    assert len(ends) == 1
    with torch.utils.checkpoint.set_checkpoint_early_stop(False):
        y = torch.utils.checkpoint.checkpoint(f, _input(torch), use_reentrant=False)
    y.sum().backward()
    assert len(ends) == 3


def check_an_error_in_the_second_call_reaches_the_user(torch):
    calls = []

    def f(x):
        calls.append(1)
        if len(calls) == 2:
            raise KeyError("mine")
        return x.exp()

    y = torch.utils.checkpoint.checkpoint(f, _input(torch), use_reentrant=False)
    with pytest.raises(KeyError, match="mine"):
        y.sum().backward()
    assert torch.is_grad_enabled()
