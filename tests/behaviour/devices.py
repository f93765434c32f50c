"""Devices, and what scripts ask of those that are not there."""

import copy
import pickle

import pytest

UNUSABLE = (RuntimeError, AssertionError)

DIFFERENT = {
    "check_a_default_device_may_be_set_that_is_not_there": "`set_default_device` of another device",
    "check_devices_are_not_deterministic_until_asked": "`are_deterministic_algorithms_enabled()`",
}


def check_a_device_has_a_type_and_no_index(torch):
    device = torch.device("cuda")
    assert (device.type, device.index) == ("cuda", None)


def check_an_index_follows_a_colon(torch):
    assert torch.device("cuda:1").index == 1


def check_an_index_is_an_argument(torch):
    assert torch.device("cuda", 1) == torch.device("cuda:1")


def check_type_and_index_have_names(torch):
    assert torch.device(type="cuda", index=1) == torch.device("cuda:1")


def check_a_device_of_a_device_is_the_same(torch):
    assert torch.device(torch.device("cuda:1")) == torch.device("cuda:1")


def check_devices_print_as_they_are_made(torch):
    assert repr(torch.device("cuda:1")) == "device(type='cuda', index=1)"
    assert repr(torch.device("cpu")) == "device(type='cpu')"
    assert str(torch.device("cuda:1")) == "cuda:1"


def check_an_index_counts_in_comparisons(torch):
    assert torch.device("cpu") != torch.device("cpu:0")
    assert torch.device("cuda:0") != torch.device("cuda:1")


def check_a_device_does_not_equal_its_name(torch):
    assert torch.device("cpu") != "cpu"


def check_equal_devices_have_equal_hashes(torch):
    assert len({torch.device("cuda:1"), torch.device("cuda", 1), torch.device("cpu")}) == 2


def check_devices_are_copied_and_pickled(torch):
    device = torch.device("cuda:1")
    assert copy.deepcopy(device) == device
    assert pickle.loads(pickle.dumps(device)) == device


def check_a_device_is_not_changed(torch):
    with pytest.raises(AttributeError, match="not writable"):
        torch.device("cpu").type = "cuda"


def check_unknown_devices_are_refused(torch):
    with pytest.raises(RuntimeError, match=r"Expected one of cpu, cuda.* device type at start"):
        torch.device("gpu")


def check_a_bad_index_is_refused(torch):
    with pytest.raises(RuntimeError, match="Invalid device string: 'cuda:x'"):
        torch.device("cuda:x")


def check_a_negative_index_is_refused(torch):
    with pytest.raises(RuntimeError, match="Invalid device string"):
        torch.device("cuda:-1")


def check_none_is_no_device(torch):
    with pytest.raises(TypeError, match="device"):
        torch.device(None)


def check_a_number_alone_names_an_accelerator(torch):
    with pytest.raises(RuntimeError, match="Cannot access accelerator device when none is availab"):
        torch.device(0)


def check_a_device_is_a_block(torch):
    with torch.device("cpu") as device:
        assert torch.ones(2).device == device


def check_tensors_are_on_the_cpu(torch):
    x = torch.ones(2)
    assert x.device == torch.device("cpu")
    assert x.device.type == "cpu"
    assert not x.is_cuda
    assert x.get_device() == -1


def check_the_cpu_may_have_an_index(torch):
    assert torch.ones(2, device="cpu:0").device == torch.device("cpu")


def check_a_missing_device_is_not_used_to_make_tensors(torch):
    with pytest.raises(UNUSABLE, match="not compiled with CUDA enabled"):
        torch.ones(2, device=torch.device("cuda"))


def check_a_missing_device_is_not_moved_to(torch):
    with pytest.raises(UNUSABLE, match="not compiled with CUDA enabled"):
        torch.ones(2).to(torch.device("cuda:0"))


def check_tensors_have_no_cuda(torch):
    with pytest.raises(UNUSABLE, match="not compiled with CUDA enabled"):
        torch.ones(2).cuda()


def check_modules_have_no_cuda(torch):
    with pytest.raises(UNUSABLE, match="not compiled with CUDA enabled"):
        torch.nn.Linear(2, 2).cuda()


def check_modules_do_not_move_to_a_missing_device(torch):
    with pytest.raises(UNUSABLE, match="not compiled with CUDA enabled"):
        torch.nn.Linear(2, 2).to(torch.device("cuda"))


def check_the_usual_line_chooses_the_cpu(torch):
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    assert torch.nn.Linear(2, 2).to(device)(torch.ones(1, 2, device=device)).device == device


def check_the_line_with_an_accelerator_chooses_the_cpu(torch):
    chosen = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else "cpu"
    assert torch.device(chosen).type == "cpu"


def check_the_line_with_mps_chooses_the_cpu(torch):
    assert not torch.backends.mps.is_available()
    assert not torch.backends.mps.is_built()


def check_there_are_no_devices(torch):
    assert torch.cuda.device_count() == 0
    assert not torch.cuda.is_initialized()
    assert torch.accelerator.device_count() == 0


def check_seeding_a_missing_device_is_nothing(torch):
    torch.cuda.manual_seed(1)
    torch.cuda.manual_seed_all(1)
    torch.cuda.seed()


def check_seeding_a_missing_device_leaves_the_cpu_alone(torch):
    torch.manual_seed(3)
    before = torch.rand(2).tolist()
    torch.manual_seed(3)
    torch.cuda.manual_seed_all(9)
    assert torch.rand(2).tolist() == before


def check_missing_devices_are_seeded_where_torch_seeds_them(torch):
    torch.cuda.random.manual_seed(1)
    torch.cuda.random.manual_seed_all(1)
    torch.cuda.set_rng_state(torch.get_rng_state())
    assert torch.cuda.random.get_rng_state_all() == []


def check_tidying_a_missing_device_is_nothing(torch):
    torch.cuda.empty_cache()
    torch.cuda.memory.empty_cache()


def check_blocks_of_a_missing_device_are_empty(torch):
    with torch.cuda.device(-1), torch.cuda.device_of(torch.ones(1)), torch.cuda.stream(None):
        assert torch.ones(2).sum().item() == 2
    torch.cuda.set_device(-1)


def check_a_missing_device_is_not_entered(torch):
    with pytest.raises(RuntimeError, match="CUDA"), torch.cuda.device(0):
        pass


def check_a_missing_device_has_no_streams(torch):
    for kind in (torch.cuda.Stream, torch.cuda.Event):
        with pytest.raises(RuntimeError):
            kind()


def check_no_tensor_is_of_a_missing_device(torch):
    Tensor = torch.cuda.FloatTensor if torch.cuda.is_available() else torch.FloatTensor
    assert isinstance(Tensor([1.0]), torch.FloatTensor)
    assert not isinstance(Tensor([1.0]), torch.cuda.FloatTensor)
    assert torch.cuda.LongTensor.dtype == torch.int64
    with pytest.raises(TypeError, match=r"type \w+\.cuda\.LongTensor not available"):
        torch.cuda.LongTensor([1])
    with pytest.raises((RuntimeError, TypeError)):
        torch.ones(2).type(torch.cuda.FloatTensor)


def check_a_missing_device_has_no_memory(torch):
    assert torch.cuda.memory_allocated() == 0
    assert torch.cuda.max_memory_allocated() == 0
    assert torch.cuda.memory_reserved() == 0
    assert not torch.cuda.memory_stats()
    assert torch.cuda.get_arch_list() == []
    assert not torch.cuda.is_tf32_supported()


def check_a_missing_device_has_no_generators(torch):
    assert torch.cuda.get_rng_state_all() == []
    torch.cuda.set_rng_state_all([])


def check_a_missing_device_is_not_waited_for(torch):
    with pytest.raises(UNUSABLE, match="not compiled with CUDA enabled"):
        torch.cuda.synchronize()


def check_a_missing_device_has_no_number(torch):
    with pytest.raises(UNUSABLE, match="not compiled with CUDA enabled"):
        torch.cuda.current_device()


def check_a_missing_device_has_no_name(torch):
    with pytest.raises(UNUSABLE, match="not compiled with CUDA enabled"):
        torch.cuda.get_device_name(0)


def check_memory_errors_have_their_name_in_cuda(torch):
    assert torch.cuda.OutOfMemoryError is torch.OutOfMemoryError
    assert issubclass(torch.OutOfMemoryError, RuntimeError)


def check_settings_of_cudnn_are_set(torch):
    cudnn = torch.backends.cudnn
    before = cudnn.benchmark, cudnn.deterministic
    cudnn.benchmark, cudnn.deterministic = True, True
    assert cudnn.benchmark
    assert cudnn.deterministic
    cudnn.benchmark, cudnn.deterministic = before


def check_there_is_no_cudnn(torch):
    assert torch.backends.cudnn.version() is None
    assert not torch.backends.cudnn.is_available()


def check_settings_of_cudnn_are_set_in_a_block(torch):
    with torch.backends.cudnn.flags(enabled=True, deterministic=True):
        assert torch.backends.cudnn.deterministic
    assert not torch.backends.cudnn.deterministic


def check_settings_of_products_on_a_device_are_set(torch):
    torch.backends.cuda.matmul.allow_tf32 = True
    assert torch.backends.cuda.matmul.allow_tf32
    assert not torch.backends.cuda.is_built()


def check_the_precision_of_products_is_kept(torch):
    torch.set_float32_matmul_precision("high")
    assert torch.get_float32_matmul_precision() == "high"
    torch.set_float32_matmul_precision("highest")


def check_an_unknown_precision_is_warned_of(torch):
    with pytest.warns(UserWarning, match="is not one of 'highest', 'high', or 'medium'"):
        torch.set_float32_matmul_precision("low")
    assert torch.get_float32_matmul_precision() == "highest"


def check_deterministic_algorithms_are_asked_for(torch):
    torch.use_deterministic_algorithms(True, warn_only=False)
    assert torch.are_deterministic_algorithms_enabled()
    assert not torch.is_deterministic_algorithms_warn_only_enabled()
    torch.use_deterministic_algorithms(False)


def check_threads_are_counted(torch):
    assert torch.get_num_threads() >= 1
    assert torch.get_num_interop_threads() >= 1


def check_threads_of_operations_are_not_negative(torch):
    with pytest.raises(RuntimeError, match="positive"):
        torch.set_num_interop_threads(0)


def check_there_is_no_group_of_processes(torch):
    assert not (torch.distributed.is_available() and torch.distributed.is_initialized())


def check_a_default_device_may_be_set_that_is_not_there(torch):
    torch.set_default_device("cuda")
    torch.set_default_device(None)


def check_devices_are_not_deterministic_until_asked(torch):
    assert not torch.are_deterministic_algorithms_enabled()


def check_denormal_numbers_can_be_flushed(torch):
    x = torch.tensor([1e-320], dtype=torch.float64)
    try:
        assert torch.set_flush_denormal(True)
        assert (x * 1).item() == 0
    finally:
        assert torch.set_flush_denormal(False)
    assert (x * 1).item() == 1e-320


def check_flushing_denormal_numbers_is_a_bool(torch):
    with pytest.raises(RuntimeError, match="expects a bool"):
        torch.set_flush_denormal(1)
