"""Decisive words of the messages of layers, losses and optimizers."""

import pytest

DIFFERENT = {}


def _raises(error, words, call):
    with pytest.raises(error, match=words):
        call()


def _parameters(torch):
    return [torch.zeros(2, requires_grad=True)]


def check_a_negative_learning_rate(torch):
    words = r"Invalid learning rate: -1"
    _raises(ValueError, words, lambda: torch.optim.SGD(_parameters(torch), lr=-1.0))


def check_a_negative_learning_rate_of_adam(torch):
    words = r"Invalid learning rate: -1"
    _raises(ValueError, words, lambda: torch.optim.Adam(_parameters(torch), lr=-1.0))


def check_a_negative_momentum(torch):
    words = r"Invalid momentum value: -1"
    _raises(ValueError, words, lambda: torch.optim.SGD(_parameters(torch), 0.1, momentum=-1.0))


def check_a_negative_weight_decay(torch):
    words = r"Invalid weight_decay value: -1"
    _raises(ValueError, words, lambda: torch.optim.SGD(_parameters(torch), 0.1, weight_decay=-1.0))


def check_a_beta_above_one(torch):
    words = r"Invalid beta parameter at index 0: 1"
    _raises(ValueError, words, lambda: torch.optim.Adam(_parameters(torch), betas=(1.0, 0.9)))


def check_a_negative_epsilon(torch):
    words = r"Invalid epsilon value: -1"
    _raises(ValueError, words, lambda: torch.optim.Adam(_parameters(torch), eps=-1.0))


def check_no_parameters(torch):
    words = "optimizer got an empty parameter list"
    _raises(ValueError, words, lambda: torch.optim.SGD([], lr=0.1))


def check_one_tensor_for_parameters(torch):
    words = "params argument given to the optimizer should be an iterable of Tensors or dicts"
    _raises(TypeError, words, lambda: torch.optim.SGD(torch.zeros(2, requires_grad=True), lr=0.1))


def check_a_result_for_a_parameter(torch):
    x = torch.zeros(2, requires_grad=True) * 2
    _raises(ValueError, "can't optimize a non-leaf Tensor", lambda: torch.optim.SGD([x], lr=0.1))


def check_a_parameter_that_is_no_tensor(torch):
    words = "optimizer can only optimize Tensors, but one of the params is"
    _raises(TypeError, words, lambda: torch.optim.SGD([3], lr=0.1))


def check_a_parameter_in_two_groups(torch):
    (p,) = _parameters(torch)
    words = "some parameters appear in more than one parameter group"
    groups = [{"params": [p]}, {"params": [p]}]
    _raises(ValueError, words, lambda: torch.optim.SGD(groups, lr=0.1))


def check_a_state_of_other_groups(torch):
    one = torch.optim.SGD(_parameters(torch), lr=0.1)
    two = torch.optim.SGD(_parameters(torch) + _parameters(torch), lr=0.1)
    words = "loaded state dict contains a parameter group that doesn't match the size"
    _raises(ValueError, words, lambda: two.load_state_dict(one.state_dict()))


def check_missing_keys(torch):
    words = r"Missing key\(s\) in state_dict: \"bias\""
    _raises(
        RuntimeError, words,
        lambda: torch.nn.Linear(2, 2).load_state_dict({"weight": torch.ones(2, 2)}),
    )  # fmt: skip


def check_unexpected_keys(torch):
    layer = torch.nn.Linear(2, 2, bias=False)
    state = {"weight": torch.ones(2, 2), "more": torch.ones(1)}
    words = r"Unexpected key\(s\) in state_dict: \"more\""
    _raises(RuntimeError, words, lambda: layer.load_state_dict(state))


def check_keys_of_another_shape(torch):
    layer = torch.nn.Linear(2, 2, bias=False)
    words = r"size mismatch for weight: copying a param with shape .*\[3, 2\].* from checkpoint"
    _raises(RuntimeError, words, lambda: layer.load_state_dict({"weight": torch.ones(3, 2)}))


def check_errors_of_loading_name_the_class(torch):
    words = r"Error\(s\) in loading state_dict for Linear"
    _raises(RuntimeError, words, lambda: torch.nn.Linear(2, 2).load_state_dict({}))


def check_a_module_without_forward(torch):
    class Empty(torch.nn.Module):
        pass

    words = r'Module \[Empty\] is missing the required "forward" function'
    _raises(NotImplementedError, words, lambda: Empty()(1))


def check_an_attribute_that_is_missing(torch):
    words = "'Linear' object has no attribute 'wait'"
    _raises(AttributeError, words, lambda: torch.nn.Linear(2, 2).wait)


def check_a_number_for_a_parameter(torch):
    layer = torch.nn.Linear(2, 2)

    def assign():
        layer.weight = 3

    _raises(TypeError, "cannot assign 'int' as parameter 'weight'", assign)


def check_a_module_before_its_init(torch):
    class Early(torch.nn.Module):
        def __init__(self):
            self.layer = torch.nn.Linear(2, 2)

    words = r"cannot assign module before Module.__init__\(\) call"
    _raises(AttributeError, words, Early)


def check_what_is_no_module(torch):
    words = "is not a Module subclass"
    _raises(TypeError, words, lambda: torch.nn.Sequential(torch.ones(1)))


def check_a_probability_above_one(torch):
    words = "dropout probability has to be between 0 and 1, but got 2"
    _raises(ValueError, words, lambda: torch.nn.Dropout(2))


def check_one_value_per_channel(torch):
    words = "Expected more than 1 value per channel when training"
    _raises(ValueError, words, lambda: torch.nn.BatchNorm1d(3)(torch.ones(1, 3)))


def check_images_with_other_channels(torch):
    words = r"expected input\[1, 1, 8, 8\] to have 3 channels, but got 1 channels instead"
    _raises(RuntimeError, words, lambda: torch.nn.Conv2d(3, 4, 3)(torch.ones(1, 1, 8, 8)))


def check_channels_that_groups_do_not_divide(torch):
    words = "in_channels must be divisible by groups"
    _raises(ValueError, words, lambda: torch.nn.Conv2d(3, 4, 3, groups=2))


def check_images_smaller_than_the_kernel(torch):
    words = "Kernel size can't be greater than actual input size"
    _raises(RuntimeError, words, lambda: torch.nn.Conv2d(1, 1, 3)(torch.ones(1, 1, 2, 2)))


def check_a_class_that_is_out_of_bounds(torch):
    words = "Target 5 is out of bounds"
    _raises(
        IndexError, words,
        lambda: torch.nn.functional.cross_entropy(torch.zeros(1, 3), torch.tensor([5])),
    )  # fmt: skip


def check_batches_of_two_sizes(torch):
    words = r"Expected input batch_size \(2\) to match target batch_size \(3\)"
    _raises(
        ValueError, words,
        lambda: torch.nn.functional.cross_entropy(torch.zeros(2, 3), torch.tensor([0, 1, 2])),
    )  # fmt: skip


def check_a_reduction_that_is_none_of_three(torch):
    x = torch.ones(1)
    words = "is not a valid value for reduction"
    _raises(ValueError, words, lambda: torch.nn.functional.mse_loss(x, x, reduction="middle"))


def check_targets_of_another_size_for_probabilities(torch):
    F, words = torch.nn.functional, "that is different to the input size"
    _raises(ValueError, words, lambda: F.binary_cross_entropy(torch.ones(2), torch.ones(3)))


def check_probabilities_above_one(torch):
    F, words = torch.nn.functional, "all elements of input should be between 0 and 1"
    x = torch.tensor([2.0])
    _raises(RuntimeError, words, lambda: F.binary_cross_entropy(x, torch.ones(1)))


def check_a_normalized_shape(torch):
    words = r"Given normalized_shape=\[3\], expected input with shape \[\*, 3\]"
    _raises(RuntimeError, words, lambda: torch.nn.LayerNorm(3)(torch.ones(2, 4)))


def check_a_gradient_that_is_not_finite(torch):
    p = torch.ones(1, requires_grad=True)
    p.grad = torch.tensor([float("nan")])
    words = "The total norm of order 2.0 for gradients from `parameters` is non-finite"
    clip = torch.nn.utils.clip_grad_norm_
    _raises(RuntimeError, words, lambda: clip([p], 1.0, error_if_nonfinite=True))
