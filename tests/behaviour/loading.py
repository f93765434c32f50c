"""The DataLoader without workers: options, batches, order, errors, warnings, lengths."""

import multiprocessing
import pickle

import numpy as np
import pytest

from tests.behaviour.datasets import Numbers


def batches(loader):
    return [batch.tolist() for batch in loader]


def stream(torch, count, length=None):
    class Stream(torch.utils.data.IterableDataset):
        def __iter__(self):
            return iter(range(count))

    class Sized(Stream):
        def __len__(self):
            return length

    return Stream() if length is None else Sized()


def check_samples_come_one_by_one_by_default(torch):
    assert batches(torch.utils.data.DataLoader(Numbers(3))) == [[0], [1], [2]]


def check_the_last_batch_is_shorter(torch):
    assert batches(torch.utils.data.DataLoader(Numbers(5), 2)) == [[0, 1], [2, 3], [4]]


def check_drop_last_drops_it(torch):
    loader = torch.utils.data.DataLoader(Numbers(5), 2, drop_last=True)
    assert batches(loader) == [[0, 1], [2, 3]]
    assert len(loader) == 2


def check_a_list_is_a_dataset(torch):
    assert batches(torch.utils.data.DataLoader([3, 4], batch_size=2)) == [[3, 4]]


def check_a_dict_is_a_dataset_with_a_sampler_of_its_keys(torch):
    loader = torch.utils.data.DataLoader({"a": 1, "b": 2}, sampler=["b", "a"], batch_size=2)
    assert batches(loader) == [[2, 1]]


def check_no_batch_size_gives_samples(torch):
    loader = torch.utils.data.DataLoader(Numbers(3), batch_size=None)
    assert list(loader) == [0, 1, 2]
    assert len(loader) == 3


def check_no_batch_size_converts_arrays(torch):
    (sample,) = torch.utils.data.DataLoader([np.ones(2, np.float32)], batch_size=None)
    assert isinstance(sample, torch.Tensor)
    assert sample.shape == (2,)


def check_no_batch_size_with_a_sampler_of_lists_reads_lists(torch):
    data = torch.arange(6)
    sampler = torch.utils.data.BatchSampler(range(6), 3, False)
    loader = torch.utils.data.DataLoader(data, sampler=sampler, batch_size=None)
    assert batches(loader) == [[0, 1, 2], [3, 4, 5]]


def check_shuffling_is_a_permutation(torch):
    loader = torch.utils.data.DataLoader(Numbers(50), 50, shuffle=True)
    assert sorted(batches(loader)[0]) == list(range(50))


def check_passes_are_shuffled_differently(torch):
    torch.manual_seed(0)
    loader = torch.utils.data.DataLoader(Numbers(50), 50, shuffle=True)
    assert batches(loader) != batches(loader)


def check_the_order_follows_manual_seed(torch):
    def order():
        torch.manual_seed(5)
        return batches(torch.utils.data.DataLoader(Numbers(50), 7, shuffle=True))

    assert order() == order()


def check_the_order_follows_the_generator(torch):
    def order():
        generator = torch.Generator().manual_seed(5)
        return batches(torch.utils.data.DataLoader(Numbers(50), 7, True, generator=generator))

    assert order() == order()


def check_shuffle_makes_a_random_sampler(torch):
    loader = torch.utils.data.DataLoader(Numbers(3), shuffle=True)
    assert isinstance(loader.sampler, torch.utils.data.RandomSampler)


def check_no_shuffle_makes_a_sequential_sampler(torch):
    loader = torch.utils.data.DataLoader(Numbers(3))
    assert isinstance(loader.sampler, torch.utils.data.SequentialSampler)


def check_a_batch_size_makes_a_batch_sampler(torch):
    loader = torch.utils.data.DataLoader(Numbers(3), 2)
    assert isinstance(loader.batch_sampler, torch.utils.data.BatchSampler)
    assert loader.batch_sampler.sampler is loader.sampler


def check_a_batch_sampler_leaves_no_batch_size(torch):
    loader = torch.utils.data.DataLoader(Numbers(5), batch_sampler=[[4], [1, 0]])
    assert loader.batch_size is None
    assert loader.drop_last is False
    assert batches(loader) == [[4], [1, 0]]
    assert len(loader) == 2


def check_a_sampler_gives_the_order(torch):
    assert batches(torch.utils.data.DataLoader(Numbers(9), 2, sampler=[8, 1, 5])) == [[8, 1], [5]]


def check_a_collate_fn_gets_the_list_of_samples(torch):
    loader = torch.utils.data.DataLoader(Numbers(3), 2, collate_fn=tuple)
    assert list(loader) == [(0, 1), (2,)]


def check_getitems_gives_a_batch_at_once(torch):
    class Batches(Numbers):
        def __getitems__(self, indices):
            return [10 * i for i in indices]

    assert batches(torch.utils.data.DataLoader(Batches(4), 2)) == [[0, 10], [20, 30]]


def check_an_iterator_is_its_own_iterator(torch):
    iterator = iter(torch.utils.data.DataLoader(Numbers(3)))
    assert iter(iterator) is iterator


def check_an_iterator_has_a_length(torch):
    assert len(iter(torch.utils.data.DataLoader(Numbers(5), 2))) == 3


def check_an_exhausted_iterator_stays_so(torch):
    iterator = iter(torch.utils.data.DataLoader(Numbers(1)))
    next(iterator)
    for _ in range(2):
        with pytest.raises(StopIteration):
            next(iterator)


def check_an_iterator_is_not_pickled(torch):
    with pytest.raises(NotImplementedError):
        pickle.dumps(iter(torch.utils.data.DataLoader(Numbers(3))))


def check_two_iterators_are_independent(torch):
    loader = torch.utils.data.DataLoader(Numbers(3))
    pairs = [(a.item(), b.item()) for a in loader for b in loader]
    assert len(pairs) == 9


def check_an_error_of_the_dataset_comes_out(torch):
    class Broken(Numbers):
        def __getitem__(self, index):
            raise KeyError("sample is broken")

    with pytest.raises(KeyError, match="sample is broken"):
        next(iter(torch.utils.data.DataLoader(Broken(3))))


def check_a_loop_that_catches_an_error_goes_on(torch):
    class Broken(Numbers):
        def __getitem__(self, index):
            if index == 1:
                raise ValueError("broken")
            return index

    iterator = iter(torch.utils.data.DataLoader(Broken(4)))
    assert next(iterator).item() == 0
    with pytest.raises(ValueError, match="broken"):
        next(iterator)
    assert batches(iterator) == [[2], [3]]


def check_a_stream_is_batched(torch):
    assert batches(torch.utils.data.DataLoader(stream(torch, 5), 2)) == [[0, 1], [2, 3], [4]]


def check_a_stream_s_last_batch_is_dropped(torch):
    loader = torch.utils.data.DataLoader(stream(torch, 5), 2, drop_last=True)
    assert batches(loader) == [[0, 1], [2, 3]]


def check_a_stream_without_batch_size_gives_samples(torch):
    assert list(torch.utils.data.DataLoader(stream(torch, 3), batch_size=None)) == [0, 1, 2]


def check_a_stream_has_an_endless_sampler(torch):
    loader = torch.utils.data.DataLoader(stream(torch, 3))
    with pytest.raises(TypeError):
        len(loader.sampler)


def check_a_stream_gives_the_loader_its_length(torch):
    assert len(torch.utils.data.DataLoader(stream(torch, 5, 5), 2)) == 3
    assert len(torch.utils.data.DataLoader(stream(torch, 5, 5), 2, drop_last=True)) == 2
    assert len(torch.utils.data.DataLoader(stream(torch, 5, 5), None)) == 5


def check_a_stream_without_length_gives_none(torch):
    with pytest.raises(TypeError):
        len(torch.utils.data.DataLoader(stream(torch, 5), 2))


def check_a_stream_longer_than_it_says_is_warned_of(torch):
    loader = torch.utils.data.DataLoader(stream(torch, 3, 2))
    assert len(loader) == 2
    with pytest.warns(UserWarning, match=r"Length of IterableDataset .* was reported to be 2"):
        assert len(list(loader)) == 3


def check_a_stream_whose_length_nobody_asked_is_not_warned_of(torch):
    assert len(list(iter(torch.utils.data.DataLoader(stream(torch, 3, 2))))) == 3


def check_a_stream_takes_shuffle_false(torch):
    assert batches(torch.utils.data.DataLoader(stream(torch, 1), shuffle=False)) == [[0]]


def check_a_stream_refuses_shuffle(torch):
    with pytest.raises(ValueError, match="expected unspecified shuffle option, but got"):
        torch.utils.data.DataLoader(stream(torch, 1), shuffle=True)


def check_a_stream_refuses_a_sampler(torch):
    with pytest.raises(ValueError, match="expected unspecified sampler option, but got"):
        torch.utils.data.DataLoader(stream(torch, 1), sampler=[0])


def check_a_stream_refuses_a_batch_sampler(torch):
    with pytest.raises(ValueError, match="expected unspecified batch_sampler option"):
        torch.utils.data.DataLoader(stream(torch, 1), batch_sampler=[[0]])


def check_negative_workers_are_refused(torch):
    with pytest.raises(ValueError, match="num_workers option should be non-negative"):
        torch.utils.data.DataLoader(Numbers(3), num_workers=-1)


def check_a_negative_timeout_is_refused(torch):
    with pytest.raises(ValueError, match="timeout option should be non-negative"):
        torch.utils.data.DataLoader(Numbers(3), timeout=-1)


def check_a_timeout_without_workers_is_refused_by_the_loop(torch):
    with pytest.raises(AssertionError, match="requires timeout == 0"):
        iter(torch.utils.data.DataLoader(Numbers(3), timeout=1))


def check_a_prefetch_factor_needs_workers(torch):
    with pytest.raises(ValueError, match="prefetch_factor option could only be specified in"):
        torch.utils.data.DataLoader(Numbers(3), prefetch_factor=2)


def check_a_negative_prefetch_factor_is_refused(torch):
    with pytest.raises(ValueError, match="prefetch_factor option should be"):
        torch.utils.data.DataLoader(Numbers(3), num_workers=1, prefetch_factor=-1)


def check_persistent_workers_need_workers(torch):
    with pytest.raises(ValueError, match="persistent_workers option needs num_workers > 0"):
        torch.utils.data.DataLoader(Numbers(3), persistent_workers=True)


def check_a_context_needs_workers(torch):
    with pytest.raises(ValueError, match="multiprocessing_context can only be used with"):
        torch.utils.data.DataLoader(Numbers(3), multiprocessing_context="fork")


def check_an_unknown_context_is_refused(torch):
    with pytest.raises(ValueError, match="should specify a valid start method in"):
        torch.utils.data.DataLoader(Numbers(3), num_workers=1, multiprocessing_context="bad")


def check_a_context_that_is_none_is_refused(torch):
    with pytest.raises(TypeError, match="should be a valid context"):
        torch.utils.data.DataLoader(Numbers(3), num_workers=1, multiprocessing_context=object())


def check_a_context_is_kept_as_an_object(torch):
    loader = torch.utils.data.DataLoader(Numbers(3), num_workers=1, multiprocessing_context="spawn")
    assert isinstance(loader.multiprocessing_context, multiprocessing.context.BaseContext)
    assert loader.multiprocessing_context.get_start_method() == "spawn"


def check_a_sampler_excludes_shuffle(torch):
    with pytest.raises(ValueError, match="sampler option is mutually exclusive with shuffle"):
        torch.utils.data.DataLoader(Numbers(3), sampler=[0], shuffle=True)


def check_a_batch_sampler_excludes_a_batch_size(torch):
    with pytest.raises(ValueError, match="batch_sampler option is mutually exclusive with batch_"):
        torch.utils.data.DataLoader(Numbers(3), 2, batch_sampler=[[0]])


def check_no_batch_size_excludes_drop_last(torch):
    with pytest.raises(ValueError, match="batch_size=None option disables auto-batching"):
        torch.utils.data.DataLoader(Numbers(3), None, drop_last=True)


def check_a_batch_size_of_zero_is_refused(torch):
    with pytest.raises(ValueError, match="batch_size should be a positive integer value"):
        torch.utils.data.DataLoader(Numbers(3), 0)


def check_what_is_fixed_cannot_be_set_later(torch):
    loader = torch.utils.data.DataLoader(Numbers(3))
    for name in ("batch_size", "batch_sampler", "sampler", "drop_last", "dataset"):
        with pytest.raises(ValueError, match=f"{name} attribute should not be set after"):
            setattr(loader, name, None)


def check_other_attributes_may_be_set_later(torch):
    loader = torch.utils.data.DataLoader(Numbers(3))
    loader.collate_fn = list
    loader.note = "mine"
    assert list(loader) == [[0], [1], [2]]


def check_a_loader_keeps_its_options(torch):
    loader = torch.utils.data.DataLoader(Numbers(3), 2, num_workers=1, timeout=9)
    assert (loader.batch_size, loader.num_workers, loader.timeout) == (2, 1, 9)
    assert loader.prefetch_factor == 2
    assert loader.pin_memory is False
    assert loader.pin_memory_device == ""
    assert loader.in_order is True
    assert loader.persistent_workers is False
    assert loader.worker_init_fn is None
    assert loader.generator is None
    assert loader.multiprocessing_context is None


def check_a_loader_without_workers_has_no_prefetch_factor(torch):
    assert torch.utils.data.DataLoader(Numbers(3)).prefetch_factor is None


def check_the_eleventh_argument_is_worker_init_fn(torch):
    loader = torch.utils.data.DataLoader(
        Numbers(3), 1, False, None, None, 0, None, False, False, 0, print, None, None
    )
    assert loader.worker_init_fn is print


def check_pinned_memory_without_accelerator_is_warned_of(torch):
    loader = torch.utils.data.DataLoader(Numbers(3), pin_memory=True)
    with pytest.warns(UserWarning, match="no accelerator is found"):
        assert batches(loader) == [[0], [1], [2]]


def check_too_many_workers_are_warned_of(torch):
    with pytest.warns(UserWarning, match=r"This DataLoader will create 999 worker .* in total"):
        torch.utils.data.DataLoader(Numbers(3), num_workers=999)


def check_a_loader_is_generic(torch):
    loader: torch.utils.data.DataLoader[int] = torch.utils.data.DataLoader[int](Numbers(3))
    assert len(loader) == 3


def check_outside_of_a_worker_there_is_no_worker_info(torch):
    assert torch.utils.data.get_worker_info() is None
    loader = torch.utils.data.DataLoader(
        Numbers(1), collate_fn=lambda _: torch.utils.data.get_worker_info()
    )
    assert list(loader) == [None]


def check_an_iterator_takes_from_the_default_generator(torch):
    before = torch.get_rng_state().tolist()
    iter(torch.utils.data.DataLoader(Numbers(3)))
    assert torch.get_rng_state().tolist() != before


def check_an_iterator_takes_from_the_given_generator_instead(torch):
    before = torch.get_rng_state().tolist()
    list(torch.utils.data.DataLoader(Numbers(3), shuffle=True, generator=torch.Generator()))
    assert torch.get_rng_state().tolist() == before


def check_default_collate_is_found_in_the_module_of_the_loader(torch):
    assert torch.utils.data.dataloader.default_collate is torch.utils.data.default_collate
