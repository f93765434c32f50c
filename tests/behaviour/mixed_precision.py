"""autocast and GradScaler where there is no device, and versions."""

import pytest

DIFFERENT = {
    "check_autocast_of_the_cpu_is_enabled": "`autocast`",
}


def _scaler(torch, **settings):
    return torch.amp.GradScaler("cpu", **settings)


def _optimizer(torch, gradient):
    p = torch.zeros(2, requires_grad=True)
    p.grad = torch.tensor(gradient)
    return p, torch.optim.SGD([p], lr=1.0)


def check_autocast_is_off(torch):
    assert not torch.is_autocast_enabled()
    assert not torch.is_autocast_enabled("cpu")


def check_autocast_of_a_missing_device_warns_and_is_disabled(torch):
    with pytest.warns(UserWarning, match=r"CUDA is not available.*Disabling autocast"):
        block = torch.autocast("cuda", dtype=torch.float16)
    with block:
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.float32


def check_autocast_that_is_not_enabled_is_nothing(torch):
    with torch.autocast("cuda", enabled=False), torch.autocast("cpu", enabled=False):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.float32


def check_autocast_decorates(torch):
    @torch.autocast("cuda", enabled=False)
    def product(x):
        return x @ x

    assert product(torch.ones(2, 2)).dtype == torch.float32


def check_autocast_knows_its_devices(torch):
    with pytest.raises(RuntimeError, match="Expected one of cpu, cuda"):
        torch.autocast("gpu")


def check_autocast_of_amp_is_the_same(torch):
    assert torch.amp.autocast is torch.autocast


def check_autocast_of_cuda_is_deprecated(torch):
    with pytest.warns(
        FutureWarning, match=r"autocast.*is deprecated. Please use `torch.amp.autoca"
    ):
        torch.cuda.amp.autocast(enabled=False)


def check_custom_forwards_are_decorated(torch):
    class Twice(torch.autograd.Function):
        @staticmethod
        @torch.amp.custom_fwd(device_type="cuda")
        def forward(ctx, x):
            return 2 * x

        @staticmethod
        @torch.amp.custom_bwd(device_type="cuda")
        def backward(ctx, g):
            return 2 * g

    x = torch.ones(1, requires_grad=True)
    Twice.apply(x).backward()
    assert x.grad.item() == 2


def check_a_scaler_of_a_missing_device_is_disabled(torch):
    with pytest.warns(UserWarning, match="GradScaler is enabled, but CUDA is not available"):
        scaler = torch.amp.GradScaler("cuda")
    assert not scaler.is_enabled()
    assert scaler.get_scale() == 1


def check_a_disabled_scaler_leaves_losses_and_steps_alone(torch):
    scaler = torch.amp.GradScaler("cuda", enabled=False)
    p, optimizer = _optimizer(torch, [1.0, 2.0])
    loss = p.sum()
    assert scaler.scale(loss) is loss
    scaler.unscale_(optimizer)
    scaler.step(optimizer)
    scaler.update()
    assert p.tolist() == [-1, -2]
    assert scaler.state_dict() == {}


def check_a_scaler_of_cuda_is_deprecated(torch):
    with pytest.warns(
        FutureWarning, match=r"GradScaler.*is deprecated. Please use `torch.amp.Grad"
    ):
        torch.cuda.amp.GradScaler(enabled=False)


def check_losses_are_scaled(torch):
    assert _scaler(torch, init_scale=8.0).scale(torch.tensor(2.0)).item() == 16


def check_lists_of_losses_are_scaled(torch):
    scaled = _scaler(torch, init_scale=8.0).scale([torch.tensor(2.0), torch.tensor(3.0)])
    assert [s.item() for s in scaled] == [16, 24]


def check_steps_are_taken_with_unscaled_gradients(torch):
    scaler = _scaler(torch, init_scale=8.0)
    p, optimizer = _optimizer(torch, [1.0, 1.0])
    optimizer.zero_grad()
    scaler.scale(p.sum()).backward()
    assert p.grad.tolist() == [8, 8]
    scaler.step(optimizer)
    scaler.update()
    assert p.tolist() == [-1, -1]
    assert scaler.get_scale() == 8


def check_gradients_are_unscaled_for_clipping(torch):
    scaler = _scaler(torch, init_scale=8.0)
    p, optimizer = _optimizer(torch, [8.0, 16.0])
    scaler.scale(torch.ones(1))
    scaler.unscale_(optimizer)
    assert p.grad.tolist() == [1, 2]


def check_gradients_are_unscaled_once(torch):
    scaler = _scaler(torch, init_scale=8.0)
    _, optimizer = _optimizer(torch, [8.0, 16.0])
    scaler.scale(torch.ones(1))
    scaler.unscale_(optimizer)
    with pytest.raises(RuntimeError, match=r"unscale_\(\) has already been called on this"):
        scaler.unscale_(optimizer)


def check_gradients_are_not_unscaled_after_the_step(torch):
    scaler = _scaler(torch)
    _, optimizer = _optimizer(torch, [8.0, 16.0])
    scaler.scale(torch.ones(1))
    scaler.step(optimizer)
    with pytest.raises(RuntimeError, match=r"unscale_\(\) is being called after step"):
        scaler.unscale_(optimizer)


def check_there_is_one_step_for_each_update(torch):
    scaler = _scaler(torch)
    _, optimizer = _optimizer(torch, [8.0, 16.0])
    scaler.scale(torch.ones(1))
    scaler.step(optimizer)
    with pytest.raises(RuntimeError, match=r"step\(\) has already been called since the last upd"):
        scaler.step(optimizer)


def check_infinite_gradients_take_no_step_and_halve_the_scale(torch):
    scaler = _scaler(torch, init_scale=8.0)
    p, optimizer = _optimizer(torch, [float("inf"), 1.0])
    scaler.scale(torch.ones(1))
    scaler.step(optimizer)
    scaler.update()
    assert p.tolist() == [0, 0]
    assert scaler.get_scale() == 4


def check_the_scale_grows_after_its_interval(torch):
    scaler = _scaler(torch, init_scale=8.0, growth_interval=2)
    _, optimizer = _optimizer(torch, [1.0, 1.0])
    scales = []
    for _ in range(3):
        scaler.scale(torch.ones(1))
        scaler.step(optimizer)
        scaler.update()
        scales.append(scaler.get_scale())
    assert scales == [8, 16, 16]


def check_the_scale_is_set(torch):
    scaler = _scaler(torch)
    scaler.scale(torch.ones(1))
    scaler.update(4.0)
    assert scaler.get_scale() == 4


def check_a_scaler_is_saved_and_loaded(torch):
    scaler, other = _scaler(torch, init_scale=8.0, growth_interval=7), _scaler(torch)
    state = scaler.state_dict()
    assert state == {
        "scale": 8.0, "growth_factor": 2.0, "backoff_factor": 0.5, "growth_interval": 7,
        "_growth_tracker": 0,
    }  # fmt: skip
    other.load_state_dict(state)
    assert other.get_scale() == 8
    assert other.get_growth_interval() == 7


def check_an_empty_state_is_not_loaded(torch):
    with pytest.raises(RuntimeError, match="The source state dict is empty"):
        _scaler(torch).load_state_dict({})


def check_the_scale_must_grow(torch):
    with pytest.raises(AssertionError, match="The growth factor must be"):
        _scaler(torch, growth_factor=1.0)


def check_an_update_follows_a_step(torch):
    scaler = _scaler(torch)
    scaler.scale(torch.ones(1))
    with pytest.raises(AssertionError, match="No inf checks were recorded prior to update"):
        scaler.update()


# --- versions -------------------------------------------------------------------------------------


def check_the_version_is_recent_enough_for_libraries(torch):
    assert torch.__version__ >= "2.2"
    assert torch.__version__ >= (2, 2)
    assert not torch.__version__ < "1.13.1"


def check_the_version_is_a_string_with_three_numbers(torch):
    assert isinstance(torch.__version__, str)
    major, minor, *_ = torch.__version__.split(".")
    assert (int(major), int(minor)) >= (2, 2)


def check_the_version_is_parsed_by_packaging(torch):
    version = pytest.importorskip("packaging.version")
    assert version.parse(torch.__version__) >= version.parse("2.2.0")


def check_the_version_equals_itself_in_other_forms(torch):
    assert torch.__version__ == torch.version.__version__
    assert torch.__version__ != "1.0"


def check_there_is_no_version_of_a_missing_device(torch):
    assert torch.version.cuda is None
    assert torch.version.hip is None
    assert torch.version.debug is False


def check_autocast_of_the_cpu_is_enabled(torch):
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.is_autocast_enabled("cpu")
