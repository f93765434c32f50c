"""Tensors and NumPy: operators between them, ufuncs, conversions, shared memory."""

import operator

import numpy as np
import pytest


def is_tensor(torch, value, dtype, numbers):
    assert isinstance(value, torch.Tensor)
    assert value.dtype is getattr(torch, dtype)
    assert value.tolist() == numbers


def check_equality_with_an_array_is_elementwise(torch):
    is_tensor(torch, torch.tensor([1.0, 2.0]) == np.array([1.0, 3.0]), "bool", [True, False])


def check_equality_of_an_array_with_a_tensor_is_elementwise(torch):
    is_tensor(torch, np.array([1.0, 3.0]) == torch.tensor([1.0, 2.0]), "bool", [True, False])


def check_equality_with_a_0d_array_broadcasts(torch):
    is_tensor(torch, torch.tensor([1, 2]) == np.array(2), "bool", [False, True])


def check_equality_with_an_array_of_a_tensor_that_requires_grad(torch):
    x = torch.ones(2, requires_grad=True)
    is_tensor(torch, x == np.ones(2), "bool", [True, True])


def check_arithmetic_with_an_array_gives_a_tensor(torch):
    x, a = torch.tensor([1.0, 2.0]), np.array([4.0, 8.0], np.float32)
    for op, expected in (
        (operator.add, [5.0, 10.0]),
        (operator.sub, [-3.0, -6.0]),
        (operator.mul, [4.0, 16.0]),
        (operator.truediv, [0.25, 0.25]),
        (operator.floordiv, [0.0, 0.0]),
        (operator.mod, [1.0, 2.0]),
        (operator.pow, [1.0, 256.0]),
    ):
        is_tensor(torch, op(x, a), "float32", expected)


def check_an_array_of_doubles_makes_the_result_double(torch):
    is_tensor(torch, torch.tensor([1.0]) * np.array([2.5]), "float64", [2.5])


def check_a_0d_array_counts_with_its_dtype(torch):
    is_tensor(torch, torch.tensor([1.0]) + np.array(2.0), "float64", [3.0])


def check_an_array_divided_by_a_tensor(torch):
    is_tensor(torch, np.array([1.0, 2.0]) / torch.tensor([2.0, 4.0]), "float64", [0.5, 0.5])


def check_a_matrix_product_with_an_array(torch):
    product = torch.ones(2, 3) @ np.ones((3, 1), np.float32)
    is_tensor(torch, product, "float32", [[3.0], [3.0]])


def check_integers_with_an_array_of_float32_meet_as_in_numpy(torch):
    is_tensor(torch, torch.tensor([1]) + np.array([1], np.float32), "float64", [2.0])


def check_bitwise_and_shifts_with_arrays(torch):
    x, a = torch.tensor([1, 2, 3]), np.array([1, 1, 1])
    is_tensor(torch, x & a, "int64", [1, 0, 1])
    is_tensor(torch, x | a, "int64", [1, 3, 3])
    is_tensor(torch, x ^ a, "int64", [0, 3, 2])
    is_tensor(torch, x << a, "int64", [2, 4, 6])
    is_tensor(torch, x >> a, "int64", [0, 1, 1])


def check_divmod_with_an_array(torch):
    quotient, rest = divmod(torch.tensor([5, 7]), np.array([2, 4]))
    is_tensor(torch, quotient, "int64", [2, 1])
    is_tensor(torch, rest, "int64", [1, 3])


def check_an_array_with_a_tensor_that_requires_grad_is_refused(torch):
    with pytest.raises(RuntimeError, match=r"Can't call numpy\(\) on Tensor that requires grad"):
        torch.ones(2, requires_grad=True) + np.ones(2)


def check_a_function_does_not_take_an_array(torch):
    with pytest.raises(TypeError, match="must be Tensor"):
        torch.add(torch.ones(2), np.ones(2))


def check_numpy_scalars_do_not_change_the_dtype(torch):
    x = torch.tensor([1.0, 2.0])
    for scalar in (np.float64(2), np.float32(2), np.int64(2), np.int8(2)):
        is_tensor(torch, x * scalar, "float32", [2.0, 4.0])
        is_tensor(torch, scalar * x, "float32", [2.0, 4.0])


def check_numpy_scalars_record_the_graph(torch):
    x = torch.ones(2, requires_grad=True)
    (np.float64(3) * x - np.float32(1)).sum().backward()
    assert x.grad.tolist() == [3.0, 3.0]


def check_numpy_scalars_on_the_left_of_every_operator(torch):
    x, two = torch.tensor([1.0, 4.0]), np.float64(2)
    is_tensor(torch, two + x, "float32", [3.0, 6.0])
    is_tensor(torch, two - x, "float32", [1.0, -2.0])
    is_tensor(torch, two / x, "float32", [2.0, 0.5])
    is_tensor(torch, two**x, "float32", [2.0, 16.0])
    is_tensor(torch, two // x, "float32", [2.0, 0.0])
    is_tensor(torch, two % x, "float32", [0.0, 2.0])
    is_tensor(torch, two < x, "bool", [False, True])
    is_tensor(torch, two == x, "bool", [False, False])


def check_numpy_scalars_as_bounds_keep_the_dtype(torch):
    x = torch.tensor([1.0, 2.0, 3.0])
    is_tensor(torch, x.clamp(np.float64(1.5), np.float64(2.5)), "float32", [1.5, 2.0, 2.5])


def check_integer_scalars_of_numpy_shift(torch):
    is_tensor(torch, np.int64(1) << torch.tensor([1, 2]), "int64", [2, 4])


def check_ufuncs_give_tensors(torch):
    is_tensor(torch, np.sqrt(torch.tensor([4.0, 9.0])), "float32", [2.0, 3.0])
    is_tensor(torch, np.add(np.ones(1), torch.ones(1)), "float64", [2.0])


def check_ufuncs_of_0d_tensors_give_0d_tensors(torch):
    is_tensor(torch, np.square(torch.tensor(3.0)), "float32", 9.0)


def check_ufuncs_of_bools_give_uint8(torch):
    is_tensor(torch, np.greater(torch.tensor([1.0, 3.0]), 2), "uint8", [0, 1])


def check_ufuncs_with_two_results(torch):
    parts = np.modf(torch.tensor([1.5]))
    assert [type(part) for part in parts] == [torch.Tensor] * 2
    assert [part.item() for part in parts] == [0.5, 1.0]


def check_ufuncs_refuse_tensors_that_require_grad(torch):
    with pytest.raises(RuntimeError, match="Can't call numpy"):
        np.exp(torch.ones(1, requires_grad=True))


def check_ufuncs_write_into_arrays(torch):
    out = np.empty(2)
    assert np.multiply(torch.ones(2), 3.0, out=out) is out
    assert out.tolist() == [3.0, 3.0]


def check_ufuncs_do_not_write_into_tensors(torch):
    with pytest.raises(TypeError, match="return arrays must be"):
        np.add(np.ones(2), 1.0, out=torch.ones(2))


def check_reductions_of_ufuncs_give_tensors(torch):
    is_tensor(torch, np.add.reduce(torch.tensor([1.0, 2.0])), "float32", 3.0)


def check_functions_that_rearrange_give_tensors(torch):
    x = torch.tensor([3.0, 1.0])
    is_tensor(torch, np.reshape(x, (2, 1)), "float32", [[3.0], [1.0]])
    is_tensor(torch, np.repeat(x, 2), "float32", [3.0, 3.0, 1.0, 1.0])
    is_tensor(torch, np.take(x, [1]), "float32", [1.0])
    is_tensor(torch, np.argsort(x), "int64", [1, 0])
    is_tensor(torch, np.clip(x, 2, 4), "float32", [3.0, 2.0])


def check_functions_that_join_give_arrays(torch):
    joined = np.concatenate([torch.ones(1), torch.zeros(1)])
    assert isinstance(joined, np.ndarray)
    assert joined.tolist() == [1.0, 0.0]


def check_asarray_shares_memory(torch):
    x = torch.zeros(2)
    np.asarray(x)[0] = 5.0
    assert x.tolist() == [5.0, 0.0]


def check_array_of_another_dtype(torch):
    assert np.array(torch.ones(2), dtype=np.int64).dtype == np.int64


def check_arrays_of_0d_tensors(torch):
    assert np.array([torch.tensor(1.0), torch.tensor(2.0)]).tolist() == [1.0, 2.0]


def check_numpy_shares_memory(torch):
    x = torch.zeros(2)
    x.numpy()[1] = 7.0
    x.add_(1)
    assert x.numpy().tolist() == [1.0, 8.0]


def check_numpy_of_a_tensor_that_requires_grad(torch):
    x = torch.ones(1, requires_grad=True)
    with pytest.raises(RuntimeError, match=r"Use tensor.detach\(\).numpy\(\)"):
        x.numpy()
    assert x.numpy(force=True).tolist() == [1.0]


def check_from_numpy_shares_memory(torch):
    a = np.zeros(2)
    x = torch.from_numpy(a)
    a[0] = 1.0
    x[1] = 2.0
    assert (x.tolist(), a.tolist()) == ([1.0, 2.0], [1.0, 2.0])


def check_from_numpy_takes_arrays_only(torch):
    with pytest.raises(TypeError, match=r"expected np.ndarray"):
        torch.from_numpy([1.0])


def check_tensor_copies_an_array(torch):
    a = np.zeros(2)
    x = torch.tensor(a)
    a[0] = 1.0
    assert x.tolist() == [0.0, 0.0]
    assert x.dtype is torch.float64


def check_as_tensor_shares_memory(torch):
    a = np.zeros(2)
    torch.as_tensor(a)[0] = 1.0
    assert a[0] == 1.0


def check_arrays_are_indexed_by_tensors(torch):
    a = np.arange(4)
    assert a[torch.tensor([0, 2])].tolist() == [0, 2]
    assert a[torch.tensor(3)] == 3
    assert a[torch.tensor([True, False, False, True])].tolist() == [0, 3]


def check_tensors_are_indexed_by_arrays(torch):
    x = torch.arange(4)
    assert x[np.array([0, 2])].tolist() == [0, 2]
    assert x[np.int64(1)].item() == 1
    assert x[np.array([True, False, False, True])].tolist() == [0, 3]


def check_elements_of_arrays_are_set_from_tensors(torch):
    a = np.zeros(3)
    a[:2] = torch.ones(2)
    a[2] = torch.tensor(4.0)
    assert a.tolist() == [1.0, 1.0, 4.0]


def check_numpy_integers_are_sizes_and_dimensions(torch):
    assert tuple(torch.zeros(np.int64(2), np.int32(3)).shape) == (2, 3)
    assert torch.ones(2, 3).sum(np.int64(0)).tolist() == [2.0, 2.0, 2.0]


def check_a_numpy_scalar_is_found_by_in(torch):
    assert np.int64(2) in torch.tensor([1, 2])
