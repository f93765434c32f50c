"""Padding and packing of sequences compared with torch: values, gradients, errors."""

import numpy as np
import pytest
import torch

import minigrad as mg
from minigrad.nn.utils import rnn
from tests.support.torch_twin import assert_close


def arrays(lengths, *rest, dtype="float64"):
    rng = np.random.default_rng(4)
    return [(10 * rng.normal(size=(n, *rest))).astype(dtype) for n in lengths]


def compare(function, *given, differentiates=True):
    """What a function of (library, *tensors) gives, and the gradients of its floating results."""
    found = []
    for library in (mg, torch):
        leaves = [library.tensor(a, requires_grad=differentiates) for a in given]
        results = [r for r in function(library, *leaves) if r is not None]
        found.append(results)
        if differentiates:
            rng = np.random.default_rng(7)
            loss = sum(
                (r * library.tensor(rng.normal(size=tuple(r.shape)))).sum()
                for r in results
                if r.requires_grad
            )
            loss.backward()
            found[-1] = results + [leaf.grad for leaf in leaves]
    for i, (ours, theirs) in enumerate(zip(*found, strict=True)):
        assert_close(ours, theirs, 1e-12, f"value {i}")


@pytest.mark.parametrize("lengths", [[4, 3, 3, 1], [2, 4, 1, 4], [5], [1, 1]])
@pytest.mark.parametrize("rest", [(), (3,), (2, 3)])
@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("dtype", ["float64", "int64"])
def test_pack_and_pad(lengths, rest, batch_first, dtype):
    steps = max(lengths)
    shape = (len(lengths), steps) if batch_first else (steps, len(lengths))
    (x,) = arrays([shape[0]], shape[1], *rest, dtype=dtype)
    falls = lengths == sorted(lengths, reverse=True)

    def both(library, x):
        packing = library.nn.utils.rnn
        packed = packing.pack_padded_sequence(x, lengths, batch_first, enforce_sorted=falls)
        other = packing.pack_padded_sequence(
            x, library.tensor(lengths), batch_first, enforce_sorted=False
        )
        padded = packing.pad_packed_sequence(packed, batch_first, -1.0, steps + 2)
        again = packing.pad_packed_sequence(packed, not batch_first)
        return (*packed, *other[:2], *padded, *again)

    compare(both, x, differentiates=dtype == "float64")


@pytest.mark.parametrize("lengths", [[4, 3, 1], [1, 4, 2], [3]])
@pytest.mark.parametrize("rest", [(), (3,)])
def test_lists_of_sequences(lengths, rest):
    falls = lengths == sorted(lengths, reverse=True)

    def both(library, *sequences):
        packing = library.nn.utils.rnn
        packed = packing.pack_sequence(list(sequences), enforce_sorted=falls)
        found = [*packed, *packing.unpack_sequence(packed)]
        for first in (False, True):
            for side in ("left", "right"):
                found.append(packing.pad_sequence(sequences, first, 2.0, side))
        padded = packing.pad_sequence(sequences, True)
        found += packing.unpad_sequence(padded, library.tensor(lengths), True)
        rows = packing.pad_sequence(sequences)
        found += packing.unpad_sequence(rows.clone(), library.tensor(lengths))
        return found

    compare(both, *arrays(lengths, *rest))


def test_padded_sequences_stay_as_they_are():
    padded = rnn.pad_sequence([mg.ones(3), mg.ones(2)])
    rnn.unpad_sequence(padded, mg.tensor([3, 2]))
    assert padded.shape == (3, 2)


def test_packed_sequence():
    for library in (torch, mg):
        packing = library.nn.utils.rnn
        packed = packing.pack_sequence([library.ones(2), library.ones(3)], enforce_sorted=False)
        data, batch_sizes, order, back = packed
        assert isinstance(packed, tuple)
        assert batch_sizes.tolist() == [2, 2, 1]
        assert order.tolist() == [1, 0]
        assert back.tolist() == [1, 0]
        assert packed.to(library.float32) is packed
        assert packed.cpu() is packed
        assert not packed.is_cuda
        assert not packed.is_pinned()
        for name in ("double", "float", "half", "long", "int", "short", "char", "byte"):
            cast = getattr(packed, name)()
            expected = getattr(data, name)() if name not in ("char", "byte") else None
            assert expected is None or cast.data.dtype == expected.dtype
            assert cast.batch_sizes is batch_sizes
            assert cast.unsorted_indices.tolist() == [1, 0]
        pair = packing.PackedSequence((data, batch_sizes), sorted_indices=order)
        assert pair.unsorted_indices.tolist() == [1, 0]
        assert packing.PackedSequence(data, batch_sizes).sorted_indices is None
        assert packing.invert_permutation(library.tensor([2, 0, 1])).tolist() == [1, 2, 0]
        assert packing.invert_permutation(None) is None
        assert repr(packed).startswith("PackedSequence(data=tensor([1., 1., 1., 1., 1.]), batch_")


X = (4, 3, 2)
REFUSED = {
    "too few lengths": lambda p, lib: p.pack_padded_sequence(lib.zeros(X), [4, 3]),
    "a length of 0": lambda p, lib: p.pack_padded_sequence(lib.zeros(X), [4, 3, 0]),
    "lengths that rise": lambda p, lib: p.pack_padded_sequence(lib.zeros(X), [2, 3, 4]),
    "lists that rise": lambda p, lib: p.pack_sequence([lib.zeros(1), lib.zeros(2)]),
    "nothing to pack": lambda p, lib: p.pack_padded_sequence(lib.zeros(4, 0, 2), []),
    "no list": lambda p, lib: p.pad_sequence(3),
    "an empty list": lambda p, lib: p.pad_sequence([]),
    "a side": lambda p, lib: p.pad_sequence([lib.zeros(2)], padding_side="up"),
    "a short total": lambda p, lib: p.pad_packed_sequence(
        p.pack_padded_sequence(lib.zeros(X), [4, 3, 1]), total_length=3
    ),
    "no pair": lambda p, lib: p.PackedSequence(lib.zeros(X)),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refusals_are_torchs(name):
    with pytest.raises(Exception) as theirs:  # noqa: PT011  its type and words are compared
        REFUSED[name](torch.nn.utils.rnn, torch)
    with pytest.raises(theirs.type) as ours:
        REFUSED[name](rnn, mg)
    assert str(ours.value).split() == str(theirs.value).split()


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: rnn.pack_padded_sequence(mg.zeros(X), [5, 3, 1]), RuntimeError, "at most 4"),
        (lambda: rnn.pack_padded_sequence(mg.zeros(4), [1]), IndexError, "at least 2"),
        (lambda: rnn.pack_padded_sequence(mg.zeros(X), [[1]]), RuntimeError, "1D CPU int64"),
        (lambda: rnn.pad_sequence([mg.zeros(2, 3), mg.zeros(2, 4)]), RuntimeError, "must match"),
        (lambda: rnn.unpad_sequence(mg.zeros(X), [4]), ValueError, "each of 3 sequences"),
        (
            lambda: mg.nn.GRU(2, 3)(rnn.PackedSequence(mg.zeros(4, 2), mg.tensor([3, 2]))),
            RuntimeError, "add up to 5, but data has 4 rows",
        ),
        (
            lambda: mg.nn.GRU(2, 3)(rnn.PackedSequence(mg.zeros(5, 2), mg.tensor([2, 3]))),
            RuntimeError, "decreasing order",
        ),
    ],
)  # fmt: skip
def test_refusals(call, error, says):
    with pytest.raises(error, match=says):
        call()
