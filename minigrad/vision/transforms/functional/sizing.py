"""Resizing of images of every kind."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.tensor import Tensor
from minigrad.tensor.creation import from_numpy
from minigrad.vision.transforms.functional.geometry import crop, height_and_width
from minigrad.vision.transforms.functional.kinds import ImageT, is_pil, spatial_size
from minigrad.vision.transforms.functional.resample import (
    PIL_CODES,
    InterpolationMode,
    centre_as_pil,
    centre_as_torch,
    corner_as_torch,
    filter_weights,
    filtered,
    mode_of,
    nearest,
)

_NEAREST = (InterpolationMode.NEAREST, InterpolationMode.NEAREST_EXACT)
_SMOOTH = (InterpolationMode.BILINEAR, InterpolationMode.BICUBIC)


def resize(
    img: ImageT,
    size: int | Sequence[int],
    interpolation: InterpolationMode = InterpolationMode.BILINEAR,
    max_size: int | None = None,
    antialias: bool | None = True,
) -> ImageT:
    """The image at another size; see `Resize`.

    PIL images are resized by PIL, and uint8 arrays as PIL would, within 1.  "nearest" is PIL's for
    these and torch's for a Tensor, as in torchvision.

    PyTorch differs: ValueError where torchvision ignores antialias=False on a PIL image.
    """
    check_resize(size, max_size, interpolation)
    mode = mode_of(interpolation)
    height, width = _new_size(spatial_size(img), size, max_size)
    if (height, width) == spatial_size(img):
        return img
    resized: Any
    if is_pil(img):
        if mode in _SMOOTH and antialias is False:
            raise ValueError("a PIL image is resized with antialias=True, got antialias=False")
        resized = img.resize((width, height), PIL_CODES[mode])
    elif isinstance(img, Tensor):
        resized = _resize_tensor(img, height, width, mode, bool(antialias))
    elif mode in _NEAREST:
        resized = nearest(np.asarray(img), height, width, centre_as_pil)
    else:
        antialias = bool(antialias) or mode not in _SMOOTH
        resized = filtered(np.asarray(img), height, width, mode, antialias)
    result: ImageT = resized
    return result


def _resize_tensor(
    img: Tensor, height: int, width: int, mode: InterpolationMode, antialias: bool
) -> Tensor:
    """A Tensor (..., H, W) at another size; a gradient passes to floating-point ones."""
    old_height, old_width = spatial_size(img)
    if mode in _NEAREST:
        rule = corner_as_torch if mode is InterpolationMode.NEAREST else centre_as_torch
        rows, columns = from_numpy(rule(old_height, height)), from_numpy(rule(old_width, width))
        taken: Tensor = img.index_select(-2, rows).index_select(-1, columns)
        return taken
    if mode not in _SMOOTH:
        raise ValueError(f"Interpolation mode {mode.value!r} is unsupported with Tensor input")
    if not img.is_floating_point():
        planes = np.moveaxis(img.numpy(), (-2, -1), (0, 1)).astype(np.float32)
        values = np.moveaxis(filtered(planes, height, width, mode, antialias), (0, 1), (-2, -1))
        bounds = np.iinfo(img.dtype.numpy)
        rounded = np.clip(np.rint(values), bounds.min, bounds.max)
        return from_numpy(rounded.astype(img.dtype.numpy, order="C"))
    weights = [
        from_numpy(filter_weights(*sizes, mode, antialias).astype(img.dtype.numpy))
        for sizes in ((old_height, height), (old_width, width))
    ]
    return (weights[0] @ img) @ weights[1].T


def resized_crop(
    img: ImageT,
    top: int,
    left: int,
    height: int,
    width: int,
    size: int | Sequence[int],
    interpolation: InterpolationMode = InterpolationMode.BILINEAR,
    antialias: bool | None = True,
) -> ImageT:
    """The window of this height and width at (top, left), resized."""
    window = crop(img, top, left, height, width)
    return resize(window, size, interpolation, antialias=antialias)


def check_resize(size: int | Sequence[int], max_size: int | None, interpolation: object) -> None:
    """Raise TypeError or ValueError if the arguments of `resize` are illegal for any image."""
    if not isinstance(size, int | Sequence) or isinstance(size, str):
        raise TypeError(f"Size should be int or sequence. Got {type(size)}")
    mode_of(interpolation)
    height_and_width(size)
    if max_size is None:
        return
    shorter = size if isinstance(size, int) else size[0]
    if not isinstance(size, int) and len(size) != 1:
        raise ValueError(
            "max_size should only be passed if size specifies the length of the smaller edge, "
            f"got size={size}, max_size={max_size}"
        )
    if max_size <= shorter:
        raise ValueError(
            f"max_size = {max_size} must be strictly greater than the requested size for the "
            f"smaller edge size = {size}"
        )


def _new_size(
    old: tuple[int, int], size: int | Sequence[int], max_size: int | None
) -> tuple[int, int]:
    if not isinstance(size, int) and len(size) == 2:
        return size[0], size[1]
    shorter = size if isinstance(size, int) else size[0]
    longer = int(shorter * max(old) / min(old))
    if max_size is not None and longer > max_size:
        shorter, longer = int(max_size * shorter / longer), max_size
    return (shorter, longer) if old[0] <= old[1] else (longer, shorter)
