"""What torchvision's transforms make of two small images, and how to take the same figures of ours.

`FIGURES` was made by `all_figures` from torchvision 0.28.0 with torch 2.13 and Pillow 13;
torchvision is no dependency of the tests.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from PIL import Image


def picture(height: int = 12, width: int = 15, channels: int = 3) -> np.ndarray:
    """Slopes and squares, (H, W, C), uint8."""
    y, x, c = np.mgrid[:height, :width, :channels]
    return np.asarray((3 * x + 5 * y + 40 * c + 60 * ((x // 4 + y // 3) % 2)) % 256, np.uint8)


class Figures(NamedTuple):
    """The shape (C, H, W) of a result, and weighted sums: of a uint8, a float64 and a PIL image."""

    shape: tuple[int, ...]
    uint8: float | None = None
    float64: float | None = None
    pil: float | None = None


def weighted_sum(planes: np.ndarray) -> float:
    """A number that moves with every pixel of (C, H, W)."""
    weights = 1 + np.arange(planes.size) % 97
    return float((planes.astype(np.float64).ravel() * weights).sum())


def planes_of(result: Any) -> np.ndarray:
    """(C, H, W) of a Tensor of either library, an array (H, W[, C]) or a PIL image."""
    if hasattr(result, "detach"):
        return np.asarray(result.detach())
    pixels = np.asarray(result)
    return pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)


def figures(function: Callable[[Any], Any], kinds: str, from_numpy: Any) -> Figures:
    """The figures of a function of an image, for the kinds: "u" uint8, "f" float64, "p" PIL."""
    image = picture()
    planes = np.ascontiguousarray(image.transpose(2, 0, 1))
    given = {
        "u": lambda: from_numpy(planes.copy()),
        "f": lambda: from_numpy(planes / 255),
        "p": lambda: Image.fromarray(image),
    }
    results = {kind: planes_of(function(given[kind]())) for kind in kinds}
    (shape,) = {result.shape for result in results.values()}
    return Figures(
        tuple(shape), *(weighted_sum(results[k]) if k in results else None for k in "ufp")
    )


_CORNERS = [[0, 0], [14, 0], [14, 11], [0, 11]], [[2, 1], [13, 0], [14, 10], [1, 9]]
Case = tuple[str, str, tuple[Any, ...], dict[str, Any]]
"""The kinds of images, and a function's name with its arguments."""
CASES: list[Case] = [
    *(
        ("ufp", *case, {"interpolation": mode, "fill": fill})
        for mode, fill in (("NEAREST", None), ("BILINEAR", [0.2, 0.5, 7.0]), ("BILINEAR", 0.5))
        for case in (
            ("rotate", (30.0,)),
            ("rotate", (-77.0,)),
            ("affine", (12.5, [3, -2], 1.3, [10.0, -4.0])),
            ("affine", (-40.0, (0, 2), 0.7, 5.0)),
            ("perspective", _CORNERS),
        )
    ),
    *(("ufp", "rotate", (angle,), {}) for angle in (0, 180)),
    ("ufp", "rotate", (33.0,), {"expand": True, "interpolation": "BILINEAR"}),
    ("ufp", "rotate", (50.0,), {"center": [3, 5], "interpolation": "BILINEAR", "fill": 9}),
    ("ufp", "affine", (20.0, (1, 1), 0.9, (3.0, 0.0)), {"center": [4, 9], "fill": 3}),
    *(
        ("ufp", f"adjust_{name}", (factor,), {})
        for name in ("brightness", "contrast", "saturation", "sharpness")
        for factor in (0, 0.5, 1.7)
    ),
    *(("up", "adjust_hue", (factor,), {}) for factor in (-0.5, -0.2, 0.0, 0.1, 0.33)),
    ("ufp", "adjust_gamma", (0.5,), {}),
    ("ufp", "adjust_gamma", (2.2, 1.3), {}),
    ("ufp", "invert", (), {}),
    ("ufp", "autocontrast", (), {}),
    ("up", "equalize", (), {}),
    *(("up", "posterize", (bits,), {}) for bits in (1, 3, 8)),
    *(("up", "solarize", (threshold,), {}) for threshold in (0, 100, 255)),
    ("f", "solarize", (0.4,), {}),
    ("ufp", "gaussian_blur", (5,), {}),
    ("ufp", "gaussian_blur", ([3, 7], [0.7, 1.9]), {}),
    *(
        ("ufp" if antialias else "uf", "resize", (size,), options)
        for mode in ("NEAREST", "NEAREST_EXACT", "BILINEAR", "BICUBIC")
        for size in (8, [23, 7])
        for antialias in (True, False)
        for options in ({"interpolation": mode, "antialias": antialias},)
    ),
    *(("p", "resize", ([20, 8],), {"interpolation": m}) for m in ("BOX", "HAMMING", "LANCZOS")),
    ("ufp", "crop", (-3, -4, 9, 12), {}),
    ("ufp", "crop", (9, 12, 10, 9), {}),
    ("ufp", "center_crop", ([20, 7],), {}),
    ("ufp", "center_crop", (9,), {}),
    *(
        ("ufp", "pad", ([1, 2, 3, 4],), {"padding_mode": mode})
        for mode in ("constant", "edge", "reflect", "symmetric")
    ),
    ("ufp", "resized_crop", (3, 4, 7, 9, [8, 8]), {}),
    ("ufp", "hflip", (), {}),
    ("ufp", "vflip", (), {}),
    ("ufp", "rgb_to_grayscale", (), {}),
    ("ufp", "rgb_to_grayscale", (3,), {}),
]


def bound(functional: Any, case: Case) -> Callable[[Any], Any]:
    """The case's function of an image alone, of a library's module `functional`."""
    _, name, arguments, options = case
    mode = options.get("interpolation")
    named = {} if mode is None else {"interpolation": functional.InterpolationMode[mode]}
    return lambda image: getattr(functional, name)(image, *arguments, **(options | named))


def label(case: Case) -> str:
    """The call, in words."""
    _, name, arguments, options = case
    given = [*map(repr, arguments), *(f"{key}={value}" for key, value in options.items())]
    return f"{name}({', '.join(given)})"


def all_figures(functional: Any, from_numpy: Any) -> list[Figures]:
    """The figures of all cases, in their order."""
    return [figures(bound(functional, case), case[0], from_numpy) for case in CASES]


FIGURES: list[Figures] = [
    Figures((3, 12, 15), 2413555, 9464.921569, 2413555),
    Figures((3, 12, 15), 2537699, 9951.760784, 2537699),
    Figures((3, 12, 15), 2936531, 11515.807843, 2936531),
    Figures((3, 12, 15), 1301896, 5105.47451, 1301896),
    Figures((3, 12, 15), 2303453, 9033.14902, 2303453),
    Figures((3, 12, 15), 2400540, 20433.333103, 2464101),
    Figures((3, 12, 15), 2446610, 20995.200475, 2522028),
    Figures((3, 12, 15), 2823897, 16860.874967, 2889635),
    Figures((3, 12, 15), 1282093, 42191.940312, 1302634),
    Figures((3, 12, 15), 2168725, 26159.527784, 2304539),
    Figures((3, 12, 15), 2390994, 11416.592063, 2454567),
    Figures((3, 12, 15), 2437006, 11789.167405, 2512102),
    Figures((3, 12, 15), 2819095, 12376.606546, 2884896),
    Figures((3, 12, 15), 1248398, 11843.98799, 1268180),
    Figures((3, 12, 15), 2153544, 12030.770215, 2289300),
    Figures((3, 12, 15), 3010470, 11805.764706, 3010470),
    Figures((3, 12, 15), 2983255, 11699.039216, 2983255),
    Figures((3, 20, 21), 3114649, 12213.101935, 3132065),
    Figures((3, 12, 15), 1969934, 90702.28747, 2075024),
    Figures((3, 12, 15), 1824106, 33500.627451, 1824106),
    Figures((3, 12, 15), 0, 0, 0),
    Figures((3, 12, 15), 1498914, 5902.882353, 1498914),
    Figures((3, 12, 15), 4786468, 18803.653333, 4786468),
    Figures((3, 12, 15), 2783550, 11024.262179, 2834160),
    Figures((3, 12, 15), 2890689, 11415.013443, 2915994),
    Figures((3, 12, 15), 3151955, 12367.380081, 3129884),
    Figures((3, 12, 15), 2792350, 11009.155847, 2817655),
    Figures((3, 12, 15), 2901410, 11407.460276, 2901410),
    Figures((3, 12, 15), 3149659, 12369.712445, 3124704),
    Figures((3, 12, 15), 3011198, 11808.588235, 3011198),
    Figures((3, 12, 15), 3010834, 11807.176471, 3010834),
    Figures((3, 12, 15), 3003249, 11803.788235, 3003249),
    Figures((3, 12, 15), 2979110, None, 2980269),
    Figures((3, 12, 15), 2864534, None, 2856958),
    Figures((3, 12, 15), 3010470, None, 3025937),
    Figures((3, 12, 15), 2738982, None, 2723514),
    Figures((3, 12, 15), 3000883, None, 3015607),
    Figures((3, 12, 15), 4313601, 16896.923622, 4313601),
    Figures((3, 12, 15), 1882421, 7399.147832, 1882421),
    Figures((3, 12, 15), 3442305, 13499.235294, 3442305),
    Figures((3, 12, 15), 3403562, 13395.878378, 3403562),
    Figures((3, 12, 15), 3010470, None, 3010470),
    Figures((3, 12, 15), 1346432, None, 1346432),
    Figures((3, 12, 15), 2618816, None, 2618816),
    Figures((3, 12, 15), 3010470, None, 3010470),
    Figures((3, 12, 15), 3442305, None, 3442305),
    Figures((3, 12, 15), 2415568, None, 2415568),
    Figures((3, 12, 15), 3010470, None, 3010470),
    Figures((3, 12, 15), None, 9426.380392, None),
    Figures((3, 12, 15), 3015868, 11827.609569, 3015868),
    Figures((3, 12, 15), 3019773, 11843.468624, 3019773),
    Figures((3, 8, 10), 1237193, 4851.737255, 1277333),
    Figures((3, 8, 10), 1237193, 4851.737255, None),
    Figures((3, 23, 7), 2780268, 10903.011765, 2887039),
    Figures((3, 23, 7), 2780268, 10903.011765, None),
    Figures((3, 8, 10), 1277333, 5009.14902, 1277333),
    Figures((3, 8, 10), 1277333, 5009.14902, None),
    Figures((3, 23, 7), 2884159, 11310.427451, 2887039),
    Figures((3, 23, 7), 2884159, 11310.427451, None),
    Figures((3, 8, 10), 1277368, 5007.859804, 1276985),
    Figures((3, 8, 10), 1276936, 5007.772549, None),
    Figures((3, 23, 7), 2882860, 11304.490859, 2885195),
    Figures((3, 23, 7), 2882782, 11307.330825, None),
    Figures((3, 8, 10), 1277374, 5007.78847, 1278020),
    Figures((3, 8, 10), 1276881, 5007.393702, None),
    Figures((3, 23, 7), 2881324, 11299.761194, 2880097),
    Figures((3, 23, 7), 2883358, 11308.582464, None),
    Figures((3, 20, 8), None, None, 2855270),
    Figures((3, 20, 8), None, None, 2840268),
    Figures((3, 20, 8), None, None, 2843730),
    Figures((3, 9, 12), 676956, 2654.729412, 676956),
    Figures((3, 10, 9), 142743, 559.776471, 142743),
    Figures((3, 20, 7), 1536035, 6023.666667, 1536035),
    Figures((3, 9, 9), 1315699, 5159.603922, 1315699),
    Figures((3, 18, 19), 3146185, 12337.980392, 3146185),
    Figures((3, 18, 19), 6131014, 24043.192157, 6131014),
    Figures((3, 18, 19), 5981873, 23458.32549, 5981873),
    Figures((3, 18, 19), 6029652, 23645.694118, 6029652),
    Figures((3, 8, 8), 1243454, 4875.626422, 1243108),
    Figures((3, 12, 15), 3043110, 11933.764706, 3043110),
    Figures((3, 12, 15), 3020455, 11844.921569, 3020455),
    Figures((1, 12, 15), 949154, 3741.289605, 957393),
    Figures((3, 12, 15), 2792350, 11009.155847, 2817655),
]
