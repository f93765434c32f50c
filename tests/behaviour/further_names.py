"""Names of torch that a CPU can mean: copies of views, open numbers, streams, old forms."""

import importlib

import pytest

COPIES = {
    "alias_copy": (), "as_strided_copy": ((2,), (3,)), "detach_copy": (), "diagonal_copy": (),
    "narrow_copy": (1, 0, 2), "permute_copy": ((1, 0),), "select_copy": (0, 1),
    "slice_copy": (1, 1),
    "split_copy": (1,), "split_with_sizes_copy": ((1, 1),), "t_copy": (),
    "transpose_copy": (0, 1),
    "unbind_copy": (), "unfold_copy": (1, 2, 1), "unsqueeze_copy": (0,), "view_copy": ((3, 2),),
    "squeeze_copy": (), "expand_copy": ((2, 3),),
}  # fmt: skip


def matrix(torch):
    return torch.arange(6.0).reshape(2, 3)


def check_copies_of_views_share_nothing(torch):
    for name, args in COPIES.items():
        x = matrix(torch)
        found = getattr(torch, name)(x, *args)
        first = found[0] if isinstance(found, tuple | list) else found
        before = first.clone()
        x.zero_()
        assert torch.equal(first, before), name


def check_copies_of_views_have_the_views_values(torch):
    x = matrix(torch)
    assert torch.equal(torch.narrow_copy(x, 1, 1, 2), x[:, 1:])
    assert torch.equal(x.narrow_copy(0, 1, 1), x[1:])
    assert torch.equal(torch.slice_copy(x, 1, 0, 3, 2), x[:, ::2])
    assert [part.tolist() for part in torch.unbind_copy(x)] == [[0, 1, 2], [3, 4, 5]]


def check_pieces_that_are_called_unsafe(torch):
    x = torch.arange(5)
    assert [p.tolist() for p in torch.unsafe_chunk(x, 2)] == [[0, 1, 2], [3, 4]]
    assert [p.tolist() for p in torch.unsafe_split(x, 2)] == [[0, 1], [2, 3], [4]]
    assert [p.tolist() for p in x.unsafe_split_with_sizes((1, 4))] == [[0], [1, 2, 3, 4]]


def check_values_are_scattered_by_strides(torch):
    x = torch.zeros(3, 3)
    out = torch.as_strided_scatter(x, torch.ones(2, 2), (2, 2), (1, 2))
    assert out.tolist() == [[1, 1, 1], [1, 0, 0], [0, 0, 0]]
    assert x.sum().item() == 0


def check_memory_is_laid_out_as_asked(torch):
    assert torch.empty_strided((2, 3), (1, 2)).stride() == (1, 2)
    assert torch.empty_strided((2, 3), (0, 1), dtype=torch.int64).shape == (2, 3)
    assert torch.empty_permuted((2, 3, 4), (1, 0, 2)).stride() == (4, 8, 1)
    assert torch.ones(2, dtype=torch.int16).new_empty_strided((2, 2), (1, 2)).dtype == torch.int16
    with pytest.raises(RuntimeError):
        torch.empty_strided((2, 3), (1,))
    with pytest.raises(RuntimeError):
        torch.empty_permuted((2, 3), (0, 0))


def check_range_has_its_end(torch):
    with pytest.warns(UserWarning, match="deprecated"):
        assert torch.range(1, 4).tolist() == [1, 2, 3, 4]
    with pytest.warns(UserWarning, match="deprecated"):
        assert torch.range(0, 1, 0.25).tolist() == [0, 0.25, 0.5, 0.75, 1]


def check_elements_are_mapped(torch):
    x = matrix(torch)
    assert x.map_(torch.ones(3), lambda a, b: a + b).tolist() == [[1, 2, 3], [4, 5, 6]]
    y = torch.tensor([1.0, 2.0])
    assert y.map2_(y.clone(), torch.ones(2), lambda a, b, c: a * b + c).tolist() == [2, 5]
    with pytest.raises(RuntimeError, match="requires grad"):
        torch.ones(2, requires_grad=True).map_(torch.ones(2), lambda a, b: a)


def check_open_numbers_are_never_here(torch):
    assert isinstance(3, (int, torch.SymInt))
    assert not isinstance(3, torch.SymInt)
    assert not isinstance(3.0, torch.SymFloat)
    assert not isinstance(True, torch.SymBool)
    assert torch.sym_max(1, 2) == 2
    assert isinstance(torch.sym_min(1, 2.5), float)
    assert (torch.sym_int(2.7), torch.sym_float(2), torch.sym_not(True)) == (2, 2.0, False)
    assert (torch.sym_sqrt(9), torch.sym_sum([1, 2, 3]), torch.sym_ite(False, 1, 2)) == (3.0, 6, 2)


def check_streams_of_the_cpu_have_nothing_to_wait_for(torch):
    stream = torch.Stream(device="cpu")
    assert stream.device == torch.device("cpu")
    assert isinstance(torch.cpu.current_stream(), torch.cpu.Stream)
    with torch.cpu.stream(torch.cpu.current_stream()):
        assert torch.ones(2).sum().item() == 2


def check_modules_of_devices_answer(torch):
    for name in ("xpu", "mps", "mtia"):
        module = getattr(torch, name)
        assert module is importlib.import_module(f"{torch.__name__}.{name}")
        assert not module.is_available()
        assert module.device_count() == 0
    assert torch.cpu.is_available()
    assert torch.cpu.device_count() == 1
    assert torch.cpu.current_device() == "cpu"
    assert torch.cpu.synchronize() is None
    assert not torch.is_vulkan_available()
    assert torch.get_device(torch.ones(1)) == -1
    assert torch.has_lapack


def check_tensors_are_on_no_other_device(torch):
    x = torch.ones(2)
    assert not any((x.is_xla, x.is_ipu, x.is_mtia, x.is_vulkan, x.is_maia))
    assert x.name is None
    assert x.output_nr == 0
    assert x.const_data_ptr() == x.data_ptr()
    for move in (x.xpu, x.pin_memory):
        with pytest.raises((RuntimeError, AssertionError)):
            move()


def check_losses_take_numbers_for_reductions(torch):
    x, y = torch.tensor([0.3, -0.2]), torch.tensor([1.0, -1.0])
    functional = torch.nn.functional
    for number, name in enumerate(("none", "mean", "sum")):
        for function, args in (
            ("hinge_embedding_loss", (x, y, 1.0)),
            ("margin_ranking_loss", (x, x * 2, y, 0.1)),
        ):
            expected = getattr(functional, function)(*args, reduction=name)
            assert torch.equal(getattr(torch, function)(*args, reduction=number), expected)
        expected = functional.binary_cross_entropy_with_logits(x, y.abs(), reduction=name)
        found = torch.binary_cross_entropy_with_logits(x, y.abs(), reduction=number)
        assert torch.allclose(found, expected)


def check_layers_have_the_form_of_kernels(torch):
    functional = torch.nn.functional
    x, weight = torch.rand(2, 3, 6), torch.rand(4, 3, 2)
    found = torch.convolution(x, weight, None, [2], [1], [1], False, [0], 1)
    assert torch.allclose(found, functional.conv1d(x, weight, None, 2, 1))
    turned = torch.convolution(x, torch.rand(3, 2, 2), None, [2], [0], [1], True, [0], 1)
    assert turned.shape == (2, 2, 12)
    mean, var = torch.zeros(3), torch.ones(3)
    found = torch.batch_norm(x, None, None, mean, var, False, 0.1, 1e-5, False)
    assert torch.allclose(found, functional.batch_norm(x, mean, var))
    table, index = torch.rand(5, 2), torch.tensor([1, 4])
    assert torch.equal(torch.embedding(table, index), table[index])
    assert torch.equal(torch.constant_pad_nd(x, [1, 1], 2.0), functional.pad(x, (1, 1), value=2.0))
    assert torch.dropout_(torch.ones(3), 0.5, False).tolist() == [1, 1, 1]
    values, places = torch.max_pool1d_with_indices(x, 2)
    assert values.shape == places.shape == (2, 3, 3)


def check_images_are_sampled_with_numbers_for_modes(torch):
    functional = torch.nn.functional
    image, theta = torch.rand(1, 1, 4, 4), torch.rand(1, 2, 3)
    grid = torch.affine_grid_generator(theta, (1, 1, 3, 3), False)
    assert torch.equal(grid, functional.affine_grid(theta, (1, 1, 3, 3), align_corners=False))
    found = torch.grid_sampler(image, grid, 1, 1, True)
    expected = functional.grid_sample(
        image, grid, mode="nearest", padding_mode="border", align_corners=True
    )
    assert torch.allclose(found, expected)


def check_the_norm_without_a_dimension(torch):
    x = matrix(torch)
    assert torch.allclose(torch.norm_except_dim(x, 2, 0), x.norm(dim=1, keepdim=True))


def check_settings_of_autocast_are_kept(torch):
    assert torch.get_autocast_dtype("cpu") is torch.bfloat16
    assert torch.get_autocast_dtype("cuda") is torch.float16
    torch.set_autocast_dtype("cpu", torch.float16)
    assert torch.get_autocast_dtype("cpu") is torch.float16
    torch.set_autocast_dtype("cpu", torch.bfloat16)
    torch.set_autocast_enabled("cpu", False)
    assert torch.autocast_increment_nesting() == 1
    assert torch.autocast_decrement_nesting() == 0


def check_old_modules_warn_and_work(torch):
    with pytest.warns(FutureWarning, match="Container` is deprecated"):
        container = torch.nn.Container(first=torch.nn.Linear(2, 3))
    assert list(container.state_dict()) == ["first.weight", "first.bias"]
    with pytest.warns((UserWarning, FutureWarning), match="NLLLoss2d"):
        loss = torch.nn.NLLLoss2d()
    assert loss(torch.zeros(1, 2, 2, 2), torch.zeros(1, 2, 2, dtype=torch.int64)).item() == 0
    with pytest.warns(FutureWarning, match="clip_grad_norm"):
        torch.nn.utils.clip_grad_norm([torch.ones(1, requires_grad=True)], 1.0)


def check_attention_takes_causal_masks_by_corner(torch):
    bias = importlib.import_module(f"{torch.__name__}.nn.attention.bias")
    attend = torch.nn.functional.scaled_dot_product_attention
    query, key = torch.rand(1, 2, 3, 4), torch.rand(1, 2, 5, 4)
    seen = torch.ones(3, 5, dtype=torch.bool)
    found = attend(query, key, key, attn_mask=bias.causal_lower_right(3, 5))
    assert torch.allclose(found, attend(query, key, key, attn_mask=seen.tril(2)), atol=1e-6)
    found = attend(query, key, key, attn_mask=bias.causal_upper_left(3, 5))
    assert torch.allclose(found, attend(query, key, key, attn_mask=seen.tril()), atol=1e-6)
    with pytest.raises(ValueError, match="causal"):
        attend(query, key, key, attn_mask=bias.causal_lower_right(3, 5), is_causal=True)
    assert bias.causal_lower_right(3, 5).variant is bias.CausalVariant.LOWER_RIGHT


def check_functions_that_torch_transforms_are_functions(torch):
    doubled = torch.func.functionalize(lambda x: x.mul_(2))
    assert doubled(torch.ones(2)).tolist() == [2, 2]
    assert torch.func.debug_unwrap(torch.ones(2)).tolist() == [1, 1]


def check_backward_s_threads_are_a_setting(torch):
    x = torch.ones(2, requires_grad=True)
    with torch.autograd.set_multithreading_enabled(False):
        (x * 2).sum().backward()
    assert x.grad.tolist() == [2, 2]
    assert issubclass(torch.AcceleratorError, RuntimeError)


def check_overrides_can_be_left_out(torch):
    with torch._C.DisableTorchFunctionSubclass():
        assert torch.ones(2).sum().item() == 2
    assert torch.DisableTorchFunctionSubclass is torch._C.DisableTorchFunctionSubclass


def check_futures_hold_what_is_set(torch):
    futures = importlib.import_module(f"{torch.__name__}.futures")
    first, second = futures.Future(), futures.Future()
    following, seen = first.then(lambda done: done.value() + 1), []
    first.add_done_callback(lambda done: seen.append(done.value()))
    together = futures.collect_all([first, second])
    assert not first.done()
    assert not together.done()
    first.set_result(3)
    second.set_result("b")
    assert (following.wait(), seen, first.value(), first.done()) == (4, [3], 3, True)
    assert [each.wait() for each in together.wait()] == futures.wait_all([first, second])
    assert futures.collect_all([]).wait() == []


def check_futures_are_completed_once(torch):
    futures = importlib.import_module(f"{torch.__name__}.futures")
    future, failed = futures.Future(), futures.Future()
    with pytest.raises(RuntimeError):
        future.value()
    future.set_result(1)
    with pytest.raises(RuntimeError, match="completed once"):
        future.set_result(2)
    failed.set_exception(ValueError("no"))
    with pytest.raises(ValueError, match="no"):
        failed.wait()
    with pytest.raises(RuntimeError):
        failed.then(lambda done: done.missing).wait()


def check_build_settings_are_said(torch):
    assert "USE_CUDA" in torch.__config__.show()
    assert "get_num_threads" in torch.__config__.parallel_info()


def check_modules_are_no_scripts(torch):
    jit = importlib.import_module(f"{torch.__name__}.jit")
    assert not isinstance(torch.nn.Linear(1, 1), jit.ScriptModule)
