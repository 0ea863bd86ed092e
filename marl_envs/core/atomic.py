"""Watching a number that another thread changes."""

from __future__ import annotations

from typing import Any

from numba.core import types
from numba.extending import intrinsic, overload
from numba.np.arrayobj import make_array

from marl_envs.core.jit import Int, jit


def load(array: Any, i: int) -> Any:
    """Return array[i] of an int64 array, read from memory at every call. Kernels compile the overload below instead."""
    return array[i]


@intrinsic
def _load_acquire(typingctx: Any, array: Any, i: Any) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pointer = builder.gep(make_array(signature.args[0])(context, builder, args[0]).data, [args[1]])
        return builder.load_atomic(pointer, "acquire", 8)

    return types.int64(array, types.intp), codegen


@overload(load, strict=False)
def _load_compiled(array: Any, i: Any) -> Any:
    load_acquire: Any = _load_acquire
    return lambda array, i: load_acquire(array, i)


@jit
def watch(array: Any, i: Int, seen: Int, looks: Int, courtesy: Int) -> Int:
    """Look up to `looks` times whether array[i] has left `seen`; if it has, go on for `courtesy` looks. Return it."""
    value = load(array, i)
    for _ in range(looks):
        if value != seen:
            for _ in range(courtesy):
                value = load(array, i)
            return value
        value = load(array, i)
    return value
