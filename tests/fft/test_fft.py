"""Fourier transforms, short-time transforms and windows, against torch: values and gradients."""

import numpy as np
import pytest
import torch

import minigrad as mg
from minigrad.autograd import gradcheck, gradgradcheck
from tests.support.against_torch import compare

REAL = np.random.default_rng(0).standard_normal
NORMS = (None, "backward", "ortho", "forward")


def numbers(kind, *shape):
    array = REAL(shape)
    return array + 1j * REAL(shape) if kind == "complex" else array


def transform(name, **given):
    return lambda m, x: getattr(m.fft, name)(x, **given)


def takes(name):
    """The kinds of input that a transform takes."""
    return ("real",) if name.startswith(("rfft", "ihfft")) else ("real", "complex")


ONE = ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft")
TWO = tuple(f"{name}2" for name in ONE)
SEVERAL = tuple(f"{name}n" for name in ONE)
SIZES = ({}, {"n": 4}, {"n": 5}, {"n": 9}, {"dim": 0}, {"dim": -2, "n": 6}, {"n": 1})
SHAPES = (
    *({}, {"s": (4, 5)}, {"s": (2, -1)}, {"dim": (0, 2)}, {"dim": (2, 0), "s": (3, 7)}),
    *({"dim": (1,)}, {"s": (3,)}, {"dim": -1}),
)


@pytest.mark.parametrize("name", ONE)
@pytest.mark.parametrize("sizes", SIZES, ids=str)
@pytest.mark.parametrize("norm", NORMS)
def test_transforms_over_one_dimension(name, sizes, norm):
    for kind in takes(name):
        x = numbers(kind, 3, 6)
        compare(transform(name, norm=norm, **sizes), x)
        narrow = x.astype(np.complex64 if kind == "complex" else np.float32)
        compare(transform(name, norm=norm, **sizes), narrow)


@pytest.mark.parametrize("name", [*TWO, *SEVERAL])
@pytest.mark.parametrize("sizes", SHAPES, ids=str)
def test_transforms_over_several_dimensions(name, sizes):
    if name.endswith("2") and sizes.get("dim", (0, 1)) in ((1,), -1):
        sizes = {**sizes, "dim": (1, 2)}
    for kind in takes(name):
        for norm in ("backward", "ortho"):
            given = {**sizes, "norm": norm}
            if name.endswith("2") and len(given.get("s", (0, 0))) == 1:
                given["dim"] = (1,)
            compare(transform(name, **given), numbers(kind, 3, 4, 5))


@pytest.mark.parametrize("name", [*ONE, "fft2", "irfft2", "rfftn", "hfftn"])
def test_derivatives_of_first_and_second_order(name):
    for kind in takes(name):
        x = mg.tensor(numbers(kind, 2, 5), requires_grad=True)
        function = getattr(mg.fft, name)
        assert gradcheck(function, (x,))
        assert gradgradcheck(function, (x,))


def test_functions_with_complex_values_inside_pass_gradcheck():
    """Real numbers in and out: a convolution by transforms, and the power of a spectrum."""
    x = mg.tensor(REAL(8), requires_grad=True)
    w = mg.tensor(REAL(3), requires_grad=True)

    def convolution(x, w):
        return mg.fft.irfft(mg.fft.rfft(x, 10) * mg.fft.rfft(w, 10), 10)

    assert gradcheck(convolution, (x, w))
    assert gradgradcheck(convolution, (x, w))
    assert gradcheck(lambda x: mg.fft.fft(x).abs() ** 2, (x,))
    full = np.convolve(x.detach().numpy(), w.detach().numpy())
    np.testing.assert_allclose(convolution(x, w).detach().numpy(), full, rtol=1e-12)


def test_integers_become_floats():
    for m in (torch, mg):
        assert m.fft.fft(m.arange(4)).dtype is m.complex64
        assert m.fft.rfft(m.tensor([True, False])).dtype is m.complex64


@pytest.mark.parametrize("name", ["fftfreq", "rfftfreq"])
@pytest.mark.parametrize("arguments", [(5,), (6, 0.1), (1,), (8, 2.0)])
def test_frequencies(name, arguments):
    for dtype in ("float32", "float64"):
        compare(lambda m, d=dtype: getattr(m.fft, name)(*arguments, dtype=getattr(m, d)))
    compare(lambda m: getattr(m.fft, name)(*arguments))


@pytest.mark.parametrize("name", ["fftshift", "ifftshift"])
def test_shifts(name):
    for dim in (None, 0, -1, (0, 1), (2,)):
        compare(transform(name, dim=dim), REAL((3, 4, 5)))
        compare(transform(name, dim=dim), numbers("complex", 3, 4, 5))


def test_out():
    x = mg.tensor(REAL(6))
    out = mg.empty(6, dtype=mg.complex128)
    assert mg.fft.fft(x, out=out) is out
    assert mg.allclose(out, mg.fft.fft(x))


# --- short-time transforms ------------------------------------------------------------------

SHORT = [
    {"n_fft": 8},
    {"n_fft": 8, "hop_length": 3},
    {"n_fft": 8, "hop_length": 2, "win_length": 5},
    {"n_fft": 7, "hop_length": 2, "win_length": 6, "normalized": True},
    {"n_fft": 8, "center": False},
    {"n_fft": 8, "center": False, "win_length": 4, "align_to_window": True},
    {"n_fft": 8, "onesided": False},
    {"n_fft": 8, "pad_mode": "constant"},
    {"n_fft": 8, "pad_mode": "replicate"},
    {"n_fft": 8, "pad_mode": "circular"},
]


@pytest.mark.filterwarnings("ignore:A window was not provided")
@pytest.mark.parametrize("given", SHORT, ids=str)
@pytest.mark.parametrize("windowed", [False, True])
def test_stft(given, windowed):
    window = [0.2 + np.hanning(given.get("win_length", given["n_fft"]))] if windowed else []
    for shape in ((20,), (2, 20)):
        compare(
            lambda m, x, *w: m.stft(x, window=w[0] if w else None, return_complex=True, **given),
            REAL(shape), *window,
        )  # fmt: skip
    compare(lambda m, x, *w: x.stft(
        given["n_fft"], window=w[0] if w else None, return_complex=True,
        **{k: v for k, v in given.items() if k != "n_fft"}), REAL((2, 20)), *window)  # fmt: skip


@pytest.mark.filterwarnings("ignore:A window was not provided")
def test_stft_of_complex_signals_and_windows():
    x, w = numbers("complex", 2, 20), numbers("complex", 8)
    compare(lambda m, x: m.stft(x, 8), x)
    compare(lambda m, x, w: m.stft(x, 8, window=w), x, w)
    compare(lambda m, x, w: m.stft(x, 8, window=w), x.real, w)


BACK = [
    {},
    {"hop_length": 3},
    {"hop_length": 2, "win_length": 6},
    {"length": 18},
    {"length": 9},
    {"normalized": True},
    {"center": False, "hop_length": 2},
    {"onesided": False},
]


@pytest.mark.filterwarnings("ignore:The length of signal is shorter")
@pytest.mark.parametrize("given", BACK, ids=str)
def test_istft(given):
    window = 0.2 + np.hanning(given.get("win_length", 8))
    bins = 8 if given.get("onesided") is False else 5
    for shape in ((bins, 6), (2, bins, 6)):
        spectrum = numbers("complex", *shape)
        compare(lambda m, z, w: m.istft(z, 8, window=w, **given), spectrum, window)
        compare(lambda m, z, w: z.istft(8, window=w, **given), spectrum, window)


def test_istft_of_complex_signals():
    spectrum, window = numbers("complex", 2, 8, 6), numbers("complex", 8)
    for w in (window, window.real):
        compare(
            lambda m, z, w: m.istft(z, 8, window=w, return_complex=True),
            spectrum, 2 + w,
        )  # fmt: skip


def test_istft_is_the_inverse():
    x = mg.tensor(REAL((2, 40)))
    for given in ({"hop_length": 4}, {"hop_length": 5, "win_length": 12}):
        window = mg.hann_window(given.get("win_length", 16), dtype=mg.float64)
        spectrum = mg.stft(x, 16, window=window, return_complex=True, **given)
        found = mg.istft(spectrum, 16, window=window, length=40, **given)
        np.testing.assert_allclose(found.numpy(), x.numpy(), atol=1e-12)


def test_short_time_transforms_pass_gradcheck():
    x = mg.tensor(REAL(14), requires_grad=True)
    w = mg.tensor(0.5 + REAL(6) ** 2, requires_grad=True)
    assert gradcheck(lambda x, w: mg.stft(x, 6, 3, window=w, return_complex=True), (x, w))
    z = mg.tensor(numbers("complex", 4, 4), requires_grad=True)
    assert gradcheck(lambda z, w: mg.istft(z, 6, 3, window=w), (z, w))
    assert gradgradcheck(lambda z: mg.istft(z, 6, 3, window=w.detach()), (z,))


# --- windows --------------------------------------------------------------------------------

WINDOWS = {
    "hann_window": [{}],
    "hamming_window": [{}, {"alpha": 0.6, "beta": 0.3}],
    "blackman_window": [{}],
    "bartlett_window": [{}],
    "kaiser_window": [{}, {"beta": 3.0}],
}
OF_SIGNAL = {
    "bartlett": [{}], "blackman": [{}], "cosine": [{}], "hamming": [{}], "hann": [{}],
    "nuttall": [{}], "kaiser": [{}, {"beta": 0.5}], "gaussian": [{"std": 2.0}],
    "exponential": [{"tau": 3.0}], "general_hamming": [{"alpha": 0.7}],
    "general_cosine": [{"a": [0.4, 0.3, 0.2, 0.1]}],
}  # fmt: skip


def window(name, dtype, *arguments, of_signal=False, **given):
    def make(m):
        space = m.signal.windows if of_signal else m
        return getattr(space, name)(*arguments, dtype=dtype and getattr(m, dtype), **given)

    return make


@pytest.mark.parametrize("name", WINDOWS)
@pytest.mark.parametrize("length", [0, 1, 2, 7, 16])
def test_windows(name, length):
    for given in WINDOWS[name]:
        for periodic in (True, False):
            for dtype in ("float32", "float64", None):
                compare(window(name, dtype, length, periodic, **given))


@pytest.mark.parametrize("name", OF_SIGNAL)
@pytest.mark.parametrize("length", [0, 1, 2, 7, 16])
def test_windows_of_signal(name, length):
    for given in OF_SIGNAL[name]:
        for sym in (True, False):
            for dtype in ("float32", "float64", None):
                compare(window(name, dtype, length, sym=sym, of_signal=True, **given))


def test_exponential_window_with_a_centre():
    compare(lambda m: m.signal.windows.exponential(6, center=1.0, sym=False, dtype=m.float64))
