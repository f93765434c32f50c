"""Parts of batches for several processes: the same batches and samples for any number of them."""

from itertools import chain

import pytest

import minigrad as mg
from minigrad.utils.data import DataLoader, Dataset, SampleStreams, ShardedBatchSampler


def flat(lists):
    return list(chain.from_iterable(lists))


def parts(count, size=22, **options):
    return [
        list(ShardedBatchSampler(range(size), 8, 2, num_replicas=count, rank=rank, **options))
        for rank in range(count)
    ]


@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.parametrize("drop_last", [False, True])
def test_parts_make_the_batches_of_one_process(count, drop_last):
    (whole,) = parts(1, drop_last=drop_last, seed=4)
    each = parts(count, drop_last=drop_last, seed=4)
    joined = [flat(batch) for batch in zip(*each, strict=True)]
    assert joined == whole
    assert len(whole) == (2 if drop_last else 3)
    assert sorted(flat(whole)) == list(range(22)) or drop_last
    assert all(len(part) % 2 == 0 for rank in parts(count) for part in rank)


def test_epochs_have_other_orders():
    sampler = ShardedBatchSampler(range(16), 8, 2, num_replicas=2, rank=0)
    first = list(sampler)
    assert list(sampler) == first
    sampler.set_epoch(1)
    assert list(sampler) != first


def test_too_few_shards_are_refused():
    for size, options in ((22, {"shard_size": 4, "num_replicas": 3}), (9, {"num_replicas": 2})):
        with pytest.raises(ValueError, match="too few for"):
            ShardedBatchSampler(range(size), 8, **({"shard_size": 2, "rank": 0} | options))
    with pytest.raises(ValueError, match="Invalid rank 2"):
        ShardedBatchSampler(range(8), 8, num_replicas=2, rank=2)
    with pytest.raises(ValueError, match="must be positive"):
        ShardedBatchSampler(range(8), 0, num_replicas=1, rank=0)


def test_a_pass_goes_on_with_another_number_of_processes():
    def loaders(count):
        samplers = [
            ShardedBatchSampler(range(32), 8, 2, num_replicas=count, rank=r) for r in range(count)
        ]
        return [DataLoader(mg.arange(32), batch_sampler=s) for s in samplers]

    def joined(batches):
        return [flat(b.tolist() for b in each) for each in zip(*batches, strict=True)]

    whole = joined([list(loader) for loader in loaders(1)])
    two = loaders(2)
    iterators = [iter(loader) for loader in two]
    begun = joined([[next(iterator)] for iterator in iterators])
    three = loaders(3)
    for loader in three:
        loader.load_state_dict(two[0].state_dict())
    assert begun + joined([list(loader) for loader in three]) == whole


class Noise(Dataset):
    def __getitem__(self, index):
        return mg.rand(2).tolist()

    def __len__(self):
        return 6


def test_samples_draw_their_own_numbers():
    data = SampleStreams(Noise(), seed=3)
    whole = [data[i] for i in range(6)]
    loader = DataLoader(data, batch_size=4, num_workers=2, collate_fn=list)
    assert flat(loader) == whole
    assert len({tuple(sample) for sample in whole}) == 6
    data.set_epoch(1)
    assert data[0] != whole[0]
    assert SampleStreams(Noise(), seed=4)[0] != whole[0]
