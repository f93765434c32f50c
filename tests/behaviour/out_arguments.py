"""The argument `out`, and what it does to the tensor that it names."""

import warnings

import pytest

DIFFERENT = {
    "check_a_method_takes_no_out": "`out=` of methods, of `relu`, `einsum` and other functions",
    "check_products_want_the_dtype_of_their_result": (
        "`out=` of another dtype in `mm`, `max` and other functions"
    ),
    "check_gelu_takes_out": "`out=` of `F.gelu`, `F.linear`, `F.avg_pool2d`",
}


def check_the_result_is_out(torch):
    out = torch.empty(3)
    assert torch.add(torch.ones(3), 1, out=out) is out
    assert out.tolist() == [2, 2, 2]


def check_out_none_is_no_out(torch):
    assert torch.add(torch.ones(3), 1, out=None).tolist() == [2, 2, 2]


def check_the_memory_of_out_stays_where_it_is(torch):
    out = torch.empty(3)
    where = out.data_ptr()
    torch.mul(torch.ones(3), 3, out=out)
    assert out.data_ptr() == where


def check_out_may_be_a_view(torch):
    whole = torch.zeros(2, 3)
    torch.add(torch.ones(3), 1, out=whole[1])
    assert whole.tolist() == [[0, 0, 0], [2, 2, 2]]


def check_out_may_be_a_strided_view(torch):
    whole = torch.zeros(6)
    torch.add(torch.ones(3), 1, out=whole[::2])
    assert whole.tolist() == [2, 0, 2, 0, 2, 0]


def check_out_may_be_an_operand(torch):
    x = torch.tensor([1.0, 2.0])
    torch.sub(torch.tensor([5.0, 5.0]), x, out=x)
    assert x.tolist() == [4, 3]


def check_another_dtype_is_cast_to(torch):
    out = torch.empty(2, dtype=torch.float64)
    torch.add(torch.ones(2, dtype=torch.int64), 1, out=out)
    assert out.dtype == torch.float64
    assert out.tolist() == [2, 2]


def check_floats_are_not_cast_to_integers(torch):
    with pytest.raises(RuntimeError, match="result type Float can't be cast to the desired output"):
        torch.add(torch.ones(2), 1, out=torch.empty(2, dtype=torch.int64))


def check_integers_are_not_cast_to_bools(torch):
    with pytest.raises(RuntimeError, match="type Long can't be cast to the desired output type Bo"):
        torch.add(torch.tensor([1]), 1, out=torch.empty(1, dtype=torch.bool))


def check_wide_integers_are_cast_to_narrow_ones(torch):
    out = torch.empty(1, dtype=torch.uint8)
    assert torch.add(torch.tensor([258]), 1, out=out).tolist() == [3]


def check_comparisons_are_written_as_floats(torch):
    out = torch.empty(2)
    assert torch.eq(torch.tensor([1, 2]), 2, out=out).tolist() == [0.0, 1.0]


def check_an_empty_out_is_resized_in_silence(torch):
    out = torch.empty(0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        torch.exp(torch.zeros(2, 3), out=out)
    assert out.shape == (2, 3)


def check_another_out_is_resized_with_a_warning(torch):
    out = torch.zeros(5)
    with pytest.warns(UserWarning, match="An output with one or more elements was resized since"):
        torch.exp(torch.zeros(2), out=out)
    assert out.tolist() == [1, 1]


def check_a_resized_out_keeps_its_memory_if_it_is_enough(torch):
    out = torch.zeros(6)
    alias = out.view(6)
    with pytest.warns(UserWarning, match="resized"):
        torch.exp(torch.zeros(2), out=out)
    assert alias.tolist() == [1, 1, 0, 0, 0, 0]


def check_an_expanded_out_is_refused(torch):
    with pytest.raises(RuntimeError, match="more than one element of the written-to tensor refers"):
        torch.add(torch.ones(3), 1, out=torch.ones(1).expand(3))


def check_operands_that_require_gradients_are_refused(torch):
    x = torch.ones(2, requires_grad=True)
    with pytest.raises(RuntimeError, match="arguments don't support automatic differentiation"):
        torch.exp(x, out=torch.empty(2))


def check_an_out_that_requires_gradients_is_refused(torch):
    out = torch.ones(2, requires_grad=True)
    with pytest.raises(RuntimeError, match="arguments don't support automatic differentiation"):
        torch.exp(torch.ones(2), out=out)
    assert out.tolist() == [1, 1]


def check_gradients_do_not_matter_under_no_grad(torch):
    x = torch.zeros(2, requires_grad=True)
    with torch.no_grad():
        assert torch.exp(x, out=torch.empty(2)).tolist() == [1, 1]


def check_results_without_a_gradient_are_written_whatever_is_required(torch):
    x = torch.tensor([1.0, 3.0], requires_grad=True)
    assert torch.argmax(x, 0, out=torch.empty((), dtype=torch.int64)).item() == 1


def check_writing_into_out_counts_as_a_change(torch):
    x = torch.ones(2, requires_grad=True)
    y = torch.ones(2)
    product = x * y
    torch.exp(torch.zeros(2), out=y)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        product.sum().backward()


def check_two_results_take_a_tuple(torch):
    values, indices = torch.empty(2), torch.empty(2, dtype=torch.int64)
    found = torch.max(torch.tensor([[1.0, 2.0], [4.0, 3.0]]), 1, out=(values, indices))
    assert found.values is values
    assert found.indices is indices
    assert (values.tolist(), indices.tolist()) == ([2, 4], [1, 0])


def check_two_results_take_a_list(torch):
    outs = [torch.empty(0), torch.empty(0, dtype=torch.int64)]
    assert torch.sort(torch.tensor([2.0, 1.0]), out=outs)[0] is outs[0]


def check_two_results_do_not_take_one_tensor(torch):
    with pytest.raises(TypeError, match="Tensor"):
        torch.max(torch.ones(2), 0, out=torch.empty(()))


def check_two_results_do_not_take_one_of_them(torch):
    with pytest.raises(TypeError, match="tuple of 2"):
        torch.max(torch.ones(2), 0, out=(torch.empty(()),))


def check_one_result_does_not_take_a_tuple(torch):
    with pytest.raises(TypeError, match="out"):
        torch.exp(torch.ones(2), out=(torch.empty(2), torch.empty(2)))


def check_topk_writes_into_both(torch):
    values, indices = torch.empty(2), torch.empty(2, dtype=torch.int64)
    torch.topk(torch.tensor([1.0, 5.0, 3.0]), 2, out=(values, indices))
    assert (values.tolist(), indices.tolist()) == ([5, 3], [1, 2])


def check_zeros_takes_the_dtype_of_out(torch):
    out = torch.ones(3, dtype=torch.int64)
    assert torch.zeros(3, out=out) is out
    assert out.tolist() == [0, 0, 0]


def check_a_dtype_beside_out_must_be_that_of_out(torch):
    with pytest.raises(RuntimeError, match="dtype Double does not match dtype of out parameter"):
        torch.zeros(3, dtype=torch.float64, out=torch.empty(3))


def check_arange_writes_into_out(torch):
    out = torch.empty(0)
    assert torch.arange(3, out=out) is out
    assert out.tolist() == [0, 1, 2]


def check_rand_writes_into_out(torch):
    out = torch.full((4,), 7.0)
    assert torch.rand(4, out=out) is out
    assert bool((out < 1).all())


def check_randperm_writes_into_out(torch):
    out = torch.empty(0, dtype=torch.int64)
    torch.randperm(4, out=out)
    assert sorted(out.tolist()) == [0, 1, 2, 3]


def check_cat_writes_into_out(torch):
    out = torch.empty(0)
    torch.cat((torch.zeros(2), torch.ones(1)), out=out)
    assert out.tolist() == [0, 0, 1]


def check_masked_select_resizes_out(torch):
    out = torch.empty(0)
    torch.masked_select(torch.tensor([1.0, 2.0, 3.0]), torch.tensor([True, False, True]), out=out)
    assert out.tolist() == [1, 3]


def check_linalg_writes_into_out(torch):
    out = torch.empty(2, 2)
    torch.linalg.inv(torch.tensor([[2.0, 0.0], [0.0, 4.0]]), out=out)
    assert out.tolist() == [[0.5, 0], [0, 0.25]]


def check_special_functions_write_into_out(torch):
    out = torch.empty(1)
    torch.special.expit(torch.zeros(1), out=out)
    assert out.item() == 0.5


def check_alpha_is_taken_beside_out(torch):
    out = torch.empty(2)
    torch.add(torch.ones(2), torch.ones(2), alpha=3, out=out)
    assert out.tolist() == [4, 4]


def check_rounding_is_taken_beside_out(torch):
    out = torch.empty(1)
    torch.div(torch.tensor([7.0]), 2, rounding_mode="floor", out=out)
    assert out.item() == 3


def check_bounds_are_taken_beside_out(torch):
    out = torch.empty(2)
    torch.clamp(torch.tensor([-3.0, 3.0]), -1, 1, out=out)
    assert out.tolist() == [-1, 1]


def check_views_take_no_out(torch):
    with pytest.raises(TypeError, match="out"):
        torch.transpose(torch.ones(2, 2), 0, 1, out=torch.empty(2, 2))


def check_a_failing_call_leaves_out_alone(torch):
    out = torch.zeros(2)
    with pytest.raises(RuntimeError):
        torch.add(torch.ones(2), torch.ones(3), out=out)
    assert out.tolist() == [0, 0]


def check_a_method_takes_no_out(torch):
    with pytest.raises(TypeError):
        torch.ones(2).exp(out=torch.empty(2))


def check_products_want_the_dtype_of_their_result(torch):
    with pytest.raises(RuntimeError):
        torch.mm(torch.ones(2, 2), torch.ones(2, 2), out=torch.empty(2, 2, dtype=torch.float64))


def check_gelu_takes_out(torch):
    out = torch.empty(0)
    assert torch.nn.functional.gelu(torch.zeros(1), out=out) is out
