"""Affine and perspective maps, rotations and elastic deformations.

A map takes each pixel of the result to the position in the image where its value comes from.
"""

import math
from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np

from minigrad import ops
from minigrad.core.types import Array
from minigrad.nn.functional.grid_sample import grid_sample
from minigrad.ops.linalg import lapack
from minigrad.tensor import Tensor
from minigrad.tensor.creation import from_numpy, ones_like
from minigrad.vision.transforms.functional.convert import pil_to_tensor, to_pil_image
from minigrad.vision.transforms.functional.kinds import (
    Fill,
    ImageT,
    by_kind,
    get_image_num_channels,
    spatial_size,
)
from minigrad.vision.transforms.functional.resample import PIL_CODES, InterpolationMode, mode_of

_PIL_AFFINE, _PIL_PERSPECTIVE = 0, 2
_SAMPLED = (InterpolationMode.NEAREST, InterpolationMode.BILINEAR)


def affine(
    img: ImageT,
    angle: float,
    translate: Sequence[int],
    scale: float,
    shear: float | Sequence[float],
    interpolation: InterpolationMode = InterpolationMode.NEAREST,
    fill: Fill = None,
    center: Sequence[int] | None = None,
) -> ImageT:
    """The image turned clockwise by `angle` degrees, shifted by (x, y), scaled and sheared.

    shear: the angles along x and y in degrees.  The `center`, (x, y) from the upper left corner,
    stays in place but for the shift; by default it is the image's.
    """
    mode = mode_of(interpolation)
    shears = _check_affine(angle, translate, scale, shear, center)
    height, width = spatial_size(img)

    def of_pil(picture: Any) -> Any:
        middle = [width * 0.5, height * 0.5] if center is None else center
        matrix = _inverse_affine(middle, angle, translate, scale, shears)
        colour = _pil_fill(picture, fill)
        return picture.transform(
            picture.size, _PIL_AFFINE, matrix, PIL_CODES[mode], fillcolor=colour
        )

    def of_tensor(tensor: Tensor) -> Tensor:
        middle = _from_the_middle(center, height, width)
        matrix = _inverse_affine(middle, angle, translate, scale, shears)
        return _mapped(tensor, matrix, (height, width), mode, fill)

    return by_kind(img, of_pil, of_tensor)


def rotate(
    img: ImageT,
    angle: float,
    interpolation: InterpolationMode = InterpolationMode.NEAREST,
    expand: bool = False,
    center: Sequence[int] | None = None,
    fill: Fill = None,
) -> ImageT:
    """The image turned counter-clockwise by `angle` degrees about `center`, (x, y).

    With `expand` the result is large enough for the whole image, turned about its own centre.
    """
    mode = mode_of(interpolation)
    _check_angle_and_center(angle, center)
    height, width = spatial_size(img)

    def of_pil(picture: Any) -> Any:
        return picture.rotate(
            angle, PIL_CODES[mode], expand, center, fillcolor=_pil_fill(picture, fill)
        )

    def of_tensor(tensor: Tensor) -> Tensor:
        middle = _from_the_middle(center, height, width)
        matrix = _inverse_affine(middle, -angle, (0, 0), 1.0, (0.0, 0.0))
        size = _expanded_size(matrix, height, width) if expand else (height, width)
        return _mapped(tensor, matrix, size, mode, fill)

    return by_kind(img, of_pil, of_tensor)


def perspective(
    img: ImageT,
    startpoints: Sequence[Sequence[int]],
    endpoints: Sequence[Sequence[int]],
    interpolation: InterpolationMode = InterpolationMode.BILINEAR,
    fill: Fill = None,
) -> ImageT:
    """The image seen so that its four `startpoints`, (x, y), lie at the `endpoints`."""
    mode = mode_of(interpolation)
    coefficients = _perspective_coefficients(startpoints, endpoints)

    def of_pil(picture: Any) -> Any:
        colour = _pil_fill(picture, fill)
        return picture.transform(
            picture.size, _PIL_PERSPECTIVE, coefficients, PIL_CODES[mode], fillcolor=colour
        )

    def of_tensor(tensor: Tensor) -> Tensor:
        height, width = spatial_size(tensor)
        dtype = _grid_dtype(tensor)
        pixels = _pixel_grid(height, width, 0.5, 0.5, dtype)
        values = np.array(coefficients, dtype)
        upper = values[:6].reshape(2, 3) / np.array([[0.5 * width], [0.5 * height]], dtype)
        lower = np.append(values[6:], dtype.type(1))
        grid = (pixels @ upper.T) / (pixels @ lower)[:, None] - dtype.type(1)
        return _sampled(tensor, grid.reshape(1, height, width, 2), mode, fill)

    return by_kind(img, of_pil, of_tensor)


def elastic_transform(
    img: ImageT,
    displacement: Tensor,
    interpolation: InterpolationMode = InterpolationMode.BILINEAR,
    fill: Fill = None,
) -> ImageT:
    """The image with every pixel displaced: (1, H, W, 2), in units of half the image's sides.

    Simard, Steinkraus & Platt 2003, Best practices for convolutional neural networks.
    """
    mode = mode_of(interpolation)
    if not isinstance(displacement, Tensor):
        raise TypeError(f"Argument displacement should be a Tensor, got {type(displacement)}")
    height, width = spatial_size(img)
    if tuple(displacement.shape) != (1, height, width, 2):
        raise ValueError(
            f"Argument displacement shape should be {(1, height, width, 2)}, "
            f"but given {tuple(displacement.shape)}"
        )

    def of_tensor(tensor: Tensor) -> Tensor:
        dtype = _grid_dtype(tensor)
        pixels = _pixel_grid(height, width, (1 - width) / 2, (1 - height) / 2, np.dtype(np.float64))
        at_rest = pixels[:, :2] / np.array([0.5 * width, 0.5 * height])
        grid = at_rest.reshape(1, height, width, 2) + displacement.detach().numpy()
        return _sampled(tensor, grid.astype(dtype), mode, fill)

    def of_pil(picture: Any) -> Any:
        return to_pil_image(of_tensor(pil_to_tensor(picture)), picture.mode)

    return by_kind(img, of_pil, of_tensor)


def _check_affine(
    angle: object, translate: object, scale: float, shear: Any, center: object
) -> tuple[float, float]:
    """The two angles of the shear; TypeError or ValueError for arguments of another kind."""
    _check_angle_and_center(angle, center)
    if not isinstance(translate, list | tuple):
        raise TypeError(f"Argument translate should be a sequence, got {translate!r}")
    if len(translate) != 2:
        raise ValueError(f"Argument translate should be a sequence of length 2, got {translate}")
    if scale <= 0:
        raise ValueError(f"Argument scale should be positive, got {scale}")
    if not isinstance(shear, Real | list | tuple):
        raise TypeError(
            f"Shear should be either a single value or a sequence of two values, got {shear!r}"
        )
    shears = [float(shear), 0.0] if isinstance(shear, Real) else list(shear)
    if len(shears) not in (1, 2):
        raise ValueError(f"Shear should be a sequence containing two values. Got {shear}")
    return shears[0], shears[-1]


def _check_angle_and_center(angle: object, center: object) -> None:
    if not isinstance(angle, Real):
        raise TypeError(f"Argument angle should be int or float, got {angle!r}")
    if center is not None and not isinstance(center, list | tuple):
        raise TypeError(f"Argument center should be a sequence, got {center!r}")


def _from_the_middle(center: Sequence[int] | None, height: int, width: int) -> Sequence[float]:
    return (0.0, 0.0) if center is None else (center[0] - width * 0.5, center[1] - height * 0.5)


def _inverse_affine(
    center: Sequence[float],
    angle: float,
    translate: Sequence[float],
    scale: float,
    shear: Sequence[float],
) -> list[float]:
    """The six numbers of the map from the result's pixels to the image's.

    The map forth is T C R S Y X C^-1: shears along x and y, a scale and a rotation about the
    center, then a shift.  R S Y X has the determinant scale^2.
    """
    turn, along_x, along_y = (math.radians(degrees) for degrees in (angle, *shear))
    a = math.cos(turn - along_y) / math.cos(along_y)
    b = -a * math.tan(along_x) - math.sin(turn)
    c = math.sin(turn - along_y) / math.cos(along_y)
    d = -c * math.tan(along_x) + math.cos(turn)
    back = [[d / scale, -b / scale], [-c / scale, a / scale]]
    shift = [-center[0] - translate[0], -center[1] - translate[1]]
    return [
        value
        for row, own in zip(back, center, strict=True)
        for value in (*row, row[0] * shift[0] + row[1] * shift[1] + own)
    ]


def _expanded_size(matrix: Sequence[float], height: int, width: int) -> tuple[int, int]:
    """(H, W) of the smallest box around the turned image, whose corners the map back also finds."""
    x, y = 0.5 * width, 0.5 * height
    corners = np.array([[-x, -y, 1], [-x, y, 1], [x, y, 1], [x, -y, 1]], np.float32)
    moved = corners @ np.array(matrix, np.float32).reshape(2, 3).T
    middle = np.array([x, y], np.float32)
    exact = np.float32(1e-4)  # what is nearer than this to an integer is meant to be it
    ends = [
        np.trunc((bound + middle) / exact) * exact
        for bound in (moved.min(axis=0), moved.max(axis=0))
    ]
    columns, rows = np.ceil(ends[1]) - np.floor(ends[0])
    return int(rows), int(columns)


def _perspective_coefficients(
    startpoints: Sequence[Sequence[int]], endpoints: Sequence[Sequence[int]]
) -> list[float]:
    """a to h in x' = (a x + b y + c) / (g x + h y + 1), y' = (d x + e y + f) / (g x + h y + 1)."""
    if len(startpoints) != 4 or len(endpoints) != 4:
        raise ValueError(
            f"Please provide exactly four corners, got {len(startpoints)} startpoints and "
            f"{len(endpoints)} endpoints."
        )
    equations = []
    for (x, y), (to_x, to_y) in zip(endpoints, startpoints, strict=True):
        equations.append([x, y, 1, 0, 0, 0, -to_x * x, -to_x * y])
        equations.append([0, 0, 0, x, y, 1, -to_y * x, -to_y * y])
    targets = np.array(startpoints, np.float64).reshape(8)
    solution = lapack.lstsq(np.array(equations, np.float64), targets)[0]
    return [float(value) for value in solution.astype(np.float32)]


def _grid_dtype(image: Tensor) -> np.dtype[Any]:
    return image.dtype.numpy if image.is_floating_point() else np.dtype(np.float32)


def _pixel_grid(height: int, width: int, left: float, top: float, dtype: np.dtype[Any]) -> Array:
    """(H W, 3): x, y and 1 for each pixel; the first has the position (left, top)."""
    grid = np.ones((height, width, 3), dtype)
    grid[..., 0] = left + np.arange(width)
    grid[..., 1] = (top + np.arange(height))[:, None]
    return grid.reshape(height * width, 3)


def _mapped(
    image: Tensor, matrix: list[float], size: tuple[int, int], mode: InterpolationMode, fill: Fill
) -> Tensor:
    """A result of `size` whose pixels come from where the affine map sends them."""
    (height, width), (rows, columns) = spatial_size(image), size
    dtype = _grid_dtype(image)
    pixels = _pixel_grid(rows, columns, 0.5 - columns * 0.5, 0.5 - rows * 0.5, dtype)
    sides = np.array([[0.5 * width], [0.5 * height]], dtype)
    grid = pixels @ (np.array(matrix, dtype).reshape(2, 3) / sides).T
    return _sampled(image, grid.reshape(1, rows, columns, 2), mode, fill)


def _sampled(image: Tensor, grid: Array, mode: InterpolationMode, fill: Fill) -> Tensor:
    """The values of the image at the positions; a mask of ones tells which lie outside."""
    if mode not in _SAMPLED:
        raise ValueError(f"Interpolation mode {mode.value!r} is unsupported with Tensor input")
    channels = get_image_num_channels(image)
    fills = _fill_of_channels(fill, channels)
    values = image if image.is_floating_point() else image.to(from_numpy(grid).dtype)
    batch = values.reshape(-1, channels, *image.shape[-2:])
    if fills is not None:
        batch = ops.cat([batch, ones_like(batch[:, :1])], 1)
    positions = from_numpy(grid).expand(batch.shape[0], -1, -1, -1)
    result = grid_sample(batch, positions, mode.value, "zeros", align_corners=False)
    if fills is not None:
        mask, result = result[:, -1:], result[:, :-1]
        colour = from_numpy(np.array(fills, grid.dtype).reshape(1, -1, 1, 1))
        if mode is InterpolationMode.NEAREST:
            result = ops.where(mask < 0.5, colour, result)
        else:
            result = result * mask + (1.0 - mask) * colour
    result = result.reshape(*image.shape[:-2], *grid.shape[1:3])
    return result if image.is_floating_point() else result.round().to(image.dtype)


def _fill_of_channels(fill: Fill, channels: int) -> list[float] | None:
    if fill is None:
        return None
    fills = [float(value) for value in (fill if isinstance(fill, Sequence) else [fill])]
    if len(fills) not in (1, channels):
        raise ValueError(
            "The number of elements in 'fill' cannot broadcast to match the number of channels "
            f"of the image ({len(fills)} != {channels})"
        )
    return fills


def _pil_fill(picture: Any, fill: Fill) -> Any:
    """The colour that PIL takes for pixels from outside: a number or one for each band."""
    channels = len(picture.getbands())
    fills = _fill_of_channels(0 if fill is None else fill, channels) or [0.0]
    if picture.mode != "F":
        fills = [int(value) for value in fills]
    return tuple(fills * (channels // len(fills))) if channels > 1 else fills[0]
