"""The memory beneath tensors: storages, places in them, other dtypes and shapes on them."""

import pytest


def check_views_share_the_storage(torch):
    x = torch.arange(6.0)
    assert x[2:].untyped_storage().data_ptr() == x.untyped_storage().data_ptr() == x.data_ptr()
    assert x[2:].untyped_storage().nbytes() == 24


def check_copies_do_not_share_the_storage(torch):
    x = torch.arange(6.0)
    assert x.clone().untyped_storage().data_ptr() != x.untyped_storage().data_ptr()


def check_untyped_storage_holds_bytes(torch):
    storage = torch.tensor([1, 256], dtype=torch.int16).untyped_storage()
    assert len(storage) == storage.size() == storage.nbytes() == 4
    assert storage.tolist() == [1, 0, 0, 1]
    assert storage[3] == 1


def check_storage_holds_all_elements(torch):
    storage = torch.arange(4.0)[2:].storage()
    assert storage.tolist() == [0.0, 1.0, 2.0, 3.0]
    assert (len(storage), storage.dtype) == (4, torch.float32)
    assert storage[1] == 1.0


def check_storages_are_told_from_tensors(torch):
    x = torch.ones(1)
    assert torch.is_storage(x.untyped_storage())
    assert torch.is_storage(x.storage())
    assert not torch.is_storage(x)


def check_writing_into_a_storage_changes_the_tensor(torch):
    x = torch.zeros(2)
    x.storage()[1] = 3.0
    assert x.tolist() == [0.0, 3.0]


def check_storage_offset_counts_elements(torch):
    x = torch.arange(12.0).view(3, 4)
    assert x.storage_offset() == 0
    assert x[1].storage_offset() == 4
    assert x[1:, 2:].storage_offset() == 6
    assert x[1, 1].storage_offset() == 5


def check_storage_offset_of_a_detached_view(torch):
    assert torch.arange(4.0)[1:].detach().storage_offset() == 1


def check_data_ptr_of_views(torch):
    x = torch.arange(4.0)
    assert x[1:].data_ptr() - x.data_ptr() == 4
    assert x.view(2, 2).data_ptr() == x.data_ptr()
    assert torch.zeros(0).data_ptr() == 0


def check_view_as_another_dtype_of_the_same_size(torch):
    x = torch.tensor([1.0, 2.0])
    bits = x.view(torch.int32)
    assert bits.tolist() == [0x3F800000, 0x40000000]
    assert bits.data_ptr() == x.data_ptr()
    assert x.view(dtype=torch.int32).dtype is torch.int32


def check_view_as_smaller_elements(torch):
    assert tuple(torch.ones(2, 3).view(torch.int16).shape) == (2, 6)
    assert tuple(torch.ones(3).view(torch.uint8).shape) == (12,)


def check_view_as_larger_elements(torch):
    assert tuple(torch.zeros(2, 4).view(torch.float64).shape) == (2, 2)


def check_view_as_larger_elements_that_do_not_fit(torch):
    with pytest.raises(RuntimeError, match=r"self.size\(-1\) must be divisible by 2"):
        torch.zeros(3).view(torch.float64)


def check_view_as_other_sizes_needs_neighbours(torch):
    with pytest.raises(RuntimeError, match=r"self.stride\(-1\) must be 1"):
        torch.zeros(2, 4).t().view(torch.uint8)


def check_view_as_other_sizes_needs_a_dimension(torch):
    with pytest.raises(RuntimeError, match=r"self.dim\(\) cannot be 0"):
        torch.tensor(1.0).view(torch.uint8)
    assert torch.tensor(1.0).view(torch.int32).item() == 0x3F800000


def check_view_as_another_dtype_writes_through(torch):
    x = torch.zeros(1)
    x.view(torch.int32)[0] = 0x40000000
    assert x.item() == 2.0


def check_view_as_another_dtype_leaves_the_graph(torch):
    assert not torch.ones(1, requires_grad=True).view(torch.int32).requires_grad


def check_resize_to_fewer_elements(torch):
    x = torch.arange(6.0)
    assert x.resize_(2, 2) is x
    assert x.tolist() == [[0.0, 1.0], [2.0, 3.0]]


def check_resize_to_more_elements_keeps_the_first(torch):
    x = torch.arange(3.0).resize_(5)
    assert tuple(x.shape) == (5,)
    assert x[:3].tolist() == [0.0, 1.0, 2.0]


def check_resize_takes_a_sequence(torch):
    assert tuple(torch.zeros(4).resize_((2, 2)).shape) == (2, 2)
    assert tuple(torch.zeros(4).resize_as_(torch.ones(2, 1)).shape) == (2, 1)


def check_resize_of_a_transposed_tensor_reads_memory_in_order(torch):
    x = torch.arange(6.0).view(2, 3).t()
    assert x.resize_(2, 3).tolist() == [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]


def check_resize_of_a_view_starts_where_it_does(torch):
    assert torch.arange(6.0)[2:].resize_(2).tolist() == [2.0, 3.0]


def check_resize_refuses_tensors_that_require_grad(torch):
    with pytest.raises(RuntimeError, match="cannot resize variables that require grad"):
        torch.zeros(2, requires_grad=True).resize_(1)


def check_set_shares_memory(torch):
    x, y = torch.zeros(2), torch.ones(3)
    x.set_(y)
    x.add_(1)
    assert y.tolist() == [2.0, 2.0, 2.0]
    assert x.is_set_to(y)


def check_set_to_a_place_in_a_storage(torch):
    memory = torch.arange(6.0)
    for source in (memory, memory.storage(), memory.untyped_storage()):
        x = torch.zeros(0).set_(source, 1, (2, 2), (2, 1))
        assert x.tolist() == [[1.0, 2.0], [3.0, 4.0]]


def check_set_to_a_whole_storage(torch):
    x = torch.zeros(0).set_(torch.arange(3.0).storage())
    assert x.tolist() == [0.0, 1.0, 2.0]


def check_set_to_nothing(torch):
    assert tuple(torch.zeros(3).set_().shape) == (0,)


def check_set_to_another_dtype_is_refused(torch):
    with pytest.raises(RuntimeError, match="Could not set tensor of type"):
        torch.zeros(3).set_(torch.arange(3))


def check_is_set_to(torch):
    x = torch.arange(3.0)
    assert x.is_set_to(x.view(3))
    assert not x.is_set_to(x[1:])
    assert not x.is_set_to(x.clone())


def check_dim_order(torch):
    assert torch.ones(2, 3).dim_order() == (0, 1)
    assert torch.ones(2, 3).t().dim_order() == (1, 0)
    assert torch.ones(2, 3, 4).permute(2, 0, 1).dim_order() == (1, 2, 0)
    assert torch.ones(()).dim_order() == ()


def check_sizes_in_bytes(torch):
    x = torch.ones(2, 3, dtype=torch.float64)
    assert (x.element_size(), x.itemsize, x.nbytes) == (8, 8, 48)


def check_assigning_data_takes_the_memory(torch):
    x, y = torch.zeros(2), torch.ones(2)
    x.data = y
    assert x.data_ptr() == y.data_ptr()
