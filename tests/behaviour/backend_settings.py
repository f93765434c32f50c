"""`backends`: settings are read and set as in a build of torch for the CPU."""

import importlib

import pytest


def check_modules_can_be_imported(torch):
    for name in ("cpu", "cuda", "cudnn", "cusparselt", "kleidiai", "mha", "mkl", "mkldnn", "mps",
                 "nnpack", "openmp", "opt_einsum", "quantized"):  # fmt: skip
        module = importlib.import_module(f"{torch.__name__}.backends.{name}")
        assert getattr(torch.backends, name) is module


def check_tf32_and_the_precision_of_products_are_one_setting(torch):
    before = torch.get_float32_matmul_precision()
    torch.backends.cuda.matmul.allow_tf32 = True
    assert torch.backends.cuda.matmul.allow_tf32
    assert torch.get_float32_matmul_precision() == "high"
    torch.set_float32_matmul_precision("highest")
    assert not torch.backends.cuda.matmul.allow_tf32
    torch.set_float32_matmul_precision(before)


def check_products_have_no_other_settings(torch):
    matmul = torch.backends.cuda.matmul
    assert matmul.allow_fp16_reduced_precision_reduction
    assert not matmul.allow_fp16_accumulation
    with pytest.raises(AttributeError):
        matmul.allow_everything = True


def check_cudnn_is_not_there(torch):
    cudnn = torch.backends.cudnn
    assert cudnn.version() is None
    assert not cudnn.is_available()
    assert not cudnn.is_acceptable(torch.ones(2))
    assert cudnn.enabled
    assert not cudnn.benchmark
    assert not cudnn.deterministic


def check_cudnn_flags_are_set_and_restored(torch):
    cudnn = torch.backends.cudnn
    before = cudnn.set_flags(_enabled=False, _benchmark=True)
    assert before[:2] == (True, False)
    assert not cudnn.enabled
    assert cudnn.benchmark
    cudnn.set_flags(*before[:2])
    with cudnn.flags(enabled=False, benchmark=True, deterministic=True):
        assert (cudnn.enabled, cudnn.benchmark, cudnn.deterministic) == (False, True, True)
    assert (cudnn.enabled, cudnn.benchmark, cudnn.deterministic) == (True, False, False)


def check_mkldnn_flags_are_set_and_restored(torch):
    with torch.backends.mkldnn.flags(enabled=False, allow_tf32=None):
        assert not torch.backends.mkldnn.enabled
    assert torch.backends.mkldnn.enabled
    with torch.backends.mkldnn.verbose(torch.backends.mkldnn.VERBOSE_OFF):
        pass


def check_kinds_of_attention_are_set_and_restored(torch):
    cuda = torch.backends.cuda
    assert cuda.flash_sdp_enabled()
    cuda.enable_flash_sdp(False)
    assert not cuda.flash_sdp_enabled()
    cuda.enable_flash_sdp(True)
    assert cuda.mem_efficient_sdp_enabled()
    assert cuda.math_sdp_enabled()
    assert cuda.cudnn_sdp_enabled()
    assert not cuda.is_flash_attention_available()
    with pytest.warns(FutureWarning) if torch.__name__ == "torch" else torch.enable_grad():
        block = cuda.sdp_kernel(enable_flash=False, enable_math=True, enable_mem_efficient=False)
    with block:
        query = torch.rand(1, 2, 3, 4)
        torch.nn.functional.scaled_dot_product_attention(query, query, query)
    assert cuda.flash_sdp_enabled()


def check_libraries_of_devices_cannot_be_preferred(torch):
    with pytest.raises(RuntimeError, match="Cannot set preferred backend to"):
        torch.backends.cuda.preferred_linalg_library("magma")


def check_einsum_s_planner_has_settings(torch):
    opt_einsum = torch.backends.opt_einsum
    assert isinstance(opt_einsum.is_available(), bool)
    before = opt_einsum.strategy
    with opt_einsum.flags(enabled=opt_einsum.enabled, strategy=before):
        x = torch.ones(2, 3)
        assert torch.einsum("ij,ij->", x, x).item() == 6
    assert opt_einsum.strategy == before


def check_devices_are_not_there(torch):
    assert not torch.backends.mps.is_available()
    assert not torch.backends.cuda.is_built()
    assert not torch.backends.cusparselt.is_available()
    assert not torch.backends.kleidiai.is_available()
    assert torch.backends.cuda.cufft_plan_cache is not None


def check_the_cpu_says_what_it_can(torch):
    assert torch.backends.cpu.get_cpu_capability() in ("DEFAULT", "AVX2", "AVX512", "NEON")


def check_engines_of_quantisation_are_listed(torch):
    assert torch.backends.quantized.engine in torch.backends.quantized.supported_engines


def check_the_fast_way_of_attention_is_set(torch):
    mha = torch.backends.mha
    assert mha.get_fastpath_enabled()
    mha.set_fastpath_enabled(False)
    assert not mha.get_fastpath_enabled()
    mha.set_fastpath_enabled(True)


def check_precision_of_float32_can_be_set(torch):
    for holder in (torch.backends.cudnn.conv, torch.backends.mkldnn.matmul):
        before = holder.fp32_precision
        holder.fp32_precision = "ieee"
        assert holder.fp32_precision == "ieee"
        holder.fp32_precision = before
