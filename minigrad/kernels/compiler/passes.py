"""The passes of Numba's compiler that kernels need.

Those left out look for what kernels do not have: functions inside functions, and expressions of
whole arrays.  They go through a function several times to find nothing.
"""

from types import CodeType
from typing import Any

from numba.core import compiler, typed_passes, untyped_passes

_LEFT_OUT = frozenset({untyped_passes.InlineClosureLikes, typed_passes.NopythonRewrites})


def passes_for(state: Any) -> Any:
    """Numba's passes for the function of a compilation's state.

    All of them if it holds another function, as a kernel of a user may.
    """
    passes = compiler.DefaultPassBuilder.define_nopython_pipeline(state)
    if not any(isinstance(constant, CodeType) for constant in state.func_id.code.co_consts):
        passes.passes = [step for step in passes.passes if step[0] not in _LEFT_OUT]
        passes._finalized = False
        passes.finalize()
    return passes


class KernelCompiler(compiler.CompilerBase):
    """Numba's compiler of functions with these passes."""

    def define_pipelines(self) -> list[Any]:
        return [passes_for(self.state)]
