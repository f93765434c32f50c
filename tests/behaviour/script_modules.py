"""Modules beside the usual ones that published scripts import, and what they use of them."""

import importlib
from collections import OrderedDict

import numpy as np
import pytest


def _module(torch, path):
    return importlib.import_module(f"{torch.__name__}.{path}")


def check_functional_has_the_operations_of_the_top_level(torch):
    functional = _module(torch, "functional")
    assert functional is torch.functional
    for name in functional.__all__:
        assert getattr(functional, name) is getattr(torch, name), name
    assert {"einsum", "norm", "stft", "split", "unique", "cdist"} <= set(functional.__all__)


def check_types_are_for_annotations_and_isinstance(torch):
    types = _module(torch, "types")
    assert types is torch.types
    assert isinstance(torch.float32, types._dtype)
    assert isinstance(torch.device("cpu"), types._device)
    assert isinstance(2.0, types._Number)
    assert isinstance(True, types.Number)
    assert not isinstance("2", types._Number)
    assert isinstance(torch.ones(2).shape, types._size)
    assert (types._int, types._float, types._bool) == (int, float, bool)
    assert isinstance("cpu", types.Device)
    assert isinstance(torch.ones(1), types._TensorOrTensors.__args__[0])


def check_storage_has_the_classes_of_memory(torch):
    storage = _module(torch, "storage")
    assert storage.UntypedStorage is torch.UntypedStorage
    assert storage.TypedStorage is torch.TypedStorage
    assert isinstance(torch.ones(2).untyped_storage(), storage.UntypedStorage)


def check_handles_of_hooks(torch):
    hooks = _module(torch, "utils.hooks")
    assert hooks is torch.utils.hooks
    layer = torch.nn.Linear(2, 2)
    x = torch.ones(2, requires_grad=True)
    for handle in (
        layer.register_forward_hook(lambda *_: None),
        layer.register_full_backward_hook(lambda *_: None),
        x.register_hook(lambda g: g),
    ):
        assert isinstance(handle, hooks.RemovableHandle)


def check_handles_for_hooks_of_ones_own(torch):
    make = _module(torch, "utils.hooks").RemovableHandle
    called, options = OrderedDict(), OrderedDict()
    first, second = make(called), make(called, extra_dict=options)
    called[first.id] = called[second.id] = options[second.id] = print
    assert first.id != second.id
    second.remove()
    second.remove()
    assert list(called) == [first.id]
    assert not options
    with first:
        assert called
    assert not called


def check_dlpack_shares_memory(torch):
    dlpack = _module(torch, "utils.dlpack")
    x = torch.arange(4.0)
    y = dlpack.from_dlpack(dlpack.to_dlpack(x))
    y[0] = 7.0
    assert x[0] == 7.0
    array = np.arange(3)
    shared, own = dlpack.from_dlpack(array), dlpack.from_dlpack(array, copy=True)
    array[1] = 9
    assert shared.tolist() == [0, 9, 2]
    assert own.tolist() == [0, 1, 2]
    assert dlpack.DLDeviceType.kDLCPU == array.__dlpack_device__()[0]


def check_the_environment_in_words(torch):
    text = _module(torch, "utils.collect_env").get_pretty_env_info()
    assert text.lower().count("python") >= 1
    assert np.__version__ in text
    assert "\n" in text


def check_pinning_needs_a_device(torch):
    assert not torch.ones(2).is_pinned()
    with pytest.raises(RuntimeError, match="Cannot access accelerator device"):
        torch.ones(2).pin_memory()


def check_unsigned_types_can_be_named(torch):
    assert [t.itemsize for t in (torch.uint16, torch.uint32, torch.uint64)] == [2, 4, 8]
    for kind in (torch.uint16, torch.uint32, torch.uint64):
        assert isinstance(kind, torch.dtype)
        assert not kind.is_signed
        assert not kind.is_floating_point
        assert torch.iinfo(kind).min == 0
        assert torch.iinfo(kind).max == 2 ** (8 * kind.itemsize) - 1
        with pytest.raises(TypeError, match="floating point"):
            torch.finfo(kind)
    assert torch.uint8 not in (torch.uint16, torch.uint32, torch.uint64)
    assert str(torch.uint16).endswith(".uint16")


def check_the_older_comparison(torch):
    testing = _module(torch, "testing")
    with pytest.warns(FutureWarning, match="assert_allclose"):
        testing.assert_allclose(torch.tensor([1.0, float("nan")]), [1.00005, float("nan")])
    with pytest.warns(FutureWarning, match="assert_allclose"):
        testing.assert_allclose(torch.tensor([1.0]), torch.tensor([1], dtype=torch.int64))
    with pytest.warns(FutureWarning, match="assert_allclose"), pytest.raises(AssertionError):
        testing.assert_allclose(torch.tensor([1.0]), 1.01)
    with pytest.warns(FutureWarning, match="assert_allclose"):
        testing.assert_allclose(torch.tensor([1.0]), [1.01], rtol=0.1, atol=0.0)
