"""Samplers: orders, numbers of samples, batches, and what they refuse."""

import pytest


def check_sequential_sampler_goes_through_the_indices(torch):
    sampler = torch.utils.data.SequentialSampler("abcd")
    assert list(sampler) == [0, 1, 2, 3]
    assert len(sampler) == 4


def check_a_sampler_is_iterated_again(torch):
    sampler = torch.utils.data.SequentialSampler("abc")
    assert list(sampler) == list(sampler)


def check_random_sampler_is_a_permutation(torch):
    sampler = torch.utils.data.RandomSampler(range(50))
    assert sorted(sampler) == list(range(50))


def check_passes_of_random_sampler_differ(torch):
    torch.manual_seed(0)
    sampler = torch.utils.data.RandomSampler(range(50))
    assert list(sampler) != list(sampler)


def check_random_sampler_follows_manual_seed(torch):
    sampler = torch.utils.data.RandomSampler(range(50))
    torch.manual_seed(3)
    first = list(sampler)
    torch.manual_seed(3)
    assert list(sampler) == first


def check_random_sampler_follows_its_generator(torch):
    def order():
        generator = torch.Generator().manual_seed(3)
        return list(torch.utils.data.RandomSampler(range(50), generator=generator))

    assert order() == order()


def check_a_sampler_with_a_generator_leaves_the_default_one(torch):
    before = torch.get_rng_state().tolist()
    list(torch.utils.data.RandomSampler(range(50), generator=torch.Generator().manual_seed(3)))
    assert torch.get_rng_state().tolist() == before


def check_random_sampler_gives_ints(torch):
    assert type(next(iter(torch.utils.data.RandomSampler(range(3))))) is int


def check_random_sampler_draws_fewer_samples(torch):
    sampler = torch.utils.data.RandomSampler(range(50), num_samples=7)
    order = list(sampler)
    assert len(order) == len(set(order)) == len(sampler) == 7


def check_random_sampler_draws_more_samples_in_permutations(torch):
    order = list(torch.utils.data.RandomSampler(range(5), num_samples=12))
    assert len(order) == 12
    assert sorted(order[:5]) == sorted(order[5:10]) == list(range(5))


def check_random_sampler_draws_with_replacement(torch):
    order = list(torch.utils.data.RandomSampler(range(3), replacement=True, num_samples=100))
    assert len(order) == 100
    assert set(order) <= {0, 1, 2}


def check_random_sampler_with_replacement_has_the_datasets_length(torch):
    assert len(list(torch.utils.data.RandomSampler(range(40), replacement=True))) == 40


def check_random_sampler_draws_billions_as_they_are_needed(torch):
    data = torch.utils.data
    sampler = data.RandomSampler(range(3), replacement=True, num_samples=int(1e10))
    loader = iter(data.DataLoader(range(3), batch_size=70_000, sampler=sampler))
    assert set(next(loader).tolist()) == set(next(loader).tolist()) == {0, 1, 2}
    assert len(sampler) == 10**10


def check_random_sampler_permutes_billions_as_they_are_needed(torch):
    order = iter(torch.utils.data.RandomSampler(range(3), num_samples=int(1e10)))
    assert sorted(next(order) for _ in range(3)) == [0, 1, 2]


def check_random_sampler_refuses_a_replacement_that_is_no_bool(torch):
    with pytest.raises(TypeError, match="replacement should be a boolean value, but got"):
        torch.utils.data.RandomSampler(range(3), replacement=1)


def check_random_sampler_refuses_no_samples(torch):
    with pytest.raises(ValueError, match="num_samples should be a positive integer value"):
        torch.utils.data.RandomSampler(range(3), num_samples=0)


def check_random_sampler_refuses_a_fraction_of_samples(torch):
    with pytest.raises(ValueError, match="num_samples should be a positive integer value"):
        torch.utils.data.RandomSampler(range(3), num_samples=1.5)


def check_random_sampler_refuses_an_empty_dataset(torch):
    with pytest.raises(ValueError, match="num_samples should be a positive integer value"):
        torch.utils.data.RandomSampler([])


def check_random_sampler_follows_a_growing_dataset(torch):
    data = [0]
    sampler = torch.utils.data.RandomSampler(data)
    data += [1, 2]
    assert len(sampler) == 3
    assert sorted(sampler) == [0, 1, 2]


def check_subset_random_sampler_permutes_its_indices(torch):
    sampler = torch.utils.data.SubsetRandomSampler([9, 4, 6])
    assert sorted(sampler) == [4, 6, 9]
    assert len(sampler) == 3


def check_subset_random_sampler_takes_no_indices(torch):
    assert list(torch.utils.data.SubsetRandomSampler([])) == []


def check_subset_random_sampler_follows_its_generator(torch):
    def order():
        generator = torch.Generator().manual_seed(3)
        return list(torch.utils.data.SubsetRandomSampler(range(50), generator=generator))

    assert order() == order()


def check_weighted_sampler_leaves_out_weights_of_zero(torch):
    order = list(torch.utils.data.WeightedRandomSampler([0.0, 1.0, 0.0, 1.0], 100))
    assert set(order) == {1, 3}


def check_weighted_sampler_follows_the_weights(torch):
    torch.manual_seed(0)
    order = list(torch.utils.data.WeightedRandomSampler([1.0, 9.0], 10_000))
    assert 0.87 < order.count(1) / 10_000 < 0.93


def check_weighted_sampler_without_replacement_is_distinct(torch):
    order = list(torch.utils.data.WeightedRandomSampler([1.0] * 10, 10, replacement=False))
    assert sorted(order) == list(range(10))


def check_weighted_sampler_has_its_number_of_samples(torch):
    assert len(torch.utils.data.WeightedRandomSampler([1.0, 2.0], 7)) == 7


def check_weighted_sampler_keeps_its_weights_as_float64(torch):
    weights = torch.utils.data.WeightedRandomSampler([1, 2], 7).weights
    assert isinstance(weights, torch.Tensor)
    assert weights.dtype == torch.float64


def check_weighted_sampler_takes_a_tensor(torch):
    sampler = torch.utils.data.WeightedRandomSampler(torch.tensor([0.0, 1.0]), 3)
    assert list(sampler) == [1, 1, 1]


def check_weighted_sampler_gives_ints(torch):
    assert type(next(iter(torch.utils.data.WeightedRandomSampler([1.0], 1)))) is int


def check_weighted_sampler_refuses_no_samples(torch):
    with pytest.raises(ValueError, match="num_samples should be a positive integer value"):
        torch.utils.data.WeightedRandomSampler([1.0], 0)


def check_weighted_sampler_refuses_true_as_a_number(torch):
    with pytest.raises(ValueError, match="num_samples should be a positive integer value"):
        torch.utils.data.WeightedRandomSampler([1.0], True)


def check_weighted_sampler_refuses_a_replacement_that_is_no_bool(torch):
    with pytest.raises(ValueError, match="replacement should be a boolean value"):
        torch.utils.data.WeightedRandomSampler([1.0], 1, replacement="yes")


def check_weighted_sampler_refuses_a_matrix_of_weights(torch):
    with pytest.raises(ValueError, match="weights should be a 1d sequence"):
        torch.utils.data.WeightedRandomSampler([[1.0, 2.0]], 1)


def check_weighted_sampler_refuses_negative_weights(torch):
    with pytest.raises(RuntimeError):
        list(torch.utils.data.WeightedRandomSampler([1.0, -1.0], 1))


def check_weighted_sampler_refuses_more_distinct_samples_than_weights(torch):
    with pytest.raises(RuntimeError, match="without replacement"):
        list(torch.utils.data.WeightedRandomSampler([1.0, 1.0], 3, replacement=False))


def check_batch_sampler_makes_lists(torch):
    sampler = torch.utils.data.BatchSampler(range(5), 2, False)
    assert list(sampler) == [[0, 1], [2, 3], [4]]
    assert len(sampler) == 3


def check_batch_sampler_drops_the_last(torch):
    sampler = torch.utils.data.BatchSampler(range(5), 2, True)
    assert list(sampler) == [[0, 1], [2, 3]]
    assert len(sampler) == 2


def check_batch_sampler_keeps_a_full_last_batch(torch):
    assert list(torch.utils.data.BatchSampler(range(4), 2, True)) == [[0, 1], [2, 3]]


def check_batch_sampler_takes_any_iterable(torch):
    assert list(torch.utils.data.BatchSampler("abc", 2, False)) == [["a", "b"], ["c"]]


def check_batch_sampler_of_nothing_is_empty(torch):
    assert list(torch.utils.data.BatchSampler([], 2, False)) == []


def check_batch_sampler_refuses_a_batch_size_of_zero(torch):
    with pytest.raises(ValueError, match="batch_size should be a positive integer value"):
        torch.utils.data.BatchSampler(range(5), 0, False)


def check_batch_sampler_refuses_true_as_a_size(torch):
    with pytest.raises(ValueError, match="batch_size should be a positive integer value"):
        torch.utils.data.BatchSampler(range(5), True, False)


def check_batch_sampler_refuses_a_drop_last_that_is_no_bool(torch):
    with pytest.raises(ValueError, match="drop_last should be a boolean value"):
        torch.utils.data.BatchSampler(range(5), 2, 1)


def check_batch_samplers_of_batch_samplers_nest(torch):
    inner = torch.utils.data.BatchSampler(range(5), 2, False)
    assert list(torch.utils.data.BatchSampler(inner, 2, False)) == [[[0, 1], [2, 3]], [[4]]]


def check_sampler_has_no_order_of_its_own(torch):
    with pytest.raises(NotImplementedError):
        iter(torch.utils.data.Sampler())


def check_sampler_has_no_length_of_its_own(torch):
    with pytest.raises(TypeError):
        len(torch.utils.data.Sampler())


def check_samplers_are_generic(torch):
    class Pairs(torch.utils.data.Sampler[list]):
        def __iter__(self):
            return iter([[0, 1]])

    assert list(Pairs()) == [[0, 1]]


def distributed(torch, rank, **options):
    options = {"num_replicas": 3, "shuffle": False, **options}
    return torch.utils.data.DistributedSampler(
        range(options.pop("length", 10)), rank=rank, **options
    )


def check_distributed_sampler_deals_the_indices_out(torch):
    assert list(distributed(torch, 1, length=9)) == [1, 4, 7]


def check_distributed_sampler_repeats_the_first_to_be_even(torch):
    shares = [list(distributed(torch, rank)) for rank in range(3)]
    assert shares == [[0, 3, 6, 9], [1, 4, 7, 0], [2, 5, 8, 1]]


def check_distributed_sampler_may_drop_the_last(torch):
    shares = [list(distributed(torch, rank, drop_last=True)) for rank in range(3)]
    assert shares == [[0, 3, 6], [1, 4, 7], [2, 5, 8]]


def check_distributed_sampler_has_its_shares_length(torch):
    assert len(distributed(torch, 0)) == 4


def check_distributed_sampler_repeats_a_short_dataset(torch):
    assert [list(distributed(torch, rank, length=1)) for rank in range(3)] == [[0], [0], [0]]


def check_distributed_sampler_shuffles_alike_everywhere(torch):
    shares = [list(distributed(torch, rank, length=30, shuffle=True)) for rank in range(3)]
    assert sorted(x for share in shares for x in share) == list(range(30))


def check_distributed_sampler_has_one_order_until_the_epoch_is_set(torch):
    sampler = distributed(torch, 0, length=300, shuffle=True)
    first = list(sampler)
    assert list(sampler) == first
    sampler.set_epoch(1)
    assert list(sampler) != first


def check_distributed_sampler_follows_its_seed(torch):
    orders = [
        list(distributed(torch, 0, length=300, shuffle=True, seed=seed)) for seed in (0, 0, 1)
    ]
    assert orders[0] == orders[1] != orders[2]


def check_distributed_sampler_leaves_the_default_generator(torch):
    before = torch.get_rng_state().tolist()
    list(distributed(torch, 0, shuffle=True))
    assert torch.get_rng_state().tolist() == before


def check_distributed_sampler_refuses_a_rank_out_of_range(torch):
    with pytest.raises(ValueError, match="Invalid rank 3, rank should be in the interval"):
        distributed(torch, 3)


def check_distributed_sampler_is_found_in_its_module(torch):
    assert torch.utils.data.distributed.DistributedSampler is torch.utils.data.DistributedSampler
