"""Arrays that kernels index from the start only, so that no access asks whether an index is negative.

Python counts negative indices from the end, and numba asks for them at each access. Where most of the work is to follow
numbers through tables, that costs a quarter of the time. Structs that never need it say so by `counted`.
"""

from __future__ import annotations

import operator
from typing import Any, TypeVar

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.core.imputils import impl_ret_borrowed, lower_builtin
from numba.extending import models, register_model
from numba.np.arrayobj import _getitem_array_generic, load_item, make_array, normalize_indices, store_item

C = TypeVar("C", bound=type)
_counted: set[type] = set()


def counted(cls: C) -> C:
    """Say of a NamedTuple of arrays that kernels never index them from the end. A class decorator."""
    _counted.add(cls)
    return cls


def is_counted(cls: type) -> bool:
    """Return whether that has been said of `cls`."""
    return cls in _counted


class Rows(np.ndarray[Any, Any]):
    """What kernels get as plain Python (NUMBA_DISABLE_JIT=1): an array that refuses negative indices."""

    def __getitem__(self, at: Any) -> Any:
        """Return the element; raise IndexError where an index is negative."""
        _refuse_negative(at)
        return super().__getitem__(at)

    def __setitem__(self, at: Any, value: Any) -> None:
        """Set the element; raise IndexError where an index is negative."""
        _refuse_negative(at)
        super().__setitem__(at, value)


def _refuse_negative(at: Any) -> None:
    for i in at if isinstance(at, tuple) else (at,):
        if isinstance(i, (int, np.integer)) and i < 0:
            raise IndexError(f"kernels count from the start, but {at} has a negative index")


class RowsType(types.Array):
    """Numba's type of such an array. Two of different owners share no memory, and LLVM is told so."""

    def __init__(self, dtype: Any, ndim: int, owner: str) -> None:
        """Stand for contiguous arrays of `ndim` dimensions.

        Args:
            dtype: of the elements.
            ndim: dimensions.
            owner: struct and field that the array is.
        """
        self.owner = owner
        super().__init__(dtype, ndim, "C", name=f"rows({dtype}, {ndim}d, {owner})")

    @property
    def key(self) -> Any:
        """What makes two types equal."""
        return (*super().key, self.owner)


register_model(RowsType)(models.ArrayModel)


def _indices(context: Any, builder: Any, kind: Any, value: Any) -> tuple[Any, Any]:
    """Return types and values of the indices of an access; integers are of the machine's size."""
    single = not isinstance(kind, types.BaseTuple)
    given = ((kind,), (value,)) if single else (kind.types, cgutils.unpack_tuple(builder, value, count=len(kind)))
    index_types, indices = normalize_indices(context, builder, *given)
    values = [
        context.cast(builder, index, one, types.intp) if isinstance(one, types.Integer) else index
        for one, index in zip(index_types, indices, strict=True)
    ]
    return tuple(types.uintp if isinstance(one, types.Integer) else one for one in index_types), values


def _is_element(kind: RowsType, index_types: Any) -> bool:
    return len(index_types) == kind.ndim and all(isinstance(one, types.Integer) for one in index_types)


def _place(builder: Any, kind: RowsType, array: Any, values: Any) -> Any:
    """Return the address of an element: axis by axis, so that the row's can be kept over a loop."""
    strides = cgutils.unpack_tuple(builder, array.strides, kind.ndim)
    byte = ir.IntType(8).as_pointer()
    row = builder.bitcast(array.data, byte)
    for value, stride in zip(values[:-1], strides[:-1], strict=True):
        row = builder.gep(row, [builder.mul(value, stride)], inbounds=True)
    return builder.gep(builder.bitcast(row, array.data.type), [values[-1]], inbounds=True)


def _tag(builder: Any, kind: RowsType, since: int) -> None:
    """Mark the loads and stores since the `since`-th instruction of the block as those of one owner."""
    module, zero = builder.module, ir.IntType(64)(0)
    root = module.add_metadata(["rows of marl_envs"])
    node = module.add_metadata([kind.owner, root, zero])
    for instruction in builder.block.instructions[since:]:
        if isinstance(instruction, (ir.LoadInstr, ir.StoreInstr)):
            instruction.set_metadata("tbaa", module.add_metadata([node, node, zero]))


@lower_builtin(operator.getitem, RowsType, types.Integer)
@lower_builtin(operator.getitem, RowsType, types.BaseTuple)
def _get(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    kind = sig.args[0]
    array = make_array(kind)(context, builder, args[0])
    index_types, values = _indices(context, builder, sig.args[1], args[1])
    if _is_element(kind, index_types):
        place = _place(builder, kind, array, values)
        since = len(builder.block.instructions)
        found = load_item(context, builder, kind, place)
        _tag(builder, kind, since)
    else:
        found = _getitem_array_generic(context, builder, sig.return_type, kind, array, index_types, values)
    return impl_ret_borrowed(context, builder, sig.return_type, found)


@lower_builtin(operator.setitem, RowsType, types.Integer, types.Any)
@lower_builtin(operator.setitem, RowsType, types.BaseTuple, types.Any)
def _set(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    kind, at, given = sig.args
    array = make_array(kind)(context, builder, args[0])
    index_types, values = _indices(context, builder, at, args[1])
    if not _is_element(kind, index_types):
        raise NotImplementedError("kernels set single elements of rows")
    value = context.cast(builder, args[2], given, kind.dtype)
    place = _place(builder, kind, array, values)
    since = len(builder.block.instructions)
    store_item(context, builder, kind, value, place)
    _tag(builder, kind, since)
