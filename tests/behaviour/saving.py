"""Saving and loading: what comes back, from where, and what shares memory."""

import io
import os
import pathlib
import tempfile
from collections import Counter, OrderedDict

import pytest


def through_a_file(torch, obj, **options):
    file = io.BytesIO()
    torch.save(obj, file)
    file.seek(0)
    return torch.load(file, **options)


def check_a_bare_tensor_comes_back(torch):
    x = torch.arange(6).reshape(2, 3)
    assert torch.equal(through_a_file(torch, x), x)


def check_a_tensor_without_dimensions_comes_back(torch):
    found = through_a_file(torch, torch.tensor(2.5))
    assert found.item() == 2.5
    assert found.ndim == 0


def check_a_tensor_without_elements_comes_back(torch):
    assert tuple(through_a_file(torch, torch.zeros(0, 3)).shape) == (0, 3)


def check_every_dtype_comes_back(torch):
    for dtype in (
        torch.float64, torch.float32, torch.float16, torch.int64, torch.int32, torch.int16,
        torch.int8, torch.uint8, torch.bool,
    ):  # fmt: skip
        found = through_a_file(torch, torch.tensor([0, 1, 3]).to(dtype))
        assert found.dtype == dtype
        assert found.tolist() == torch.tensor([0, 1, 3]).to(dtype).tolist()


def check_special_floats_come_back(torch):
    found = through_a_file(torch, torch.tensor([float("nan"), float("inf"), -0.0, 1e-42]))
    assert str(found.tolist()) == str([float("nan"), float("inf"), -0.0, found.tolist()[3]])
    assert found[3] > 0


def check_numbers_strings_and_none_come_back(torch):
    for value in (3, -(2**70), 2.5, float("inf"), True, None, "text ä", ""):
        found = through_a_file(torch, value)
        assert found == value
        assert type(found) is type(value)


def check_bytes_come_back(torch):
    assert through_a_file(torch, b"\x00\xff") == b"\x00\xff"
    assert through_a_file(torch, bytearray(b"ab")) == bytearray(b"ab")


def check_lists_and_tuples_stay_apart(torch):
    assert through_a_file(torch, [1, (2, [3])]) == [1, (2, [3])]


def check_sets_come_back(torch):
    assert through_a_file(torch, {1, "a"}) == {1, "a"}


def check_keys_keep_their_types(torch):
    found = through_a_file(torch, {1: "a", "1": "b", None: 0, 2.5: 1, (1, 2): 3})
    assert list(found) == [1, "1", None, 2.5, (1, 2)]


def check_dicts_keep_their_order(torch):
    assert list(through_a_file(torch, {"b": 1, "a": torch.ones(1), "c": 0})) == ["b", "a", "c"]


def check_an_ordered_dict_stays_one(torch):
    found = through_a_file(torch, OrderedDict([("b", 1), ("a", 2)]))
    assert type(found) is OrderedDict
    assert list(found) == ["b", "a"]


def check_a_counter_stays_one(torch):
    found = through_a_file(torch, Counter([3, 3, 1]))
    assert type(found) is Counter
    assert found[3] == 2
    assert found[7] == 0


def check_dtypes_and_devices_come_back(torch):
    found = through_a_file(torch, [torch.float16, torch.bool, torch.device("cpu")])
    assert found == [torch.float16, torch.bool, torch.device("cpu")]


def check_sizes_come_back(torch):
    assert through_a_file(torch, torch.ones(2, 3).shape) == torch.ones(2, 3).shape


def check_complex_numbers_come_back(torch):
    assert through_a_file(torch, 1 + 2j) == 1 + 2j


def check_requires_grad_comes_back(torch):
    found = through_a_file(torch, [torch.ones(2, requires_grad=True), torch.ones(2)])
    assert [x.requires_grad for x in found] == [True, False]


def check_a_parameter_comes_back_as_one(torch):
    given = [torch.nn.Parameter(torch.ones(2)), torch.nn.Parameter(torch.ones(2), False)]
    found = through_a_file(torch, given)
    assert all(type(p) is torch.nn.Parameter for p in found)
    assert [p.requires_grad for p in found] == [True, False]


def check_a_buffer_comes_back_as_one(torch):
    found = through_a_file(torch, torch.nn.Buffer(torch.ones(2), persistent=False))
    assert isinstance(found, torch.nn.Buffer)
    assert not found.persistent


def check_attributes_of_parameters_come_along(torch):
    weight = torch.nn.Parameter(torch.ones(2))
    weight.tag = "encoder"
    assert through_a_file(torch, {"w": weight})["w"].tag == "encoder"


def check_gradients_are_not_saved(torch):
    x = torch.ones(2, requires_grad=True)
    x.sum().backward()
    assert through_a_file(torch, x).grad is None


def check_the_result_of_an_operation_comes_back_as_a_leaf(torch):
    x = torch.ones(2, requires_grad=True)
    found = through_a_file(torch, x * 2)
    assert found.is_leaf
    assert found.requires_grad


def check_strides_come_back(torch):
    for x in (torch.ones(2, 3).T, torch.ones(2, 3, 4).permute(2, 0, 1), torch.ones(1).expand(3, 4)):
        assert through_a_file(torch, x).stride() == x.stride()


def check_an_expanded_tensor_takes_little_room(torch):
    file = io.BytesIO()
    torch.save(torch.ones(1).expand(1_000_000), file)
    assert len(file.getvalue()) < 10_000


def check_views_share_their_storage_again(torch):
    x = torch.arange(10)
    whole, part = through_a_file(torch, [x, x[2:5]])
    part.fill_(-1)
    assert whole.tolist() == [0, 1, -1, -1, -1, 5, 6, 7, 8, 9]


def check_overlapping_views_share_without_their_base(torch):
    x = torch.arange(10)
    a, b = through_a_file(torch, [x[1:6], x[4:9]])
    assert (a.tolist(), b.tolist()) == ([1, 2, 3, 4, 5], [4, 5, 6, 7, 8])
    b.zero_()
    assert a.tolist() == [1, 2, 3, 0, 0]


def check_views_with_gaps_share(torch):
    x = torch.arange(10)
    whole, every_third = through_a_file(torch, [x, x[::3]])
    every_third.fill_(7)
    assert whole.tolist() == [7, 1, 2, 7, 4, 5, 7, 7, 8, 7]


def check_separate_tensors_stay_separate(torch):
    a, b = through_a_file(torch, [torch.ones(2), torch.ones(2)])
    a.zero_()
    assert b.tolist() == [1, 1]


def check_one_tensor_twice_is_one_again(torch):
    x = torch.ones(2)
    found = through_a_file(torch, {"a": x, "b": [x]})
    assert found["a"] is found["b"][0]


def check_what_was_loaded_can_be_trained(torch):
    found = through_a_file(torch, torch.nn.Parameter(torch.ones(2)))
    found.square().sum().backward()
    assert found.grad.tolist() == [2, 2]


def check_a_file_is_not_changed_by_writing_to_what_was_loaded(torch):
    file = io.BytesIO()
    torch.save(torch.ones(2), file)
    file.seek(0)
    torch.load(file).zero_()
    file.seek(0)
    assert torch.load(file).tolist() == [1, 1]


def check_paths_may_be_strings_or_path_objects(torch):
    with tempfile.TemporaryDirectory() as folder:
        for path in (os.path.join(folder, "a"), pathlib.Path(folder) / "b"):
            torch.save(torch.ones(2), path)
            assert torch.load(path).tolist() == [1, 1]


def check_open_files_are_written_and_read(torch):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "a")
        with open(path, "wb") as file:
            torch.save([torch.ones(2), 3], file)
        with open(path, "rb") as file:
            assert torch.load(file)[1] == 3


def check_a_file_is_read_from_where_it_stands(torch):
    file = io.BytesIO()
    file.write(b"before")
    torch.save(torch.ones(2), file)
    file.seek(6)
    assert torch.load(file).tolist() == [1, 1]


def check_a_missing_file_is_file_not_found(torch):
    with tempfile.TemporaryDirectory() as folder, pytest.raises(FileNotFoundError):
        torch.load(os.path.join(folder, "nothing"))


def check_a_folder_is_no_file(torch):
    with tempfile.TemporaryDirectory() as folder, pytest.raises(IsADirectoryError):
        torch.load(folder)


def check_a_missing_folder_is_an_error(torch):
    with tempfile.TemporaryDirectory() as folder, pytest.raises((RuntimeError, OSError)):
        torch.save(1, os.path.join(folder, "none", "a"))


def check_what_is_neither_path_nor_file_is_refused(torch):
    with pytest.raises((TypeError, AttributeError)):
        torch.save(torch.ones(1), 3)


def check_writing_over_a_file_replaces_it(torch):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "a")
        torch.save(torch.ones(1000), path)
        torch.save(torch.zeros(2), path)
        assert torch.load(path).tolist() == [0, 0]
        assert os.path.getsize(path) < 4000
