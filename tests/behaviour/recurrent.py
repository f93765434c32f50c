"""Recurrent layers and packed sequences: what scripts rely on beyond the numbers."""

import copy
import pickle

import pytest


def check_padding_has_no_influence(torch):
    layer = torch.nn.LSTM(3, 4, batch_first=True, bidirectional=True)
    x = torch.randn(2, 5, 3)
    other = x.clone()
    other[1, 2:] = 100.0
    found = []
    for padded in (x, other):
        packed = torch.nn.utils.rnn.pack_padded_sequence(padded, [5, 2], batch_first=True)
        out, (h, _) = layer(packed)
        out, lengths = torch.nn.utils.rnn.pad_packed_sequence(out, batch_first=True)
        assert lengths.tolist() == [5, 2]
        assert out[1, 2:].abs().sum() == 0
        found.append((out, h))
    assert torch.allclose(found[0][0], found[1][0])
    assert torch.allclose(found[0][1], found[1][1])


def check_packed_sequences_come_back_in_their_order(torch):
    sequences = [torch.full((n,), float(n)) for n in (2, 4, 1, 3)]
    packed = torch.nn.utils.rnn.pack_sequence(sequences, enforce_sorted=False)
    assert packed.batch_sizes.tolist() == [4, 3, 2, 1]
    for given, back in zip(sequences, torch.nn.utils.rnn.unpack_sequence(packed), strict=True):
        assert torch.equal(given, back)


def check_last_state_is_the_last_output(torch):
    for kind in (torch.nn.RNN, torch.nn.GRU):
        out, h = kind(3, 4, 2, bidirectional=True)(torch.randn(5, 2, 3))
        assert torch.equal(out[-1, :, :4], h[-2])
        assert torch.equal(out[0, :, 4:], h[-1])


def check_two_halves_are_the_whole(torch):
    layer, x = torch.nn.LSTM(3, 4, 2), torch.randn(6, 2, 3)
    whole, end = layer(x)
    first, state = layer(x[:2])
    second, last = layer(x[2:], state)
    assert torch.allclose(torch.cat([first, second]), whole, atol=1e-6)
    assert torch.allclose(last[1], end[1], atol=1e-6)


def check_layer_equals_its_cell(torch):
    for name in ("RNN", "GRU", "LSTM"):
        layer = getattr(torch.nn, name)(3, 4)
        cell = getattr(torch.nn, f"{name}Cell")(3, 4)
        state = {k.removesuffix("_l0"): v for k, v in layer.state_dict().items()}
        cell.load_state_dict(state)
        x, hx = torch.randn(5, 2, 3), None
        out, _ = layer(x)
        for t in range(5):
            hx = cell(x[t], hx)
            assert torch.allclose(hx[0] if name == "LSTM" else hx, out[t], atol=1e-6)


def check_state_is_cut_off_by_detach(torch):
    layer, x = torch.nn.GRU(3, 4), torch.randn(5, 2, 3)
    hx = None
    for _ in range(3):
        out, hx = layer(x, hx)
        out.sum().backward()
        hx = hx.detach()
    assert layer.weight_hh_l0.grad is not None
    assert not hx.requires_grad


def check_states_that_are_not_detached_raise(torch):
    layer, x = torch.nn.GRU(3, 4), torch.randn(5, 2, 3)
    out, hx = layer(x)
    out.sum().backward()
    out, _ = layer(x, hx)
    with pytest.raises(RuntimeError, match="second time"):
        out.sum().backward()


def check_weights_are_read_anew(torch):
    layer, x = torch.nn.LSTM(3, 4), torch.randn(5, 2, 3)
    before = layer(x)[0]
    with torch.no_grad():
        layer.weight_hh_l0.mul_(2)
    changed = layer(x)[0]
    assert not torch.allclose(before, changed)
    halved = {"weight_hh_l0": layer.weight_hh_l0.detach() / 2}
    again = torch.func.functional_call(layer, halved, (x,))[0]
    assert torch.allclose(again, before, atol=1e-6)


def check_parametrized_weights(torch):
    layer = torch.nn.GRU(3, 4)
    torch.nn.utils.parametrizations.weight_norm(layer, "weight_hh_l0")
    layer(torch.randn(5, 2, 3))[0].sum().backward()
    assert layer.parametrizations.weight_hh_l0.original1.grad.abs().sum() > 0


def check_copies_and_pickles(torch):
    layer, x = torch.nn.LSTM(3, 4, bidirectional=True), torch.randn(5, 2, 3)
    expected = layer(x)[0]
    for other in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert torch.equal(other(x)[0], expected)
        with torch.no_grad():
            other.weight_ih_l0.zero_()
        assert torch.equal(layer(x)[0], expected)
        assert other.all_weights[0][0] is other.weight_ih_l0


def check_casts(torch):
    layer = torch.nn.GRU(3, 4).double()
    out, h = layer(torch.randn(5, 2, 3, dtype=torch.float64))
    assert out.dtype == h.dtype == torch.float64
    with pytest.raises(ValueError, match="does not match weight dtype"):
        layer(torch.randn(5, 2, 3))


def check_batch_first_outputs_are_not_contiguous(torch):
    out, _ = torch.nn.LSTM(3, 4, batch_first=True)(torch.randn(2, 5, 3))
    assert out.shape == (2, 5, 4)
    assert out[:, -1].shape == (2, 4)
    assert out.reshape(10, 4).shape == (10, 4)
    assert out.contiguous().view(-1, 4).shape == (10, 4)


def check_frozen_layers_give_gradients_of_inputs(torch):
    layer = torch.nn.LSTM(3, 4).requires_grad_(False)
    x = torch.randn(5, 2, 3, requires_grad=True)
    layer(x)[0].sum().backward()
    assert x.grad.shape == x.shape
    assert layer.weight_ih_l0.grad is None
    assert not layer(x.detach())[0].requires_grad


def check_only_the_cell_state_is_used(torch):
    layer = torch.nn.LSTM(3, 4)
    _, (_, c) = layer(torch.randn(5, 2, 3))
    c.sum().backward()
    assert layer.weight_hh_l0.grad.abs().sum() > 0


def check_pad_sequence_of_ids(torch):
    ids = [torch.tensor([1, 2, 3]), torch.tensor([4])]
    padded = torch.nn.utils.rnn.pad_sequence(ids, batch_first=True, padding_value=9)
    assert padded.tolist() == [[1, 2, 3], [4, 9, 9]]
    assert padded.dtype == torch.int64


def check_isinstance_of_the_base(torch):
    for kind in (torch.nn.RNN, torch.nn.LSTM, torch.nn.GRU):
        layer = kind(2, 3)
        assert isinstance(layer, torch.nn.RNNBase)
        assert layer.mode in ("RNN_TANH", "LSTM", "GRU")
    assert isinstance(torch.nn.GRUCell(2, 3), torch.nn.RNNCellBase)
