"""Asking for memory before it is needed: the rows of the next environment come while one is worked on."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic, overload
from numba.np.arrayobj import make_array

LINE = 64  # bytes of a cache line


def prefetch(array: Any, row: Any, lines: Any) -> None:
    """Ask for the first `lines` cache lines of a row of a contiguous array; it changes nothing that can be read.

    The row need not exist. Kernels compile the overload below instead.
    """


@intrinsic
def _ask(typingctx: Any, array: Any, row: Any, offset: Any) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kind = signature.args[0]
        given = make_array(kind)(context, builder, args[0])
        stride = builder.extract_value(given.strides, 0)
        byte, word = ir.IntType(8), ir.IntType(32)
        begin = builder.bitcast(given.data, byte.as_pointer())
        place = builder.gep(begin, [builder.add(builder.mul(stride, args[1]), args[2])])
        kinds = [place.type, word, word, word]
        function = builder.module.declare_intrinsic(
            "llvm.prefetch", [place.type], ir.FunctionType(ir.VoidType(), kinds)
        )
        # To be read, and kept in all caches; of data, not of code
        builder.call(function, [place, word(0), word(3), word(1)])
        return context.get_dummy_value()

    return types.void(array, types.intp, types.intp), codegen


@overload(prefetch)
def _prefetch_compiled(array: Any, row: Any, lines: Any) -> Any:
    ask: Any = _ask

    def compiled(array: Any, row: Any, lines: Any) -> None:
        for k in range(lines):
            ask(array, row, k * LINE)

    return compiled
