"""How a thread waits for another, and does its jobs, without the interpreter: in compiled code, by a shared mailbox.

The mailbox is an int64 array: number of the last job; address of its kernel; address and length of its table; which
operation; then, for each worker, the number of the last job it has done; then the edges of the ranges.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from numba.core import types
from numba.extending import intrinsic, overload
from numba.np.arrayobj import make_array

from marl_envs.core.jit import Bool, Int, jit
from marl_envs.core.pack import array_value

JOB, KERNEL, TABLE, LENGTH, OPERATION, DONE = range(6)
_TABLE_TYPE = types.Array(types.int64, 1, "C")
_RANGE = (_TABLE_TYPE, types.int64, types.int64, types.int64)  # of a range kernel: table, operation, first, last


@lru_cache
def address_of(kernel: Any) -> int:
    """Return where the machine code of a compiled range kernel is; compile it if need be."""
    kernel.compile(_RANGE)
    compiled = kernel.overloads[_RANGE]
    return int(compiled.library.get_pointer_to_function(compiled.fndesc.llvm_func_name))


def load(array: Any, i: Any) -> Any:
    """Return array[i] of an int64 array, read from memory at every call. Kernels compile the overload below."""
    return array[i]


def store(array: Any, i: Any, value: Any) -> None:
    """Write array[i] after everything before is written. Kernels compile the overload below."""
    array[i] = value


def call_range(kernel: Any, table: Any, length: Any, operation: Any, first: Any, last: Any) -> None:
    """Call the range kernel at address `kernel` with the table at address `table`. Only for kernels."""
    raise NotImplementedError("there are no addresses without compilation")


def _pointer(context: Any, builder: Any, kind: Any, array: Any, i: Any) -> Any:
    make: Any = make_array
    return builder.gep(make(kind)(context, builder, array).data, [i])


@intrinsic
def _load(typingctx: Any, array: Any, i: Any) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.load_atomic(_pointer(context, builder, signature.args[0], *args), "acquire", 8)

    return types.int64(array, types.intp), codegen


@intrinsic
def _store(typingctx: Any, array: Any, i: Any, value: Any) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        builder.store_atomic(args[2], _pointer(context, builder, signature.args[0], *args[:2]), "release", 8)
        return context.get_dummy_value()

    return types.none(array, types.intp, types.int64), codegen


@intrinsic
def _call(typingctx: Any, kernel: Any, table: Any, length: Any, operation: Any, first: Any, last: Any) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        convention = context.call_conv
        kind = convention.get_function_type(types.none, _RANGE).as_pointer()
        values = [array_value(context, builder, _TABLE_TYPE, list(args[1:3])), *args[3:]]
        convention.call_function(builder, builder.inttoptr(args[0], kind), types.none, _RANGE, values)
        return context.get_dummy_value()

    return types.none(*[types.int64] * 6), codegen


@overload(load, strict=False)
def _load_compiled(array: Any, i: Any) -> Any:
    intrinsic_load: Any = _load
    return lambda array, i: intrinsic_load(array, i)


@overload(store, strict=False)
def _store_compiled(array: Any, i: Any, value: Any) -> Any:
    intrinsic_store: Any = _store
    return lambda array, i, value: intrinsic_store(array, i, value)


@overload(call_range, strict=False)
def _call_compiled(kernel: Any, table: Any, length: Any, operation: Any, first: Any, last: Any) -> Any:
    call: Any = _call
    return lambda kernel, table, length, operation, first, last: call(kernel, table, length, operation, first, last)


@jit
def post(mailbox: Any, workers: Int, job: Int, kernel: Int, table: Any, operation: Int, count: Int) -> None:
    """Put job number `job` into the mailbox: the kernel at that address over 0..count-1, in equal shares."""
    mailbox[KERNEL], mailbox[TABLE], mailbox[LENGTH] = kernel, table.ctypes.data, table.shape[0]
    mailbox[OPERATION] = operation
    for k in range(workers + 2):
        mailbox[DONE + workers + k] = count * k // (workers + 1)
    store(mailbox, JOB, job)


@jit
def is_done(mailbox: Any, workers: Int, job: Int, patience: Int) -> Bool:
    """Return whether all workers have done `job`, after at most `patience` looks at each."""
    for k in range(workers):
        looks = 0
        while load(mailbox, DONE + k) != job:
            looks += 1
            if looks > patience:
                return False
    return True


@jit
def serve(mailbox: Any, workers: Int, k: Int, seen: Int, patience: Int) -> Int:
    """Be worker `k`: do the jobs after number `seen` as they come.

    Returns:
        The last one's number when for `patience` looks none has come, or -1 when one without a kernel has.
    """
    while True:
        looks = 0
        while load(mailbox, JOB) == seen:
            looks += 1
            if looks > patience:
                return seen
        seen += 1
        if mailbox[KERNEL] == 0:
            return -1
        edge = DONE + workers + k + 1
        first, last = mailbox[edge], mailbox[edge + 1]
        call_range(mailbox[KERNEL], mailbox[TABLE], mailbox[LENGTH], mailbox[OPERATION], first, last)
        store(mailbox, DONE + k, seen)
