"""Names of torch that are out of scope, by name or pattern, each with the reason."""

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

from minigrad.core import unsupported

# In each line the names that are left out for one reason: `*` stands for anything, and a name with
# a dot in it is meant in that namespace alone.  A name that is here, too, counts as here.
OUT_OF_SCOPE = {
    "complex numbers of half precision": "complex32 chalf",
    "sparse tensors": """
        *sparse* *coalesce* Tensor.indices Tensor.values dense_dim to_dense crow_indices*
        col_indices* ccol_indices* row_indices* indices_copy values_copy hspmm hsmm smm
        saddmm sspaddmm
        """,
    "quantisation": """
        *quantize* q_* qscheme qint* quint* int_repr fused_moving_avg_obs_fake_quant fbgemm_*
        choose_qparams_optimized bits8 bits16 bits?x? int[1-7] uint[1-7] scaled_mm scaled_grouped_mm
        ScalingType SwizzleType
        """,
    "other devices": """
        *ipu* cudnn_* miopen_* *mkldnn* record_stream get_device_module batch_norm_* tf32_notes
        """,
    "compilation and export": """
        export cond fork wait *Script* LiteScriptModule import_ir_module* parse_*
        merge_type_from_type_comment unify_type_list JITException
        boolean_dispatch BroadcastingList? assert_int_or_pair
        """,
    "products of groups of rows": "grouped_mm",
    "other ways of distributing": "is_distributed",
    "nested and named tensors": "to_padded_tensor",
    "mixed precision": "*autocast*",
    "number formats that NumPy lacks": "bfloat16 float4_* float8_*",
    "given up in torch": """
        Tensor.lstsq Tensor.solve Tensor.symeig Tensor.eig Tensor.resize Tensor.resize_as
        Tensor.volatile Tensor.reinforce
        """,
    "data pipes, given up in torch": """
        *DataPipe* DataChunk argument_validation runtime_validation* functional_datapipe
        guaranteed_datapipes_determinism non_deterministic
        """,
    "unsigned integers torch can only store": "uint16 uint32 uint64",
    "memory at hand": """
        *Storage storage_type *_copy share_memory_ from_file module_load
        convert_conv?d_weight_memory_format
        """,
    "torch's machinery": """
        sym_* Sym* *Error Disable*Function* nn.functional.*torch_function*
        Tensor.grad_dtype AVG SUM bit hash_tensor slice_inverse init_num_threads
        thread_safe_generator
        is_anomaly_check_nan_enabled Tensor.index native_* *_notes factory_kwargs
        DType Callable TYPE_* GRID_SAMPLE_*
        nn.functional.Tensor autograd.grad_mode NestedIOFunction enforce_grad_layout_policy
        rearrange swap_in_optimizer_params_and_state Optional torch.cpp
        """,
}
MACHINERY = "torch's machinery"
UNDOCUMENTED = "not documented by torch"

# What a user can do who asks for a name that is left out, for the reasons above.
REMEDIES = {
    "complex numbers of half precision": unsupported.COMPLEX_HALF,
    "sparse tensors": unsupported.SPARSE,
    "quantisation": unsupported.QUANTIZED,
    "other devices": "minigrad computes on the CPU only; leave it out",
    "compilation and export": (
        "minigrad runs models as they are written, and its kernels are compiled; leave it out"
    ),
    "products of groups of rows": "use linear for each group, or bmm for groups of one size",
    "other ways of distributing": "processes exchange through MPI: see minigrad.distributed",
    "nested and named tensors": "minigrad's dimensions have no names; pad, and use numbers",
    "mixed precision": "compute in float32, or cast to float16 with x.half()",
    "number formats that NumPy lacks": unsupported.FLOAT_FORMAT,
    "given up in torch": "use the name that torch's documentation gives in its place",
    "data pipes, given up in torch": "use Dataset, IterableDataset and DataLoader",
    "unsigned integers torch can only store": "use uint8, or a wider signed type",
    "memory at hand": "a tensor's memory is its NumPy array, x.numpy()",
    "modules that wait for their sizes": "give the sizes when you make the module",
}

SINGULAR = {"quantisation", "mixed precision", "memory at hand", "given up in torch"}

# Modules of torch that are not here.
MODULES = {
    "ao": "quantisation", "export": "compilation and export",
    "fx": "compilation and export",
    "nested": "nested and named tensors",
    "package": "compilation and export", "quantization": "quantisation",
    "sparse": "sparse tensors",
}  # fmt: skip


def reason_to_leave_out(
    namespace: str, name: str, value: Any, reasons: Mapping[str, str] = OUT_OF_SCOPE
) -> str | None:
    """Why minigrad does not have the name, the first reason that names it; None if it could."""
    for why, patterns in reasons.items():
        if any(_names(pattern, namespace, name) for pattern in patterns.split()):
            return why
    if type(value).__name__ == "pybind11_type":  # a class of the compiler's or the profiler's
        return MACHINERY
    if callable(value) and not (getattr(value, "__doc__", None) or "").strip():
        return UNDOCUMENTED
    return None


def _names(pattern: str, namespace: str, name: str) -> bool:
    return fnmatchcase(f"{namespace or 'torch'}.{name}" if "." in pattern else name, pattern)


def why_missing(namespace: str, name: str) -> str:
    """Why a name of torch's is not here and what to do, in words; "" if nothing is known of it."""
    reason = MODULES.get(name) if not namespace else None
    reason = reason or reason_to_leave_out(namespace, name, None)
    if reason is None:
        return ""
    remedy = REMEDIES.get(reason)
    if remedy is None:
        return f"it is out of scope ({reason})"
    verb = "is" if reason in SINGULAR else "are"
    return f"{reason} {verb} out of scope: {remedy}"
