"""Decisive words of error messages, that users match and search for."""

import copy

import numpy as np
import pytest

DIFFERENT = {}


def _raises(error, words, call):
    with pytest.raises(error, match=words):
        call()


# --- shapes ---------------------------------------------------------------------------------------


def check_sizes_that_do_not_broadcast(torch):
    words = r"The size of tensor a \(3\) must match the size of tensor b \(4\) at non-singleton dim"
    _raises(RuntimeError, words, lambda: torch.ones(2, 3) + torch.ones(2, 4))


def check_sizes_that_do_not_broadcast_name_the_dimension(torch):
    words = r"at non-singleton dimension 0"
    _raises(RuntimeError, words, lambda: torch.ones(2, 3) * torch.ones(5, 3))


def check_sizes_of_a_comparison(torch):
    _raises(RuntimeError, "must match the size of tensor", lambda: torch.ones(2) == torch.ones(3))


def check_sizes_of_a_change_in_place(torch):
    words = "doesn't match the broadcast shape"
    _raises(RuntimeError, words, lambda: torch.ones(1).add_(torch.ones(3)))


def check_sizes_of_where(torch):
    _raises(
        RuntimeError, "must match the size of tensor",
        lambda: torch.where(torch.ones(2) > 0, torch.ones(2), torch.ones(3)),
    )  # fmt: skip


def check_matrices_that_do_not_multiply(torch):
    words = r"mat1 and mat2 shapes cannot be multiplied \(2x3 and 4x5\)"
    _raises(RuntimeError, words, lambda: torch.ones(2, 3) @ torch.ones(4, 5))


def check_a_layer_of_another_width(torch):
    words = r"mat1 and mat2 shapes cannot be multiplied \(1x3 and 4x2\)"
    _raises(RuntimeError, words, lambda: torch.nn.Linear(4, 2)(torch.ones(1, 3)))


def check_a_view_of_another_size(torch):
    words = r"shape '\[4\]' is invalid for input of size 6"
    _raises(RuntimeError, words, lambda: torch.ones(6).view(4))


def check_a_reshape_to_another_size(torch):
    words = r"shape '\[4, 2\]' is invalid for input of size 6"
    _raises(RuntimeError, words, lambda: torch.ones(6).reshape(4, 2))


def check_a_view_that_needs_a_copy(torch):
    words = r"view size is not compatible with input tensor's size and stride"
    _raises(RuntimeError, words, lambda: torch.ones(2, 3).t().view(6))


def check_two_unknown_sizes(torch):
    _raises(RuntimeError, "only one dimension can be inferred", lambda: torch.ones(6).view(-1, -1))


def check_an_expanded_size(torch):
    words = r"The expanded size of the tensor \(4\) must match the existing size \(3\) at non-sing"
    _raises(RuntimeError, words, lambda: torch.ones(3).expand(4))


def check_sizes_that_are_not_joined(torch):
    words = r"Sizes of tensors must match except in dimension 0. Expected size 2 but got size 3"
    _raises(RuntimeError, words, lambda: torch.cat((torch.ones(1, 2), torch.ones(1, 3))))


def check_sizes_that_are_not_stacked(torch):
    words = "stack expects each tensor to be equal size"
    _raises(RuntimeError, words, lambda: torch.stack((torch.ones(2), torch.ones(3))))


def check_nothing_to_join(torch):
    _raises((RuntimeError, ValueError), "non-empty", lambda: torch.cat([]))


def check_sizes_of_split(torch):
    words = "split_with_sizes expects split_sizes to sum exactly to 3"
    _raises(RuntimeError, words, lambda: torch.ones(3).split([1, 1]))


def check_sizes_of_unfold(torch):
    words = "maximum size for tensor at dimension 0 is 3 but size is 5"
    _raises(RuntimeError, words, lambda: torch.ones(3).unfold(0, 5, 1))


# --- dimensions and indices -----------------------------------------------------------------------


def check_a_dimension_out_of_range(torch):
    words = r"Dimension out of range \(expected to be in range of \[-1, 0\], but got 2\)"
    _raises(IndexError, words, lambda: torch.ones(3).sum(2))


def check_an_index_out_of_bounds(torch):
    words = r"index 5 is out of bounds for dimension 0 with size 3"
    _raises(IndexError, words, lambda: torch.ones(3)[5])


def check_a_tensor_of_indices_out_of_bounds(torch):
    words = r"index 5 is out of bounds for dimension 0 with size 3"
    _raises(IndexError, words, lambda: torch.ones(3)[torch.tensor([5])])


def check_too_many_indices(torch):
    words = "too many indices for tensor of dimension 1"
    _raises(IndexError, words, lambda: torch.ones(3)[0, 0])


def check_an_index_of_a_number(torch):
    words = r"invalid index of a 0-dim tensor. Use `tensor.item\(\)`"
    _raises(IndexError, words, lambda: torch.ones(())[0])


def check_a_mask_of_another_shape(torch):
    words = r"The shape of the mask \[2\] at index 0 does not match the shape of the indexed tensor"
    _raises(IndexError, words, lambda: torch.ones(3)[torch.tensor([True, False])])


def check_a_word_of_an_embedding(torch):
    layer = torch.nn.Embedding(3, 2)
    _raises(IndexError, "index out of range in self", lambda: layer(torch.tensor([7])))


def check_an_index_of_gather(torch):
    words = "index 5 is out of bounds for dimension 0 with size 3"
    _raises((RuntimeError, IndexError), words, lambda: torch.ones(3).gather(0, torch.tensor([5])))


def check_an_iteration_over_a_number(torch):
    _raises(TypeError, "iteration over a 0-d tensor", lambda: iter(torch.ones(())))


def check_the_length_of_a_number(torch):
    _raises(TypeError, r"len\(\) of a 0-d tensor", lambda: len(torch.ones(())))


# --- numbers and dtypes ---------------------------------------------------------------------------


def check_the_truth_of_several_values(torch):
    words = "Boolean value of Tensor with more than one value is ambiguous"
    _raises(RuntimeError, words, lambda: bool(torch.ones(2)))


def check_the_truth_of_no_values(torch):
    words = "Boolean value of Tensor with no values is ambiguous"
    _raises(RuntimeError, words, lambda: bool(torch.ones(0)))


def check_the_number_of_several_values(torch):
    words = "a Tensor with 2 elements cannot be converted to Scalar"
    _raises(RuntimeError, words, lambda: torch.ones(2).item())


def check_the_array_of_a_tensor_that_requires_grad(torch):
    words = r"Can't call numpy\(\) on Tensor that requires grad. Use tensor.detach\(\).numpy\(\) in"
    _raises(RuntimeError, words, lambda: torch.ones(2, requires_grad=True).numpy())


def check_integers_that_require_gradients(torch):
    words = "nly Tensors of floating point .*can require gradients"
    _raises(RuntimeError, words, lambda: torch.tensor([1], requires_grad=True))


def check_the_mean_of_integers(torch):
    words = "must be either a floating point or complex dtype. Got: Long"
    _raises(RuntimeError, words, lambda: torch.tensor([1]).mean())


def check_a_cast_that_loses(torch):
    words = "result type Float can't be cast to the desired output type Long"
    _raises(RuntimeError, words, lambda: torch.tensor([1]).add_(0.5))


def check_a_product_of_two_dtypes(torch):
    _raises(
        RuntimeError, "to have the same dtype, but got: float != double",
        lambda: torch.ones(2, 2) @ torch.ones(2, 2, dtype=torch.float64),
    )  # fmt: skip


def check_a_subtraction_of_bools(torch):
    x = torch.tensor([True])
    _raises(
        RuntimeError,
        "Subtraction, the `-` operator, with two bool tensors is not supp",
        lambda: x - x,
    )


def check_a_negative_power_of_integers(torch):
    words = "Integers to negative integer powers are not allowed"
    _raises(RuntimeError, words, lambda: torch.tensor([2]) ** -1)


def check_a_division_of_integers_by_zero(torch):
    _raises(RuntimeError, "ZeroDivisionError", lambda: torch.tensor([2]) // 0)


def check_data_that_is_no_number(torch):
    _raises(TypeError, "str", lambda: torch.tensor("a"))


def check_ragged_data(torch):
    words = r"expected sequence of length 2 at dim 1 \(got 1\)"
    _raises(ValueError, words, lambda: torch.tensor([[1, 2], [3]]))


def check_what_is_no_array(torch):
    _raises(TypeError, r"expected np.ndarray \(got list\)", lambda: torch.from_numpy([1]))


def check_arrays_of_another_byte_order(torch):
    words = "byte order"
    _raises(ValueError, words, lambda: torch.from_numpy(np.ones(2, dtype=">f4")))


def check_data_of_another_byte_order(torch):
    words = "byte order"
    _raises(ValueError, words, lambda: torch.tensor(np.ones(2, dtype=">i4")))


def check_arrays_of_objects(torch):
    words = "can't convert np.ndarray of type numpy.object_"
    _raises(TypeError, words, lambda: torch.from_numpy(np.array([None])))


def check_negative_sizes(torch):
    _raises(RuntimeError, "must be non-negative", lambda: torch.zeros(-1))


def check_an_argument_that_is_no_tensor(torch):
    words = r"argument 'input' \(position 1\) must be Tensor, not list"
    _raises(TypeError, words, lambda: torch.exp([1.0]))


# --- gradients ------------------------------------------------------------------------------------


def check_a_loss_of_several_values(torch):
    words = "grad can be implicitly created only for scalar outputs"
    _raises(RuntimeError, words, lambda: torch.ones(2, requires_grad=True).exp().backward())


def check_a_loss_without_a_graph(torch):
    words = "element 0 of tensors does not require grad and does not have a grad_fn"
    _raises(RuntimeError, words, lambda: torch.ones(()).backward())


def check_a_second_backward(torch):
    loss = torch.ones(2, requires_grad=True).exp().sum()
    loss.backward()
    words = "Trying to backward through the graph a second time"
    _raises(RuntimeError, words, loss.backward)


def check_an_input_that_was_not_used(torch):
    x, y = torch.ones(1, requires_grad=True), torch.ones(1, requires_grad=True)
    words = "appears to not have been used in the graph"
    _raises(RuntimeError, words, lambda: torch.autograd.grad(x.sum(), y))


def check_an_input_that_requires_no_gradient(torch):
    x = torch.ones(1, requires_grad=True)
    words = "One of the differentiated Tensors does not require grad"
    _raises(RuntimeError, words, lambda: torch.autograd.grad(x.sum(), torch.ones(1)))


def check_a_gradient_of_another_shape(torch):
    x = torch.ones(2, requires_grad=True)
    words = "Mismatch in shape: grad_output"
    _raises(RuntimeError, words, lambda: x.exp().backward(torch.ones(3)))


def check_a_result_that_no_longer_requires_grad(torch):
    x = torch.ones(2, requires_grad=True).exp()

    def change():
        x.requires_grad = False

    _raises(RuntimeError, "you can only change requires_grad flags of leaf variables", change)


def check_a_hook_of_a_constant(torch):
    words = "cannot register a hook on a tensor that doesn't require gradient"
    _raises(RuntimeError, words, lambda: torch.ones(2).register_hook(print))


def check_a_copy_of_a_result(torch):
    x = torch.ones(2, requires_grad=True).exp()
    words = "Only Tensors created explicitly by the user .* support the deepcopy protocol"
    _raises(RuntimeError, words, lambda: copy.deepcopy(x))


def check_a_gradient_that_is_no_tensor(torch):
    x = torch.ones(2, requires_grad=True)

    def assign():
        x.grad = 3

    _raises(TypeError, "assigned grad expected to be a Tensor or None but got grad of type", assign)


def check_a_gradient_is_deleted(torch):
    x = torch.ones(2, requires_grad=True)
    x.sum().backward()
    try:
        del x.grad
    except (TypeError, AttributeError) as error:
        raise AssertionError(f"del x.grad raised {error!r}") from error
    assert x.grad is None


def check_an_instance_of_a_function_is_not_called(torch):
    class Twice(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

    with pytest.warns(DeprecationWarning, match="should not be instantiated"):
        twice = Twice()
    words = "Legacy autograd function with non-static forward method is deprecated"
    _raises(RuntimeError, words, lambda: twice(torch.ones(1)))
