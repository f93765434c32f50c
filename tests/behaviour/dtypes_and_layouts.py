"""Dtypes, layouts and memory formats: what can be named, compared and asked for."""

import copy
import pickle

import pytest

FORMATS = (
    "bfloat16", "float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz",
    "float8_e8m0fnu", "float4_e2m1fn_x2", "qint8", "quint8", "qint32", "quint4x2", "quint2x4",
    "bits8", "bits16", "bits1x8", "bits2x4", "bits4x2", *(f"int{n}" for n in range(1, 8)),
    *(f"uint{n}" for n in range(1, 8)),
)  # fmt: skip
LAYOUTS = ("strided", "sparse_coo", "sparse_csr", "sparse_csc", "sparse_bsr", "sparse_bsc")


def check_copies_of_expanded_tensors_are_contiguous(torch):
    x = torch.arange(6.0).reshape(3, 2)
    expanded = x.unsqueeze(1).expand(3, 4, 2)
    for made in (expanded.clone(), expanded.double(), expanded.long(), expanded.to(torch.int32)):
        assert made.is_contiguous()
        assert made.view(12, 2)[1].tolist() == [0, 1]
    assert not x.t().clone().is_contiguous()
    assert not x.t().double().is_contiguous()


def check_formats_are_dtypes(torch):
    for name in FORMATS:
        given = getattr(torch, name)
        assert isinstance(given, torch.dtype), name
        assert str(given).endswith(f".{name}")
        assert given == getattr(torch, name)
        assert given != torch.float32
        assert not given.is_complex


def check_formats_have_sizes_and_kinds(torch):
    sizes = {name: getattr(torch, name).itemsize for name in FORMATS}
    assert [name for name, size in sizes.items() if size != 1] == ["bfloat16", "qint32", "bits16"]
    floating = [name for name in FORMATS if getattr(torch, name).is_floating_point]
    assert floating == [name for name in FORMATS if "float" in name]
    assert torch.bfloat16.is_signed
    assert torch.int4.is_signed
    assert not torch.uint4.is_signed
    assert not torch.float8_e8m0fnu.is_signed


def check_a_dtype_is_chosen_by_device(torch):
    dtype = torch.bfloat16 if torch.cuda.is_available() else torch.float32
    assert torch.zeros(2, dtype=dtype).dtype is torch.float32
    assert {"bf16": torch.bfloat16, "fp32": torch.float32}["fp32"] is dtype


def check_formats_are_copied_and_pickled_as_themselves(torch):
    for name in ("bfloat16", "float8_e5m2", "qint8", "uint3"):
        given = getattr(torch, name)
        assert copy.deepcopy(given) is given
        assert pickle.loads(pickle.dumps(given)) is given


def check_limits_of_floating_formats(torch):
    limits = torch.finfo(torch.bfloat16)
    assert (limits.bits, limits.eps, limits.resolution) == (16, 2.0**-7, 0.01)
    assert limits.max == -limits.min == (2 - 2.0**-7) * 2.0**127
    assert limits.tiny == limits.smallest_normal == 2.0**-126
    found = [torch.finfo(getattr(torch, name)).max for name in FORMATS[1:6]]
    assert found == [448.0, 240.0, 57344.0, 57344.0, 2.0**127]
    assert torch.finfo(torch.float8_e8m0fnu).min == 2.0**-127
    assert torch.finfo(torch.float8_e5m2fnuz).eps == 0.125


def check_layouts_can_be_named(torch):
    for name in LAYOUTS:
        assert isinstance(getattr(torch, name), torch.layout)
        assert repr(getattr(torch, name)).endswith(f".{name}")
    assert torch.ones(2).layout is torch.strided
    assert torch.ones(2).layout != torch.sparse_coo
    assert copy.deepcopy(torch.sparse_csr) is torch.sparse_csr


def check_channels_last_is_an_order_in_memory(torch):
    x = torch.arange(120.0).reshape(2, 3, 4, 5)
    for moved in (
        x.to(memory_format=torch.channels_last),
        x.contiguous(memory_format=torch.channels_last),
        x.clone(memory_format=torch.channels_last),
        torch.empty(2, 3, 4, 5, memory_format=torch.channels_last).copy_(x),
        torch.zeros_like(x, memory_format=torch.channels_last).copy_(x),
    ):
        assert moved.stride() == (60, 1, 15, 3)
        assert torch.equal(moved, x)
        assert moved.is_contiguous(memory_format=torch.channels_last)
        assert not moved.is_contiguous()
        assert moved.contiguous(memory_format=torch.channels_last) is moved
    assert not x.is_contiguous(memory_format=torch.channels_last)
    assert moved.contiguous().stride() == (60, 20, 5, 1)


def check_channels_last_3d_is_an_order_in_memory(torch):
    x = torch.rand(2, 3, 2, 4, 5).to(memory_format=torch.channels_last_3d)
    assert x.stride() == (120, 1, 60, 15, 3)
    assert x.is_contiguous(memory_format=torch.channels_last_3d)
    assert not x.is_contiguous(memory_format=torch.channels_last)


def check_channels_last_needs_images(torch):
    for change in (
        lambda x: x.to(memory_format=torch.channels_last),
        lambda x: x.contiguous(memory_format=torch.channels_last),
        lambda x: torch.zeros_like(x, memory_format=torch.channels_last_3d),
    ):
        with pytest.raises(RuntimeError, match="required rank"):
            change(torch.ones(2, 3))
    assert not torch.ones(2, 3).is_contiguous(memory_format=torch.channels_last)


def check_a_change_of_order_has_a_gradient(torch):
    x = torch.rand(1, 2, 3, 4, requires_grad=True)
    y = x.contiguous(memory_format=torch.channels_last)
    (y * torch.arange(24.0).reshape(1, 2, 3, 4)).sum().backward()
    assert torch.equal(x.grad, torch.arange(24.0).reshape(1, 2, 3, 4))


def check_modules_take_a_memory_format(torch):
    model = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4))
    before = model[0].weight.detach().clone()
    model = model.to(memory_format=torch.channels_last)
    assert model[0].weight.stride() == (27, 1, 9, 3)
    assert torch.equal(model[0].weight, before)
    assert model[1].weight.stride() == (1,)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
    model(torch.rand(2, 3, 5, 5).to(memory_format=torch.channels_last)).sum().backward()
    optimizer.step()
    assert not torch.equal(model[0].weight, before)
