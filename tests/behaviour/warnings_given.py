"""Warnings that PyTorch gives, and where it is silent."""

import contextlib
import warnings

import numpy as np
import pytest

DIFFERENT = {
    "check_a_number_of_a_tensor_that_requires_grad": (
        "`float(x)`, `int(x)` of a tensor that requires gradients"
    ),
    "check_a_graph_of_the_backward_is_warned_of": "`backward(create_graph=True)`",
}


@contextlib.contextmanager
def _warns(torch, words):
    """Expect a warning; PyTorch gives some of them once in a process unless told otherwise."""
    before = torch.is_warn_always_enabled()
    torch.set_warn_always(True)
    try:
        with pytest.warns(UserWarning, match=words) as said:
            yield said
    finally:
        torch.set_warn_always(before)


def _silent(call):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return call()


def check_the_gradient_of_a_result(torch):
    y = torch.ones(2, requires_grad=True) * 2
    with pytest.warns(UserWarning, match="The .grad attribute of a Tensor that is not a leaf"):
        assert y.grad is None


def check_the_gradient_of_a_leaf_is_silent(torch):
    assert _silent(lambda: torch.ones(2, requires_grad=True).grad) is None


def check_the_gradient_of_a_constant_is_silent(torch):
    assert _silent(lambda: torch.ones(2).grad) is None


def check_a_retained_gradient_is_silent(torch):
    y = torch.ones(2, requires_grad=True) * 2
    y.retain_grad()
    y.sum().backward()
    assert _silent(lambda: y.grad).tolist() == [1, 1]


def check_a_tensor_of_a_tensor(torch):
    with pytest.warns(UserWarning, match="To copy construct from a tensor, it is recommended"):
        torch.tensor(torch.ones(2))


def check_a_new_tensor_of_a_tensor(torch):
    with pytest.warns(UserWarning, match="To copy construct from a tensor, it is recommended"):
        torch.ones(2).new_tensor(torch.ones(2))


def check_as_tensor_of_a_tensor_is_silent(torch):
    _silent(lambda: torch.as_tensor(torch.ones(2)))


def check_a_tensor_of_an_array_is_silent(torch):
    _silent(lambda: torch.tensor(np.ones(2)))


def check_an_array_that_is_not_writable(torch):
    array = np.ones(2)
    array.flags.writeable = False
    with _warns(torch, "The given NumPy array is not writable"):
        torch.from_numpy(array)


def check_an_array_that_is_writable_is_silent(torch):
    _silent(lambda: torch.from_numpy(np.ones(2)))


def check_a_buffer_that_is_not_writable(torch):
    with _warns(torch, "The given buffer is not writable"):
        torch.frombuffer(b"\0" * 8, dtype=torch.float32)


def check_bytes_as_a_mask(torch):
    mask = torch.tensor([1, 0], dtype=torch.uint8)
    with _warns(torch, "indexing with dtype torch.uint8 is now deprecated"):
        torch.ones(2)[mask]


def check_a_transpose_of_a_vector(torch):
    with _warns(torch, "The use of `x.T` on tensors of dimension other than 2"):
        assert torch.ones(3).T.shape == (3,)


def check_a_transpose_of_a_matrix_is_silent(torch):
    _silent(lambda: torch.ones(2, 3).T)


def check_a_grid_without_its_order(torch):
    with _warns(torch, "it will be required to pass the indexing argument"):
        torch.meshgrid(torch.ones(2), torch.ones(2))


def check_a_grid_with_its_order_is_silent(torch):
    _silent(lambda: torch.meshgrid(torch.ones(2), torch.ones(2), indexing="ij"))


def check_a_softmax_without_a_dimension(torch):
    with pytest.warns(UserWarning, match="Implicit dimension choice for softmax has been"):
        torch.nn.functional.softmax(torch.ones(2, 2))


def check_a_layer_of_softmax_without_a_dimension(torch):
    with _warns(torch, "Implicit dimension choice for log_softmax"):
        torch.nn.LogSoftmax()(torch.ones(2, 2))


def check_a_loss_of_two_sizes(torch):
    with pytest.warns(UserWarning, match=r"sing a target size .* that is different to"):
        torch.nn.functional.mse_loss(torch.ones(2, 1), torch.ones(2))


def check_a_divergence_with_the_mean(torch):
    with _warns(torch, "reduction: 'mean' divides the total loss by both"):
        torch.nn.functional.kl_div(torch.zeros(2, 2), torch.ones(2, 2))


def check_an_initial_value_of_nothing(torch):
    with _warns(torch, "Initializing zero-element tensors is a no-op"):
        torch.nn.init.kaiming_uniform_(torch.empty(0, 3))


def check_a_normal_value_far_from_its_bounds(torch):
    with _warns(torch, r"mean is more than 2 std from \[a, b\]"):
        torch.nn.init.trunc_normal_(torch.empty(3), mean=9.0)


def check_old_names_of_interpolate(torch):
    x = torch.arange(4.0).reshape(1, 1, 2, 2)
    for name, middle in (("upsample", 1), ("upsample_nearest", 1), ("upsample_bilinear", 4 / 3)):
        with _warns(torch, f"`nn.functional.{name}` is deprecated"):
            y = getattr(torch.nn.functional, name)(x, scale_factor=2)
        assert y.shape == (1, 1, 4, 4)
        assert y[0, 0, 1].tolist()[-1] == pytest.approx(5 / 3 if name[-1] == "r" else middle)


def check_a_schedule_before_the_optimizer(torch):
    optimizer = torch.optim.SGD([torch.ones(1, requires_grad=True)], lr=0.1)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 1)
    with _warns(torch, "lr_scheduler.step\\(\\)` before `optimizer.step\\(\\)"):
        schedule.step()


def check_a_schedule_after_the_optimizer_is_silent(torch):
    p = torch.ones(1, requires_grad=True)
    optimizer = torch.optim.SGD([p], lr=0.1)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 1)
    p.grad = torch.ones(1)

    def step():
        optimizer.step()
        schedule.step()

    _silent(step)


def check_warnings_point_at_the_line_of_the_caller(torch):
    with _warns(torch, "resized") as said:
        torch.exp(torch.zeros(2), out=torch.ones(3))
    assert said[0].filename == __file__


def check_a_graph_of_the_backward_is_warned_of(torch):
    x = torch.ones(1, requires_grad=True)
    with _warns(torch, "create_graph=True will create a reference cycle"):
        (x * x).backward(create_graph=True)


def check_a_number_of_a_tensor_that_requires_grad(torch):
    with _warns(torch, "requires_grad=True to a scalar"):
        float(torch.ones(1, requires_grad=True))


def check_item_of_a_tensor_that_requires_grad_is_silent(torch):
    x = torch.tensor(1.0, requires_grad=True)
    assert _silent(x.item) == 1
    assert _silent(lambda: f"{x:.1f}") == "1.0"
