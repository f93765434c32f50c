"""Datasets: of tensors, concatenated, chained, stacked, subsets, random splits."""

import pytest


class Numbers:
    """A dataset without a base class."""

    def __init__(self, length):
        self.length = length

    def __len__(self):
        return self.length

    def __getitem__(self, index):
        if not -self.length <= index < self.length:
            raise IndexError(index)
        return index % self.length


def stream(torch, numbers):
    class Stream(torch.utils.data.IterableDataset):
        def __iter__(self):
            return iter(numbers)

    return Stream()


def check_tensor_dataset_gives_a_tuple_of_slices(torch):
    x, y = torch.arange(6).reshape(3, 2), torch.tensor([7, 8, 9])
    sample = torch.utils.data.TensorDataset(x, y)[1]
    assert isinstance(sample, tuple)
    assert sample[0].tolist() == [2, 3]
    assert sample[1].item() == 8


def check_tensor_dataset_of_one_tensor_gives_tuples_of_one(torch):
    assert len(torch.utils.data.TensorDataset(torch.arange(3))[0]) == 1


def check_tensor_dataset_takes_slices(torch):
    (part,) = torch.utils.data.TensorDataset(torch.arange(5))[1:4]
    assert part.tolist() == [1, 2, 3]


def check_tensor_dataset_takes_negative_indices(torch):
    assert torch.utils.data.TensorDataset(torch.arange(5))[-1][0].item() == 4


def check_tensor_dataset_past_the_end_is_an_index_error(torch):
    with pytest.raises(IndexError):
        torch.utils.data.TensorDataset(torch.arange(5))[5]


def check_tensor_dataset_is_iterated_by_index_errors(torch):
    values = [x.item() for (x,) in torch.utils.data.TensorDataset(torch.arange(3))]
    assert values == [0, 1, 2]


def check_tensor_dataset_refuses_different_lengths(torch):
    with pytest.raises(AssertionError, match="Size mismatch between tensors"):
        torch.utils.data.TensorDataset(torch.zeros(3), torch.zeros(4))


def check_tensor_dataset_keeps_its_tensors(torch):
    x = torch.arange(3)
    assert torch.utils.data.TensorDataset(x).tensors[0] is x


def check_samples_of_tensor_dataset_are_views(torch):
    x = torch.zeros(3)
    torch.utils.data.TensorDataset(x)[1][0].fill_(5)
    assert x.tolist() == [0, 5, 0]


def check_dataset_has_no_samples_of_its_own(torch):
    with pytest.raises(NotImplementedError):
        torch.utils.data.Dataset()[0]


def check_dataset_has_no_length_of_its_own(torch):
    with pytest.raises(TypeError):
        len(torch.utils.data.Dataset())


def check_datasets_are_generic(torch):
    class Words(torch.utils.data.Dataset[str]):
        pass

    assert issubclass(Words, torch.utils.data.Dataset)


def check_the_sum_of_datasets_is_their_concatenation(torch):
    both = torch.utils.data.TensorDataset(torch.arange(2)) + torch.utils.data.TensorDataset(
        torch.arange(3)
    )
    assert isinstance(both, torch.utils.data.ConcatDataset)
    assert [both[i][0].item() for i in range(5)] == [0, 1, 0, 1, 2]
    assert len(both) == 5


def check_concatenation_finds_the_dataset_of_an_index(torch):
    both = torch.utils.data.ConcatDataset([Numbers(2), Numbers(3)])
    assert [both[i] for i in range(5)] == [0, 1, 0, 1, 2]


def check_concatenation_counts_from_the_end(torch):
    both = torch.utils.data.ConcatDataset([Numbers(2), Numbers(3)])
    assert both[-1] == 2
    assert both[-5] == 0


def check_concatenation_refuses_indices_before_the_start(torch):
    with pytest.raises(ValueError, match="should not exceed dataset length"):
        torch.utils.data.ConcatDataset([Numbers(2), Numbers(3)])[-6]


def check_concatenation_past_the_end_is_an_index_error(torch):
    with pytest.raises(IndexError):
        torch.utils.data.ConcatDataset([Numbers(2), Numbers(3)])[5]


def check_concatenation_skips_empty_datasets(torch):
    both = torch.utils.data.ConcatDataset([Numbers(0), Numbers(2), Numbers(0), Numbers(1)])
    assert [both[i] for i in range(3)] == [0, 1, 0]


def check_concatenation_of_nothing_is_refused(torch):
    with pytest.raises(AssertionError, match="should not be an empty iterable"):
        torch.utils.data.ConcatDataset([])


def check_concatenation_refuses_streams(torch):
    with pytest.raises(AssertionError, match="does not support IterableDataset"):
        torch.utils.data.ConcatDataset([stream(torch, [1])])


def check_concatenation_takes_a_generator(torch):
    both = torch.utils.data.ConcatDataset(Numbers(n) for n in (1, 2))
    assert len(both.datasets) == 2


def check_concatenation_has_cumulative_sizes(torch):
    assert torch.utils.data.ConcatDataset([Numbers(2), Numbers(3)]).cumulative_sizes == [2, 5]


def check_the_sum_of_streams_is_their_chain(torch):
    both = stream(torch, [1, 2]) + stream(torch, [3])
    assert isinstance(both, torch.utils.data.ChainDataset)
    assert list(both) == [1, 2, 3]


def check_a_chain_is_a_stream(torch):
    chain = torch.utils.data.ChainDataset([stream(torch, [1])])
    assert isinstance(chain, torch.utils.data.IterableDataset)


def check_a_chain_of_streams_with_lengths_has_a_length(torch):
    class Sized(torch.utils.data.IterableDataset):
        def __iter__(self):
            return iter([1, 2])

        def __len__(self):
            return 2

    assert len(torch.utils.data.ChainDataset([Sized(), Sized()])) == 4


def check_a_chain_is_iterated_twice(torch):
    chain = torch.utils.data.ChainDataset([stream(torch, [1, 2]), stream(torch, [3])])
    assert list(chain) == list(chain) == [1, 2, 3]


def check_a_chain_refuses_map_style_datasets(torch):
    with pytest.raises(AssertionError, match="only supports IterableDataset"):
        list(torch.utils.data.ChainDataset([Numbers(2)]))


def check_a_stream_without_length_has_none(torch):
    with pytest.raises(TypeError):
        len(stream(torch, [1]))


def check_stacking_by_position_gives_tuples(torch):
    assert torch.utils.data.StackDataset(Numbers(3), Numbers(3))[1] == (1, 1)


def check_stacking_by_name_gives_dicts(torch):
    assert torch.utils.data.StackDataset(a=Numbers(3), b=Numbers(3))[2] == {"a": 2, "b": 2}


def check_stacking_refuses_both_forms(torch):
    with pytest.raises(ValueError):  # noqa: PT011  any message
        torch.utils.data.StackDataset(Numbers(3), b=Numbers(3))


def check_stacking_refuses_nothing(torch):
    with pytest.raises(ValueError):  # noqa: PT011  any message
        torch.utils.data.StackDataset()


def check_stacking_refuses_different_lengths(torch):
    with pytest.raises(ValueError, match="Size mismatch between datasets"):
        torch.utils.data.StackDataset(Numbers(3), Numbers(4))


def check_stacking_has_the_length_of_its_parts(torch):
    assert len(torch.utils.data.StackDataset(Numbers(3), Numbers(3))) == 3


def check_stacking_reads_parts_by_getitems(torch):
    class Batches(Numbers):
        def __getitems__(self, indices):
            return [10 * index for index in indices]

    stacked = torch.utils.data.StackDataset(Batches(3), Numbers(3))
    assert list(stacked.__getitems__([0, 2])) == [(0, 0), (20, 2)]


def check_stacking_by_name_reads_parts_by_getitems(torch):
    class Batches(Numbers):
        def __getitems__(self, indices):
            return [10 * index for index in indices]

    stacked = torch.utils.data.StackDataset(a=Batches(3), b=Numbers(3))
    assert list(stacked.__getitems__([1])) == [{"a": 10, "b": 1}]


def check_stacking_refuses_getitems_of_another_length(torch):
    class Short(Numbers):
        def __getitems__(self, indices):
            return [0]

    with pytest.raises(ValueError, match="output size mismatch"):
        torch.utils.data.StackDataset(Short(3)).__getitems__([0, 1])


def check_a_subset_maps_its_indices(torch):
    subset = torch.utils.data.Subset(Numbers(10), [7, 3, 5])
    assert [subset[i] for i in range(3)] == [7, 3, 5]
    assert len(subset) == 3


def check_a_subset_of_a_subset_maps_twice(torch):
    inner = torch.utils.data.Subset(Numbers(10), [7, 3, 5])
    assert torch.utils.data.Subset(inner, [2, 0])[0] == 5


def check_a_subset_takes_lists_where_the_dataset_does(torch):
    data = torch.arange(10)
    assert torch.utils.data.Subset(data, [7, 3, 5])[[0, 2]].tolist() == [7, 5]


def check_a_subset_keeps_dataset_and_indices(torch):
    data = Numbers(3)
    subset = torch.utils.data.Subset(data, [1])
    assert subset.dataset is data
    assert subset.indices == [1]


def check_a_subset_reads_by_getitems(torch):
    class Batches(Numbers):
        def __getitems__(self, indices):
            return [10 * index for index in indices]

    assert list(torch.utils.data.Subset(Batches(5), [4, 2]).__getitems__([1, 0])) == [20, 40]


def check_a_random_split_is_a_partition(torch):
    parts = torch.utils.data.random_split(range(10), [3, 7])
    assert [len(part) for part in parts] == [3, 7]
    assert sorted(x for part in parts for x in part.indices) == list(range(10))


def check_parts_of_a_random_split_are_subsets(torch):
    (part,) = torch.utils.data.random_split(range(4), [4])
    assert isinstance(part, torch.utils.data.Subset)


def check_fractions_give_left_over_samples_to_the_first_parts(torch):
    parts = torch.utils.data.random_split(range(30), [0.33, 0.33, 0.34])
    assert [len(part) for part in parts] == [10, 10, 10]


def check_fractions_are_rounded_down_first(torch):
    parts = torch.utils.data.random_split(range(7), [0.5, 0.5])
    assert [len(part) for part in parts] == [4, 3]


def check_lengths_that_do_not_add_up_are_refused(torch):
    with pytest.raises(ValueError, match="Sum of input lengths does not equal"):
        torch.utils.data.random_split(range(10), [3, 6])


def check_a_fraction_above_one_is_refused(torch):
    with pytest.raises(ValueError, match="Fraction at index 0 is not between 0 and 1"):
        torch.utils.data.random_split(range(10), [1.5, -0.5])


def check_an_empty_part_of_a_split_is_warned_of(torch):
    with pytest.warns(UserWarning, match="Length of split at index 1 is 0"):
        torch.utils.data.random_split(range(3), [0.9, 0.1])


def check_a_split_follows_its_generator(torch):
    def split(seed):
        generator = torch.Generator().manual_seed(seed)
        return [
            list(p.indices) for p in torch.utils.data.random_split(range(99), [50, 49], generator)
        ]

    assert split(1) == split(1) != split(2)


def check_a_split_without_generator_follows_manual_seed(torch):
    def split(seed):
        torch.manual_seed(seed)
        return [list(p.indices) for p in torch.utils.data.random_split(range(99), [50, 49])]

    assert split(1) == split(1) != split(2)


def check_a_split_takes_the_generator_none(torch):
    parts = torch.utils.data.random_split(range(4), [2, 2], generator=None)
    assert len(parts) == 2


def check_a_subset_that_overrides_getitem_alone_is_refused(torch):
    class Doubled(torch.utils.data.Subset):
        def __getitem__(self, index):
            return 2 * self.dataset[self.indices[index]]

    with pytest.raises(NotImplementedError, match="must also override __getitems__"):
        Doubled(Numbers(3), [1])


DIFFERENT = {
    "check_a_subset_that_overrides_getitem_alone_is_refused": (
        "a subclass of `Subset` with a `__getitem__` of its own and no `__getitems__`"
    )
}
