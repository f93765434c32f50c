"""nn.utils: weight and spectral norms, orthogonality, vectors, functional calls, clipping."""

import pytest

# --- ready-made ones ------------------------------------------------------------------------------


def check_weight_norm_keeps_the_value(torch):
    layer = torch.nn.Linear(3, 2)
    before = layer.weight.detach().clone()
    torch.nn.utils.parametrizations.weight_norm(layer)
    assert torch.allclose(layer.weight, before)
    assert sorted(n for n, _ in layer.named_parameters()) == [
        "bias", "parametrizations.weight.original0", "parametrizations.weight.original1",
    ]  # fmt: skip


def check_the_older_weight_norm_has_g_and_v(torch):
    layer = torch.nn.Linear(3, 2)
    before = layer.weight.detach().clone()
    with pytest.warns(FutureWarning, match="weight_norm` is deprecated"):
        torch.nn.utils.weight_norm(layer)
    assert sorted(n for n, _ in layer.named_parameters()) == ["bias", "weight_g", "weight_v"]
    x = torch.ones(1, 3)
    assert torch.allclose(layer(x), x @ before.T + layer.bias)
    with torch.no_grad():
        layer.weight_g.mul_(2)
    assert torch.allclose(layer(x), x @ (2 * before).T + layer.bias)
    torch.nn.utils.remove_weight_norm(layer)
    assert sorted(n for n, _ in layer.named_parameters()) == ["bias", "weight"]
    assert torch.allclose(layer.weight, 2 * before)


def check_weight_norm_loads_states_of_the_older_one(torch):
    layer = torch.nn.utils.parametrizations.weight_norm(torch.nn.Linear(2, 1, bias=False))
    layer.load_state_dict(
        {"weight_g": torch.full((1, 1), 5.0), "weight_v": torch.tensor([[3.0, 4.0]])}
    )
    assert torch.allclose(layer.weight, torch.tensor([[3.0, 4.0]]))


def check_spectral_norm_divides_by_the_largest_singular_value(torch):
    layer = torch.nn.Linear(4, 3)
    with torch.no_grad():
        layer.weight.mul_(7)
    torch.nn.utils.parametrizations.spectral_norm(layer, n_power_iterations=30)
    assert abs(torch.linalg.svdvals(layer.weight.detach())[0].item() - 1) < 1e-3
    assert "parametrizations.weight.original" in dict(layer.named_parameters())
    assert sorted(n.rpartition(".")[2] for n, _ in layer.named_buffers()) == ["_u", "_v"]


def check_spectral_norm_does_not_iterate_in_evaluation(torch):
    layer = torch.nn.utils.parametrizations.spectral_norm(torch.nn.Linear(4, 3)).eval()
    assert torch.equal(layer.weight, layer.weight)
    u = dict(layer.named_buffers())["parametrizations.weight.0._u"].clone()
    layer(torch.ones(1, 4))
    assert torch.equal(u, dict(layer.named_buffers())["parametrizations.weight.0._u"])


def check_spectral_norm_of_a_convolution(torch):
    layer = torch.nn.utils.parametrizations.spectral_norm(
        torch.nn.Conv2d(2, 3, 3), n_power_iterations=20
    )
    s = torch.linalg.svdvals(layer.weight.detach().reshape(3, -1))
    assert abs(s[0].item() - 1) < 1e-2


def check_the_older_spectral_norm_has_u_and_an_original(torch):
    layer = torch.nn.utils.spectral_norm(torch.nn.Linear(4, 3), n_power_iterations=20)
    assert sorted(n for n, _ in layer.named_parameters()) == ["bias", "weight_orig"]
    assert {"weight_u", "weight_v"} <= set(layer.state_dict())
    layer(torch.ones(1, 4)).sum().backward()
    assert layer.weight_orig.grad is not None
    assert abs(torch.linalg.svdvals(layer.weight.detach())[0].item() - 1) < 1e-2
    torch.nn.utils.remove_spectral_norm(layer)
    assert sorted(n for n, _ in layer.named_parameters()) == ["bias", "weight"]


def check_orthogonal_makes_orthonormal_columns(torch):
    layer = torch.nn.utils.parametrizations.orthogonal(torch.nn.Linear(3, 5))
    gram = layer.weight.T @ layer.weight
    assert torch.allclose(gram, torch.eye(3), atol=1e-5)
    layer(torch.ones(1, 3)).sum().backward()
    assert layer.parametrizations.weight.original.grad is not None


def check_orthogonal_takes_an_orthogonal_weight(torch):
    layer = torch.nn.utils.parametrizations.orthogonal(torch.nn.Linear(3, 3))
    wanted = torch.tensor([[0.0, 1, 0], [1, 0, 0], [0, 0, -1]])
    layer.weight = wanted
    assert torch.allclose(layer.weight, wanted, atol=1e-5)


# --- other utilities ------------------------------------------------------------------------------


def check_parameters_to_vector_and_back(torch):
    layer = torch.nn.Linear(2, 1)
    vector = torch.nn.utils.parameters_to_vector(layer.parameters())
    assert vector.shape == (3,)
    torch.nn.utils.vector_to_parameters(torch.tensor([1.0, 2.0, 3.0]), layer.parameters())
    assert layer.weight.tolist() == [[1, 2]]
    assert layer.bias.tolist() == [3]


def check_functional_call_leaves_the_module_alone(torch):
    layer = torch.nn.Linear(1, 1)
    before = layer.weight
    new = {"weight": torch.full((1, 1), 2.0), "bias": torch.ones(1)}
    assert torch.func.functional_call(layer, new, torch.ones(1, 1)).item() == 3
    assert layer.weight is before


def check_stateless_functional_call_warns_and_works(torch):
    layer = torch.nn.Linear(1, 1, bias=False)
    with pytest.warns(FutureWarning, match="functional_call"):
        out = torch.nn.utils.stateless.functional_call(
            layer, {"weight": torch.full((1, 1), 2.0)}, torch.ones(1, 1)
        )
    assert out.item() == 2


def check_functional_call_of_tied_weights_replaces_both(torch):
    layer = torch.nn.Linear(1, 1, bias=False)
    net = torch.nn.Sequential(layer, layer)
    new = {"0.weight": torch.full((1, 1), 3.0)}
    assert torch.func.functional_call(net, new, torch.ones(1, 1)).item() == 9


def check_functional_call_updates_buffers_that_are_given(torch):
    norm = torch.nn.BatchNorm1d(2)
    count = torch.zeros((), dtype=torch.int64)
    torch.func.functional_call(norm, {"num_batches_tracked": count}, torch.randn(4, 2))
    assert norm.num_batches_tracked.item() == 0
    assert count.item() == 1


def check_fused_convolutions_compute_the_same(torch):
    conv, norm = torch.nn.Conv2d(2, 3, 3), torch.nn.BatchNorm2d(3)
    norm(torch.randn(8, 3, 4, 4))
    conv.eval(), norm.eval()
    fused = torch.nn.utils.fuse_conv_bn_eval(conv, norm)
    x = torch.randn(2, 2, 5, 5)
    assert torch.allclose(fused(x), norm(conv(x)), atol=1e-5)
    assert isinstance(fused.weight, torch.nn.Parameter)


def check_fused_weights_of_a_linear_layer(torch):
    linear, norm = torch.nn.Linear(2, 3).eval(), torch.nn.BatchNorm1d(3).eval()
    norm.running_mean.fill_(0.5)
    fused = torch.nn.utils.fuse_linear_bn_eval(linear, norm)
    x = torch.randn(4, 2)
    assert torch.allclose(fused(x), norm(linear(x)), atol=1e-5)


def check_clip_grad_norm_returns_the_norm(torch):
    p = torch.nn.Parameter(torch.zeros(2))
    p.grad = torch.tensor([3.0, 4.0])
    assert torch.nn.utils.clip_grad_norm_([p], 1.0).item() == 5
    assert abs(p.grad.norm().item() - 1) < 1e-4
    assert torch.nn.utils.clip_grad_norm_(p, 10.0).item() < 1.1


def check_clip_grad_norm_of_no_gradients_is_zero(torch):
    assert torch.nn.utils.clip_grad_norm_([torch.nn.Parameter(torch.zeros(2))], 1.0).item() == 0


def check_clip_grad_norm_raises_for_nan_if_asked(torch):
    p = torch.nn.Parameter(torch.zeros(2))
    p.grad = torch.tensor([float("nan"), 1.0])
    with pytest.raises(RuntimeError, match="non-finite"):
        torch.nn.utils.clip_grad_norm_([p], 1.0, error_if_nonfinite=True)


def check_clip_grad_value_clamps(torch):
    p = torch.nn.Parameter(torch.zeros(2))
    p.grad = torch.tensor([3.0, -4.0])
    torch.nn.utils.clip_grad_value_(p, 1.0)
    assert p.grad.tolist() == [1, -1]
