"""How much of torch's public interface is here: names and arguments, compared with torch itself."""

import importlib
import inspect
import re
import sys
import types
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

# The namespaces compared; "" is the top level.
NAMESPACES = (
    "", "Tensor", "nn", "nn.functional", "nn.init", "nn.utils", "optim", "optim.lr_scheduler",
    "optim.swa_utils", "autograd", "func", "linalg", "special", "utils.data",
)  # fmt: skip

# Why a name is left out, the first pattern that matches.  The words are a user's.
OUT_OF_SCOPE = {
    "complex numbers": r"complex|^(angle|conj|imag|real|polar|view_as_(real|complex)|"
    r"is_conj|"
    r"resolve_(conj|neg)|is_neg|cfloat|cdouble|chalf|cfloat|H|adjoint|mH|sgn|eig|eigvals|chalf)",
    "sparse tensors": r"sparse|coalesce|^(indices|values|to_dense|dense_dim|crow|col_ind|ccol|row_|"
    r"hspmm|hsmm|smm|sspaddmm|SparseAdam|bsr|bsc|csr|csc)",
    "quantisation": r"quant|^q_|qint|^(int_repr|fake_|fused_moving|choose_qparams|quint|bits|"
    r"fbgemm|"
    r"qscheme|uint[1-7]$|int[1-7]$)",
    "other devices": r"cuda|xpu|mps|hpu|ipu|mtia|vulkan|cudnn|miopen|mkldnn|opencl|hip|metal|"
    r"pin_memory|is_pinned|Stream|Event|accelerator|get_device|vitals|maia|privateuse",
    "compilation and export": r"jit|compile|script|export|dynamo|fx$|trace_module|Script|cond$|"
    r"onnx|library|Library|while_loop|ops$|classes$",
    "recurrent networks and transformers": r"RNN|LSTM|GRU|rnn|lstm|gru|Transformer|attention|"
    r"Attention|quasi|packed|pad_sequence|unpad",
    "volumes": r"3[dD]($|_)",
    "distributed training by torch": r"distributed|DataParallel|data_parallel|SyncBatch|"
    r"parallel|DistributedSampler|share_memory|is_shared",
    "nested, named and masked tensors": r"nested|^(align_|names$|rename|refine_names|has_names)|"
    r"masked_(tensor|sum)|Dim$",
    "mixed precision": r"autocast|amp$|bfloat16|float8|GradScaler|^bf16|float4",
    "Fourier transforms and windows": r"fft|stft|window|bartlett",
    "names of torch's machinery": r"^_|Storage|storage|Dispatch|dispatch|Type$|TypeInfo|"
    r"finfo|iinfo|"
    r"backend|deterministic|memory_format|Generator$|overrides|torch_function|torch_dispatch|"
    r"typename|profiler|futures|Future|package|hub|multiprocessing|monitor|testing|version|"
    r"config|Config|^(segment_reduce|unsafe_|sym_|Sym|detach_copy|as_strided_copy|\w+_copy$)|"
    r"(Error|Exception|Interface|Backend|Object|Mode|Parser|Guard|Graph|Module|Value|Node|Use|Block|"
    r"Argument|Class|Method|Function|Property|Stack|Size)$|thread|interop|vmap_|lobpcg|fork|wait|"
    r"init_num|_(?:backward|forward)$|channels_last|layout|preserve|strided|contiguous_format|"
    r"module_load|reinforce|map_|apply_|map2_|UntypedStorage|dlpack|serialization|register_",
}


@dataclass
class Namespace:
    """What was found in one of torch's namespaces."""

    name: str
    present: list[str] = field(default_factory=list)
    differing: dict[str, list[str]] = field(default_factory=dict)  # name: arguments that are absent
    left_out: dict[str, list[str]] = field(default_factory=dict)  # reason: names
    missing: list[str] = field(default_factory=list)

    @property
    def in_scope(self) -> int:
        """Names of torch's that are here, or could be."""
        return len(self.present) + len(self.missing)


def compare_with_torch() -> list[Namespace]:
    """Compare each namespace with that of the torch installed.

    Raises ModuleNotFoundError, with what to install, where there is none.
    """
    try:
        import torch  # noqa: PLC0415  compared with, where it is installed
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "comparing the interfaces needs torch: pip install 'minigrad[test]'"
        ) from error
    here = sys.modules[__name__.partition(".")[0]]
    return [_compare(name, _within(here, name), _within(torch, name)) for name in NAMESPACES]


def _within(root: Any, path: str) -> Any:
    """The namespace at a dotted path; an empty one if there is none."""
    found = root
    for part in filter(None, path.split(".")):
        if not hasattr(found, part):
            try:
                importlib.import_module(f"{root.__name__}.{path}")
            except ModuleNotFoundError:
                return types.SimpleNamespace()
        found = getattr(found, part)
    return found


def _compare(name: str, ours: Any, theirs: Any) -> Namespace:
    found = Namespace(name)
    for public in sorted(_public_names(theirs)):
        if hasattr(ours, public):
            found.present.append(public)
            absent = _absent_arguments(getattr(ours, public), getattr(theirs, public))
            if absent:
                found.differing[public] = absent
            continue
        reason = _reason(public)
        if reason is None:
            found.missing.append(public)
        else:
            found.left_out.setdefault(reason, []).append(public)
    return found


def _public_names(space: Any) -> Iterator[str]:
    declared = getattr(space, "__all__", None)
    for name in dir(space) if declared is None or inspect.isclass(space) else declared:
        value = getattr(space, name, None)
        hidden = name.startswith("_") or (isinstance(value, types.ModuleType) and not declared)
        if hidden or value is None or getattr(value, "__module__", "") in ("typing", "enum"):
            continue
        yield name


def _reason(name: str) -> str | None:
    return next((why for why, names in OUT_OF_SCOPE.items() if re.search(names, name)), None)


# Arguments that choose among torch's implementations, or are deprecated in torch.
_OF_NO_CONCERN = {
    "size_average", "reduce", "out", "layout", "pin_memory", "memory_format", "_stacklevel", "self",
    "args", "kwargs", "_freeze", "_weight",
}  # fmt: skip


def _absent_arguments(ours: Any, theirs: Any) -> list[str]:
    """Arguments of torch's that ours does not take, where both say what they take."""
    try:
        mine, its = (inspect.signature(f).parameters for f in (ours, theirs))
    except (TypeError, ValueError):
        return []
    if any(p.kind is p.VAR_KEYWORD for p in mine.values()):
        return []
    if any(p.kind is p.VAR_POSITIONAL for p in (*mine.values(), *its.values())):
        return []
    return [name for name in its if name not in mine and name not in _OF_NO_CONCERN]
