"""What published scripts do with the graph, hooks and optimizers, a whole loop at a time."""

import collections
import copy
import importlib
import io

import numpy as np
import pytest


def filled(torch, module):
    """The module with parameters that are the same in both libraries."""
    with torch.no_grad():
        for p in module.parameters():
            p.copy_(torch.linspace(-1, 1, p.numel()).reshape(p.shape))
    return module


def close(tensor, expected):
    assert tensor.tolist() == pytest.approx(expected, rel=1e-5, abs=1e-6)


# --- training loops -------------------------------------------------------------------------------


def check_a_detached_sample_trains_the_discriminator_only(torch):
    generator = filled(torch, torch.nn.Linear(2, 2))
    discriminator = filled(torch, torch.nn.Linear(2, 1))
    fake = generator(torch.ones(3, 2))
    discriminator(fake.detach()).mean().backward()
    assert generator.weight.grad is None
    close(discriminator.weight.grad[0], fake.detach().mean(0).tolist())
    discriminator.zero_grad()
    discriminator(fake).mean().backward()
    close(generator.weight.grad[:, 0], [-1.0, 1.0])


def check_a_gradient_penalty_reaches_the_weights(torch):
    critic = filled(torch, torch.nn.Linear(2, 1, bias=False))
    x = torch.ones(3, 2, requires_grad=True)
    out = critic(x)
    (g,) = torch.autograd.grad(
        outputs=out,
        inputs=x,
        grad_outputs=torch.ones_like(out),
        create_graph=True,
        retain_graph=True,
        only_inputs=True,
    )
    ((g.norm(2, dim=1) - 1) ** 2).mean().backward()
    length = 2**0.5
    close(critic.weight.grad[0], [-2 * (length - 1) / length, 2 * (length - 1) / length])


def check_an_inner_step_is_differentiated(torch):
    w = torch.tensor([1.0, 2.0], requires_grad=True)
    (g,) = torch.autograd.grad((w**3).sum(), w, create_graph=True)
    ((w - 0.1 * g) ** 2).sum().backward()
    close(w.grad, [2 * 0.7 * 0.4, 2 * 0.8 * -0.2])


def check_an_average_of_weights_is_kept_in_a_copy(torch):
    model = filled(torch, torch.nn.Linear(2, 1))
    average = copy.deepcopy(model).requires_grad_(False)
    model(torch.ones(1, 2)).sum().backward()
    torch.optim.SGD(model.parameters(), lr=1.0).step()
    for p, q in zip(model.parameters(), average.parameters(), strict=True):
        q.mul_(0.9).add_(p.data, alpha=0.1)
    close(average.weight[0], [-1.1, 0.9])
    assert average.weight.grad is None


def check_weights_are_updated_by_hand_under_no_grad(torch):
    w = torch.ones(2, requires_grad=True)
    for _ in range(2):
        (w * torch.tensor([1.0, 2.0])).pow(2).sum().backward()
        with torch.no_grad():
            w -= 0.1 * w.grad
            w.grad.zero_()
    close(w, [0.64, 0.04])
    assert w.is_leaf
    assert w.requires_grad


def check_a_straight_through_estimate_has_the_gradient_of_the_input(torch):
    x = torch.tensor([0.3, 0.7], requires_grad=True)
    y = x + (x.round() - x).detach()
    (y * y).sum().backward()
    close(x.grad, [0.0, 2.0])


def check_activations_and_their_gradients_are_caught_by_hooks(torch):
    model = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.ReLU(), torch.nn.Linear(2, 1))
    caught = []

    def watch(module, given, out):
        out.register_hook(caught.append)

    model[1].register_forward_hook(watch)
    filled(torch, model)(torch.ones(1, 2)).sum().backward()
    close(caught[0][0], [-1.0, 1.0])


def check_a_frozen_batch_norm_keeps_its_statistics(torch):
    model = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.BatchNorm1d(2)).train()
    model[1].eval()
    model[1].weight.requires_grad_(False)
    model(torch.ones(4, 2)).sum().backward()
    close(model[1].running_mean, [0.0, 0.0])
    assert model[1].weight.grad is None
    assert model[1].bias.grad is not None


# --- hooks and contexts ---------------------------------------------------------------------------


def check_a_post_accumulate_hook_returns_nothing(torch):
    x = torch.ones(2, requires_grad=True)
    x.register_post_accumulate_grad_hook(lambda p: p.grad)
    with pytest.raises(RuntimeError, match="post accumulate grad hooks should return None"):
        x.sum().backward()


class _Scaled:
    """Makes a Function that multiplies its gradient by an attribute of its context."""

    def __new__(cls, torch):
        class Scaled(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                ctx.factor = 3
                return x * 2

            @staticmethod
            def backward(ctx, g):
                return g * ctx.factor

        return Scaled


def check_an_attribute_set_on_grad_fn_reaches_backward(torch):
    x = torch.ones(2, requires_grad=True)
    y = _Scaled(torch).apply(x)
    assert y.grad_fn.factor == 3
    y.grad_fn.factor = 5
    y.sum().backward()
    close(x.grad, [5.0, 5.0])


def check_a_new_attribute_of_grad_fn_stays_there(torch):
    y = _Scaled(torch).apply(torch.ones(2, requires_grad=True))
    y.grad_fn.note = "seen"
    assert y.grad_fn.note == "seen"


def check_attributes_of_grad_fn_are_there_after_a_hook_on_it(torch):
    y = _Scaled(torch).apply(torch.ones(2, requires_grad=True))
    y.grad_fn.register_hook(lambda grad_inputs, grad_outputs: None)
    assert y.grad_fn.factor == 3


def check_an_inference_tensor_that_would_be_saved_is_refused_in_words(torch):
    with torch.inference_mode():
        x = torch.ones(2)
    words = "Inference tensors cannot be saved for backward. Please do not use Tensors created"
    with pytest.raises(RuntimeError, match=words):
        torch.ones(2, requires_grad=True) * x


# --- numbers and text -----------------------------------------------------------------------------


def check_a_dual_tensor_prints_its_tangent(torch):
    forward = torch.autograd.forward_ad
    with forward.dual_level():
        dual = forward.make_dual(torch.arange(2.0), torch.ones(2))
        assert repr(dual) == "tensor([0., 1.], tangent=tensor([1., 1.]))"
    assert repr(dual) == "tensor([0., 1.])"


def check_nan_is_no_integer(torch):
    with pytest.raises(RuntimeError, match="cannot be converted to type"):
        torch.tensor(float("nan"), dtype=torch.int64)


# --- sizes by name --------------------------------------------------------------------------------


def check_views_take_their_sizes_by_name(torch):
    x = torch.arange(6.0).reshape(2, 3)
    assert x.view(size=(3, 2)).shape == x.reshape(shape=(3, 2)).shape == (3, 2)
    assert x.permute(dims=(1, 0)).shape == (3, 2)
    assert x.expand(size=(4, 2, 3)).shape == (4, 2, 3)
    assert x.sum_to_size(size=(1, 3)).shape == (1, 3)


def check_repetitions_take_their_counts_by_name(torch):
    x = torch.ones(2, 3)
    assert x.repeat(repeats=(2, 1)).shape == (4, 3)
    assert x.tile(dims=(2,)).shape == (2, 6)


def check_new_tensors_take_their_sizes_by_name(torch):
    x = torch.ones(2, dtype=torch.float64)
    for name in ("new_zeros", "new_ones", "new_empty"):
        new = getattr(x, name)(size=(2, 3))
        assert new.shape == (2, 3)
        assert new.dtype == torch.float64


def check_swapaxes_names_its_axes(torch):
    assert torch.ones(2, 3).swapaxes(axis0=0, axis1=1).shape == (3, 2)


def check_sizes_twice_are_refused(torch):
    with pytest.raises(TypeError):
        torch.ones(2, 3).permute(1, 0, dims=(0, 1))


# --- decided otherwise ----------------------------------------------------------------------------


def check_a_view_follows_requires_grad_of_its_base(torch):
    x = torch.ones(3)
    view = x[:2]
    x.requires_grad_()
    assert view.requires_grad


def check_the_second_derivative_of_relu_is_in_the_graph(torch):
    x = torch.ones(3, requires_grad=True)
    (g,) = torch.autograd.grad(torch.relu(x).sum(), x, create_graph=True)
    assert g.requires_grad


def check_a_parameter_may_be_twice_in_a_group(torch):
    w = torch.ones(1, requires_grad=True)
    with pytest.warns(UserWarning, match="duplicate parameters"):
        torch.optim.SGD([w, w], lr=0.1)


def check_copies_between_overlapping_parts_are_refused(torch):
    x = torch.arange(4.0)
    with pytest.raises(RuntimeError, match="refer to a single memory location"):
        x[1:] = x[:-1]


def check_a_batch_norm_at_the_end_of_a_checkpoint_is_updated_twice(torch):
    checkpoint = importlib.import_module(f"{torch.__name__}.utils.checkpoint").checkpoint
    norm = torch.nn.BatchNorm1d(2)
    x = torch.arange(8.0).reshape(4, 2).requires_grad_()
    checkpoint(norm, x, use_reentrant=False).pow(3).sum().backward()
    assert int(norm.num_batches_tracked) == 2


def check_results_of_several_tensors_print_their_function(torch):
    assert "return_types.max(" in repr(torch.ones(2, 2).max(1))


def check_negative_strides_are_refused(torch):
    with pytest.raises(ValueError, match="negative"):
        torch.from_numpy(np.arange(3)[::-1])


def check_int32_targets_of_cross_entropy_are_refused(torch):
    with pytest.raises(RuntimeError):
        torch.nn.functional.cross_entropy(torch.ones(1, 3), torch.tensor([1], dtype=torch.int32))


def check_named_tuples_are_written(torch):
    torch.save(Version(1, 2), io.BytesIO())


def check_map_changes_a_tensor_by_a_function(torch):
    x = torch.ones(2)
    x.map_(torch.ones(2), lambda a, b: a + b)
    close(x, [2.0, 2.0])


Version = collections.namedtuple("Version", "major minor")

DIFFERENT = {
    "check_a_batch_norm_at_the_end_of_a_checkpoint_is_updated_twice": (
        "what follows the last saved tensor in `checkpoint`, with `use_reentrant=False`"
    ),
    "check_results_of_several_tensors_print_their_function": (
        "the text of results of several tensors, of `max`, `sort` and others"
    ),
    "check_negative_strides_are_refused": (
        "`from_numpy` and `tensor` of arrays with negative strides"
    ),
    "check_int32_targets_of_cross_entropy_are_refused": (
        "integer targets of `binary_cross_entropy_with_logits`, int32 targets of `cross_entropy`"
    ),
    "check_named_tuples_are_written": "`save` of named tuples",
    "check_a_view_follows_requires_grad_of_its_base": (
        "a view that was taken before its base's `requires_grad_()`"
    ),
    "check_the_second_derivative_of_relu_is_in_the_graph": (
        "second derivatives that are 0 everywhere: of `relu`, `leaky_relu`, `prelu`, `max_pool2d`, "
        "`nll_loss`"
    ),
    "check_a_parameter_may_be_twice_in_a_group": "a parameter twice in a group of an optimizer",
    "check_copies_between_overlapping_parts_are_refused": (
        "copies and `out=` between parts of a tensor that overlap, `x[1:] = x[:-1]`"
    ),
}


# --- initializations, layers and programs of other libraries --------------------------------------


def check_initializations_ask_for_the_fans(torch):
    init = importlib.import_module(f"{torch.__name__}.nn.init")
    weight = torch.empty(4, 3, 2, 5)
    assert init._calculate_fan_in_and_fan_out(weight) == (30, 40)
    assert init._calculate_correct_fan(weight, "fan_out") == 40
    with pytest.raises(ValueError, match="Mode out not supported"):
        init._calculate_correct_fan(weight, "out")
    with pytest.raises(ValueError, match="fewer than 2 dimensions"):
        init._calculate_fan_in_and_fan_out(torch.empty(3))


def check_layers_of_others_ask_for_an_activation_by_name(torch):
    transformer = importlib.import_module(f"{torch.__name__}.nn.modules.transformer")
    assert transformer._get_activation_fn("relu") is torch.nn.functional.relu
    with pytest.raises(RuntimeError, match="activation should be relu/gelu, not tanh"):
        transformer._get_activation_fn("tanh")


def check_graph_convolutions_of_a_dense_adjacency(torch):
    adjacency = torch.tensor([[0.5, 0.5], [0.0, 1.0]])
    features = torch.tensor([[1.0], [3.0]], requires_grad=True)
    out = torch.spmm(adjacency, features)
    out.sum().backward()
    close(out.detach()[:, 0], [2.0, 3.0])
    close(features.grad[:, 0], [0.5, 1.5])


def check_reversible_layers_keep_the_devices_states(torch):
    checkpoint = importlib.import_module(f"{torch.__name__}.utils.checkpoint")
    states = checkpoint.get_device_states(torch.ones(2), 3)
    assert states == ([], [])
    checkpoint.set_device_states(*states)


def check_functions_are_decorated_for_mixed_precision(torch):
    amp = importlib.import_module(f"{torch.__name__}.cuda.amp")
    with pytest.warns(FutureWarning, match="custom_fwd"):
        forward = amp.custom_fwd(lambda ctx, x: 2 * x)
    with pytest.warns(FutureWarning, match="custom_bwd"):
        backward = amp.custom_bwd(lambda ctx, g: 2 * g)

    class Twice(torch.autograd.Function):
        pass

    Twice.forward, Twice.backward = staticmethod(forward), staticmethod(backward)
    x = torch.ones(2, requires_grad=True)
    Twice.apply(x).sum().backward()
    close(x.grad, [2.0, 2.0])
