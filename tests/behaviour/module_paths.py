"""torch's paths of modules, the bases that users build on, and modules for several devices."""

import importlib.util
import typing
import warnings

import pytest


def at(torch, path):
    return importlib.import_module(f"{torch.__name__}.{path}")


def check_bases_are_found_where_they_are_defined(torch):
    nn = torch.nn
    for path, base, layer in (
        ("batchnorm", "_BatchNorm", nn.BatchNorm2d(2)),
        ("batchnorm", "_NormBase", nn.InstanceNorm2d(2)),
        ("conv", "_ConvNd", nn.ConvTranspose1d(2, 2, 1)),
        ("conv", "_ConvTransposeNd", nn.ConvTranspose2d(2, 2, 1)),
        ("dropout", "_DropoutNd", nn.Dropout2d()),
        ("instancenorm", "_InstanceNorm", nn.InstanceNorm1d(2)),
        ("lazy", "LazyModuleMixin", nn.LazyLinear(2)),
        ("linear", "NonDynamicallyQuantizableLinear", nn.MultiheadAttention(2, 1).out_proj),
        ("loss", "_Loss", nn.KLDivLoss()),
        ("loss", "_WeightedLoss", nn.CrossEntropyLoss()),
        ("pooling", "_MaxPoolNd", nn.MaxPool2d(2)),
        ("pooling", "_AdaptiveAvgPoolNd", nn.AdaptiveAvgPool2d(2)),
        ("rnn", "RNNBase", nn.GRU(2, 2)),
    ):
        assert isinstance(layer, getattr(at(torch, f"nn.modules.{path}"), base)), base
    assert not isinstance(nn.InstanceNorm2d(2), at(torch, "nn.modules.batchnorm")._BatchNorm)
    assert not isinstance(nn.Conv2d(2, 2, 1), at(torch, "nn.modules.conv")._ConvTransposeNd)


def check_layers_are_the_same_at_every_path(torch):
    assert torch.nn.modules.Linear is torch.nn.modules.linear.Linear is torch.nn.Linear
    for path, name in (
        ("activation", "ReLU"), ("adaptive", "AdaptiveLogSoftmaxWithLoss"),
        ("channelshuffle", "ChannelShuffle"), ("container", "ParameterList"),
        ("conv", "LazyConv2d"), ("distance", "CosineSimilarity"), ("flatten", "Flatten"),
        ("fold", "Unfold"), ("linear", "Bilinear"), ("loss", "CTCLoss"),
        ("loss", "TripletMarginLoss"), ("module", "Module"), ("normalization", "GroupNorm"),
        ("padding", "ReflectionPad2d"), ("pixelshuffle", "PixelShuffle"), ("rnn", "LSTMCell"),
        ("sparse", "EmbeddingBag"), ("upsampling", "Upsample"),
    ):  # fmt: skip
        assert getattr(at(torch, f"nn.modules.{path}"), name) is getattr(torch.nn, name)


def check_a_path_without_such_a_file_is_missing(torch):
    with pytest.raises(ModuleNotFoundError):
        at(torch, "nn.modules.nothing")


def check_paths_are_found_without_an_import(torch):
    name = f"{torch.__name__}.nn.modules.conv"
    assert importlib.util.find_spec(name).name == name


def check_types_are_imported_from_torch_jit(torch):
    assert typing.get_origin(at(torch, "jit.annotations").List[int]) is list


def check_numbers_become_tuples(torch):
    utils = at(torch, "nn.modules.utils")
    assert utils._single(3) == (3,)
    assert utils._pair(3) == (3, 3)
    assert utils._pair([1, 2]) == (1, 2)
    assert utils._triple((1, 2, 3)) == (1, 2, 3)
    assert utils._quadruple(0) == (0, 0, 0, 0)
    assert utils._ntuple(5)("x" * 2) == ("x", "x")
    assert utils._reverse_repeat_tuple((1, 2), 2) == (2, 2, 1, 1)
    assert utils._list_with_default([None, 4], [2, 3, 5]) == [3, 4]
    with pytest.raises(ValueError, match="Input dimension should be at least 3"):
        utils._list_with_default([1, 2], [2, 3])
    assert at(torch, "nn.modules.conv")._pair(1) == (1, 1)


def check_a_convolution_is_made_of_the_base(torch):
    base = at(torch, "nn.modules.conv")._ConvNd

    class Standardized(base):
        def __init__(self, channels, filters):
            size = (3, 3)
            super().__init__(
                channels, filters, size, (1, 1), (1, 1), (1, 1), False, (0, 0), 1, True, "zeros"
            )

        def forward(self, x):
            weight = self.weight - self.weight.mean((1, 2, 3), keepdim=True)
            return torch.nn.functional.conv2d(x, weight, self.bias, self.stride, self.padding)

    layer = Standardized(2, 4)
    assert tuple(layer.weight.shape) == (4, 2, 3, 3)
    assert tuple(layer(torch.ones(1, 2, 5, 5)).shape) == (1, 4, 5, 5)
    assert repr(layer) == "Standardized(2, 4, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1))"


def check_a_transposed_weight_has_the_inputs_channels_first(torch):
    base = at(torch, "nn.modules.conv")._ConvNd
    layer = base(2, 6, (3,), (1,), (0,), (1,), True, (0,), 2, False, "zeros")
    assert tuple(layer.weight.shape) == (2, 3, 3)
    assert layer.bias is None
    assert layer.transposed


def check_a_convolution_calls_conv_forward(torch):
    class Half(torch.nn.Conv2d):
        def _conv_forward(self, input, weight, bias):
            return super()._conv_forward(input, weight * 0.5, bias)

    layer = Half(1, 1, 1, bias=False, padding=1, padding_mode="circular")
    x = torch.ones(1, 1, 2, 2)
    assert torch.equal(layer(x), torch.full((1, 1, 4, 4), 0.5) * layer.weight.detach())
    assert list(layer._reversed_padding_repeated_twice) == [1, 1, 1, 1]


def check_losses_take_the_old_arguments_by_position(torch):
    loss = at(torch, "nn.modules.loss")

    class Focal(loss._WeightedLoss):
        def __init__(self, weight=None, size_average=None, reduce=None, reduction="mean"):
            super().__init__(weight, size_average, reduce, reduction)

    class Dice(loss._Loss):
        def __init__(self, size_average=None, reduce=None, reduction="mean"):
            super().__init__(size_average, reduce, reduction)

    assert Focal().reduction == Dice().reduction == "mean"
    assert Dice(reduction="sum").reduction == "sum"
    with warnings.catch_warnings(action="ignore"):
        assert Focal(None, False).reduction == "sum"
        assert Dice(True, False).reduction == "none"
        assert torch.nn.MSELoss(False).reduction == "sum"
    assert "weight" in dict(Focal(torch.ones(2)).named_buffers())


def check_indented_text(torch):
    assert at(torch, "nn.modules.module")._addindent("a\nb\n  c", 2) == "a\n  b\n    c"


def check_data_parallel_holds_the_module(torch):
    layer = torch.nn.Linear(2, 3)
    model = torch.nn.DataParallel(layer, device_ids=[0, 1])
    assert model.module is layer
    assert list(model.state_dict()) == ["module.weight", "module.bias"]
    assert torch.equal(model(torch.ones(1, 2)), layer(torch.ones(1, 2)))
    assert model.device_ids == []
    assert isinstance(model, at(torch, "nn.parallel").DataParallel)


def check_the_prefix_of_data_parallel_is_taken_off(torch):
    strip = at(torch, "nn.modules.utils").consume_prefix_in_state_dict_if_present
    layer = torch.nn.Sequential(torch.nn.Linear(2, 3))
    state = torch.nn.DataParallel(layer).state_dict()
    strip(state, "module.")
    assert list(state) == ["0.weight", "0.bias"]
    assert list(state._metadata) == list(layer.state_dict()._metadata)
    layer.load_state_dict(state)


def check_batch_norms_become_synchronized(torch):
    nn = torch.nn
    model = nn.Sequential(nn.Linear(2, 2), nn.Sequential(nn.BatchNorm1d(2, eps=0.1)))
    layer = model[1][0]
    converted = nn.SyncBatchNorm.convert_sync_batchnorm(model)
    assert converted is model
    assert type(model[1][0]) is nn.SyncBatchNorm
    assert model[1][0].weight is layer.weight
    assert model[1][0].running_var is layer.running_var
    assert model[1][0].eps == 0.1
    assert isinstance(nn.SyncBatchNorm.convert_sync_batchnorm(nn.BatchNorm2d(3)), nn.SyncBatchNorm)


def check_synchronized_batch_norm_evaluates(torch):
    layer = torch.nn.SyncBatchNorm(2).eval()
    x = torch.ones(3, 2, 4)
    assert torch.allclose(layer(x), torch.nn.BatchNorm1d(2).eval()(x))
    with pytest.raises(ValueError, match="at least 2D input"):
        layer(torch.ones(2))


def check_processes_are_not_there(torch):
    parallel = at(torch, "nn.parallel").DistributedDataParallel
    assert not isinstance(torch.nn.Linear(1, 1), parallel)
    with pytest.raises(ValueError, match="process group has not been initialized"):
        parallel(torch.nn.Linear(1, 1))
