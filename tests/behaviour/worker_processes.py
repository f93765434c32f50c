"""Workers of the DataLoader: processes in PyTorch; here, too, where a check asks for them.

PyTorch forks unless it is told otherwise, so `context="fork"` is the same there.
"""

import os
import random
import time

import numpy as np
import pytest

from tests.behaviour.datasets import Numbers


class PairError(Exception):
    """An exception that is not made of a text."""

    def __init__(self, first, second):
        super().__init__(first, second)


def forked(torch, dataset, num_workers=1, **options):
    return torch.utils.data.DataLoader(
        dataset, num_workers=num_workers, multiprocessing_context="fork", **options
    )


def values(loader):
    return [batch.tolist() for batch in loader]


def check_workers_keep_the_order(torch):
    loader = torch.utils.data.DataLoader(Numbers(7), 2, num_workers=2)
    assert values(loader) == [[0, 1], [2, 3], [4, 5], [6]]


def check_worker_processes_keep_the_order(torch):
    assert values(forked(torch, Numbers(7), 2, batch_size=2)) == [[0, 1], [2, 3], [4, 5], [6]]


def check_worker_processes_are_other_processes(torch):
    class Pids(Numbers):
        def __getitem__(self, index):
            return os.getpid()

    pids = {pid for (pid,) in values(forked(torch, Pids(4), 2))}
    assert len(pids) == 2
    assert os.getpid() not in pids


def check_worker_processes_have_a_copy_of_the_dataset(torch):
    class Counting(Numbers):
        read = 0

        def __getitem__(self, index):
            self.read += 1
            return self.read

    dataset = Counting(2)
    assert values(forked(torch, dataset)) == [[1], [2]]
    assert dataset.read == 0


def check_worker_info_is_the_worker_s(torch):
    class Info(Numbers):
        def __getitem__(self, index):
            info = torch.utils.data.get_worker_info()
            return info.id, info.num_workers, info.dataset is self, info.worker_method

    batches = list(forked(torch, Info(2), 2, batch_size=None))
    assert [tuple(batch) for batch in batches] == [
        (0, 2, True, "multiprocessing"),
        (1, 2, True, "multiprocessing"),
    ]


def check_the_initial_seed_in_a_worker_is_that_worker_s(torch):
    class Seeds(Numbers):
        def __getitem__(self, index):
            assert torch.initial_seed() == torch.utils.data.get_worker_info().seed
            return torch.initial_seed()

    seeds = list(torch.utils.data.DataLoader(Seeds(4), None, num_workers=2))
    assert seeds[:2] == seeds[2:]
    assert seeds[1] == seeds[0] + 1


def check_the_initial_seed_in_worker_init_fn_is_that_worker_s(torch):
    seen = []

    def init(number):
        info = torch.utils.data.get_worker_info()
        info.dataset.seen = (number, info.id, torch.initial_seed() == info.seed)

    class Seen(Numbers):
        def __getitem__(self, index):
            return self.seen

    for batch in forked(torch, Seen(1), batch_size=None, worker_init_fn=init):
        seen.append(tuple(batch))
    assert seen == [(0, 0, True)]


def check_workers_draw_the_same_numbers_in_every_run(torch):
    class Noise(Numbers):
        def __getitem__(self, index):
            return torch.rand(()).item(), random.random(), np.random.rand()  # noqa: NPY002  what datasets do

    def run():
        torch.manual_seed(3)
        return [tuple(sample) for sample in forked(torch, Noise(4), 2, batch_size=None)]

    first = run()
    assert len({number for sample in first for number in sample}) == 12
    assert run() == first


def check_workers_leave_the_default_generator(torch):
    class Noise(Numbers):
        def __getitem__(self, index):
            torch.manual_seed(index)
            return torch.rand(3)

    torch.manual_seed(3)
    iterator = iter(torch.utils.data.DataLoader(Noise(4), num_workers=1))
    before = torch.get_rng_state().tolist()
    assert len(list(iterator)) == 4
    assert torch.get_rng_state().tolist() == before


def check_an_error_of_a_process_has_its_number_and_traceback(torch):
    class Broken(Numbers):
        def __getitem__(self, index):
            raise KeyError("sample is broken")

    with pytest.raises(KeyError) as caught:
        next(iter(forked(torch, Broken(1))))
    text = str(caught.value)
    assert text.startswith("Caught KeyError in DataLoader worker process 0.\nOriginal Traceback")
    assert 'raise KeyError("sample is broken")' in text
    assert text.endswith("KeyError: 'sample is broken'\n")


def check_an_error_of_a_worker_says_so(torch):
    class Broken(Numbers):
        def __getitem__(self, index):
            raise ValueError("sample is broken")

    with pytest.raises(ValueError, match=r"Caught ValueError in DataLoader worker \w+ 0"):
        next(iter(torch.utils.data.DataLoader(Broken(1), num_workers=1)))


def check_an_error_that_takes_no_text_becomes_a_runtime_error(torch):
    class Broken(Numbers):
        def __getitem__(self, index):
            raise PairError(1, 2)

    with pytest.raises(RuntimeError, match="Caught PairError in DataLoader worker"):
        next(iter(torch.utils.data.DataLoader(Broken(1), num_workers=1)))


def check_a_loop_with_workers_goes_on_after_an_error(torch):
    class Broken(Numbers):
        def __getitem__(self, index):
            if index == 1:
                raise ValueError("sample is broken")
            return index

    iterator = iter(torch.utils.data.DataLoader(Broken(6), num_workers=2))
    assert next(iterator).item() == 0
    with pytest.raises(ValueError, match="sample is broken"):
        next(iterator)
    assert values(iterator) == [[2], [3], [4], [5]]


def check_an_error_of_worker_init_fn_comes_out(torch):
    def init(number):
        raise OSError("cannot be set up")

    with pytest.raises(OSError, match="cannot be set up"):
        next(iter(torch.utils.data.DataLoader(Numbers(1), num_workers=1, worker_init_fn=init)))


def check_a_process_that_dies_is_reported(torch):
    class Deadly(Numbers):
        def __getitem__(self, index):
            os._exit(3)

    with pytest.raises(RuntimeError, match=r"DataLoader worker .* exited unexpectedly"):
        next(iter(forked(torch, Deadly(1))))


def check_a_slow_batch_runs_into_the_timeout(torch):
    class Slow(Numbers):
        def __getitem__(self, index):
            time.sleep(0.4)
            return index

    iterator = iter(torch.utils.data.DataLoader(Slow(1), num_workers=1, timeout=0.05))
    with pytest.raises(RuntimeError, match=r"DataLoader timed out after 0\.05 seconds"):
        next(iterator)


def check_persistent_workers_stay(torch):
    class Pids(Numbers):
        def __getitem__(self, index):
            return os.getpid()

    loader = forked(torch, Pids(2), 2, persistent_workers=True)
    assert values(loader) == values(loader)


def check_persistent_workers_have_one_iterator(torch):
    loader = torch.utils.data.DataLoader(Numbers(3), num_workers=1, persistent_workers=True)
    first = iter(loader)
    assert next(first).item() == 0
    assert iter(loader) is first
    assert values(first) == [[0], [1], [2]]


def check_persistent_workers_are_set_up_once(torch):
    class Counting(Numbers):
        times = 0

        def __getitem__(self, index):
            return self.times

    def init(number):
        torch.utils.data.get_worker_info().dataset.times += 1

    loader = forked(torch, Counting(2), persistent_workers=True, worker_init_fn=init)
    assert values(loader) == values(loader) == [[1], [1]]


def check_other_workers_are_new_in_each_pass(torch):
    class Counting(Numbers):
        read = 0

        def __getitem__(self, index):
            self.read += 1
            return self.read

    loader = forked(torch, Counting(2))
    assert values(loader) == values(loader) == [[1], [2]]


def check_each_worker_has_the_whole_stream(torch):
    class Stream(torch.utils.data.IterableDataset):
        def __iter__(self):
            return iter(range(3))

    loader = torch.utils.data.DataLoader(Stream(), num_workers=2)
    assert values(loader) == [[0], [0], [1], [1], [2], [2]]


def check_workers_share_a_stream_by_their_info(torch):
    class Stream(torch.utils.data.IterableDataset):
        def __iter__(self):
            info = torch.utils.data.get_worker_info()
            return iter(range(info.id, 7, info.num_workers))

    loader = torch.utils.data.DataLoader(Stream(), batch_size=2, num_workers=2)
    assert values(loader) == [[0, 2], [1, 3], [4, 6], [5]]


def check_a_worker_whose_stream_ends_leaves_the_others(torch):
    class Stream(torch.utils.data.IterableDataset):
        def __iter__(self):
            return iter(range([1, 4][torch.utils.data.get_worker_info().id]))

    loader = torch.utils.data.DataLoader(Stream(), num_workers=2)
    assert values(loader) == [[0], [0], [1], [2], [3]]


def check_streams_of_persistent_workers_start_again(torch):
    class Stream(torch.utils.data.IterableDataset):
        def __iter__(self):
            return iter(range(3))

    loader = torch.utils.data.DataLoader(Stream(), num_workers=1, persistent_workers=True)
    assert values(loader) == values(loader) == [[0], [1], [2]]


def check_out_of_order_batches_are_complete(torch):
    loader = torch.utils.data.DataLoader(Numbers(20), 3, num_workers=2, in_order=False)
    assert sorted(x for batch in values(loader) for x in batch) == list(range(20))


def check_out_of_order_a_slow_worker_does_not_hold_up_the_others(torch):
    class Uneven(Numbers):
        def __getitem__(self, index):
            time.sleep(0.5 if index == 0 else 0)
            return index

    loader = torch.utils.data.DataLoader(Uneven(6), num_workers=2, in_order=False)
    assert values(loader)[0] == [1]


def check_batches_of_processes_may_be_changed_in_place(torch):
    (batch,) = forked(torch, torch.zeros(3), batch_size=3)
    assert batch.add_(1).tolist() == [1, 1, 1]


def check_batches_of_processes_outlive_the_loader(torch):
    class Rows(Numbers):
        def __getitem__(self, index):
            return torch.full((20_000,), float(index))

    batches = list(forked(torch, Rows(6)))
    assert [batch[0, -1].item() for batch in batches] == [0, 1, 2, 3, 4, 5]


def check_batches_of_processes_keep_their_structure(torch):
    class Rich(Numbers):
        def __getitem__(self, index):
            return {"name": "a", "x": torch.zeros(2, 3), "n": (index, 1.5)}

    (batch,) = forked(torch, Rich(2), batch_size=2)
    assert list(batch["name"]) == ["a", "a"]
    assert batch["x"].shape == (2, 2, 3)
    assert batch["n"][0].tolist() == [0, 1]
    assert batch["n"][1].dtype == torch.float64


def check_a_loop_may_be_left_early(torch):
    for batch in forked(torch, Numbers(1000), 2):
        assert batch.item() == 0
        break


def check_workers_of_an_empty_dataset_give_nothing(torch):
    assert values(forked(torch, Numbers(0))) == []
