"""CTCLoss compared with torch: values, gradients, forms of targets and lengths, errors."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad import nn
from minigrad.nn import functional as F
from minigrad.testing import arr, check
from tests.support.against_torch import compare, same_outcome
from tests.support.torch_twin import TOLERANCE, assert_close

C = 5
SCORES = np.random.default_rng(0).normal(size=(9, 3, C))
# Of the last there is no alignment.
PADDED = np.array([[1, 2, 2, 3], [4, 0, 0, 0], [1, 1, 1, 0]])
TIMES, SIZES = np.array([9, 6, 4]), np.array([4, 1, 3])
IN_A_ROW = np.array([1, 2, 2, 3, 4, 1, 1, 1])


def loss(m, scores, targets, times, sizes, **options):
    """torch's gradient is right only after log_softmax."""
    return m.nn.functional.ctc_loss(scores.log_softmax(-1), targets, times, sizes, **options)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("targets", [PADDED, IN_A_ROW], ids=["padded", "in a row"])
def test_losses_and_gradients_match_torch(targets, reduction, dtype):
    options = {"reduction": reduction, "zero_infinity": True}
    run = {}
    for m in (mg, torch):
        x = m.tensor(SCORES.astype(dtype), requires_grad=True)
        signal = x.log_softmax(-1)
        out = m.nn.CTCLoss(**options)(signal, *map(m.tensor, (targets, TIMES, SIZES)))
        out.sum().backward()
        run[m] = out, x.grad
    for ours, theirs in zip(run[mg], run[torch], strict=True):
        assert_close(ours, theirs, TOLERANCE[dtype])


@settings(deadline=None, max_examples=40)
@given(st.data(), st.integers(1, 4), st.integers(1, 12), st.integers(0, 3), st.integers(0, 4))
def test_drawn_batches_match_torch(data, count, length, longest, blank):
    sizes = np.array(data.draw(st.lists(st.integers(0, longest), min_size=count, max_size=count)))
    times = np.array(data.draw(st.lists(st.integers(0, length), min_size=count, max_size=count)))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    targets = rng.integers(0, 4, (count, longest))
    targets += targets >= blank
    compare(
        lambda m, x: loss(
            m, x, *map(m.tensor, (targets, times, sizes)), blank=blank, zero_infinity=True,
            reduction="none",
        ),
        rng.normal(size=(length, count, C)),
    )  # fmt: skip


def test_an_impossible_sequence_costs_infinitely_much_unless_it_is_to_count_nothing():
    given = (PADDED, TIMES, SIZES)
    compare(
        lambda m, x: loss(m, x, *map(m.tensor, given), reduction="none"), SCORES, gradients=False
    )
    for zero_infinity in (False, True):
        x = mg.tensor(SCORES, requires_grad=True)
        total = loss(
            mg, x, *map(mg.tensor, given), reduction="sum", zero_infinity=zero_infinity
        )  # fmt: skip
        assert bool(mg.isinf(total)) != zero_infinity
        for create_graph in (False, True):
            (g,) = mg.autograd.grad(total, x, retain_graph=True, create_graph=create_graph)
            found = g.detach().numpy()
            assert np.isnan(found[:4, 2]).all() != zero_infinity
            assert np.isfinite(found[:, :2]).all()
            assert (found[:, 2] == 0).all() == zero_infinity


def test_one_signal_alone_and_the_forms_of_lengths():
    x = SCORES[:, 0]
    for times, sizes in (((9,), (4,)), ([9], [4])):
        compare(lambda m, x, t=times, s=sizes: loss(m, x, m.tensor(PADDED[0]), t, s), x)
    for reduction in ("none", "mean", "sum"):
        compare(
            lambda m, x, r=reduction: loss(
                m, x, m.tensor(PADDED[0]), m.tensor(9), m.tensor(4), reduction=r
            ),
            x,
        )
    compare(
        lambda m, x: loss(
            m, x, m.tensor(IN_A_ROW).int(), m.tensor([9, 6, 9]), m.tensor(SIZES).int()
        ),
        SCORES,
    )
    # What a blank among the labels means is torch's choice; its gradient is then another one.
    blanks = np.array([[1, 0], [2, 3], [0, 4]])
    compare(lambda m, x: loss(m, x, m.tensor(blanks), (9,) * 3, (2,) * 3), SCORES, gradients=False)
    assert check(lambda x: F.ctc_loss(x, mg.tensor(blanks), (4,) * 3, (2,) * 3), arr.of(4, 3, C))


def test_what_is_no_number_stays_none():
    x = SCORES.copy()
    x[2, 1] = np.nan
    for create_graph in (False, True):
        given = mg.tensor(x, requires_grad=True)
        losses = F.ctc_loss(given, mg.tensor(PADDED), (9, 6, 9), (4, 1, 3), reduction="none")
        (g,) = mg.autograd.grad(losses.sum(), given, create_graph=create_graph)
        for found in (losses, g.sum((0, 2))):
            np.testing.assert_array_equal(np.isnan(found.detach().numpy()), [False, True, False])


def test_the_gradient_is_that_of_the_loss_for_any_logarithms():
    """It can also be differentiated again, unlike torch's."""

    def of(log_probs):
        return F.ctc_loss(
            log_probs, mg.tensor(PADDED), (6, 5, 4), SIZES.tolist(), zero_infinity=True
        )

    found = check(of, arr.of(6, 3, C))
    assert found.first < 1e-6
    assert found.second < 1e-6


def test_a_network_learns_to_spell():
    """The network gets the labels in order, not their positions, and learns the positions."""
    mg.manual_seed(0)
    spelled = mg.tensor([[1, 3, 3, 2]])
    signal = nn.Parameter(mg.randn(12, 1, C))
    optimizer = mg.optim.Adam([signal], lr=0.3)
    for _ in range(60):
        optimizer.zero_grad()
        found = nn.CTCLoss()(signal.log_softmax(-1), spelled, (12,), (4,))
        found.backward()
        optimizer.step()
    best = signal.detach().numpy()[:, 0].argmax(-1)
    changes = np.concatenate([[True], best[1:] != best[:-1]])
    assert [int(label) for label in best[changes] if label] == [1, 3, 3, 2]
    assert found.item() < 0.05


def test_the_module_is_torchs():
    assert repr(nn.CTCLoss()) == repr(torch.nn.CTCLoss())
    with pytest.raises(ValueError, match="not a valid value for reduction"):
        nn.CTCLoss(reduction="average")


LENGTHS = {"times": (9, 9, 9), "sizes": (2, 1, 1)}
REFUSED = {
    "signals of four dimensions": lambda m, x: loss(m, x[None], m.tensor(PADDED), (9,), (2,)),
    "no classes of that number": lambda m, x: loss(m, x, m.tensor(PADDED), **LENGTHS, blank=5),
    "a blank below 0": lambda m, x: loss(m, x, m.tensor(PADDED), **LENGTHS, blank=-1),
    "signals longer than they are": lambda m, x: loss(m, x, m.tensor(PADDED), (9, 10, 9), (1,) * 3),
    "times below 0": lambda m, x: loss(m, x, m.tensor(PADDED), (9, -1, 9), (1,) * 3),
    "sizes below 0": lambda m, x: loss(m, x, m.tensor(PADDED), (9,) * 3, (1, -1, 2)),
    "times of too few": lambda m, x: loss(m, x, m.tensor(PADDED), (9, 9), (1,) * 3),
    "sizes of too many": lambda m, x: loss(m, x, m.tensor(PADDED), (9,) * 3, (1,) * 4),
    "floating times": lambda m, x: loss(m, x, m.tensor(PADDED), x[0, :, 0], m.tensor(SIZES)),
    "a number as times": lambda m, x: loss(m, x[:, 0], m.tensor(PADDED[0]), 9, 4),
    "targets of too few": lambda m, x: loss(m, x, m.tensor(PADDED[:2]), (9,) * 3, (1,) * 3),
    "targets too short": lambda m, x: loss(m, x, m.tensor(PADDED), (9,) * 3, (1, 5, 1)),
    "targets of three dimensions": lambda m, x: loss(
        m, x, m.tensor(PADDED[None]), (9,) * 3, (1,) * 3
    ),
    "too many in a row": lambda m, x: loss(m, x, m.tensor(IN_A_ROW), (9,) * 3, (1,) * 3),
    "an empty batch": lambda m, x: loss(m, x[:, :0], m.tensor(PADDED[:0]), (), ()),
    "signals of integers": lambda m, x: m.nn.functional.ctc_loss(
        x.long(), m.tensor(PADDED), (9,) * 3, (1,) * 3
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_fit_is_refused(name):
    same_outcome(REFUSED[name], SCORES)
    with pytest.raises((RuntimeError, TypeError), match=r"\w+.*\w+"):
        REFUSED[name](mg, mg.tensor(SCORES))


def test_labels_that_are_no_classes_are_refused():
    """torch reads memory outside the signal."""
    targets = mg.tensor([[1], [5], [2]])
    with pytest.raises(RuntimeError, match="0 to 4, got 1 to 5"):
        loss(mg, mg.tensor(SCORES), targets, (9,) * 3, (1,) * 3)
    loss(mg, mg.tensor(SCORES), targets, (9,) * 3, (1, 0, 1))  # not counted, not looked at
    with pytest.raises(RuntimeError, match="integer dtype"):
        loss(mg, mg.tensor(SCORES), targets.float(), (9,) * 3, (1,) * 3)
