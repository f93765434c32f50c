"""torch.fft: discrete Fourier transforms, by numpy.fft, with derivatives of any order.

>>> x = minigrad.tensor([1.0, 0.0, -1.0, 0.0])
>>> minigrad.fft.rfft(x)
tensor([0.+0.j, 2.+0.j, 0.+0.j])
>>> minigrad.fft.irfft(minigrad.fft.rfft(x))
tensor([ 1.,  0., -1.,  0.])
"""

from minigrad.core.public_names import show_public_names
from minigrad.fft.frequencies import fftfreq, fftshift, ifftshift, rfftfreq
from minigrad.fft.hermitian import hfft, hfft2, hfftn, ihfft, ihfft2, ihfftn, irfft, irfft2, irfftn
from minigrad.fft.transforms import fft, fft2, fftn, ifft, ifft2, ifftn, rfft, rfft2, rfftn

__all__ = [
    "fft", "fft2", "fftfreq", "fftn", "fftshift", "hfft", "hfft2", "hfftn", "ifft", "ifft2",
    "ifftn", "ifftshift", "ihfft", "ihfft2", "ihfftn", "irfft", "irfft2", "irfftn", "rfft", "rfft2",
    "rfftfreq", "rfftn",
]  # fmt: skip

show_public_names(__name__)
