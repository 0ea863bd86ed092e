"""Arrays that travel to a kernel together, as a table of their addresses.

A family declares its arrays as NamedTuples whose fields say dtype and shape:

    class State(NamedTuple):
        row: Annotated[NDArray[np.int16], "E A"]  # one letter (or name, or number) a dimension

`allocate` makes the arrays, `table_of` writes their addresses and shapes into one int64 array, and `unpack` turns
that back inside a kernel, as one pointer whose fields read like the NamedTuple's. Passing one array instead of forty
takes a call from several microseconds to half of one, compiles many times faster, and leaves no reference counts in
the inner loops.
"""

from __future__ import annotations

import ctypes
from functools import lru_cache
from typing import Annotated, Any, NamedTuple, TypeVar, get_args, get_origin, get_type_hints

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.core.typing.templates import AttributeTemplate, infer_getattr
from numba.extending import intrinsic, lower_getattr_generic, models, overload, register_model
from numba.np.arrayobj import make_array, populate_array
from numba.np.numpy_support import from_dtype
from numpy.typing import NDArray

from marl_envs.core.rows import Rows, RowsType, is_counted

_LINE = 64  # bytes of a cache line, where every array starts
T = TypeVar("T", bound=tuple[Any, ...])
Table = NDArray[np.int64]


class Field(NamedTuple):
    """One entry of a packed NamedTuple."""

    name: str
    dtype: np.dtype[Any]
    dims: tuple[str, ...] | None  # None for a plain int or float


@lru_cache
def fields_of(cls: type) -> tuple[Field, ...]:
    """Return what `cls` declares; raise TypeError for a field that is neither int, float nor an annotated array."""
    found = []
    for name, hint in get_type_hints(cls, include_extras=True).items():
        if hint in (int, float):
            found.append(Field(name, np.dtype(np.int64 if hint is int else np.float64), None))
        elif get_origin(hint) is Annotated:
            array, dims = get_args(hint)
            scalar = get_args(get_args(array)[1])[0]
            found.append(Field(name, np.dtype(scalar), tuple(dims.split())))
        else:
            raise TypeError(f"{cls.__name__}.{name} must be int, float or Annotated[NDArray[...], 'E A']: {hint}")
    return tuple(found)


def joined(name: str, module: str, *parts: type) -> Any:
    """Return a NamedTuple with the fields of `parts`, one after the other: what is built on top of another simulation.

    A kernel unpacks each part of its table by itself: the second begins `slots_of(parts[0])` entries after the first.

    Args:
        name: of the new class.
        module: where it will be found under that name, so that it can be pickled.
        parts: NamedTuple classes.

    Raises:
        TypeError: two parts have a field of the same name.
    """
    hints = [item for part in parts for item in get_type_hints(part, include_extras=True).items()]
    names = [field for field, _ in hints]
    twice = sorted({field for field in names if names.count(field) > 1})
    if twice:
        raise TypeError(f"{name} cannot be joined: {', '.join(twice)} would be there twice")
    cls: Any = NamedTuple(name, hints)  # type: ignore[misc]
    cls.__module__ = module
    return cls


def prefixed(cls: type, prefix: str, same: tuple[str, ...]) -> Any:
    """Return `cls` with `prefix` before each field and each dimension that is no number and not one of `same`.

    So two parts that use the same names can be joined. Kernels unpack the part as a `cls` all the same: what a table
    holds has no names.
    """

    def renamed(hint: Any) -> Any:
        if get_origin(hint) is not Annotated:
            return hint
        array, dims = get_args(hint)
        names = [dim if dim in same or dim.isdigit() else prefix + dim for dim in dims.split()]
        return Annotated[array, " ".join(names)]

    hints = get_type_hints(cls, include_extras=True)
    fields = [(prefix + name, renamed(hint)) for name, hint in hints.items()]
    return NamedTuple(prefix + cls.__name__, fields)


def part_of(struct: tuple[Any, ...], cls: type[T], prefix: str = "") -> T:
    """Return the fields of `cls`, each under `prefix` in `struct` where it is not there under its own name."""
    names = ((field.name, prefix + field.name) for field in fields_of(cls))
    return cls(*(getattr(struct, full if hasattr(struct, full) else name) for name, full in names))


def slots_of(cls: type) -> int:
    """Return how many table entries `cls` takes."""
    return sum(1 + len(field.dims or ()) for field in fields_of(cls))


def allocate(cls: type[T], **sizes: int) -> T:
    """Return `cls` with zeroed arrays, each dimension sized by its name, one after the other in one block of memory."""
    shapes = [[sizes[d] for d in f.dims or ()] for f in fields_of(cls)]
    lengths = [int(np.prod(shape)) * f.dtype.itemsize for f, shape in zip(fields_of(cls), shapes, strict=True)]
    starts = np.cumsum([0, *(-(-length // _LINE) * _LINE for length in lengths)]).tolist()
    spare = np.zeros(starts[-1] + _LINE, np.uint8)
    first = -spare.ctypes.data % _LINE
    block = spare[first : first + starts[-1]]
    pieces = (block[start : start + length] for start, length in zip(starts, lengths, strict=False))
    return cls(*(p.view(f.dtype).reshape(s) for p, f, s in zip(pieces, fields_of(cls), shapes, strict=True)))


def block_of(struct: tuple[Any, ...]) -> NDArray[np.uint8]:
    """Return the memory that all arrays of `struct`, which comes from `allocate`, lie in."""
    spare = struct[0].base
    first = -spare.ctypes.data % _LINE
    return spare[first : len(spare) - _LINE + first]  # type: ignore[no-any-return]


def table_of(*structs: tuple[Any, ...]) -> Table:
    """Return the addresses and shapes of all the arrays, and the plain numbers, in order.

    The caller keeps the arrays alive and does not replace them.

    Raises:
        TypeError: an array has another dtype, rank, layout or size of a numbered dimension than declared.
    """
    slots: list[int] = []
    for struct in structs:
        for field, value in zip(fields_of(type(struct)), struct, strict=True):
            if field.dims is None:
                slots.append(int(np.asarray(value, field.dtype).view(np.int64)))
                continue
            if value.dtype != field.dtype or value.ndim != len(field.dims) or not value.flags.c_contiguous:
                raise TypeError(
                    f"{type(struct).__name__}.{field.name} must be a contiguous {field.dtype} array {field.dims}"
                )
            if any(dim.isdigit() and int(dim) != size for dim, size in zip(field.dims, value.shape, strict=True)):
                raise TypeError(f"{type(struct).__name__}.{field.name} must be {field.dims}, not {value.shape}")
            slots += [value.ctypes.data, *value.shape]
    return np.array(slots, np.int64)


def _borrow(address: int, dtype: np.dtype[Any], shape: list[int]) -> NDArray[Any]:
    """Return an array over memory that belongs to another one."""
    size = int(np.prod(shape)) * dtype.itemsize
    if size == 0:
        return np.zeros(shape, dtype)
    return np.frombuffer(memoryview((ctypes.c_byte * size).from_address(address)), dtype).reshape(shape)


def unpack(table: Table, cls: type[T], offset: int) -> T:
    """Return the `cls` whose part of `table` starts at `offset`. Kernels compile the overload below instead."""
    values: list[Any] = []
    for field in fields_of(cls):
        if field.dims is None:
            values.append(table[offset : offset + 1].view(field.dtype)[0].item())
            offset += 1
            continue
        array = _borrow(int(table[offset]), field.dtype, table[offset + 1 : offset + 1 + len(field.dims)].tolist())
        values.append(array.view(Rows) if is_counted(cls) else array)
        offset += 1 + len(field.dims)
    return cls(*values)


class PackedType(types.Type):
    """Numba's type of an unpacked struct: a pointer to its part of the table; fields are looked up on use."""

    def __init__(self, cls: type) -> None:
        """Stand for `cls`."""
        self.cls = cls
        super().__init__(name=f"Packed({cls.__module__}.{cls.__qualname__})")

    def locate(self, name: str) -> tuple[int, Field]:
        """Return the slot and the declaration of a field."""
        slot = 0
        for field in fields_of(self.cls):
            if field.name == name:
                return slot, field
            slot += 1 + len(field.dims or ())
        raise KeyError(name)

    def array_of(self, field: Field) -> types.Array:
        """Return the type of a field that is an array."""
        scalar, ndim = from_dtype(field.dtype), len(field.dims or ())
        if is_counted(self.cls):
            return RowsType(scalar, ndim, f"{self.cls.__module__}.{self.cls.__qualname__}.{field.name}")
        return types.Array(scalar, ndim, "C")


def slot_of(cls: type, name: str) -> int:
    """Return where the field `name` of `cls` stands in its part of the table (to change a number later)."""
    return PackedType(cls).locate(name)[0]


@register_model(PackedType)
class _PackedModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: PackedType) -> None:
        super().__init__(manager, kind, ir.IntType(64).as_pointer())


@infer_getattr
class _PackedAttributes(AttributeTemplate):
    key = PackedType

    def generic_resolve(self, kind: PackedType, name: str) -> Any:  # type: ignore[override]
        if name not in {field.name for field in fields_of(kind.cls)}:
            return None
        field = kind.locate(name)[1]
        scalar = from_dtype(field.dtype)
        return scalar if field.dims is None else kind.array_of(field)


@lower_getattr_generic(PackedType)
def _lower_field(context: Any, builder: Any, kind: PackedType, pointer: Any, name: str) -> Any:
    slot, field = kind.locate(name)
    loads = []
    for k in range(1 + len(field.dims or ())):
        if k and field.dims and field.dims[k - 1].isdigit():  # known when it is compiled
            loads.append(context.get_constant(types.intp, int(field.dims[k - 1])))
            continue
        load = builder.load(builder.gep(pointer, [context.get_constant(types.intp, slot + k)]))
        # Kernels never write tables, so LLVM may keep these in registers across stores to the arrays.
        load.set_metadata("invariant.load", builder.module.add_metadata([]))
        loads.append(load)
    if field.dims is None:
        return builder.bitcast(loads[0], context.get_data_type(from_dtype(field.dtype)))
    return array_value(context, builder, kind.array_of(field), loads)


def array_value(context: Any, builder: Any, kind: Any, loads: list[Any]) -> Any:
    """Return a numba array over borrowed memory: no owner, so no reference counting."""
    array = make_array(kind)(context, builder)
    itemsize = context.get_constant(types.intp, context.get_abi_sizeof(context.get_data_type(kind.dtype)))
    strides = [itemsize]
    for dim in reversed(loads[2:]):
        strides.insert(0, builder.mul(strides[0], dim))
    populate_array(
        array,
        data=builder.inttoptr(loads[0], array.data.type),
        shape=cgutils.pack_array(builder, loads[1:]),
        strides=cgutils.pack_array(builder, strides),
        itemsize=itemsize,
        meminfo=None,
    )
    return array._getvalue()


@intrinsic
def _part_of(typingctx: Any, table: Any, cls: Any, offset: Any) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.gep(make_array(signature.args[0])(context, builder, args[0]).data, [args[2]])

    return PackedType(cls.instance_class)(table, cls, types.intp), codegen


@overload(unpack, strict=False)
def _unpack_compiled(table: Any, cls: Any, offset: Any) -> Any:
    part_of: Any = _part_of
    return lambda table, cls, offset: part_of(table, cls, offset)
