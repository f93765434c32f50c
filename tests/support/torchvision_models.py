"""The figures of torchvision's own models, and how to take the same figures of ours.

`FIGURES` was made by `figures` from torchvision 0.28.0 with torch 2.13; torchvision is no
dependency of the tests.  Where it is installed, tests compare with it directly.
"""

from typing import Any, NamedTuple
from zlib import crc32

import numpy as np


class Figures(NamedTuple):
    """Of a model with 10 classes: its state, its scores of one image, and a gradient."""

    keys: int
    parameters: int
    crc: int  # of all keys with their shapes
    scores: tuple[float, ...] = ()  # the first three
    gradient: float = 0.0  # of the scores' sum by the first parameter: its Euclidean length


def structure(model: Any) -> Figures:
    """The number of keys and of parameters, and a checksum of the keys with their shapes."""
    state = model.state_dict()
    lines = "\n".join(f"{key} {tuple(value.shape)}" for key, value in state.items())
    return Figures(len(state), sum(p.numel() for p in model.parameters()), crc32(lines.encode()))


def fill(model: Any, from_numpy: Any) -> None:
    """Give every tensor of the state values that depend on its place and its shape alone."""
    state = {}
    for place, (key, value) in enumerate(model.state_dict().items()):
        shape = tuple(value.shape)
        if key.endswith(("num_batches_tracked", "relative_position_index")):
            continue
        wave = np.cos(np.arange(np.prod(shape, dtype=int)) * (1.3 + 0.01 * place)).reshape(shape)
        if len(shape) > 1:
            wave *= np.sqrt(3 / np.prod(shape[1:]))
        elif key.endswith(("weight", "var")):
            wave = 1 + 0.25 * wave
        else:
            wave *= 0.1
        state[key] = from_numpy(wave)
    model.load_state_dict(state, strict=False)


def figures(model: Any, from_numpy: Any, size: int) -> Figures:
    """All figures of a model, computed in float64 for an image of size x size."""
    model = model.double().eval()
    fill(model, from_numpy)
    image = np.random.default_rng(0).normal(size=(1, 3, size, size))
    scores = model(from_numpy(image))
    scores.sum().backward()
    first = np.asarray(next(model.parameters()).grad)
    found = [float(score) for score in np.asarray(scores.detach())[0, :3]]
    return structure(model)._replace(scores=tuple(found), gradient=float(np.sqrt((first**2).sum())))


FIGURES: dict[str, Figures] = {
    "alexnet": Figures(16, 57044810, 3558401357),
    "convnext_small": Figures(344, 49462378, 3267360478),
    "convnext_tiny": Figures(
        182,
        27827818,
        2628913443,
        (0.2740701004296029, 0.11800714319369046, 0.30244911430977733),
        0.06504916981909406,
    ),
    "densenet121": Figures(
        727,
        6964106,
        2522028084,
        (0.16504398873845494, -0.14806592496818755, 0.07114362853563144),
        0.011360152826621997,
    ),
    "densenet161": Figures(967, 26494090, 137478547),
    "densenet169": Figures(1015, 12501130, 1741931774),
    "densenet201": Figures(1207, 18112138, 204421360),
    "efficientnet_b0": Figures(
        360,
        4020358,
        687948099,
        (0.11272872893435189, 0.027345663317777113, -0.09466447242311106),
        1.8953920732060536e-14,
    ),
    "efficientnet_b1": Figures(
        508,
        6525994,
        1119616684,
        (-0.11960987427632142, 0.5724283382860754, -0.2446046375457823),
        1.4342123611581094e-15,
    ),
    "efficientnet_b3": Figures(574, 10711602, 1621366424),
    "efficientnet_b5": Figures(854, 28361274, 1107191898),
    "mobilenet_v2": Figures(
        314,
        2236682,
        2565759062,
        (0.12217482091557409, -0.050362749143113825, -0.06535020965939001),
        0.0001271087975091508,
    ),
    "mobilenet_v3_large": Figures(
        312,
        4214842,
        4009721750,
        (0.1345731863137234, -0.04241647691085716, -0.10064853205327312),
        1.6367290422746078e-07,
    ),
    "mobilenet_v3_small": Figures(
        244,
        1528106,
        1909208883,
        (0.002382532567166973, -0.3017811423715946, 0.17917588804980508),
        7.475102638917931e-10,
    ),
    "resnet101": Figures(626, 42520650, 3634969207),
    "resnet152": Figures(932, 58164298, 2039658964),
    "resnet18": Figures(
        122,
        11181642,
        1577535601,
        (0.12682060405484658, -0.21068470098319414, 0.054848924700026905),
        0.43105425763791094,
    ),
    "resnet34": Figures(218, 21289802, 3792626447),
    "resnet50": Figures(
        320,
        23528522,
        4095256281,
        (0.18832514207432888, 0.01673976039189877, -0.18004316641169368),
        1.2506714357430884,
    ),
    "squeezenet1_0": Figures(
        52,
        740554,
        1500292720,
        (0.0, 0.057276236400014384, 0.11480068676160528),
        0.0019153947350864537,
    ),
    "squeezenet1_1": Figures(
        52,
        727626,
        2367267588,
        (0.0, 0.05840069100360536, 0.11492814106333579),
        2.328156138581403e-06,
    ),
    "swin_s": Figures(353, 48844948, 1963933870),
    "swin_t": Figures(
        185,
        27527044,
        1216545312,
        (-0.890278191540404, 0.16780308886194328, 0.6259003350770304),
        0.19349037842750497,
    ),
    "vgg11": Figures(22, 128807306, 1301140240),
    "vgg11_bn": Figures(62, 128812810, 390941775),
    "vgg13": Figures(26, 128991818, 1951748725),
    "vgg13_bn": Figures(76, 128997706, 1442541319),
    "vgg16": Figures(32, 134301514, 1017593392),
    "vgg16_bn": Figures(97, 134309962, 504967118),
    "vgg19": Figures(38, 139611210, 383072433),
    "vgg19_bn": Figures(118, 139622218, 2393059833),
    "vit_b_16": Figures(152, 85806346, 2599837333),
    "vit_b_32": Figures(152, 87462922, 2310286557),
}
