"""How inner kernels are compiled: only as far as those that call them need, which is to LLVM's code as it was written.

Numba compiles every function as if Python would call it: it links all that the function calls, optimises that, and
makes machine code of it, so that what stands ten calls deep is optimised ten times. An inner kernel is only kept for
linking; the range kernel that Python calls is optimised with all that it calls, once. That halves the time to compile.
"""

from __future__ import annotations

from typing import Any

import numba
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler
from numba.core.compiler_machinery import register_pass
from numba.core.typed_passes import NativeLowering

# Numba's annotations say little, and the type checker would complain of that
_register: Any = register_pass
_make_entry: Any = numba._dynfunc.make_function  # type: ignore[attr-defined]
_lower: Any = NativeLowering.run_pass
_pipelines: Any = Compiler.define_pipelines


class _Part(JITCodeLibrary):
    """The code of a function and of what it calls, to be linked into that of others."""

    def _optimize_final_module(self) -> None:
        """Leave that to those that Python calls."""

    def _finalize_final_module(self) -> None:
        """Make no machine code."""
        self._finalized = True


@_register(mutates_CFG=True, analysis_only=False)
class _LowerPart(NativeLowering):
    """The pass from numba's code to LLVM's, and no further."""

    _name = "marl_envs_lower_part"

    def run_pass(self, state: Any) -> bool:
        """Compile one signature."""
        make_part: Any = _Part
        state.library = part = make_part(state.targetctx.codegen(), state.func_id.func_qualname)
        state.flags.no_compile = True
        _lower(self, state)
        lowered = state["cr"]
        # Numba knows what is compiled by such an object; this one has no address, as Python never calls it
        name = lowered.fndesc.qualname.rpartition(".")[2]
        entry = _make_entry(lowered.fndesc.lookup_module(), name, "", 0, lowered.env, (part,))
        state.targetctx.insert_user_function(entry, lowered.fndesc, [part])
        state["cr"] = lowered._replace(cfunc=entry)
        return True


class InnerCompiler(Compiler):
    """Numba's compiler with that pass."""

    def define_pipelines(self) -> list[Any]:
        """Return numba's passes, one of them replaced."""
        pipelines: list[Any] = _pipelines(self)
        for pipeline in pipelines:
            pipeline.passes[:] = [(_LowerPart if one is NativeLowering else one, why) for one, why in pipeline.passes]
            pipeline.finalize()
        return pipelines
