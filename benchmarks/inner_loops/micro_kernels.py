"""Micro-kernels compiled for other CPUs.

`assemble` starts this module as a program, with `MINIGRAD_VECTOR_UNIT` set to that of the CPUs.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from typing import Any, NamedTuple

import llvmlite.binding as llvm
from llvmlite import ir
from numba import types
from numba.core.registry import cpu_target

from benchmarks.inner_loops.targets import TARGETS, X86, Target
from minigrad.kernels.attention import softmax
from minigrad.kernels.conv import microkernels as conv_microkernels
from minigrad.kernels.conv import winograd_transforms
from minigrad.kernels.matmul import stack
from minigrad.kernels.recurrent import tile
from minigrad.kernels.simd import microkernels, move

DTYPES = {"float32": types.float32, "float64": types.float64}

# Micro-kernels with their arguments: E is an element, P a pointer to elements, I one to integers,
# and N an integer; several letters are a tuple.
_TRANSFORM = "PNN PNN"
_ROW = "P E P P I N"
_TILE = "PNN PN I PN P N"
_SMALL = "PN P PNN PN N"
MICRO_KERNELS: dict[str, tuple[Any, str]] = {
    "product": (microkernels.gemm_microkernel, "PN PN PII PN N"),
    "inner products": (microkernels.tile_of_inner_products, "P PN PN N"),
    "recurrent product": (tile._tile_of_all, _TILE),
    "recurrent product, 2 rows": (tile._tile_of_two, _TILE),
    "recurrent product, 1 row": (tile._tile_of_one, _TILE),
    "small product": (stack.wide_tile, _SMALL),
    "small product, 1 row": (stack.wide_row, _SMALL),
    "narrow product": (stack.narrow_tile, _SMALL),
    "narrow product, 1 row": (stack.narrow_row, _SMALL),
    "row of a product": (microkernels.row_product, _ROW),
    "end of a row": (microkernels.row_end_product, _ROW),
    "tile of planes": (conv_microkernels.tile_of_planes, "PN P PN P I N"),
    "tile of channels": (conv_microkernels.tile_of_channels, "PN PN P PII N"),
    "dot products": (microkernels.dot_products, "P P P I N"),
    "greatest of columns": (softmax.greatest_of_columns, "P P N N"),
    "totals of columns": (softmax.totals_of_columns, "P P N N"),
    "greatest of taps": (microkernels.greatest_of_taps, "P P P I N"),
    "greatest, at an end": (microkernels.greatest_of_taps_end, "P P P I N"),
    "Winograd 4, image": (winograd_transforms.transform_image_4, _TRANSFORM),
    "Winograd 4, filter": (winograd_transforms.transform_filter_4, _TRANSFORM),
    "Winograd 4, result": (winograd_transforms.transform_result_4, _TRANSFORM),
    "Winograd 4, adjoint of result": (winograd_transforms.adjoint_of_result_4, _TRANSFORM),
    "Winograd 4, adjoint of filter": (winograd_transforms.adjoint_of_filter_4, _TRANSFORM),
    "Winograd 2, image": (winograd_transforms.transform_image_2, _TRANSFORM),
    "Winograd 2, filter": (winograd_transforms.transform_filter_2, _TRANSFORM),
    "Winograd 2, result": (winograd_transforms.transform_result_2, _TRANSFORM),
    "Winograd 2, adjoint of result": (winograd_transforms.adjoint_of_result_2, _TRANSFORM),
    "Winograd 2, adjoint of filter": (winograd_transforms.adjoint_of_filter_2, _TRANSFORM),
    "transposed block": (move.transpose_block, "PN PN"),
    "copied vector": (move.copy_vector, "P P"),
    "every second element": (move.gather_vector, "P P"),
    "cleared vector": (move.clear_vector, "P"),
}


class Assembled(NamedTuple):
    """A micro-kernel for a CPU."""

    target: str
    micro_kernel: str
    dtype: str
    assembly: str


def assemble(
    targets: Iterable[str],
    micro_kernels: Iterable[str] = MICRO_KERNELS,
    dtypes: Iterable[str] = DTYPES,
) -> list[Assembled]:
    """All these micro-kernels for all these CPUs, compiled in one process for each vector unit."""
    by_unit: dict[str, list[str]] = {}
    for name in targets:
        by_unit.setdefault(TARGETS[name].forced_unit, []).append(name)
    found = []
    for unit, names in by_unit.items():
        request = json.dumps([names, list(micro_kernels), list(dtypes)])
        ended = subprocess.run(
            [sys.executable, "-m", __name__, request],
            env=os.environ | {"MINIGRAD_VECTOR_UNIT": unit}, stdout=subprocess.PIPE, text=True,
            check=True,
        )  # fmt: skip
        found += [Assembled(*each) for each in json.loads(ended.stdout)]
    return found


def _argument(letters: str, element: Any) -> Any:
    kinds = {
        "E": element,
        "P": types.CPointer(element),
        "I": types.CPointer(types.int64),
        "N": types.int64,
    }
    parts = [kinds[letter] for letter in letters]
    return parts[0] if len(parts) == 1 else types.Tuple(parts)


def _intermediate_code(micro_kernel: str, dtype: str, triple: str) -> str:
    """A function that reads the micro-kernel's arguments from a record, and runs it."""
    intrinsic, letters = MICRO_KERNELS[micro_kernel]
    arguments = [_argument(each, DTYPES[dtype]) for each in letters.split()]
    context = cpu_target.target_context
    _, generate = intrinsic._defn(cpu_target.typing_context, *arguments)
    module = ir.Module(micro_kernel)
    module.triple = triple
    record = ir.LiteralStructType([context.get_value_type(kind) for kind in arguments])
    kind = ir.FunctionType(ir.VoidType(), [record.as_pointer()])
    function = ir.Function(module, kind, "micro_kernel")
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    whole = builder.load(function.args[0])
    fields = [builder.extract_value(whole, i) for i in range(len(arguments))]
    generate(context, builder, None, fields)
    builder.ret_void()
    return str(module)


def _compile(code: str, target: Target) -> str:
    """The assembly, by the passes that Numba runs."""
    machine = llvm.Target.from_triple(target.triple).create_target_machine(
        cpu=target.name, opt=3, reloc="static" if target.triple == X86 else "pic"
    )
    module = llvm.parse_assembly(code)
    module.verify()
    options = llvm.create_pipeline_tuning_options(speed_level=3)
    options.loop_vectorization = True
    passes = llvm.create_pass_builder(machine, options)
    passes.getModulePassManager().run(module, passes)
    return str(machine.emit_assembly(module))


def main() -> None:
    """Print the assembly that the command line asks for: (targets, micro-kernels, dtypes)."""
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    targets, micro_kernels, dtypes = json.loads(sys.argv[1])
    found = [
        Assembled(name, micro_kernel, dtype, _compile(code, TARGETS[name]))
        for dtype in dtypes
        for micro_kernel in micro_kernels
        for name in targets
        if (code := _intermediate_code(micro_kernel, dtype, TARGETS[name].triple))
    ]
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
