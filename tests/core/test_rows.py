"""Arrays that are counted from the start: the same values as others, negative indices refused as plain Python."""

from __future__ import annotations

from typing import Annotated, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from marl_envs.core.jit import ENABLED, jit
from marl_envs.core.pack import PackedType, allocate, fields_of, slots_of, table_of, unpack
from marl_envs.core.prefetch import prefetch
from marl_envs.core.rows import Rows, RowsType, counted
from tests.core.processes import run_python


@counted
class Counted(NamedTuple):
    """Ranks 1 to 3 of several dtypes."""

    small: Annotated[NDArray[np.int8], "A"]
    flag: Annotated[NDArray[np.bool_], "A B"]
    lane: Annotated[NDArray[np.int32], "A B"]
    real: Annotated[NDArray[np.float32], "A B C"]
    bits: Annotated[NDArray[np.uint64], "A"]


class Plain(NamedTuple):
    """The same as any other struct."""

    lane: Annotated[NDArray[np.int32], "A B"]
    real: Annotated[NDArray[np.float32], "A B C"]


PLAIN_AT = slots_of(Counted)
SIZES = {"A": 3, "B": 4, "C": 5}


@jit
def mix(table, first, last):
    one, other = unpack(table, Counted, 0), unpack(table, Plain, PLAIN_AT)
    for a in range(first, last):
        prefetch(one.real, a + 1, 2)
        for b in range(one.lane.shape[1]):
            one.flag[a, b] = one.lane[a, b] > 1
            row = one.real[a, b]  # a view of what is then written by another way
            for c in range(one.real.shape[2]):
                one.real[a, b, c] += one.small[a]
                one.real[a, b, c] += row[c]
                other.real[a, b, c] = one.real[a, one.lane[a, b], c]
            other.lane[a, b] = one.lane[a, b] + one.flag[a, b]
        one.bits[a] ^= np.uint64(7)
        one.small[a], one.lane[a, 0] = np.int8(3), one.lane[a, 1]


def structs() -> tuple[Counted, Plain]:
    """Return both structs, filled."""
    one, other = allocate(Counted, **SIZES), allocate(Plain, **SIZES)
    rng = np.random.default_rng(0)
    one.small[:] = rng.integers(-5, 5, one.small.shape)
    one.lane[:] = rng.integers(0, 4, one.lane.shape)
    one.real[:] = rng.normal(size=one.real.shape)
    one.bits[:] = 2**63 + np.arange(3, dtype=np.uint64)
    return one, other


def expected(one: Counted, other: Plain) -> None:
    """Do by numpy what the kernel does."""
    one.flag[:] = one.lane > 1
    small = one.small.astype(np.float32)[:, None]
    for b in range(4):
        one.real[:, b] = (one.real[:, b] + small) * 2  # the view shows what has just been written
        other.real[:, b] = one.real[np.arange(3), one.lane[:, b]]
    other.lane[:] = one.lane + one.flag
    one.bits[:] ^= np.uint64(7)
    one.small[:] = 3
    one.lane[:, 0] = one.lane[:, 1]


def test_kernels_read_and_write_what_numpy_does():
    found, wanted = structs(), structs()
    mix(table_of(*found), 0, 3)
    expected(*wanted)
    for one, other in zip(found, wanted, strict=True):
        for name in one._fields:
            assert np.array_equal(getattr(one, name), getattr(other, name)), name


@pytest.mark.skipif(not ENABLED, reason="nothing is compiled")
def test_plain_kernels_do_the_same():
    run_python(
        "from tests.core.test_rows import *; test_kernels_read_and_write_what_numpy_does()", NUMBA_DISABLE_JIT="1"
    )


def test_types_say_whose_memory_it_is():
    kinds = {
        name: PackedType(Counted).array_of(field)
        for name, field in zip(Counted._fields, fields_of(Counted), strict=True)
    }
    assert all(isinstance(kind, RowsType) for kind in kinds.values())
    assert not isinstance(PackedType(Plain).array_of(fields_of(Plain)[0]), RowsType)
    assert kinds["small"] == PackedType(Counted).array_of(fields_of(Counted)[0])
    same = [RowsType(kinds["lane"].dtype, 2, owner) for owner in ("a", "b", "a")]
    assert same[0] != same[1]
    assert same[0] == same[2]


@pytest.mark.parametrize("at", [-1, (0, -1), (np.int32(-1), 0)])
def test_plain_kernels_refuse_to_count_from_the_end(at):
    rows = np.zeros((2, 2)).view(Rows)
    with pytest.raises(IndexError, match="negative"):
        rows[at]
    with pytest.raises(IndexError, match="negative"):
        rows[at] = 1.0
    rows[0, 1] = 2.0
    assert rows[0, 1] == 2.0


def test_unpacking_in_python_gives_such_arrays():
    one, other = structs()
    table = table_of(one, other)
    assert isinstance(unpack(table, Counted, 0).lane, Rows)
    assert not isinstance(unpack(table, Plain, PLAIN_AT).lane, Rows)
