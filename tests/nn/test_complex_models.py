"""Models with complex numbers inside, against torch with the same weights, and their training."""

import numpy as np
import pytest
import torch

import minigrad as mg
from tests.support.against_torch import compare

NUMBERS = np.random.default_rng(7)


def real_numbers(*shape):
    return NUMBERS.standard_normal(shape)


def complex_numbers(*shape):
    return real_numbers(*shape) + 1j * real_numbers(*shape)


def spectral_conv2d(m, in_channels, out_channels, modes):
    """The layer of Fourier neural operators, as they are published (Li et al., 2021)."""

    class SpectralConv2d(m.nn.Module):
        def __init__(self):
            super().__init__()
            self.modes = modes
            scale = 1 / (in_channels * out_channels)
            size = (in_channels, out_channels, modes, modes)
            self.weights1 = m.nn.Parameter(scale * m.rand(*size, dtype=m.cfloat))
            self.weights2 = m.nn.Parameter(scale * m.rand(*size, dtype=m.cfloat))

        def forward(self, x):
            x_ft = m.fft.rfft2(x)
            out = m.zeros(x.shape[0], out_channels, x.size(-2), x.size(-1) // 2 + 1, dtype=m.cfloat)
            n = self.modes
            product = "bixy,ioxy->boxy"
            out[:, :, :n, :n] = m.einsum(product, x_ft[:, :, :n, :n], self.weights1)
            out[:, :, -n:, :n] = m.einsum(product, x_ft[:, :, -n:, :n], self.weights2)
            return m.fft.irfft2(out, s=(x.size(-2), x.size(-1)))

    return SpectralConv2d()


def fourier_operator(m):
    return m.nn.ModuleDict({
        "lift": m.nn.Conv2d(1, 4, 1), "spectral": spectral_conv2d(m, 4, 4, 2),
        "local": m.nn.Conv2d(4, 4, 1), "out": m.nn.Conv2d(4, 1, 1),
    })  # fmt: skip


def forward(m, parts, x):
    x = parts["lift"](x)
    x = m.nn.functional.gelu(parts["spectral"](x) + parts["local"](x))
    return parts["out"](x)


def twins():
    theirs, ours = fourier_operator(torch), fourier_operator(mg)
    assert list(theirs.state_dict()) == list(ours.state_dict())
    ours.load_state_dict({k: mg.tensor(v.numpy()) for k, v in theirs.state_dict().items()})
    return theirs, ours


@pytest.mark.parametrize("optimizer", ["Adam", "SGD"])
def test_a_fourier_neural_operator_trains_as_in_torch(optimizer):
    x, y = (real_numbers(3, 1, 8, 8).astype(np.float32) for _ in range(2))
    losses, weights = [], []
    for m, parts in zip((torch, mg), twins(), strict=True):
        opt = getattr(m.optim, optimizer)(parts.parameters(), lr=0.01)
        found = []
        for _ in range(5):
            opt.zero_grad()
            loss = ((forward(m, parts, m.tensor(x)) - m.tensor(y)) ** 2).mean()
            loss.backward()
            opt.step()
            found.append(loss.item())
        losses.append(found)
        weights.append({k: v.detach().numpy() for k, v in parts.named_parameters()})
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-4)
    for name, theirs in weights[0].items():
        np.testing.assert_allclose(weights[1][name], theirs, rtol=1e-3, atol=1e-4, err_msg=name)
    assert weights[1]["spectral.weights1"].dtype == np.complex64


def precompute_freqs_cis(m, dim, end, theta=10000.0):
    """As LLaMA has it."""
    freqs = 1.0 / (theta ** (m.arange(0, dim, 2)[: (dim // 2)].float() / dim))
    t = m.arange(end, device=freqs.device)
    freqs = m.outer(t, freqs).float()
    return m.polar(m.ones_like(freqs), freqs)


def apply_rotary_emb(m, xq, xk, freqs_cis):
    xq_ = m.view_as_complex(xq.reshape(*xq.shape[:-1], -1, 2))
    xk_ = m.view_as_complex(xk.reshape(*xk.shape[:-1], -1, 2))
    freqs_cis = freqs_cis.view(1, xq_.shape[1], 1, xq_.shape[-1])
    xq_out = m.view_as_real(xq_ * freqs_cis).flatten(3)
    xk_out = m.view_as_real(xk_ * freqs_cis).flatten(3)
    return xq_out.type_as(xq), xk_out.type_as(xk)


def test_rotary_embeddings_as_llama_writes_them():
    def embedded(m, xq, xk, angles):
        return apply_rotary_emb(m, xq, xk, m.polar(m.ones_like(angles), angles))

    compare(embedded, real_numbers(2, 5, 3, 8), real_numbers(2, 5, 3, 8), real_numbers(5, 4))
    compare(lambda m: precompute_freqs_cis(m, 8, 5))


OPTIMIZERS = {
    "SGD": {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.1}, "Adam": {"lr": 0.1, "amsgrad": True},
    "AdamW": {"lr": 0.1}, "RMSprop": {"lr": 0.1}, "Adagrad": {"lr": 0.1}, "Adadelta": {},
    "Adamax": {}, "NAdam": {}, "RAdam": {}, "ASGD": {}, "Rprop": {},
}  # fmt: skip


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers_update_complex_parameters_as_in_torch(name):
    first, second = complex_numbers(2, 3), real_numbers(3)
    found = []
    for m in (torch, mg):
        p, q = m.nn.Parameter(m.tensor(first)), m.nn.Parameter(m.tensor(second))
        opt = getattr(m.optim, name)([p, q], **OPTIMIZERS[name])
        for _ in range(4):
            opt.zero_grad()
            ((p * p).abs().sum() + (p.sum(0) * q).abs().sum()).backward()
            opt.step()
        states = {
            k: (v.numpy(), str(v.dtype).split(".")[1])
            for k, v in opt.state_dict()["state"][0].items()
            if hasattr(v, "numpy") and v.ndim
        }
        found.append((p.detach().numpy(), q.detach().numpy(), states))
    theirs, ours = found
    for a, b in zip(ours[:2], theirs[:2], strict=True):
        # torch keeps ASGD's step size in float32.
        np.testing.assert_allclose(a, b, rtol=1e-7 if name == "ASGD" else 1e-9)
    assert ours[2].keys() == theirs[2].keys()
    for key, (value, dtype) in theirs[2].items():
        np.testing.assert_allclose(ours[2][key][0], value, rtol=1e-7, err_msg=key)
        assert ours[2][key][1] == dtype, key


def test_state_of_complex_parameters_is_loaded():
    p = mg.nn.Parameter(mg.tensor(complex_numbers(3)))
    opt = mg.optim.Adam([p], lr=0.1)
    (p.abs() ** 2).sum().backward()
    opt.step()
    q = mg.nn.Parameter(p.detach().clone())
    other = mg.optim.Adam([q], lr=0.1)
    other.load_state_dict(opt.state_dict())
    for each, by in ((p, opt), (q, other)):
        each.grad = mg.tensor(np.arange(3) * (1 + 1j))
        by.step()
    np.testing.assert_array_equal(p.detach().numpy(), q.detach().numpy())


def test_other_optimizers_refuse_complex_parameters():
    p = mg.nn.Parameter(mg.tensor(complex_numbers(3)))
    for make in (mg.optim.LBFGS, mg.optim.Adafactor):
        with pytest.raises(NotImplementedError, match="view_as_real"):
            make([p])


def test_gradients_are_clipped_by_their_absolute_values():
    for order in (2.0, 1.0, float("inf")):
        found = []
        for m in (torch, mg):
            p = m.nn.Parameter(m.tensor([1 + 2j, 3.0]))
            p.grad = m.tensor([3 + 4j, -1j])
            norm = m.nn.utils.clip_grad_norm_([p], 1.0, order)
            found.append((norm.item(), p.grad.numpy()))
        np.testing.assert_allclose(found[1][0], found[0][0], rtol=1e-6)
        np.testing.assert_allclose(found[1][1], found[0][1], rtol=1e-6)


def test_complex_tensors_are_saved_and_loaded(tmp_path):
    state = {"a": mg.tensor(complex_numbers(2, 3).astype(np.complex64)), "b": mg.ones(2)}
    mg.save(state, tmp_path / "state.safetensors")
    loaded = mg.load(tmp_path / "state.safetensors")
    np.testing.assert_array_equal(loaded["a"].numpy(), state["a"].numpy())
    assert (loaded["a"] * 1j).dtype is mg.complex64
    with pytest.raises(TypeError, match="view_as_real"):
        mg.save({"a": mg.ones(2, dtype=mg.complex128)}, tmp_path / "other.safetensors")


@pytest.mark.parametrize("dtype", [torch.complex64, torch.complex128])
def test_complex_tensors_of_torch_are_loaded(tmp_path, dtype):
    given = torch.tensor(complex_numbers(4, 3)).to(dtype)
    torch.save({"a": given, "b": given.T[1:], "c": dtype}, tmp_path / "state.pt")
    loaded = mg.load(tmp_path / "state.pt")
    np.testing.assert_array_equal(loaded["a"].numpy(), given.numpy())
    np.testing.assert_array_equal(loaded["b"].numpy(), given.T[1:].numpy())
    assert loaded["c"] is getattr(mg, str(dtype).removeprefix("torch."))
