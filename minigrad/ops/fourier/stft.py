"""Transforms of short stretches of a signal, under a window that moves along it."""

from typing import Any

import numpy as np

from minigrad.core.warn import warn_caller
from minigrad.engine.graph import V
from minigrad.engine.op import composed
from minigrad.ops.complex_numbers.parts import view_as_real
from minigrad.ops.fourier.transforms import c2c, c2r, r2c
from minigrad.ops.indexing.getitem import along, getitem
from minigrad.ops.shape.copies import pad_constant
from minigrad.ops.shape.padding import SOURCE_POSITIONS
from minigrad.ops.shape.split import narrow
from minigrad.ops.shape.views import unfold, unfold_backward


@composed
def stft(
    input: V,
    n_fft: int,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: V | None = None,
    center: bool = True,
    pad_mode: str = "reflect",
    normalized: bool = False,
    onesided: bool | None = None,
    return_complex: bool | None = None,
    align_to_window: bool | None = None,
) -> V:
    """The short-time Fourier transform of signals (L,) or (B, L): (frequencies, frames).

    n_fft: points of each transform.  hop_length: from one frame to the next, n_fft // 4 by default.
    window: `win_length` factors, in the middle of n_fft; ones by default.
    center: the signal is padded by n_fft // 2 on both sides, as `pad_mode` of `F.pad` has it, so
        that frame t is centred at t * hop_length.
    normalized: the factor 1 / sqrt(n_fft).  onesided: only the frequencies 0 ... n_fft // 2, the
        default for real signals and windows.
    return_complex: has to be given for real signals; with False the parts come as a last dimension.
    align_to_window: without `center`, the window starts at the signal's start, not the frame.
    Raises RuntimeError for what does not fit.
    """
    if center and align_to_window is not None:
        raise RuntimeError("stft align_to_window should only be set when center = false")
    is_complex = input._is_complex or (window is not None and window._is_complex)
    if input.ndim not in (1, 2):
        raise RuntimeError(f"stft: expected a 1D or 2D tensor, got shape {list(input.shape)}")
    if not (input.dtype.is_floating_point or input._is_complex):
        raise RuntimeError(
            f"stft: expected a tensor of floating point or complex values, got {input.dtype}"
        )
    _require_choice(return_complex, is_complex)
    if window is None:
        warn_caller(
            "A window was not provided. A rectangular window will be applied, which is known to "
            "cause spectral leakage. To suppress this warning, give window=minigrad.ones(n_fft)"
        )
    signal = input if input.ndim == 2 else input.unsqueeze(0)
    if center:
        signal = _padded(signal, n_fft // 2, pad_mode)
    hop = n_fft // 4 if hop_length is None else hop_length
    length = n_fft if win_length is None else win_length
    _require_sizes(signal, n_fft, hop, length, window)
    factors = _widened_window(window, signal, length, n_fft)
    if align_to_window:
        left = (n_fft - length) // 2
        signal = pad_constant(signal, padding=((0, 0), (left, n_fft - length - left)))
    frames = unfold(signal, dim=1, size=n_fft, step=hop)
    if factors is not None:
        frames = frames * factors
    found = _spectrum(frames, "root" if normalized else "none", onesided)
    found = found.transpose(1, 2)
    if input.ndim == 1:
        found = found.squeeze(0)
    return view_as_real(found) if return_complex is False else found


def _require_choice(return_complex: bool | None, is_complex: bool) -> None:
    """Raise RuntimeError unless it is known in what form the result is to come."""
    if is_complex or return_complex:
        return
    if return_complex is None:
        raise RuntimeError(
            "stft requires the return_complex parameter be given for real inputs, and will further "
            "require that return_complex=True in a future PyTorch release."
        )
    warn_caller(
        "stft with return_complex=False is deprecated. In a future pytorch release, stft will "
        "return complex tensors for all inputs, and return_complex=False will raise an error. "
        "Note: you can still call torch.view_as_real on the complex output to recover the old "
        "return format."
    )


def _padded(signal: V, amount: int, mode: str) -> V:
    if mode == "constant":
        return pad_constant(signal, padding=((0, 0), (amount, amount)))
    if mode not in SOURCE_POSITIONS:
        raise NotImplementedError(f"Unrecognised padding mode {mode}")
    positions = SOURCE_POSITIONS[mode](signal.shape[1], amount, amount)
    return getitem(signal, index=along(1, positions))


def _require_sizes(signal: V, n_fft: int, hop: int, length: int, window: V | None) -> None:
    if not 0 < n_fft <= signal.shape[1]:
        raise RuntimeError(f"stft: expected 0 < n_fft < {signal.shape[1]}, but got n_fft={n_fft}")
    if hop <= 0:
        raise RuntimeError(f"stft: expected hop_length > 0, but got hop_length={hop}")
    if not 0 < length <= n_fft:
        raise RuntimeError(f"stft: expected 0 < win_length <= n_fft, but got win_length={length}")
    if window is not None and window.shape != (length,):
        raise RuntimeError(
            f"stft: expected a 1D window tensor of size equal to win_length={length}, but got "
            f"window with size {list(window.shape)}"
        )


def _widened_window(window: V | None, signal: V, length: int, n_fft: int) -> Any:
    """The window in the middle of n_fft points; None if it is ones everywhere."""
    if length == n_fft:
        return window
    given = signal.new_tensor(np.ones(length)) if window is None else window
    left = (n_fft - length) // 2
    return pad_constant(given, padding=((left, n_fft - length - left),))


def _spectrum(frames: V, scale: Any, onesided: bool | None) -> V:
    if frames._is_complex:
        if onesided:
            raise RuntimeError("Cannot have onesided output if window or input is complex")
        return c2c(frames, dim=(2,), scale=scale, forward=True)
    half = True if onesided is None else onesided
    return r2c(frames, dim=(2,), scale=scale, forward=True, onesided=half)


@composed
def istft(
    input: V,
    n_fft: int,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: V | None = None,
    center: bool = True,
    normalized: bool = False,
    onesided: bool | None = None,
    length: int | None = None,
    return_complex: bool = False,
) -> V:
    """The inverse of `stft`: frames are transformed back, added, and divided by the windows' sum.

    length: of the signal, which is cut off or padded with zeros.  The other arguments are those
    given to `stft`.  Raises RuntimeError for what does not fit, and where the squares of the
    windows add up to nothing.
    """
    if not input._is_complex:
        raise RuntimeError(
            "istft requires a complex-valued input tensor matching the output from stft with "
            "return_complex=True."
        )
    hop = n_fft // 4 if hop_length is None else hop_length
    win = n_fft if win_length is None else win_length
    if window is None:
        warn_caller(
            "A window was not provided. A rectangular window will be applied. Please provide the "
            "same window used by stft to make the inversion lossless"
        )
    half = _require_spectrum(input, n_fft, hop, win, window, onesided)
    spectrum = input if input.ndim == 3 else input.unsqueeze(0)
    frames = _frames(spectrum.transpose(1, 2), n_fft, normalized, half, return_complex, window)
    given = frames.new_tensor(np.ones(win)) if window is None else window
    factors = _widened_window(given, frames, win, n_fft)
    size = n_fft + hop * (frames.shape[1] - 1)
    signal = unfold_backward(frames * factors, dim=1, step=hop, shape=(frames.shape[0], size))
    squares = (factors * factors).expand(1, frames.shape[1], n_fft)
    envelope = unfold_backward(squares, dim=1, step=hop, shape=(1, size))
    found = _cut(signal, envelope, n_fft // 2 if center else 0, center, length)
    return found.squeeze(0) if input.ndim == 2 else found


def _require_spectrum(
    input: V, n_fft: int, hop: int, win: int, window: V | None, onesided: bool | None
) -> bool:
    """Raise RuntimeError for what does not fit; True if the spectrum is onesided."""
    if input.array.size == 0:
        raise RuntimeError("istft: istft input tensor cannot be empty.")
    if input.ndim not in (2, 3):
        raise RuntimeError(f"istft: expected a tensor with 2 or 3 dimensions, but got {input.ndim}")
    frequencies = input.shape[-2]
    half = frequencies != n_fft if onesided is None else onesided
    expected = n_fft // 2 + 1 if half else n_fft
    if frequencies != expected:
        raise RuntimeError(
            f"istft: expected the frequency dimension (3rd to the last) of the input tensor to "
            f"match {'n_fft / 2 + 1' if half else 'n_fft'} when onesided={half}, but got "
            f"{frequencies} and not {expected}"
        )
    if not 0 < hop <= win:
        raise RuntimeError(f"istft: expected 0 < hop_length <= win_length, got {hop} and {win}")
    if not 0 < win <= n_fft:
        raise RuntimeError(f"istft: expected 0 < win_length <= n_fft, got {win} and {n_fft}")
    if window is not None and window.shape != (win,):
        raise RuntimeError(
            f"istft: Invalid window shape. window has to be 1D and length of `win_length`, "
            f"{win}, got {list(window.shape)}"
        )
    return half


def _frames(
    spectrum: V, n_fft: int, normalized: bool, half: bool, as_complex: bool, window: V | None
) -> V:
    """The frames (B, frames, n_fft) that the spectrum was made of, times their window."""
    scale: Any = "root" if normalized else "n"
    if as_complex:
        if half:
            raise RuntimeError("Cannot have onesided output if window or input is complex")
        return c2c(spectrum, dim=(2,), scale=scale, forward=False)
    if window is not None and window._is_complex:
        raise RuntimeError("Complex windows are incompatible with return_complex=False")
    if not half:
        spectrum = narrow(spectrum, 2, 0, n_fft // 2 + 1)
    return c2r(spectrum, dim=(2,), scale=scale, forward=False, size=n_fft)


def _cut(signal: V, envelope: V, start: int, center: bool, length: int | None) -> V:
    """The signal over the envelope, from `start` on, in the length that is asked for."""
    size = signal.shape[1]
    stop = size - start if center else size
    end = stop if length is None else start + length
    kept = max(min(end, size) - start, 0)
    signal, envelope = narrow(signal, 1, start, kept), narrow(envelope, 1, start, kept)
    if bool((envelope.abs() < 1e-11).any()):
        raise RuntimeError("istft: window overlap add min: 1: the windows leave gaps in the signal")
    found = signal / envelope
    if end <= size:
        return found
    warn_caller(
        "The length of signal is shorter than the length parameter. Result is being padded with "
        "zeros in the tail. Please check your center and hop_length settings."
    )
    return pad_constant(found, padding=((0, 0), (0, end - size)))
