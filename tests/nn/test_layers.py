"""Layers compared with torch: state, repr, outputs, gradients, in both modes and dtypes."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad import nn
from tests.support.torch_twin import (
    TOLERANCE,
    assert_close,
    assert_same_run,
    assert_same_structure,
    copy_state,
)
from tests.support.volumes import VOLUME_LAYERS

LAYERS = {
    **VOLUME_LAYERS,
    "linear": ("Linear", (5, 4), {}, (3, 5)),
    "linear without bias": ("Linear", (5, 4), {"bias": False}, (2, 3, 5)),
    "linear of one row": ("Linear", (5, 1), {}, (5,)),
    "identity": ("Identity", (3,), {"any": 1}, (2, 3)),
    "conv": ("Conv2d", (3, 4, 3), {}, (2, 3, 6, 7)),
    "conv of one image": ("Conv2d", (3, 4, 3), {"padding": 1}, (3, 5, 5)),
    "conv strided": ("Conv2d", (2, 4, (3, 2)), {"stride": (2, 1), "padding": (1, 2)}, (2, 2, 6, 5)),
    "conv dilated": ("Conv2d", (2, 3, 2), {"dilation": 2, "bias": False}, (1, 2, 6, 5)),
    "conv grouped": ("Conv2d", (4, 6, 3), {"groups": 2, "padding": "same"}, (2, 4, 5, 5)),
    "conv valid": ("Conv2d", (2, 2, 3), {"padding": "valid"}, (1, 2, 4, 4)),
    "conv same, even": (
        "Conv2d", (2, 2, (2, 4)), {"padding": "same", "dilation": (3, 1)}, (1, 2, 6, 6),
    ),
    "conv reflect": (
        "Conv2d", (2, 3, 3), {"padding": 1, "padding_mode": "reflect", "bias": False}, (1, 2, 4, 5),
    ),
    "conv replicate": (
        "Conv2d", (2, 3, 3), {"padding": 2, "padding_mode": "replicate"}, (1, 2, 4, 5),
    ),
    "conv circular": (
        "Conv2d", (2, 3, 4), {"padding": "same", "padding_mode": "circular"}, (1, 2, 5, 5),
    ),
    "conv 1d": ("Conv1d", (3, 4, 3), {"stride": 2, "padding": 1}, (2, 3, 9)),
    "conv 1d of one signal": ("Conv1d", (4, 6, 2), {"groups": 2, "bias": False}, (4, 8)),
    "conv 1d same": ("Conv1d", (2, 3, 3), {"padding": "same", "dilation": 2}, (2, 2, 7)),
    "conv 1d circular": (
        "Conv1d", (2, 3, 3), {"padding": 2, "padding_mode": "circular"}, (2, 2, 7),
    ),
    "conv transpose": ("ConvTranspose2d", (3, 4, 3), {}, (2, 3, 4, 5)),
    "conv transpose strided": (
        "ConvTranspose2d", (4, 2, (3, 2), (2, 3), 1, (1, 2)), {"groups": 2}, (2, 4, 4, 3),
    ),
    "conv transpose dilated": (
        "ConvTranspose2d", (2, 3, 3, 1, 0), {"output_padding": 1, "dilation": 2, "bias": False},
        (1, 2, 4, 3),
    ),
    "conv transpose padded": (
        "ConvTranspose2d", (2, 3, 3, 1, 2), {"output_padding": 1, "dilation": 2}, (2, 4, 4),
    ),
    "conv transpose 1d": ("ConvTranspose1d", (3, 2, 4, 3, 1, 2), {}, (2, 3, 5)),
    "max pool 1d": ("MaxPool1d", (3, 2), {"padding": 1, "ceil_mode": True}, (2, 3, 8)),
    "avg pool 1d": ("AvgPool1d", (3,), {"stride": 2, "count_include_pad": False}, (2, 3, 8)),
    "lp pool 1d": ("LPPool1d", (2, 3), {"stride": 2}, (2, 3, 8)),
    "lp pool": ("LPPool2d", (2.0, (2, 3)), {}, (2, 3, 6, 7)),
    "adaptive avg pool 1d": ("AdaptiveAvgPool1d", (3,), {}, (2, 3, 8)),
    "adaptive max pool 1d": ("AdaptiveMaxPool1d", (3,), {}, (2, 3, 8)),
    "adaptive max pool": ("AdaptiveMaxPool2d", ((3, None),), {}, (2, 3, 8, 5)),
    "upsample": ("Upsample", ((5, 7),), {}, (2, 3, 3, 4)),
    "upsample by a factor": ("Upsample", (), {"scale_factor": 1.7}, (2, 3, 4)),
    "upsample exactly": ("Upsample", ((2, 9),), {"mode": "nearest-exact"}, (2, 3, 5, 4)),
    "upsample linear": ("Upsample", (), {"scale_factor": 2.3, "mode": "linear"}, (2, 3, 5)),
    "upsample bilinear": ("Upsample", (), {"scale_factor": 2, "mode": "bilinear"}, (2, 3, 3, 4)),
    "downsample bilinear": ("Upsample", ((2, 3),), {"mode": "bilinear"}, (2, 3, 5, 7)),
    "upsample corners": ("UpsamplingBilinear2d", ((5, 7),), {}, (2, 3, 3, 4)),
    "upsample nearest": ("UpsamplingNearest2d", (), {"scale_factor": (2, 3)}, (2, 3, 3, 4)),
    "upsample bicubic": ("Upsample", ((5, 9),), {"mode": "bicubic"}, (2, 2, 4, 5)),
    "upsample trilinear": (
        "Upsample", ((3, 4, 5),), {"mode": "trilinear", "align_corners": True}, (1, 2, 2, 3, 4),
    ),
    "upsample area": ("Upsample", ((2, 3),), {"mode": "area"}, (2, 3, 5, 7)),
    "pixel shuffle": ("PixelShuffle", (2,), {}, (2, 8, 3, 4)),
    "pixel unshuffle": ("PixelUnshuffle", (2,), {}, (3, 4, 6)),
    "channel shuffle": ("ChannelShuffle", (2,), {}, (2, 6, 3, 4)),
    **{
        f"{mode} pad {n}d": (f"{mode}Pad{n}d", (sides,), {}, (2, 3, 4, 5, 6)[: n + 2])
        for mode in ("Zero", "Reflection", "Replication", "Circular")
        for n, sides in enumerate([(1, 2), (1, 2, 2, 0), 1], start=1)
    },
    "constant pad": ("ConstantPad2d", ((1, -1, 0, 2), 3.5), {}, (3, 4, 5)),
    "max pool": ("MaxPool2d", (2,), {}, (2, 3, 6, 4)),
    "max pool overlapping": (
        "MaxPool2d", (3,), {"stride": 2, "padding": 1, "ceil_mode": True}, (2, 3, 6, 5),
    ),
    "max pool dilated": ("MaxPool2d", ((2, 3), 1), {"dilation": (2, 1)}, (3, 6, 5)),
    "avg pool": ("AvgPool2d", (2,), {}, (2, 3, 6, 5)),
    "avg pool padded": (
        "AvgPool2d", (3, 2, 1), {"ceil_mode": True, "count_include_pad": False}, (2, 3, 6, 6),
    ),
    "avg pool divided": ("AvgPool2d", (2,), {"divisor_override": 3}, (3, 4, 4)),
    "adaptive pool": ("AdaptiveAvgPool2d", ((2, None),), {}, (2, 3, 5, 3)),
    "adaptive pool to one": ("AdaptiveAvgPool2d", (1,), {}, (3, 5, 3)),
    "flatten": ("Flatten", (), {}, (2, 3, 4)),
    "flatten some": ("Flatten", (0, 1), {}, (2, 3, 4)),
    "unflatten": ("Unflatten", (1, (2, -1)), {}, (3, 6)),
    "relu": ("ReLU", (), {}, (3, 4)),
    "relu in place": ("ReLU", (True,), {}, (3, 4)),
    "leaky relu": ("LeakyReLU", (0.2,), {}, (3, 4)),
    "leaky relu in place": ("LeakyReLU", (), {"inplace": True}, (3, 4)),
    "sigmoid": ("Sigmoid", (), {}, (3, 4)),
    "log sigmoid": ("LogSigmoid", (), {}, (3, 4)),
    "tanh": ("Tanh", (), {}, (3, 4)),
    "gelu": ("GELU", (), {}, (3, 4)),
    "gelu by tanh": ("GELU", ("tanh",), {}, (3, 4)),
    "softmax": ("Softmax", (1,), {}, (3, 4)),
    "log softmax": ("LogSoftmax", (), {"dim": -1}, (2, 3, 4)),
    "softmin": ("Softmin", (1,), {}, (3, 4)),
    "softmax of channels": ("Softmax2d", (), {}, (2, 3, 4, 2)),
    "relu6": ("ReLU6", (), {}, (3, 4)),
    "hardtanh": ("Hardtanh", (-0.5, 1.5), {}, (3, 4)),
    "hardtanh in place": ("Hardtanh", (), {"inplace": True}, (3, 4)),
    "hardsigmoid": ("Hardsigmoid", (), {}, (3, 4)),
    "hardswish": ("Hardswish", (), {}, (3, 4)),
    "hardshrink": ("Hardshrink", (), {}, (3, 4)),
    "softshrink": ("Softshrink", (0.3,), {}, (3, 4)),
    "tanhshrink": ("Tanhshrink", (), {}, (3, 4)),
    "threshold": ("Threshold", (0.2, 3.0), {}, (3, 4)),
    "elu": ("ELU", (1.5,), {}, (3, 4)),
    "elu in place": ("ELU", (), {"inplace": True}, (3, 4)),
    "celu": ("CELU", (0.5,), {}, (3, 4)),
    "selu": ("SELU", (), {}, (3, 4)),
    "softplus": ("Softplus", (2, 1), {}, (3, 4)),
    "softsign": ("Softsign", (), {}, (3, 4)),
    "silu": ("SiLU", (), {}, (3, 4)),
    "silu in place": ("SiLU", (), {"inplace": True}, (3, 4)),
    "mish": ("Mish", (), {}, (3, 4)),
    "prelu": ("PReLU", (), {}, (3, 4)),
    "prelu of channels": ("PReLU", (3, 0.1), {}, (2, 3, 4)),
    "rrelu of one slope": ("RReLU", (0.25, 0.25), {}, (3, 4)),
    "glu": ("GLU", (), {"dim": 1}, (2, 4, 3)),
    "no dropout": ("Dropout", (0.0,), {}, (3, 4)),
    "no dropout2d": ("Dropout2d", (), {"p": 0.0, "inplace": True}, (2, 3, 4, 4)),
    "all dropped": ("Dropout", (1.0,), {}, (3, 4)),
    "batch norm 1d": ("BatchNorm1d", (4,), {}, (5, 4)),
    "batch norm 1d long": ("BatchNorm1d", (4, 1e-3), {"momentum": None}, (5, 4, 3)),
    "batch norm 2d": ("BatchNorm2d", (3,), {"momentum": 0.3}, (4, 3, 3, 2)),
    "batch norm plain": ("BatchNorm2d", (3,), {"affine": False}, (4, 3, 3, 2)),
    "batch norm without bias": ("BatchNorm2d", (3,), {"bias": False}, (4, 3, 3, 2)),
    "layer norm": ("LayerNorm", (4,), {}, (3, 4)),
    "layer norm of several": ("LayerNorm", ((3, 4), 1e-3), {"bias": False}, (2, 5, 3, 4)),
    "layer norm plain": ("LayerNorm", (4,), {"elementwise_affine": False}, (2, 3, 4)),
    "rms norm": ("RMSNorm", (4,), {}, (2, 3, 4)),
    "rms norm plain": ("RMSNorm", ((3, 4), 1e-2, False), {}, (2, 3, 4)),
    "group norm": ("GroupNorm", (2, 6), {}, (3, 6, 4, 5)),
    "group norm of vectors": ("GroupNorm", (2, 6), {"affine": False}, (3, 6)),
    "instance norm": ("InstanceNorm2d", (3,), {}, (2, 3, 4, 5)),
    "instance norm tracked": (
        "InstanceNorm2d", (3,), {"affine": True, "track_running_stats": True, "momentum": 0.3},
        (2, 3, 4, 5),
    ),
    "instance norm 1d": ("InstanceNorm1d", (3,), {"affine": True, "bias": False}, (2, 3, 5)),
    "instance norm of one": ("InstanceNorm1d", (3,), {}, (3, 5)),
    "local response norm": (
        "LocalResponseNorm", (3,), {"alpha": 0.5, "beta": 0.6, "k": 1.5}, (2, 5, 3, 4),
    ),
    "local response norm of two": ("LocalResponseNorm", (2, 0.3), {}, (2, 5, 3)),
    "batch norm untracked": ("BatchNorm2d", (3,), {"track_running_stats": False}, (4, 3, 3, 2)),
}  # fmt: skip


# In float64 torch's backward multiplies by 1 / 6 as float32 has it.
IMPRECISE = {"hardsigmoid": 1e-7}


def chained(layer, library):
    """In-place layers need an input that is not a leaf."""
    first = library.nn.Identity()
    first.forward = lambda x: x * 1
    return library.nn.Sequential(first, layer)


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")  # torch's own
@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
def test_layer_matches_torch(name, dtype, training):
    kind, args, options, shape = LAYERS[name]
    torch.manual_seed(1)
    theirs = getattr(torch.nn, kind)(*args, **options).to(getattr(torch, dtype)).train(training)
    ours = getattr(nn, kind)(*args, **options).to(getattr(mg, dtype)).train(training)
    assert_same_structure(ours, theirs)
    copy_state(ours, theirs)
    x = np.random.default_rng(2).normal(size=shape).astype(dtype)
    if options.get("inplace") or args == (True,):
        ours, theirs = chained(ours, mg), chained(theirs, torch)
    for _ in range(2):  # running statistics move twice
        tolerance = max(TOLERANCE[dtype], IMPRECISE.get(name, 0))
        assert_same_run(ours, theirs, x, tolerance=tolerance)
        ours.zero_grad()
        theirs.zero_grad()


@pytest.mark.parametrize("name", ["linear", "conv", "conv grouped", "conv dilated"])
def test_fresh_weights_are_drawn_from_torchs_range(name):
    kind, args, options, _ = LAYERS[name]
    wide = (args[0] * 8, args[1] * 16, *args[2:])
    ours, theirs = (getattr(lib, kind)(*wide, **options) for lib in (nn, torch.nn))
    for (key, mine), its in zip(ours.named_parameters(), theirs.parameters(), strict=True):
        bound = float(its.detach().abs().max())
        assert 0.8 * bound < float(mine.abs().max()) < 1.2 * bound, key
        assert abs(float(mine.mean())) < 0.3 * bound, key


def test_max_pool_indices_match_torch():
    x = np.random.default_rng(0).normal(size=(2, 3, 6, 5)).astype("float32")
    ours, where = nn.MaxPool2d(2, return_indices=True)(mg.tensor(x))
    theirs, there = torch.nn.MaxPool2d(2, return_indices=True)(torch.tensor(x))
    assert_close(ours, theirs, 0)
    assert_close(where, there, 0)


@settings(deadline=None, max_examples=25)
@given(
    size=st.integers(3, 9), kernel=st.integers(1, 3), stride=st.integers(1, 3),
    padding=st.integers(0, 2), dilation=st.integers(1, 2), groups=st.sampled_from([1, 2]),
)  # fmt: skip
def test_conv_of_any_geometry_matches_torch(size, kernel, stride, padding, dilation, groups):
    options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    x = np.random.default_rng(size).normal(size=(2, 4, size, size + 1))
    torch.manual_seed(kernel)
    theirs = torch.nn.Conv2d(4, 2, kernel, dtype=torch.float64, **options)
    ours = nn.Conv2d(4, 2, kernel, dtype=mg.float64, **options)
    copy_state(ours, theirs)
    if size + 2 * padding < dilation * (kernel - 1) + 1:
        with pytest.raises(RuntimeError, match="Kernel size can't be greater"):
            ours(mg.tensor(x))
    else:
        assert_same_run(ours, theirs, x, tolerance=1e-9)


# --- refusals ---


@pytest.mark.parametrize(
    ("make", "error", "says"),
    [
        (lambda: nn.Dropout(-0.1), ValueError, "between 0 and 1, but got -0.1"),
        (lambda: nn.Dropout2d(1.5), ValueError, "between 0 and 1, but got 1.5"),
        (lambda: nn.Conv2d(3, 4, 3, groups=2), ValueError, "divisible by groups"),
        (lambda: nn.Conv2d(4, 3, 3, groups=2), ValueError, "divisible by groups"),
        (lambda: nn.Conv2d(3, 4, 3, groups=0), ValueError, "positive integer"),
        (lambda: nn.Conv2d(3, 4, 3, padding="full"), ValueError, "one of same, valid"),
        (lambda: nn.Conv2d(3, 4, 3, 2, "same"), ValueError, "not supported for strided"),
        (lambda: nn.Conv2d(3, 4, 3, padding_mode="mirror"), ValueError, "padding_mode must be"),
        (lambda: nn.Conv2d(3, 4, (1, 2, 3)), RuntimeError, "sequence of 2"),
        (lambda: nn.Conv2d(3, 4, "3"), TypeError, "kernel_size"),
        (lambda: nn.Conv2d(3, 4, 0), RuntimeError, "at least 1"),
        (lambda: nn.Linear(3, 4, device="cuda"), RuntimeError, "CPU only"),
        (lambda: nn.MSELoss(reduction="average"), ValueError, "not a valid value for reduction"),
        (lambda: nn.Unflatten(1, (2, 2.0)), TypeError, "at pos 1"),
        (lambda: nn.Unflatten(1, (4, 2))(mg.ones(3, 6)), RuntimeError, r"\[4, 2\]"),
        (lambda: nn.Linear(3, 4)(mg.ones(2, 5)), RuntimeError, "2x5 and 3x4"),
        (lambda: nn.Linear(3, 4)(mg.tensor(1.0)), RuntimeError, "linear expects"),
        (lambda: nn.Linear(3, 4)(mg.ones(2, 3).double()), RuntimeError, "same dtype"),
        (lambda: nn.Conv2d(3, 4, 3)(mg.ones(2, 2, 5, 5)), RuntimeError, "to have 3 channels"),
        (lambda: nn.Conv2d(3, 4, 3)(mg.ones(5, 5)), RuntimeError, "Expected 3D"),
        (lambda: nn.Conv2d(3, 4, 7)(mg.ones(2, 3, 5, 5)), RuntimeError, r"\(5 x 5\)"),
        (lambda: nn.Conv2d(3, 4, 3)(mg.ones(2, 3, 5, 5).double()), RuntimeError, "same dtype"),
        (lambda: nn.MaxPool2d(3)(mg.ones(1, 2, 2, 2)), RuntimeError, "Output size is too small"),
        (lambda: nn.MaxPool2d(2, padding=2)(mg.ones(1, 1, 4, 4)), RuntimeError, "at most half"),
        (lambda: nn.AvgPool2d(2)(mg.ones(4, 4)), RuntimeError, "Expected 3D"),
        (lambda: nn.AvgPool2d(2, divisor_override=0)(mg.ones(1, 4, 4)), RuntimeError, "not zero"),
        (lambda: nn.AdaptiveAvgPool2d((2, "a"))(mg.ones(1, 4, 4)), TypeError, "output_size"),
        (lambda: nn.BatchNorm2d(3)(mg.ones(2, 3)), ValueError, r"expected 4D input \(got 2D"),
        (lambda: nn.BatchNorm1d(3)(mg.ones(1, 3)), ValueError, "more than 1 value per channel"),
        (lambda: nn.BatchNorm1d(3)(mg.ones(2, 4)), RuntimeError, "should contain 4 elements"),
        (lambda: nn.GELU("erf")(mg.ones(2)), RuntimeError, "none or tanh"),
        (lambda: nn.Dropout2d()(mg.ones(2, 2)), RuntimeError, "dropout2d: Expected 3D or 4D"),
    ],
)
def test_bad_input_is_refused_in_words(make, error, says):
    with pytest.raises(error, match=says):
        make()


def test_a_refused_batch_leaves_the_running_statistics_alone():
    layer = nn.BatchNorm1d(3)
    before = {key: value.clone() for key, value in layer.state_dict().items()}
    for bad in (mg.ones(1, 3), mg.ones(2, 4), mg.ones(2, 3, 4, 5)):
        with pytest.raises((ValueError, RuntimeError)):
            layer(bad)
    assert all(value.equal(before[key]) for key, value in layer.state_dict().items())


def test_softmax_without_dim_warns_as_torch_does():
    with pytest.warns(UserWarning, match="Implicit dimension choice for softmax"):
        y = nn.Softmax()(mg.tensor([[0.0, 0.0]]))
    assert y.tolist() == [[0.5, 0.5]]
