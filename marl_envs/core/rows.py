"""Arrays that kernels index from the start only, so that no access asks whether an index is negative.

Python counts negative indices from the end, and numba asks for them at each access. Where most of the work is to follow
numbers through tables, that costs a quarter of the time. Structs that never need it say so by `counted`.
"""

from __future__ import annotations

import operator
from typing import Any, TypeVar

import numpy as np
from numba.core import cgutils, types
from numba.core.imputils import impl_ret_borrowed, lower_builtin
from numba.core.typing.templates import signature
from numba.extending import models, register_model
from numba.np.arrayobj import _getitem_array_generic, make_array, normalize_indices, setitem_array

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
    """Numba's type of such an array."""

    def __init__(self, dtype: Any, ndim: int) -> None:
        """Stand for contiguous arrays of `ndim` dimensions."""
        super().__init__(dtype, ndim, "C", name=f"rows({dtype}, {ndim}d)")


register_model(RowsType)(models.ArrayModel)


def _from_start(context: Any, builder: Any, index_types: Any, indices: Any) -> tuple[Any, Any]:
    """Return types and values of indices, with signed integers taken as unsigned ones: those are not tested."""
    index_types, indices = normalize_indices(context, builder, index_types, indices)
    values = [
        context.cast(builder, value, kind, types.intp) if isinstance(kind, types.Integer) else value
        for kind, value in zip(index_types, indices, strict=True)
    ]
    return tuple(types.uintp if isinstance(kind, types.Integer) else kind for kind in index_types), values


@lower_builtin(operator.getitem, RowsType, types.Integer)
@lower_builtin(operator.getitem, RowsType, types.BaseTuple)
def _get(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    kind, at = sig.args
    array = make_array(kind)(context, builder, args[0])
    single = not isinstance(at, types.BaseTuple)
    given = ((at,), (args[1],)) if single else (at.types, cgutils.unpack_tuple(builder, args[1], count=len(at)))
    found = _getitem_array_generic(
        context, builder, sig.return_type, kind, array, *_from_start(context, builder, *given)
    )
    return impl_ret_borrowed(context, builder, sig.return_type, found)


@lower_builtin(operator.setitem, RowsType, types.Integer, types.Any)
@lower_builtin(operator.setitem, RowsType, types.BaseTuple, types.Any)
def _set(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    kind, at, value = sig.args
    single = not isinstance(at, types.BaseTuple)
    given = ((at,), (args[1],)) if single else (at.types, cgutils.unpack_tuple(builder, args[1], count=len(at)))
    index_types, indices = _from_start(context, builder, *given)
    place = types.Tuple(index_types)
    at_value = context.make_tuple(builder, place, indices)
    return setitem_array(context, builder, signature(sig.return_type, kind, place, value), (args[0], at_value, args[2]))
