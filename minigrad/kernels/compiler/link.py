"""Device functions, compiled to LLVM's intermediate code for kernels to link.

Numba also makes machine code and a Python wrapper of each function, even if only compiled functions
call it, and optimises each with all that it calls: what lies five calls deep six times.  The first
was a fifth of the compilation time of a training step's kernels, the second a quarter.
"""

from collections.abc import Callable
from typing import Any

import numba
from numba.core import codegen, compiler, typed_passes
from numba.core.compiler_machinery import register_pass

from minigrad.kernels.compiler.passes import passes_for


class _IntermediateCode(codegen.CPUCodeLibrary):
    """Code that is linked into other code: it is optimised there, and gets no machine code here."""

    def _optimize_final_module(self) -> None:
        """Do nothing: functions are simplified, and a kernel is optimised as a whole."""

    def _finalize_final_module(self) -> None:
        self._finalize_dynamic_globals()
        self._verify_declare_only_symbols()
        self._finalized = True


@register_pass(mutates_CFG=True, analysis_only=False)
class _Lowering(typed_passes.NativeLowering):
    _name = "minigrad_linked_lowering"

    def run_pass(self, state: Any) -> bool:
        state.library = _IntermediateCode(state.targetctx.codegen(), state.func_id.func_qualname)
        state.flags = state.flags.copy()
        state.flags.no_compile = True
        super().run_pass(state)
        # Numba identifies a compiled function by the C function that Python would call.  Any
        # unique object serves here, because nothing calls it.
        entry = [].clear
        state.cr = state.cr._replace(cfunc=entry)
        state.targetctx.insert_user_function(entry, state.cr.fndesc, [state.library])
        return True


class _Compiler(compiler.CompilerBase):
    """Numba's compiler of functions, with another last pass."""

    def define_pipelines(self) -> list[Any]:
        passes = passes_for(self.state)
        lowering = typed_passes.NativeLowering
        passes.passes = [
            (_Lowering if step is lowering else step, text) for step, text in passes.passes
        ]
        passes._finalized = False
        passes.finalize()
        return [passes]


def link(function: Callable[..., Any], **options: Any) -> Callable[..., Any]:
    """Return the function in a form that other compiled functions can call."""
    if numba.config.DISABLE_JIT:
        return function
    linked: Any = numba.njit(
        function,
        no_cpython_wrapper=True,
        no_cfunc_wrapper=True,
        pipeline_class=_Compiler,
        **options,
    )
    resolve = linked.get_call_template

    def without_literals(args: tuple[Any, ...], kws: dict[str, Any]) -> Any:
        """Avoid one compilation for each constant among the arguments."""
        return resolve(tuple(map(numba.types.unliteral, args)), kws)

    linked.get_call_template = without_literals
    device_function: Callable[..., Any] = linked  # Numba's stubs know no dispatchers
    return device_function
