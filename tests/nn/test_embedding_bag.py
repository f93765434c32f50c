"""Bags of embeddings beside torch's."""

import numpy as np
import pytest
import torch

import minigrad as mg
from minigrad import nn
from tests.support.against_torch import compare, same_outcome

TABLE = np.random.default_rng(0).normal(size=(6, 3))
NUMBERS = [0, 3, 3, 5, 2, 1, 3]
WAYS = {
    "rows": ([NUMBERS, NUMBERS[::-1]], None, False),
    "offsets": (NUMBERS, [0, 2, 2, 5], False),
    "last offset": (NUMBERS, [0, 4, 7], True),
    "one bag": (NUMBERS, [0], False),
    "no bag": ([], [], False),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
@pytest.mark.parametrize("padding_idx", [None, 3, -1])
def test_bags_are_torchs(way, mode, padding_idx):
    numbers, offsets, last = WAYS[way]

    def bags(m, table):
        return m.nn.functional.embedding_bag(
            m.tensor(numbers, dtype=m.int64), table,
            None if offsets is None else m.tensor(offsets, dtype=m.int64),
            mode=mode, include_last_offset=last, padding_idx=padding_idx,
        )  # fmt: skip

    compare(bags, TABLE, gradients=way != "no bag")


def test_weights_of_samples_are_torchs():
    def bags(m, table, shares):
        offsets = m.tensor([0, 3])
        return m.nn.functional.embedding_bag(
            m.tensor(NUMBERS), table, offsets, mode="sum", per_sample_weights=shares
        )

    compare(bags, TABLE, np.random.default_rng(1).normal(size=7))
    same_outcome(bags, TABLE, np.ones(6))


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"offsets": [1, 2]},
        {"offsets": [0, 9]},
        {"offsets": [0, 2], "mode": "middle"},
    ],
)
def test_what_does_not_fit_is_refused(given):
    def bags(m, table):
        options = {k: m.tensor(v) if k == "offsets" else v for k, v in given.items()}
        return m.nn.functional.embedding_bag(m.tensor(NUMBERS), table, **options)

    same_outcome(bags, TABLE)


def test_the_layer_is_the_function():
    options = {"mode": "sum", "padding_idx": 1, "max_norm": 0.8}
    mine, its = nn.EmbeddingBag(6, 3, **options), torch.nn.EmbeddingBag(6, 3, **options)
    assert repr(mine) == repr(its)
    assert repr(nn.EmbeddingBag(3, 4)) == repr(torch.nn.EmbeddingBag(3, 4))
    assert list(mine.state_dict()) == list(its.state_dict())
    assert not mine.weight[1].any()
    mine.load_state_dict({"weight": mg.from_numpy(its.weight.detach().numpy().copy())})
    bags = [[0, 1, 2], [5, 5, 1]]
    np.testing.assert_allclose(
        mine(mg.tensor(bags)).detach().numpy(), its(torch.tensor(bags)).detach().numpy(), rtol=1e-6
    )
    frozen = nn.EmbeddingBag.from_pretrained(mg.tensor(TABLE), mode="max")
    assert not frozen.weight.requires_grad
    assert frozen(mg.tensor([[0, 1]])).tolist() == [TABLE[:2].max(axis=0).tolist()]
