"""Constructors of tensors: data of all kinds, the old constructors and types, Size, Variable."""

import copy
import pickle

import numpy as np
import pytest


def check_tensor_takes_numbers_of_numpy_with_python_numbers(torch):
    x = torch.tensor([np.float32(1.5), 2])
    assert (x.dtype, x.tolist()) == (torch.float32, [1.5, 2.0])
    assert torch.tensor([2, np.float64(1.5)]).dtype is torch.float64


def check_tensor_takes_tensors_in_sequences_as_numbers(torch):
    assert tuple(torch.tensor([torch.ones(1)]).shape) == (1,)
    assert tuple(torch.tensor([[torch.ones(1)]]).shape) == (1, 1)
    assert tuple(torch.tensor([[torch.ones(1)], [torch.ones(1, 1)]]).shape) == (2, 1)


def check_tensors_in_sequences_meet_in_one_dtype(torch):
    assert torch.tensor([torch.tensor(1), torch.tensor(2.5)]).dtype is torch.float32
    assert torch.tensor([1, torch.tensor(2.5)]).tolist() == [1.0, 2.5]
    assert torch.tensor([torch.tensor(1.0).double()]).dtype is torch.float64


def check_tensors_of_several_elements_in_sequences_are_refused(torch):
    with pytest.raises(ValueError, match="only one element tensors can be converted"):
        torch.tensor([torch.ones(2), torch.ones(2)])


def check_arrays_in_sequences(torch):
    x = torch.tensor([np.float32([1, 2]), [3, 4]])
    assert (x.dtype, x.tolist()) == (torch.float32, [[1.0, 2.0], [3.0, 4.0]])


def check_python_numbers_get_torch_dtypes(torch):
    assert torch.tensor([1, 2.5]).dtype is torch.float32
    assert torch.tensor([True, 2]).dtype is torch.int64
    assert torch.tensor([True]).dtype is torch.bool
    assert torch.tensor([]).dtype is torch.float32


def check_data_of_other_types_are_refused(torch):
    for data in (None, object(), {1}, {0: 1}, [None]):
        with pytest.raises(RuntimeError, match="Could not infer dtype of"):
            torch.tensor(data)


def check_ragged_data_are_refused(torch):
    with pytest.raises(ValueError):  # noqa: PT011
        torch.tensor([[1], [1, 2]])


def check_negative_numbers_wrap_in_uint8(torch):
    assert torch.tensor([-1], dtype=torch.uint8).tolist() == [255]


def check_integers_beyond_a_dtype_are_refused(torch):
    with pytest.raises(RuntimeError, match=r"cannot be converted to type .*without overflow"):
        torch.tensor([2**40], dtype=torch.int32)


def check_integers_beyond_64_bits_are_refused(torch):
    with pytest.raises((ValueError, RuntimeError), match="Overflow"):
        torch.tensor([2**63])


def check_new_tensor_keeps_the_dtype_for_numbers(torch):
    assert torch.zeros(1).new_tensor([1, 2]).dtype is torch.float32
    assert torch.zeros(1).new_tensor([1], dtype=torch.int64).dtype is torch.int64


def check_tensor_of_a_shape_has_that_shape(torch):
    assert tuple(torch.Tensor(torch.ones(2, 3).shape).shape) == (2, 3)
    assert tuple(torch.Tensor(torch.Size([4])).shape) == (4,)


def check_tensor_of_a_tuple_has_those_elements(torch):
    assert torch.Tensor((2, 3)).tolist() == [2.0, 3.0]
    assert torch.Tensor([2, 3]).tolist() == [2.0, 3.0]


def check_tensor_of_sizes(torch):
    assert tuple(torch.Tensor(2, 3).shape) == (2, 3)
    assert tuple(torch.Tensor(np.int64(2)).shape) == (2,)
    assert tuple(torch.Tensor().shape) == (0,)
    assert tuple(torch.Tensor(size=(2,)).shape) == (2,)
    assert tuple(torch.Tensor(2, device="cpu").shape) == (2,)


def check_tensor_of_a_tensor_shares_its_memory(torch):
    x = torch.zeros(2)
    torch.Tensor(x).add_(1)
    assert x.tolist() == [1.0, 1.0]


def check_tensor_of_a_number_is_refused(torch):
    for data in (2.5, True, None):
        with pytest.raises(TypeError, match="data must be a sequence"):
            torch.Tensor(data)


def check_tensor_of_a_string_is_refused(torch):
    with pytest.raises(TypeError, match="invalid data type 'str'"):
        torch.Tensor("a")


def check_tensor_of_a_negative_size_is_refused(torch):
    with pytest.raises(RuntimeError, match="negative dimension"):
        torch.Tensor(-1)


def check_typed_constructors_copy_data(torch):
    for name, dtype in (
        ("HalfTensor", "float16"),
        ("FloatTensor", "float32"),
        ("DoubleTensor", "float64"),
        ("CharTensor", "int8"),
        ("ShortTensor", "int16"),
        ("IntTensor", "int32"),
        ("LongTensor", "int64"),
        ("ByteTensor", "uint8"),
        ("BoolTensor", "bool"),
    ):
        x = getattr(torch, name)([1, 0])
        assert x.dtype is getattr(torch, dtype)
        assert x.tolist() == [1, 0]


def check_typed_constructors_take_sizes(torch):
    assert tuple(torch.FloatTensor(2, 3).shape) == (2, 3)
    assert tuple(torch.LongTensor(torch.Size([2])).shape) == (2,)


def check_typed_constructors_truncate_floats(torch):
    assert torch.LongTensor([1.7, -1.7]).tolist() == [1, -1]


def check_typed_constructors_refuse_tensors_of_other_dtypes(torch):
    with pytest.raises(TypeError, match="expected"):
        torch.FloatTensor(torch.tensor([1]))


def check_isinstance_of_tensor_types(torch):
    x = torch.ones(1)
    assert isinstance(x, torch.FloatTensor)
    assert not isinstance(x, torch.LongTensor)
    assert isinstance(x.long(), torch.LongTensor)
    assert not isinstance(3, torch.FloatTensor)


def check_tensor_types_know_their_dtype(torch):
    assert torch.FloatTensor.dtype is torch.float32
    assert torch.LongTensor.__name__ == "LongTensor"
    assert repr(torch.LongTensor) == f"<class '{torch.__name__}.LongTensor'>"


def check_type_names_the_type(torch):
    assert torch.ones(1).type() == f"{torch.__name__}.FloatTensor"
    assert torch.tensor([True]).type() == f"{torch.__name__}.BoolTensor"


def check_type_casts(torch):
    x = torch.tensor([1.5])
    assert x.type(torch.LongTensor).dtype is torch.int64
    assert x.type(f"{torch.__name__}.DoubleTensor").dtype is torch.float64
    assert x.type(torch.int8).dtype is torch.int8
    assert x.type(torch.FloatTensor) is x


def check_type_refuses_other_names(torch):
    with pytest.raises(ValueError, match="invalid type"):
        torch.ones(1).type("NoTensor")


def check_set_default_tensor_type(torch):
    try:
        torch.set_default_tensor_type(torch.DoubleTensor)
        assert torch.get_default_dtype() is torch.float64
        assert torch.Tensor([1]).dtype is torch.float64
        torch.set_default_tensor_type(f"{torch.__name__}.FloatTensor")
        assert torch.tensor([1.0]).dtype is torch.float32
    finally:
        torch.set_default_dtype(torch.float32)


def check_integer_types_are_no_default(torch):
    with pytest.raises(TypeError, match="only floating-point types are supported"):
        torch.set_default_tensor_type(torch.LongTensor)


def check_new_makes_tensors_of_the_same_dtype(torch):
    x = torch.tensor([1, 2])
    assert x.new([1.5]).tolist() == [1]
    assert x.new(2, 3).dtype is torch.int64
    assert tuple(x.new(torch.ones(2, 3).shape).shape) == (2, 3)
    assert tuple(x.new().shape) == (0,)


def check_variable_is_a_leaf_on_the_same_memory(torch):
    x = torch.zeros(2)
    v = torch.autograd.Variable(x, requires_grad=True)
    assert v is not x
    assert v.is_leaf
    assert v.requires_grad
    assert v.data_ptr() == x.data_ptr()


def check_variable_leaves_the_graph(torch):
    y = torch.ones(1, requires_grad=True) * 2
    v = torch.autograd.Variable(y)
    assert v.grad_fn is None
    assert not v.requires_grad


def check_tensors_are_variables(torch):
    assert isinstance(torch.ones(1), torch.autograd.Variable)
    assert not isinstance(1, torch.autograd.Variable)
    assert type(torch.autograd.Variable(torch.ones(1))) is torch.Tensor


def check_variable_takes_tensors_only(torch):
    with pytest.raises(TypeError, match="Variable data has to be a tensor"):
        torch.autograd.Variable([1.0])


def check_shape_is_a_size(torch):
    shape = torch.ones(2, 3).shape
    assert type(shape) is torch.Size
    assert isinstance(shape, tuple)
    assert torch.ones(2, 3).size() == (2, 3)
    assert not isinstance((2, 3), torch.Size)


def check_size_prints_its_name(torch):
    assert repr(torch.ones(2, 3).shape) == f"{torch.__name__}.Size([2, 3])"
    assert f"{torch.ones(()).shape}" == f"{torch.__name__}.Size([])"


def check_size_counts_elements(torch):
    assert torch.ones(2, 3).shape.numel() == 6
    assert torch.Size([]).numel() == 1
    assert torch.Size([0, 3]).numel() == 0


def check_slices_and_sums_of_sizes_are_sizes(torch):
    shape = torch.ones(2, 3).shape
    for result, expected in (
        (shape[:1], (2,)),
        (shape[::-1], (3, 2)),
        (shape + (4,), (2, 3, 4)),  # noqa: RUF005
        ((4,) + shape, (4, 2, 3)),  # noqa: RUF005
        (shape * 2, (2, 3, 2, 3)),
        (2 * shape, (2, 3, 2, 3)),
    ):
        assert type(result) is torch.Size
        assert result == expected
    assert type(shape[0]) is int


def check_a_size_and_a_list_are_not_joined(torch):
    with pytest.raises(TypeError, match="can only concatenate tuple"):
        torch.Size([2]) + [1]  # noqa: RUF005


def check_sizes_are_made_of_integers(torch):
    assert torch.Size([np.int64(2), torch.tensor(3), True]) == (2, 3, 1)
    with pytest.raises(TypeError, match=r"iterable of 'int' \(item 0 is 'float'\)"):
        torch.Size([2.5])


def check_sizes_are_copied_and_pickled(torch):
    shape = torch.Size([2, 3])
    for other in (copy.copy(shape), copy.deepcopy(shape), pickle.loads(pickle.dumps(shape))):
        assert type(other) is torch.Size
        assert other == shape


def check_sizes_equal_tuples_and_hash_like_them(torch):
    assert torch.Size([1, 2]) == (1, 2)
    assert hash(torch.Size([1, 2])) == hash((1, 2))
    assert torch.Size([1]) != [1]


def check_sizes_make_tensors(torch):
    assert tuple(torch.zeros(torch.Size([2, 3])).shape) == (2, 3)
    assert tuple(torch.ones(6).view(torch.Size([2, 3])).shape) == (2, 3)
    assert type(torch.broadcast_shapes((2, 1), (1, 3))) is torch.Size


def check_strides_are_a_plain_tuple(torch):
    assert type(torch.ones(2, 3).stride()) is tuple


def check_typename(torch):
    assert torch.typename(torch.ones(1)) == f"{torch.__name__}.FloatTensor"
    assert torch.typename(3) == "int"
