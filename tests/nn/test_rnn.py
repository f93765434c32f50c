"""Recurrent layers and cells compared with torch: state, repr, outputs, last states, gradients."""

import itertools

import numpy as np
import pytest
import torch

import minigrad as mg
from minigrad import nn
from tests.support.torch_twin import (
    TOLERANCE,
    assert_close,
    assert_same_structure,
    copy_state,
    to_mg,
)

LAYERS = {
    "rnn": ("RNN", (3, 5), {}),
    "rnn relu": ("RNN", (3, 9, 2, "relu"), {"bidirectional": True}),
    "rnn by steps of samples": ("RNN", (4, 3), {"batch_first": True, "bias": False}),
    "lstm": ("LSTM", (3, 5), {}),
    "lstm of one unit": ("LSTM", (1, 1), {}),
    "lstm of vectors": ("LSTM", (5, 32), {"bidirectional": True}),
    "lstm of three layers": ("LSTM", (3, 11, 3), {"batch_first": True}),
    "lstm without bias": ("LSTM", (3, 5, 2), {"bias": False, "bidirectional": True}),
    "lstm projected": ("LSTM", (3, 7), {"proj_size": 2}),
    "lstm projected twice": (
        "LSTM", (3, 19, 2), {"proj_size": 10, "bidirectional": True, "batch_first": True},
    ),
    "lstm projected without bias": ("LSTM", (3, 9, 1, False), {"proj_size": 8}),
    "gru": ("GRU", (3, 5), {}),
    "gru of two layers": ("GRU", (3, 20, 2), {"bidirectional": True, "batch_first": True}),
    "gru without bias": ("GRU", (2, 33, 1, False), {}),
}  # fmt: skip
CELLS = {
    "rnn": ("RNNCell", (3, 5), {}),
    "rnn relu": ("RNNCell", (3, 9, False, "relu"), {}),
    "lstm": ("LSTMCell", (3, 5), {}),
    "lstm without bias": ("LSTMCell", (3, 17), {"bias": False}),
    "gru": ("GRUCell", (3, 5), {}),
    "gru without bias": ("GRUCell", (2, 12, False), {}),
}
pytestmark = pytest.mark.filterwarnings("ignore:LSTM with projections:UserWarning")  # torch's own
LENGTHS = [4, 2, 5, 1, 4]
SHORT, LONG = 5, 7  # samples and steps


def pair(table, name, dtype):
    kind, args, options = table[name]
    torch.manual_seed(1)
    theirs = getattr(torch.nn, kind)(*args, **options).to(getattr(torch, dtype))
    ours = getattr(nn, kind)(*args, **options).to(getattr(mg, dtype))
    assert_same_structure(ours, theirs)
    copy_state(ours, theirs)
    return ours, theirs


def flat(result):
    """The tensors of nested results, in their order; of packed sequences the data."""
    if hasattr(result, "batch_sizes"):
        return [result.data]
    return [t for part in result for t in flat(part)] if isinstance(result, tuple) else [result]


def compare(ours, theirs, on_both, arrays, tolerance, second=False):
    """Results, gradients of arrays and parameters; `second` differentiates the gradients too."""
    found = []
    for library, layer in ((mg, ours), (torch, theirs)):
        leaves = [library.tensor(a, requires_grad=True) for a in arrays]
        results = flat(on_both(library, layer, *leaves))
        rng = np.random.default_rng(5)
        loss = sum(
            (r * library.tensor(rng.normal(size=tuple(r.shape)), dtype=r.dtype)).sum()
            for r in results
        )
        variables = [*leaves, *layer.parameters()]
        grads = library.autograd.grad(loss, variables, create_graph=second)
        found.append([*results, *grads])
        if second:
            total = sum((g * g).sum() for g in grads)
            again = library.autograd.grad(total, variables, allow_unused=True)
            found[-1] += [g * 0 if a is None else a for g, a in zip(grads, again, strict=True)]
    for i, (a, b) in enumerate(zip(*found, strict=True)):
        assert_close(a, b, tolerance, f"value {i} of {len(found[0])}")


def states(layer, batch, dtype, seed=3):
    """Arrays for hx: one, or two for an LSTM."""
    rng = np.random.default_rng(seed)
    count = layer.num_layers * (2 if layer.bidirectional else 1)
    widths = [layer.proj_size or layer.hidden_size]
    widths += [layer.hidden_size] if layer.mode == "LSTM" else []
    return [rng.normal(size=(count, batch, width)).astype(dtype) for width in widths]


def as_hx(given):
    return None if not given else given[0] if len(given) == 1 else tuple(given)


def drawn(*shape, dtype):
    return np.random.default_rng(2).normal(size=shape).astype(dtype)


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("with_states", [False, True], ids=["fresh", "continued"])
def test_layer_matches_torch(name, dtype, with_states):
    ours, theirs = pair(LAYERS, name, dtype)
    x = drawn(SHORT, LONG, ours.input_size, dtype=dtype)
    given = states(ours, LONG if not ours.batch_first else SHORT, dtype) if with_states else []

    def call(_, layer, x, *hx):
        return layer(x, as_hx(hx))

    compare(ours, theirs, call, [x, *given], TOLERANCE[dtype])


@pytest.mark.parametrize("name", LAYERS)
def test_one_sequence_matches_torch(name):
    ours, theirs = pair(LAYERS, name, "float64")
    x = drawn(LONG, ours.input_size, dtype="float64")
    for given in ([], [state[:, 0] for state in states(ours, 1, "float64")]):
        compare(ours, theirs, lambda _, layer, x, *hx: layer(x, as_hx(hx)), [x, *given], 1e-9)


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("dtype", TOLERANCE)
def test_packed_sequences_match_torch(name, dtype):
    ours, theirs = pair(LAYERS, name, dtype)
    x = drawn(max(LENGTHS), len(LENGTHS), ours.input_size, dtype=dtype)
    for given in ([], states(ours, len(LENGTHS), dtype)):

        def call(library, layer, x, *hx):
            packing = library.nn.utils.rnn
            packed = packing.pack_padded_sequence(x, LENGTHS, enforce_sorted=False)
            out, last = layer(packed, as_hx(hx))
            return packing.pad_packed_sequence(out, layer.batch_first)[0], last

        compare(ours, theirs, call, [x, *given], TOLERANCE[dtype])


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("packed", [False, True], ids=["even", "packed"])
def test_second_derivatives_match_torch(name, packed):
    ours, theirs = pair(LAYERS, name, "float64")
    x = drawn(3, 3, ours.input_size, dtype="float64")

    def call(library, layer, x, *hx):
        packing = library.nn.utils.rnn
        x = packing.pack_padded_sequence(x, [3, 2, 1]) if packed else x
        return layer(x, as_hx(hx))

    compare(ours, theirs, call, [x, *states(ours, 3, "float64")], 1e-9, second=True)


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("shape", [(4, 3), (3,)], ids=["batch", "one"])
def test_cell_matches_torch(name, dtype, shape):
    ours, theirs = pair(CELLS, name, dtype)
    x = drawn(*shape[:-1], ours.input_size, dtype=dtype)
    state = drawn(*shape[:-1], ours.hidden_size, dtype=dtype)
    two = "LSTM" in CELLS[name][0]
    for given in ([], [state, 2 * state] if two else [state]):
        for second in (False, True) if dtype == "float64" else (False,):
            compare(
                ours, theirs, lambda _, cell, x, *hx: cell(x, as_hx(hx)), [x, *given],
                TOLERANCE[dtype], second,
            )  # fmt: skip


@pytest.mark.parametrize("kind", ["lstm", "gru", "rnn_tanh", "rnn_relu"])
@pytest.mark.parametrize("packed", [False, True], ids=["even", "packed"])
def test_functions_match_torch(kind, packed):
    rng = np.random.default_rng(0)
    rows = {"lstm": 4, "gru": 3}.get(kind, 1) * 6
    shapes = [(rows, 3), (rows, 6), (rows,), (rows,)] * 2
    params = [torch.tensor(rng.normal(size=shape)) for shape in shapes]
    hx = [torch.tensor(rng.normal(size=(2, 4, 6))) for _ in range(2 if kind == "lstm" else 1)]
    x = torch.tensor(rng.normal(size=(9, 3) if packed else (4, 5, 3)))
    found = []
    for library, own in ((torch, lambda t: t), (mg, to_mg)):
        state = tuple(map(own, hx)) if kind == "lstm" else own(hx[0])
        sizes = (library.tensor([4, 3, 2]),) if packed else ()
        end = () if packed else (True,)
        arguments = own(x), *sizes, state, list(map(own, params)), True, 1, 0.0, False, True, *end
        found.append(getattr(library, kind)(*arguments))
    for theirs, ours in zip(*found, strict=True):
        assert_close(ours, theirs, 1e-9)


@pytest.mark.parametrize("kind", ["lstm", "gru", "rnn_tanh", "rnn_relu"])
def test_cell_functions_match_torch(kind):
    rng = np.random.default_rng(0)
    rows = {"lstm": 4, "gru": 3}.get(kind, 1) * 6
    params = [torch.tensor(rng.normal(size=s)) for s in [(rows, 3), (rows, 6), (rows,), (rows,)]]
    x, h = (torch.tensor(rng.normal(size=(4, size))) for size in (3, 6))
    for count in (2, 4):
        found = []
        for library, own in ((torch, lambda t: t), (mg, to_mg)):
            state = (own(h), own(h)) if kind == "lstm" else own(h)
            weights = [own(p) for p in params[:count]]
            found.append(flat(getattr(library, f"{kind}_cell")(own(x), state, *weights)))
        for theirs, ours in zip(*found, strict=True):
            assert_close(ours, theirs, 1e-9)


def test_one_tensor_for_both_states():
    ours, theirs = pair(LAYERS, "lstm", "float64")
    x, state = drawn(3, 2, 3, dtype="float64"), drawn(1, 2, 5, dtype="float64")
    for second in (False, True):
        call = lambda _, layer, x, h: layer(x, (h, h))  # noqa: E731
        compare(ours, theirs, call, [x, state], 1e-9, second)


@pytest.mark.parametrize("name", ["rnn relu", "lstm of vectors", "gru of two layers"])
def test_results_do_not_depend_on_threads(name):
    layer = getattr(nn, LAYERS[name][0])(*LAYERS[name][1], **LAYERS[name][2])
    x = mg.randn(60, 37, layer.input_size)
    before, found = mg.get_num_threads(), []
    try:
        for threads in (1, 2) if before > 1 else (1,):
            mg.set_num_threads(threads)
            layer.zero_grad()
            out, last = layer(x)
            out.square().sum().backward()
            grads = [p.grad for p in layer.parameters()]
            found.append([t.detach().numpy() for t in [out, *flat(last), *grads]])
    finally:
        mg.set_num_threads(before)
    for arrays in zip(*found, strict=True):
        for array in arrays[1:]:
            np.testing.assert_array_equal(array, arrays[0])


def test_no_gradient_gives_the_same():
    for name in LAYERS:
        ours, _ = pair(LAYERS, name, "float32")
        x = mg.randn(4, 6, ours.input_size)
        with mg.no_grad():
            quiet = flat(ours(x))
        for a, b in zip(quiet, flat(ours(x)), strict=True):
            np.testing.assert_array_equal(a.numpy(), b.detach().numpy())


def test_outputs_may_change_in_place():
    """The backward pass reads nothing that a user can reach."""
    for name in ("rnn", "lstm", "lstm projected", "gru"):
        ours, _ = pair(LAYERS, name, "float64")
        grads = []
        for changes in (False, True):
            out, _ = ours(mg.ones(3, 2, 3, dtype=mg.float64))
            loss = out.sum()
            if changes:
                with mg.no_grad():
                    out.detach().fill_(7.0)
            grads.append(mg.autograd.grad(loss, list(ours.parameters())))
        for a, b in zip(*grads, strict=True):
            np.testing.assert_array_equal(a.numpy(), b.numpy())


def test_dropout_between_layers():
    layer = nn.LSTM(3, 16, 2, dropout=1.0)
    x = mg.randn(4, 2, 3)
    dropped, _ = layer(x)
    layer.eval()
    kept, _ = layer(x)
    layer.train()
    assert not np.allclose(dropped.detach(), kept.detach())
    zeros, _ = layer(mg.zeros(4, 2, 3))
    np.testing.assert_allclose(dropped.detach(), zeros.detach(), atol=1e-6)
    with pytest.warns(UserWarning, match="num_layers greater than 1"):
        nn.GRU(3, 4, dropout=0.5)


def test_fresh_weights_are_drawn_from_torchs_range():
    mg.manual_seed(0)  # of 64 numbers the largest is below 0.115 once in two hundred times
    for kind in ("LSTM", "GRU", "RNN", "LSTMCell"):
        for parameter in getattr(nn, kind)(50, 64).parameters():
            assert 0.115 < float(parameter.abs().max()) <= 0.125
            assert abs(float(parameter.mean())) < 0.02


def test_parameters_of_layers():
    ours, theirs = pair(LAYERS, "lstm projected twice", "float32")
    assert ours.flatten_parameters() is None
    mine, its = ours.all_weights, theirs.all_weights
    assert [[tuple(w.shape) for w in ws] for ws in mine] == [
        [tuple(w.shape) for w in ws] for ws in its
    ]
    assert mine[1][0] is ours.weight_ih_l0_reverse
    for hook in (None, "weight_hh_l0"):  # replaced parameters are used
        if hook:
            ours.weight_hh_l0 = nn.Parameter(ours.weight_hh_l0.detach() * 2)
            theirs.weight_hh_l0 = torch.nn.Parameter(theirs.weight_hh_l0.detach() * 2)
        x = drawn(2, 3, 3, dtype="float32")
        assert_close(ours(mg.tensor(x))[0], theirs(torch.tensor(x))[0], 1e-5)


def test_float16():
    for kind in ("LSTM", "GRU", "RNN"):
        theirs = getattr(torch.nn, kind)(3, 8).half()
        ours = getattr(nn, kind)(3, 8).half()
        ours.load_state_dict(
            {k: mg.from_numpy(v.numpy().copy()) for k, v in theirs.state_dict().items()}
        )
        x = drawn(4, 2, 3, dtype="float16")
        out, _ = ours(mg.tensor(x))
        assert out.dtype == mg.float16
        np.testing.assert_allclose(
            out.detach().numpy(), theirs(torch.tensor(x))[0].detach().numpy(), atol=4e-3
        )


def test_empty_batch():
    for kind, batch_first in itertools.product(("LSTM", "GRU", "RNN"), (False, True)):
        layer = getattr(nn, kind)(3, 5, batch_first=batch_first)
        shape = (0, 4, 3) if batch_first else (4, 0, 3)
        out, last = layer(mg.zeros(shape))
        assert out.shape == (*shape[:2], 5)
        assert flat(last)[0].shape == (1, 0, 5)
        out.sum().backward()
        assert float(layer.weight_hh_l0.grad.abs().sum()) == 0


# --- refusals ---

X, H = (4, 2, 3), (1, 2, 5)
REFUSED = {
    "dropout": lambda lib: lib.nn.RNN(3, 5, dropout=1.5),
    "dropout that is no number": lambda lib: lib.nn.RNN(3, 5, 2, dropout=True),
    "bias that is no bool": lambda lib: lib.nn.GRU(3, 5, 1, 2),
    "batch_first that is no bool": lambda lib: lib.nn.GRU(3, 5, batch_first=1),
    "a size that is no int": lambda lib: lib.nn.LSTM(3.0, 5),
    "a hidden size that is no int": lambda lib: lib.nn.LSTM(3, 5.0),
    "no features": lambda lib: lib.nn.LSTM(0, 5),
    "no units": lambda lib: lib.nn.LSTM(3, 0),
    "no layers": lambda lib: lib.nn.LSTM(3, 5, 0),
    "a negative projection": lambda lib: lib.nn.LSTM(3, 5, proj_size=-1),
    "a wide projection": lambda lib: lib.nn.LSTM(3, 5, proj_size=5),
    "a projection of a GRU": lambda lib: lib.nn.GRU(3, 5, proj_size=2),
    "a projection of an RNN": lambda lib: lib.nn.RNN(3, 5, proj_size=2),
    "a nonlinearity": lambda lib: lib.nn.RNN(3, 5, nonlinearity="gelu"),
    "a mode": lambda lib: lib.nn.RNNBase("ABC", 3, 5),
    "dtype of the input": lambda lib: lib.nn.GRU(3, 5)(lib.zeros(X, dtype=lib.float64)),
    "features": lambda lib: lib.nn.GRU(3, 5)(lib.zeros(4, 2, 6)),
    "dimensions": lambda lib: lib.nn.GRU(3, 5)(lib.zeros(3)),
    "dimensions of an LSTM": lambda lib: lib.nn.LSTM(3, 5)(lib.zeros(1, 2, 3, 3)),
    "dimensions of an RNN": lambda lib: lib.nn.RNN(3, 5)(lib.zeros(3)),
    "no steps": lambda lib: lib.nn.GRU(3, 5)(lib.zeros(0, 2, 3)),
    "hx of 2 dimensions": lambda lib: lib.nn.GRU(3, 5)(lib.zeros(X), lib.zeros(1, 5)),
    "hx of 3 dimensions": lambda lib: lib.nn.GRU(3, 5)(lib.zeros(4, 3), lib.zeros(H)),
    "hx of another batch": lambda lib: lib.nn.GRU(3, 5)(lib.zeros(X), lib.zeros(1, 3, 5)),
    "hx of a pair": lambda lib: lib.nn.LSTM(3, 5)(lib.zeros(X), (lib.zeros(H), lib.zeros(1, 5))),
    "cx of another size": lambda lib: lib.nn.LSTM(3, 5)(
        lib.zeros(X), (lib.zeros(H), lib.zeros(1, 2, 4))
    ),
    "hx of an unbatched pair": lambda lib: lib.nn.LSTM(3, 5)(
        lib.zeros(4, 3), (lib.zeros(H), lib.zeros(H))
    ),
    "a cell's features": lambda lib: lib.nn.GRUCell(3, 5)(lib.zeros(2, 4)),
    "a cell's dimensions": lambda lib: lib.nn.LSTMCell(3, 5)(lib.zeros(2, 4, 3)),
    "a cell's state's dimensions": lambda lib: lib.nn.LSTMCell(3, 5)(
        lib.zeros(2, 3), (lib.zeros(2, 5), lib.zeros(1, 2, 5))
    ),
    "a cell's batch": lambda lib: lib.nn.RNNCell(3, 5)(lib.zeros(2, 3), lib.zeros(4, 5)),
    "a cell's units": lambda lib: lib.nn.RNNCell(3, 5)(lib.zeros(2, 3), lib.zeros(2, 4)),
    "a cell's state that is no pair": lambda lib: lib.nn.LSTMCell(3, 5)(
        lib.zeros(2, 3), lib.zeros(2, 5)
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refusals_are_torchs(name):
    with pytest.raises(Exception) as theirs:  # noqa: PT011  its type and words are compared
        REFUSED[name](torch)
    with pytest.raises(theirs.type) as ours:
        REFUSED[name](mg)
    expected = str(theirs.value).replace("torch.float", "minigrad.float")
    assert str(ours.value).split() == expected.split()
