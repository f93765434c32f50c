"""Trained weights of the published models, by torchvision's names: `ResNet18_Weights.DEFAULT`.

Each member knows torchvision's file and the preparation of images that the weights expect.  Nothing
is downloaded: the file is read from the folder where torch keeps it, see `minigrad.hub`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import partial
from typing import Any, NoReturn

from minigrad import hub
from minigrad.vision.transforms import InterpolationMode
from minigrad.vision.transforms.presets import ImageClassification

__all__ = [
    "AlexNet_Weights",
    "ConvNeXt_Base_Weights",
    "ConvNeXt_Large_Weights",
    "ConvNeXt_Small_Weights",
    "ConvNeXt_Tiny_Weights",
    "DenseNet121_Weights",
    "DenseNet161_Weights",
    "DenseNet169_Weights",
    "DenseNet201_Weights",
    "EfficientNet_B0_Weights",
    "EfficientNet_B1_Weights",
    "EfficientNet_B2_Weights",
    "EfficientNet_B3_Weights",
    "EfficientNet_B4_Weights",
    "EfficientNet_B5_Weights",
    "EfficientNet_B6_Weights",
    "EfficientNet_B7_Weights",
    "MobileNet_V2_Weights",
    "MobileNet_V3_Large_Weights",
    "MobileNet_V3_Small_Weights",
    "ResNet18_Weights",
    "ResNet34_Weights",
    "ResNet50_Weights",
    "ResNet101_Weights",
    "ResNet152_Weights",
    "SqueezeNet1_0_Weights",
    "SqueezeNet1_1_Weights",
    "Swin_B_Weights",
    "Swin_S_Weights",
    "Swin_T_Weights",
    "VGG11_BN_Weights",
    "VGG11_Weights",
    "VGG13_BN_Weights",
    "VGG13_Weights",
    "VGG16_BN_Weights",
    "VGG16_Weights",
    "VGG19_BN_Weights",
    "VGG19_Weights",
    "ViT_B_16_Weights",
    "ViT_B_32_Weights",
    "ViT_L_16_Weights",
    "ViT_L_32_Weights",
    "Weights",
    "WeightsEnum",
]

_ADDRESS = "https://download.pytorch.org/models"
BICUBIC = InterpolationMode.BICUBIC


class _Meta(dict[str, Any]):
    """Facts about weights, of which minigrad keeps none; a question for one says so."""

    def __missing__(self, key: str) -> NoReturn:
        raise KeyError(
            f"minigrad keeps no facts about trained weights, and so no {key!r}; torchvision's "
            "documentation lists them, and the 1000 classes of ImageNet are in the order of their "
            "WordNet numbers"
        )


@dataclass(frozen=True)
class Weights:
    """The address of a file of weights, and what belongs to it.

    transforms: makes the preparation of images.  options: the arguments that a model of these
    weights has.

    PyTorch differs: torchvision's `meta` has the names of the classes and more; here it is empty.
    """

    url: str
    transforms: Callable[..., Any] = field(compare=False)
    meta: Mapping[str, Any] = field(compare=False, default_factory=_Meta)
    options: Mapping[str, int] = field(compare=False, default_factory=dict)


class WeightsEnum(Enum):
    """The weights that there are for a model; the value of each member is a `Weights`."""

    _value_: Weights

    @classmethod
    def verify(cls, obj: Any) -> Any:
        """The member that is meant by a member, its name, or None, which stays None.

        Raises KeyError for another name and TypeError for another model's weights.
        """
        if obj is None or isinstance(obj, cls):
            return obj
        if not isinstance(obj, str):
            raise TypeError(
                f"Invalid Weight class provided; expected {cls.__name__} but received "
                f"{type(obj).__name__}."
            )
        name = obj.removeprefix(f"{cls.__name__}.")
        if name not in cls.__members__:
            raise KeyError(f"{cls.__name__} has no {name!r}; it has {', '.join(cls.__members__)}")
        return cls[name]

    def get_state_dict(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """The weights in their file; arguments as `hub.load_state_dict_from_url` has them.

        Raises FileNotFoundError that says where to put the file.
        """
        return hub.load_state_dict_from_url(self.url, *args, **kwargs)

    def __repr__(self) -> str:
        return f"{type(self).__name__}.{self.name}"

    @property
    def url(self) -> str:
        """The address of the file."""
        return self.value.url

    @property
    def transforms(self) -> Callable[..., Any]:
        """The function that makes the preparation of images: `weights.transforms()`."""
        return self.value.transforms

    @property
    def meta(self) -> Mapping[str, Any]:
        """Facts about the weights, of which there are none here."""
        return self.value.meta

    @property
    def options(self) -> Mapping[str, int]:
        """The arguments that a model of these weights has."""
        return self.value.options


def _on_imagenet(file: str, crop_size: int, resize_size: int = 256, **others: Any) -> Weights:
    """Weights for the 1000 classes of ImageNet, in the file of this name."""
    options = {"num_classes": 1000}
    if "image_size" in others:
        options["image_size"] = others.pop("image_size")
    transforms = partial(
        ImageClassification, crop_size=crop_size, resize_size=resize_size, **others
    )
    return Weights(f"{_ADDRESS}/{file}.pth", transforms, options=options)


def _weights_enum(name: str, default: str = "IMAGENET1K_V1", **members: Weights) -> Any:
    """The enumeration of these weights; DEFAULT is another name of one of them."""
    make: Any = WeightsEnum  # type checkers know no members made by a call
    return make(name, {**members, "DEFAULT": members[default]}, module=__name__)


# torchvision's files: the name, the size of the crop, and the size before it.
AlexNet_Weights = _weights_enum(
    "AlexNet_Weights",
    IMAGENET1K_V1=_on_imagenet("alexnet-owt-7be5be79", 224),
)
ConvNeXt_Base_Weights = _weights_enum(
    "ConvNeXt_Base_Weights",
    IMAGENET1K_V1=_on_imagenet("convnext_base-6075fbad", 224, 232),
)
ConvNeXt_Large_Weights = _weights_enum(
    "ConvNeXt_Large_Weights",
    IMAGENET1K_V1=_on_imagenet("convnext_large-ea097f82", 224, 232),
)
ConvNeXt_Small_Weights = _weights_enum(
    "ConvNeXt_Small_Weights",
    IMAGENET1K_V1=_on_imagenet("convnext_small-0c510722", 224, 230),
)
ConvNeXt_Tiny_Weights = _weights_enum(
    "ConvNeXt_Tiny_Weights",
    IMAGENET1K_V1=_on_imagenet("convnext_tiny-983f1562", 224, 236),
)
DenseNet121_Weights = _weights_enum(
    "DenseNet121_Weights",
    IMAGENET1K_V1=_on_imagenet("densenet121-a639ec97", 224),
)
DenseNet161_Weights = _weights_enum(
    "DenseNet161_Weights",
    IMAGENET1K_V1=_on_imagenet("densenet161-8d451a50", 224),
)
DenseNet169_Weights = _weights_enum(
    "DenseNet169_Weights",
    IMAGENET1K_V1=_on_imagenet("densenet169-b2777c0a", 224),
)
DenseNet201_Weights = _weights_enum(
    "DenseNet201_Weights",
    IMAGENET1K_V1=_on_imagenet("densenet201-c1103571", 224),
)
EfficientNet_B0_Weights = _weights_enum(
    "EfficientNet_B0_Weights",
    IMAGENET1K_V1=_on_imagenet("efficientnet_b0_rwightman-7f5810bc", 224, interpolation=BICUBIC),
)
EfficientNet_B1_Weights = _weights_enum(
    "EfficientNet_B1_Weights",
    IMAGENET1K_V1=_on_imagenet("efficientnet_b1_rwightman-bac287d4", 240, interpolation=BICUBIC),
    IMAGENET1K_V2=_on_imagenet("efficientnet_b1-c27df63c", 240, 255),
    default="IMAGENET1K_V2",
)
EfficientNet_B2_Weights = _weights_enum(
    "EfficientNet_B2_Weights",
    IMAGENET1K_V1=_on_imagenet(
        "efficientnet_b2_rwightman-c35c1473", 288, 288, interpolation=BICUBIC
    ),
)
EfficientNet_B3_Weights = _weights_enum(
    "EfficientNet_B3_Weights",
    IMAGENET1K_V1=_on_imagenet(
        "efficientnet_b3_rwightman-b3899882", 300, 320, interpolation=BICUBIC
    ),
)
EfficientNet_B4_Weights = _weights_enum(
    "EfficientNet_B4_Weights",
    IMAGENET1K_V1=_on_imagenet(
        "efficientnet_b4_rwightman-23ab8bcd", 380, 384, interpolation=BICUBIC
    ),
)
EfficientNet_B5_Weights = _weights_enum(
    "EfficientNet_B5_Weights",
    IMAGENET1K_V1=_on_imagenet(
        "efficientnet_b5_lukemelas-1a07897c", 456, 456, interpolation=BICUBIC
    ),
)
EfficientNet_B6_Weights = _weights_enum(
    "EfficientNet_B6_Weights",
    IMAGENET1K_V1=_on_imagenet(
        "efficientnet_b6_lukemelas-24a108a5", 528, 528, interpolation=BICUBIC
    ),
)
EfficientNet_B7_Weights = _weights_enum(
    "EfficientNet_B7_Weights",
    IMAGENET1K_V1=_on_imagenet(
        "efficientnet_b7_lukemelas-c5b4e57e", 600, 600, interpolation=BICUBIC
    ),
)
MobileNet_V2_Weights = _weights_enum(
    "MobileNet_V2_Weights",
    IMAGENET1K_V1=_on_imagenet("mobilenet_v2-b0353104", 224),
    IMAGENET1K_V2=_on_imagenet("mobilenet_v2-7ebf99e0", 224, 232),
    default="IMAGENET1K_V2",
)
MobileNet_V3_Large_Weights = _weights_enum(
    "MobileNet_V3_Large_Weights",
    IMAGENET1K_V1=_on_imagenet("mobilenet_v3_large-8738ca79", 224),
    IMAGENET1K_V2=_on_imagenet("mobilenet_v3_large-5c1a4163", 224, 232),
    default="IMAGENET1K_V2",
)
MobileNet_V3_Small_Weights = _weights_enum(
    "MobileNet_V3_Small_Weights",
    IMAGENET1K_V1=_on_imagenet("mobilenet_v3_small-047dcff4", 224),
)
ResNet101_Weights = _weights_enum(
    "ResNet101_Weights",
    IMAGENET1K_V1=_on_imagenet("resnet101-63fe2227", 224),
    IMAGENET1K_V2=_on_imagenet("resnet101-cd907fc2", 224, 232),
    default="IMAGENET1K_V2",
)
ResNet152_Weights = _weights_enum(
    "ResNet152_Weights",
    IMAGENET1K_V1=_on_imagenet("resnet152-394f9c45", 224),
    IMAGENET1K_V2=_on_imagenet("resnet152-f82ba261", 224, 232),
    default="IMAGENET1K_V2",
)
ResNet18_Weights = _weights_enum(
    "ResNet18_Weights",
    IMAGENET1K_V1=_on_imagenet("resnet18-f37072fd", 224),
)
ResNet34_Weights = _weights_enum(
    "ResNet34_Weights",
    IMAGENET1K_V1=_on_imagenet("resnet34-b627a593", 224),
)
ResNet50_Weights = _weights_enum(
    "ResNet50_Weights",
    IMAGENET1K_V1=_on_imagenet("resnet50-0676ba61", 224),
    IMAGENET1K_V2=_on_imagenet("resnet50-11ad3fa6", 224, 232),
    default="IMAGENET1K_V2",
)
SqueezeNet1_0_Weights = _weights_enum(
    "SqueezeNet1_0_Weights",
    IMAGENET1K_V1=_on_imagenet("squeezenet1_0-b66bff10", 224),
)
SqueezeNet1_1_Weights = _weights_enum(
    "SqueezeNet1_1_Weights",
    IMAGENET1K_V1=_on_imagenet("squeezenet1_1-b8a52dc0", 224),
)
Swin_B_Weights = _weights_enum(
    "Swin_B_Weights",
    IMAGENET1K_V1=_on_imagenet("swin_b-68c6b09e", 224, 238, interpolation=BICUBIC),
)
Swin_S_Weights = _weights_enum(
    "Swin_S_Weights",
    IMAGENET1K_V1=_on_imagenet("swin_s-5e29d889", 224, 246, interpolation=BICUBIC),
)
Swin_T_Weights = _weights_enum(
    "Swin_T_Weights",
    IMAGENET1K_V1=_on_imagenet("swin_t-704ceda3", 224, 232, interpolation=BICUBIC),
)
VGG11_Weights = _weights_enum(
    "VGG11_Weights",
    IMAGENET1K_V1=_on_imagenet("vgg11-8a719046", 224),
)
VGG11_BN_Weights = _weights_enum(
    "VGG11_BN_Weights",
    IMAGENET1K_V1=_on_imagenet("vgg11_bn-6002323d", 224),
)
VGG13_Weights = _weights_enum(
    "VGG13_Weights",
    IMAGENET1K_V1=_on_imagenet("vgg13-19584684", 224),
)
VGG13_BN_Weights = _weights_enum(
    "VGG13_BN_Weights",
    IMAGENET1K_V1=_on_imagenet("vgg13_bn-abd245e5", 224),
)
VGG16_Weights = _weights_enum(
    "VGG16_Weights",
    IMAGENET1K_V1=_on_imagenet("vgg16-397923af", 224),
    # Only the weights of `features` are numbers: they are the start of detectors.
    IMAGENET1K_FEATURES=Weights(
        f"{_ADDRESS}/vgg16_features-amdegroot-88682ab5.pth",
        partial(
            ImageClassification,
            crop_size=224,
            mean=(0.48235, 0.45882, 0.40784),
            std=(1.0 / 255.0,) * 3,
        ),
    ),
)
VGG16_BN_Weights = _weights_enum(
    "VGG16_BN_Weights",
    IMAGENET1K_V1=_on_imagenet("vgg16_bn-6c64b313", 224),
)
VGG19_Weights = _weights_enum(
    "VGG19_Weights",
    IMAGENET1K_V1=_on_imagenet("vgg19-dcbb9e9d", 224),
)
VGG19_BN_Weights = _weights_enum(
    "VGG19_BN_Weights",
    IMAGENET1K_V1=_on_imagenet("vgg19_bn-c79401a0", 224),
)
ViT_B_16_Weights = _weights_enum(
    "ViT_B_16_Weights",
    IMAGENET1K_V1=_on_imagenet("vit_b_16-c867db91", 224),
    IMAGENET1K_SWAG_E2E_V1=_on_imagenet(
        "vit_b_16_swag-9ac1b537", 384, 384, interpolation=BICUBIC, image_size=384
    ),
    IMAGENET1K_SWAG_LINEAR_V1=_on_imagenet(
        "vit_b_16_lc_swag-4e70ced5", 224, 224, interpolation=BICUBIC
    ),
)
ViT_B_32_Weights = _weights_enum(
    "ViT_B_32_Weights",
    IMAGENET1K_V1=_on_imagenet("vit_b_32-d86f8d99", 224),
)
ViT_L_16_Weights = _weights_enum(
    "ViT_L_16_Weights",
    IMAGENET1K_V1=_on_imagenet("vit_l_16-852ce7e3", 224, 242),
    IMAGENET1K_SWAG_E2E_V1=_on_imagenet(
        "vit_l_16_swag-4f3808c9", 512, 512, interpolation=BICUBIC, image_size=512
    ),
    IMAGENET1K_SWAG_LINEAR_V1=_on_imagenet(
        "vit_l_16_lc_swag-4d563306", 224, 224, interpolation=BICUBIC
    ),
)
ViT_L_32_Weights = _weights_enum(
    "ViT_L_32_Weights",
    IMAGENET1K_V1=_on_imagenet("vit_l_32-c7638314", 224),
)
