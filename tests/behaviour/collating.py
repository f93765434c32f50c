"""default_collate and default_convert: from samples to a batch."""

import collections
from collections import OrderedDict, UserDict, namedtuple

import numpy as np
import pytest

Point = namedtuple("Point", "x y")


def collate(torch, samples):
    return torch.utils.data.default_collate(samples)


def check_tensors_are_stacked(torch):
    batch = collate(torch, [torch.tensor([1, 2]), torch.tensor([3, 4])])
    assert batch.tolist() == [[1, 2], [3, 4]]


def check_tensors_without_dimensions_are_stacked(torch):
    assert collate(torch, [torch.tensor(1), torch.tensor(2)]).tolist() == [1, 2]


def check_stacking_keeps_the_dtype(torch):
    assert collate(torch, [torch.ones(1, dtype=torch.float16)]).dtype == torch.float16


def check_tensors_of_different_shapes_are_refused(torch):
    with pytest.raises(RuntimeError, match="stack expects each tensor to be equal size"):
        collate(torch, [torch.zeros(2), torch.zeros(3)])


def check_stacking_is_recorded_in_the_graph(torch):
    x = torch.ones(2, requires_grad=True)
    assert collate(torch, [x, x]).requires_grad


def check_ints_become_int64(torch):
    batch = collate(torch, [1, 2])
    assert batch.dtype == torch.int64
    assert batch.tolist() == [1, 2]


def check_floats_become_float64(torch):
    assert collate(torch, [1.5, 2.5]).dtype == torch.float64


def check_bools_become_bool(torch):
    batch = collate(torch, [True, False])
    assert batch.dtype == torch.bool


def check_strings_stay(torch):
    assert collate(torch, ["a", "b"]) == ["a", "b"]


def check_bytes_stay(torch):
    assert collate(torch, [b"a", b"b"]) == [b"a", b"b"]


def check_arrays_are_stacked(torch):
    batch = collate(torch, [np.ones(2, np.float32), np.zeros(2, np.float32)])
    assert batch.dtype == torch.float32
    assert batch.shape == (2, 2)


def check_arrays_without_dimensions_are_stacked(torch):
    assert collate(torch, [np.array(1), np.array(2)]).tolist() == [1, 2]


def check_numpy_scalars_keep_their_dtype(torch):
    assert collate(torch, [np.float32(1), np.float32(2)]).dtype == torch.float32
    assert collate(torch, [np.int16(1)]).dtype == torch.int16
    assert collate(torch, [np.bool_(True)]).dtype == torch.bool


def check_numpy_float64_stays_float64(torch):
    assert collate(torch, [np.float64(1.0)]).dtype == torch.float64


def check_read_only_arrays_are_copied(torch):
    array = np.arange(3)
    array.flags.writeable = False
    batch = collate(torch, [np.arange(3), np.arange(3)])
    batch[0, 0] = 5
    assert array[0] == 0


def check_arrays_of_strings_are_refused(torch):
    with pytest.raises(TypeError, match="batch must contain tensors, numpy arrays, numbers"):
        collate(torch, [np.array(["a"])])


def check_arrays_of_objects_are_refused(torch):
    with pytest.raises(TypeError, match="batch must contain tensors, numpy arrays, numbers"):
        collate(torch, [np.array([object()])])


def check_objects_are_refused(torch):
    with pytest.raises(TypeError, match=r"dicts or lists; found <class 'object'>"):
        collate(torch, [object()])


def check_none_is_refused(torch):
    with pytest.raises(TypeError, match="found <class 'NoneType'>"):
        collate(torch, [None])


def check_sets_are_refused(torch):
    with pytest.raises(TypeError, match="found <class 'set'>"):
        collate(torch, [{1}])


def check_tuples_become_a_list_of_batches(torch):
    batch = collate(torch, [(1, 2.0), (3, 4.0)])
    assert type(batch) is list
    assert [part.tolist() for part in batch] == [[1, 3], [2.0, 4.0]]


def check_lists_become_a_list_of_batches(torch):
    batch = collate(torch, [[1, "a"], [2, "b"]])
    assert type(batch) is list
    assert batch[0].tolist() == [1, 2]
    assert list(batch[1]) == ["a", "b"]


def check_dicts_become_a_dict_of_batches(torch):
    batch = collate(torch, [{"a": 1, "b": [2]}, {"a": 3, "b": [4]}])
    assert batch["a"].tolist() == [1, 3]
    assert batch["b"][0].tolist() == [2, 4]


def check_a_missing_key_is_a_key_error(torch):
    with pytest.raises(KeyError):
        collate(torch, [{"a": 1}, {"b": 1}])


def check_named_tuples_stay_named(torch):
    batch = collate(torch, [Point(0, 1.0), Point(2, 3.0)])
    assert isinstance(batch, Point)
    assert batch.x.tolist() == [0, 2]


def check_ordered_dicts_stay(torch):
    batch = collate(torch, [OrderedDict(b=1, a=2)])
    assert type(batch) is OrderedDict
    assert list(batch) == ["b", "a"]


def check_default_dicts_keep_their_factory(torch):
    sample = collections.defaultdict(list, a=1)
    batch = collate(torch, [sample, sample])
    assert batch.default_factory is list
    assert batch["a"].tolist() == [1, 1]


def check_mappings_of_users_stay(torch):
    batch = collate(torch, [UserDict(a=1), UserDict(a=2)])
    assert type(batch) is UserDict
    assert batch["a"].tolist() == [1, 2]


def check_lists_of_users_keep_their_attributes(torch):
    class Sequence(list):
        pass

    sample = Sequence([1, 2])
    sample.name = "mine"
    batch = collate(torch, [sample, sample])
    assert type(batch) is Sequence
    assert batch.name == "mine"


def check_a_range_becomes_a_list_of_batches(torch):
    batch = collate(torch, [range(2), range(2)])
    assert type(batch) is list
    assert [part.tolist() for part in batch] == [[0, 0], [1, 1]]


def check_sequences_of_different_lengths_are_refused(torch):
    with pytest.raises(RuntimeError, match="each element in list of batch should be of equal size"):
        collate(torch, [[1, 2], [1]])


def check_samples_are_left_as_they_are(torch):
    samples = [{"a": 1}, {"a": 2}]
    collate(torch, samples)
    assert samples == [{"a": 1}, {"a": 2}]


def check_nested_structures_keep_theirs(torch):
    batch = collate(torch, [{"p": Point(1, ("a", 2.0))}, {"p": Point(3, ("b", 4.0))}])
    assert batch["p"].x.tolist() == [1, 3]
    assert list(batch["p"].y[0]) == ["a", "b"]
    assert batch["p"].y[1].tolist() == [2.0, 4.0]


def check_a_batch_of_nothing_is_refused(torch):
    with pytest.raises(IndexError):
        collate(torch, [])


def check_conversion_makes_tensors_of_arrays(torch):
    converted = torch.utils.data.default_convert(np.array([0, 1]))
    assert isinstance(converted, torch.Tensor)
    assert converted.tolist() == [0, 1]


def check_conversion_makes_tensors_of_numpy_scalars(torch):
    converted = torch.utils.data.default_convert(np.float32(2))
    assert isinstance(converted, torch.Tensor)
    assert converted.dtype == torch.float32


def check_conversion_leaves_numbers_and_strings(torch):
    for value in (0, 1.5, "a", b"b", None, True):
        assert torch.utils.data.default_convert(value) is value


def check_conversion_leaves_tensors(torch):
    x = torch.ones(2)
    assert torch.utils.data.default_convert(x) is x


def check_conversion_leaves_arrays_of_strings(torch):
    array = np.array(["a"])
    assert torch.utils.data.default_convert(array) is array


def check_conversion_shares_memory(torch):
    array = np.zeros(2)
    torch.utils.data.default_convert(array)[0] = 5
    assert array[0] == 5


def check_conversion_goes_into_dicts_and_named_tuples(torch):
    converted = torch.utils.data.default_convert({"p": Point(np.array(1), 2)})
    assert isinstance(converted["p"].x, torch.Tensor)
    assert converted["p"].y == 2


def check_conversion_makes_lists_of_tuples(torch):
    converted = torch.utils.data.default_convert((np.array(1), 2))
    assert type(converted) is list
    assert isinstance(converted[0], torch.Tensor)


def check_conversion_keeps_types_of_lists(torch):
    class Sequence(list):
        pass

    converted = torch.utils.data.default_convert(Sequence([np.array(1)]))
    assert type(converted) is Sequence
    assert isinstance(converted[0], torch.Tensor)


def check_conversion_of_a_tensor_subclass_leaves_it(torch):
    p = torch.nn.Parameter(torch.ones(1))
    assert torch.utils.data.default_convert(p) is p
