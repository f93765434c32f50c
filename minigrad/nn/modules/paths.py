"""torch's paths of modules: `minigrad.nn.modules.batchnorm` and the others.

Third-party code imports classes and their bases from there.  Each path is a module made here, with
the classes of `minigrad.nn` that torch has in the file of that name, and the names that other code
uses of it: `from minigrad.nn.modules.batchnorm import _BatchNorm`.
"""

import sys
from collections.abc import Iterable
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from minigrad.core.public_names import show_public_names
from minigrad.nn import (
    adaptive_pooling,
    batchnorm,
    conv,
    dropout,
    instancenorm,
    lazy,
    linear_cross_entropy_options,
    loss,
    multihead_attention,
    padding,
    pooling,
    transformer_layers,
)
from minigrad.nn.modules import utils

_PACKAGE = __name__.rpartition(".")[0]

# torch's file of the classes in a file of ours, where its name is another.
OTHER_FILES = {
    "adaptive_pooling": "pooling",
    "adaptive_softmax": "adaptive",
    "ctc_loss": "loss",
    "embedding": "sparse",
    "fractional_max_pool": "pooling",
    "margin_loss": "loss",
    "multihead_attention": "activation",
    "parameter_container": "container",
    "regression_loss": "loss",
    "rnn_base": "rnn",
    "rnn_cell": "rnn",
    "sync_batchnorm": "batchnorm",
    "transformer_layers": "transformer",
}
OWN_FILE = {"ChannelShuffle": "channelshuffle"}

# Names beside the classes that users see: bases, which are subclassed and asked for with
# isinstance, and functions.
BESIDE: dict[str, dict[str, Any]] = {
    "batchnorm": {"_BatchNorm": batchnorm._BatchNorm, "_NormBase": batchnorm.RunningNorm},
    "conv": {
        "_ConvNd": conv._ConvNd,
        "_ConvTransposeNd": conv._ConvTransposeNd,
        "_pair": utils._pair,
        "_single": utils._single,
        "_triple": utils._triple,
    },
    "dropout": {"_DropoutNd": dropout._Dropout},
    "instancenorm": {"_InstanceNorm": instancenorm._InstanceNorm},
    "lazy": {"LazyModuleMixin": lazy.LazyModuleMixin},
    "linear": {
        "NonDynamicallyQuantizableLinear": multihead_attention.NonDynamicallyQuantizableLinear
    },
    "linear_cross_entropy_options": {
        "LinearCrossEntropyOptions": linear_cross_entropy_options.LinearCrossEntropyOptions
    },
    "loss": {"_Loss": loss.ReducedLoss, "_WeightedLoss": loss.WeightedLoss},
    "padding": {"_ConstantPadNd": padding._ConstantPad},
    "pooling": {
        "_AdaptiveAvgPoolNd": adaptive_pooling._AdaptiveAvgPool,
        "_AdaptiveMaxPoolNd": adaptive_pooling._AdaptiveMaxPool,
        "_LPPoolNd": pooling._LPPool,
        "_MaxPoolNd": pooling._MaxPool,
        "_MaxUnpoolNd": pooling._MaxUnpool,
    },
    "transformer": {"_get_activation_fn": transformer_layers._get_activation_fn},
}


def give_paths(classes: Iterable[type]) -> None:
    """Give each class its place in `nn.modules`, and in the module of torch's file."""
    package = sys.modules[_PACKAGE]
    files: dict[str, dict[str, Any]] = {file: dict(names) for file, names in BESIDE.items()}
    for each in classes:
        files.setdefault(_torch_file(each), {})[each.__name__] = each
    del files["module"]  # a file here, too
    for file, names in files.items():
        vars(package).update({file: _made(file, names), **names})
        vars(package)["__all__"] += [file, *_public(names)]
    show_public_names(_PACKAGE)


def _public(names: Iterable[str]) -> list[str]:
    return [name for name in names if not name.startswith("_")]


def _torch_file(of: type) -> str:
    """The file in which torch defines a class."""
    if of.__name__ in OWN_FILE:
        return OWN_FILE[of.__name__]
    file = of.__module__.rpartition(".")[2]
    if file == "lazy":  # torch has a lazy layer beside the layer that it becomes
        return _torch_file(of.__bases__[-1])
    return OTHER_FILES.get(file, file)


def _made(file: str, names: dict[str, Any]) -> ModuleType:
    name = f"{_PACKAGE}.{file}"
    module = ModuleType(name, f"Modules at the path that torch has them: `nn.modules.{file}`.")
    vars(module).update(names, __all__=sorted(_public(names)), __spec__=ModuleSpec(name, None))
    sys.modules[name] = module
    show_public_names(name)
    return module
