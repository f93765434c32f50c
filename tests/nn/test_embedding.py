"""Embedding and EmbeddingBag compared with torch."""

import numpy as np
import pytest
import torch

import minigrad as mg
from minigrad import nn
from tests.support.against_torch import compare, same_outcome
from tests.support.torch_twin import assert_close, assert_same_run, assert_same_structure, twins

TABLE = np.random.default_rng(0).normal(size=(6, 3))
NUMBERS = [0, 3, 3, 5, 2, 1, 3]
FORMS = {
    "rows": ([NUMBERS, NUMBERS[::-1]], None, False),
    "offsets": (NUMBERS, [0, 2, 2, 5], False),
    "last offset": (NUMBERS, [0, 4, 7], True),
    "one bag": (NUMBERS, [0], False),
    "no bag": ([], [], False),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
@pytest.mark.parametrize("padding_idx", [None, 3, -1])
def test_bags_are_torchs(form, mode, padding_idx):
    numbers, offsets, last = FORMS[form]

    def bags(m, table):
        return m.nn.functional.embedding_bag(
            m.tensor(numbers, dtype=m.int64), table,
            None if offsets is None else m.tensor(offsets, dtype=m.int64),
            mode=mode, include_last_offset=last, padding_idx=padding_idx,
        )  # fmt: skip

    compare(bags, TABLE, gradients=form != "no bag")


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


@pytest.mark.parametrize("options", [{}, {"padding_idx": -2}, {"padding_idx": 0, "max_norm": 1.0}])
def test_embedding_matches_torch(options):
    ours, theirs = twins(lambda library: library.nn.Embedding(7, 3, **options))
    assert_same_structure(ours, theirs)
    x = np.array([[1, 5, 0], [5, 5, 2]])
    assert_same_run(ours, theirs, x, tolerance=1e-6)
    assert_close(ours.weight, theirs.weight, 1e-6)


@pytest.mark.parametrize("padding_idx", [None, 3, -6])
@pytest.mark.parametrize("by_frequency", [False, True])
def test_gradients_of_first_and_second_order_are_torchs(padding_idx, by_frequency):
    def second(m, table, cotangent):
        index = m.tensor([NUMBERS, NUMBERS[::-1]], dtype=m.int32)
        rows = m.nn.functional.embedding(index, table, padding_idx, scale_grad_by_freq=by_frequency)
        (first,) = m.autograd.grad((rows * cotangent).sin().sum(), table, create_graph=True)
        return first, rows

    if by_frequency:  # which torch cannot differentiate twice

        def second(m, table, cotangent):
            index = m.tensor([NUMBERS, NUMBERS[::-1]])
            return (
                m.nn.functional.embedding(index, table, padding_idx, scale_grad_by_freq=True)
                * cotangent
            )

    compare(second, TABLE, np.random.default_rng(3).normal(size=(2, 7, 3)))


def test_a_fresh_table_is_normal_but_for_its_padding():
    mg.manual_seed(0)
    table = nn.Embedding(2000, 8, padding_idx=3).weight.detach().numpy()
    assert not table[3].any()
    assert abs(table.std() - 1) < 0.02
    frozen = nn.Embedding.from_pretrained(mg.eye(3))
    assert not frozen.weight.requires_grad
    assert frozen(mg.tensor([2])).tolist() == [[0.0, 0.0, 1.0]]


def test_numbers_that_are_no_row_are_refused():
    table = nn.Embedding(4, 2)
    with pytest.raises(IndexError, match="0 to 3, got -1 to 2"):
        table(mg.tensor([2, -1]))
    with pytest.raises(RuntimeError, match="integer"):
        table(mg.tensor([1.0]))
    with pytest.raises(NotImplementedError, match="sparse=True"):
        nn.Embedding(4, 2, sparse=True)(mg.tensor([1]))
    with pytest.raises(AssertionError, match="9 is no row of 4"):
        nn.Embedding(4, 2, padding_idx=9)
