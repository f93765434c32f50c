"""Layers of volumes: (name, arguments, options, shape of the input), for the table of layers."""

VOLUME_LAYERS = {
    "conv 3d": ("Conv3d", (3, 4, 3), {}, (2, 3, 4, 5, 4)),
    "conv 3d of one volume": ("Conv3d", (2, 3, (1, 3, 2)), {"padding": 1}, (2, 3, 4, 3)),
    "conv 3d strided": (
        "Conv3d", (2, 4, (3, 2, 1)), {"stride": (2, 1, 2), "padding": (1, 2, 0)}, (2, 2, 6, 4, 5),
    ),
    "conv 3d dilated": (
        "Conv3d", (2, 3, 2), {"dilation": (2, 1, 3), "bias": False}, (1, 2, 5, 3, 5),
    ),
    "conv 3d grouped": ("Conv3d", (4, 6, 3), {"groups": 2, "padding": "same"}, (2, 4, 3, 4, 2)),
    "conv 3d depthwise": ("Conv3d", (3, 3, 3), {"groups": 3, "padding": 2}, (2, 3, 2, 3, 3)),
    "conv 3d valid": ("Conv3d", (2, 2, 2), {"padding": "valid"}, (1, 2, 3, 3, 4)),
    "conv 3d same, even": (
        "Conv3d", (2, 2, (2, 4, 3)), {"padding": "same", "dilation": (3, 1, 1)}, (1, 2, 4, 5, 3),
    ),
    "conv 3d along depth": ("Conv3d", (2, 3, (3, 1, 1)), {"stride": (2, 1, 1)}, (2, 2, 6, 3, 2)),
    "conv 3d of points": ("Conv3d", (3, 4, 1), {}, (2, 3, 2, 3, 2)),
    "conv 3d of points, strided": ("Conv3d", (3, 4, 1), {"stride": 2}, (2, 3, 3, 3, 4)),
    "conv 3d reflect": (
        "Conv3d", (2, 3, 3), {"padding": 1, "padding_mode": "reflect"}, (1, 2, 3, 4, 3),
    ),
    "conv 3d replicate": (
        "Conv3d", (2, 3, 2), {"padding": (2, 1, 0), "padding_mode": "replicate"}, (1, 2, 3, 4, 3),
    ),
    "conv 3d circular": (
        "Conv3d", (2, 3, 3), {"padding": "same", "padding_mode": "circular"}, (1, 2, 3, 4, 3),
    ),
    "conv transpose 3d": ("ConvTranspose3d", (3, 4, 3), {}, (2, 3, 2, 3, 2)),
    "conv transpose 3d strided": (
        "ConvTranspose3d", (4, 2, (3, 2, 2), (2, 3, 1), 1, (1, 2, 0)), {"groups": 2},
        (2, 4, 3, 2, 3),
    ),
    "conv transpose 3d dilated": (
        "ConvTranspose3d", (2, 3, 2, 1, 0), {"output_padding": 1, "dilation": 2, "bias": False},
        (2, 3, 2, 2),
    ),
    "conv transpose 3d along depth": (
        "ConvTranspose3d", (2, 3, (3, 1, 1), (2, 1, 1)), {}, (1, 2, 3, 2, 2),
    ),
    "max pool 3d": ("MaxPool3d", (2,), {}, (2, 3, 4, 6, 5)),
    "max pool 3d overlapping": (
        "MaxPool3d", (3,), {"stride": 2, "padding": 1, "ceil_mode": True}, (2, 3, 4, 6, 5),
    ),
    "max pool 3d dilated": (
        "MaxPool3d", ((2, 3, 1), 1), {"dilation": (3, 1, 2)}, (3, 5, 4, 3),
    ),
    "avg pool 3d": ("AvgPool3d", (2,), {}, (2, 3, 4, 6, 5)),
    "avg pool 3d padded": (
        "AvgPool3d", ((3, 2, 3), 2, 1), {"ceil_mode": True, "count_include_pad": False},
        (2, 3, 4, 6, 6),
    ),
    "avg pool 3d divided": (
        "AvgPool3d", (3, 2, 1), {"ceil_mode": True, "divisor_override": 5}, (3, 4, 4, 6),
    ),
    "lp pool 3d": ("LPPool3d", (2.0, (2, 3, 1)), {}, (2, 3, 4, 6, 3)),
    "adaptive avg pool 3d": ("AdaptiveAvgPool3d", ((2, None, 3),), {}, (2, 3, 5, 3, 4)),
    "adaptive avg pool 3d to one": ("AdaptiveAvgPool3d", (1,), {}, (3, 5, 3, 2)),
    "adaptive max pool 3d": ("AdaptiveMaxPool3d", ((3, None, 2),), {}, (2, 3, 4, 2, 5)),
    "upsample area 3d": ("Upsample", ((2, 3, 2),), {"mode": "area"}, (2, 3, 5, 4, 3)),
    "upsample nearest 3d": ("Upsample", (), {"scale_factor": (1.5, 2, 1)}, (2, 2, 3, 2, 3)),
    "upsample trilinear by factors": (
        "Upsample", (), {"scale_factor": (1.7, 0.6, 2), "mode": "trilinear"}, (2, 2, 3, 4, 2),
    ),
    "constant pad 3d": ("ConstantPad3d", ((1, -1, 0, 2, 1, 0), 3.5), {}, (2, 3, 3, 4, 5)),
    "no dropout3d": ("Dropout3d", (), {"p": 0.0, "inplace": True}, (2, 3, 2, 4, 4)),
    "batch norm 3d": ("BatchNorm3d", (3,), {"momentum": 0.3}, (2, 3, 3, 2, 2)),
    "batch norm 3d plain": (
        "BatchNorm3d", (3,), {"affine": False, "track_running_stats": False}, (2, 3, 3, 2, 2),
    ),
    "instance norm 3d": (
        "InstanceNorm3d", (3,), {"affine": True, "track_running_stats": True}, (2, 3, 2, 3, 2),
    ),
    "instance norm 3d of one": ("InstanceNorm3d", (3,), {}, (3, 2, 3, 2)),
}  # fmt: skip
