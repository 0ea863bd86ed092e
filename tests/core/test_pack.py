"""Arrays travel to kernels as a table of addresses, and arrive as they were."""

import pickle
from typing import Annotated, Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from marl_envs.core.jit import ENABLED, jit
from marl_envs.core.pack import allocate, fields_of, joined, part_of, prefixed, slot_of, slots_of, table_of, unpack


class Kinds(NamedTuple):
    """Every dtype, ranks 1 to 4, and plain numbers between them."""

    flag: Annotated[NDArray[np.bool_], "A"]
    i8: Annotated[NDArray[np.int8], "A B"]
    i16: Annotated[NDArray[np.int16], "A B C"]
    i32: Annotated[NDArray[np.int32], "A B C D"]
    number: int
    i64: Annotated[NDArray[np.int64], "A"]
    u8: Annotated[NDArray[np.uint8], "A B"]
    u16: Annotated[NDArray[np.uint16], "B"]
    ratio: float
    u32: Annotated[NDArray[np.uint32], "B A"]
    u64: Annotated[NDArray[np.uint64], "C A"]
    f32: Annotated[NDArray[np.float32], "A 3"]
    f64: Annotated[NDArray[np.float64], "D C B A"]


class Few(NamedTuple):
    """A second struct, to stand behind the first in one table."""

    gain: float
    sums: Annotated[NDArray[np.float64], "A"]
    limit: int


FEW_AT = slots_of(Kinds)
SIZES = {"A": 2, "B": 3, "C": 4, "D": 5, "3": 3}


@jit
def copy_all(table, to):
    a, b = unpack(table, Kinds, 0), unpack(to, Kinds, 0)
    for i in range(a.flag.shape[0]):
        b.flag[i] = a.flag[i]
        b.i64[i] = a.i64[i]
        for j in range(a.i8.shape[1]):
            b.i8[i, j] = a.i8[i, j]
            b.u8[i, j] = a.u8[i, j]
            b.u32[j, i] = a.u32[j, i]
            for k in range(a.i16.shape[2]):
                b.i16[i, j, k] = a.i16[i, j, k]
                for n in range(a.i32.shape[3]):
                    b.i32[i, j, k, n] = a.i32[i, j, k, n]
                    b.f64[n, k, j, i] = a.f64[n, k, j, i]
        for k in range(a.u64.shape[0]):
            b.u64[k, i] = a.u64[k, i]
        for k in range(a.f32.shape[1]):
            b.f32[i, k] = a.f32[i, k]
    for j in range(a.u16.shape[0]):
        b.u16[j] = a.u16[j]


@jit
def numbers(table, out):
    kinds, few = unpack(table, Kinds, 0), unpack(table, Few, FEW_AT)
    out[0] = kinds.number
    out[1] = kinds.ratio
    out[2] = few.limit
    out[3] = few.gain


@jit
def shapes(table, out):
    kinds = unpack(table, Kinds, 0)
    out[0:2] = kinds.i8.shape
    out[2:6] = kinds.i32.shape
    out[6] = kinds.f32.size


def filled(seed: int = 0, **sizes: int) -> Kinds:
    rng = np.random.default_rng(seed)
    empty: Any = allocate(Kinds, **{**SIZES, **sizes})
    for field, array in zip(fields_of(Kinds), empty, strict=True):
        if field.dims is not None:
            array[...] = rng.integers(0, 2 if field.name == "flag" else 100, array.shape)
            if array.dtype.kind == "f":
                array[...] = rng.normal(size=array.shape)
    return empty._replace(number=-(2**62) - 1, ratio=-1e-300)


def test_every_dtype_and_rank_comes_through_a_kernel():
    given_, copied = filled(), allocate(Kinds, **SIZES)
    copy_all(table_of(given_), table_of(copied))
    for field, one, other in zip(fields_of(Kinds), given_, copied, strict=True):
        if field.dims is not None:
            np.testing.assert_array_equal(one, other, err_msg=field.name)
            assert one.dtype == other.dtype == field.dtype


@pytest.mark.parametrize("dtype", [np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.uint64])
def test_the_extremes_of_every_integer_come_through(dtype):
    name = np.dtype(dtype).str[1] + str(8 * np.dtype(dtype).itemsize)
    given_, copied = filled(), allocate(Kinds, **SIZES)
    array = getattr(given_, name)
    array.flat[0], array.flat[-1] = np.iinfo(dtype).min, np.iinfo(dtype).max
    copy_all(table_of(given_), table_of(copied))
    np.testing.assert_array_equal(getattr(copied, name), array)


def test_plain_numbers_come_through():
    out = np.zeros(4)
    table = table_of(filled(), Few(gain=np.pi, sums=np.zeros(2), limit=-7))
    numbers(table, out)
    assert out.tolist() == [float(-(2**62) - 1), -1e-300, -7.0, np.pi]


@given(st.floats(), st.integers(-(2**63), 2**63 - 1))
def test_plain_python_reads_every_number_to_the_bit(ratio, count):
    table = table_of(Few(ratio, np.zeros(1), count))
    few = unpack(table, Few, 0)
    assert np.float64(few.gain).tobytes() == np.float64(ratio).tobytes()
    assert few.limit == count


@settings(max_examples=20)
@given(*(st.integers(0, 3) for _ in range(4)))
def test_plain_python_unpacks_what_was_packed(a, b, c, d):
    kinds = filled(A=a, B=b, C=c, D=d)
    few = Few(0.5, np.arange(float(a)), 3)
    table = table_of(kinds, few)
    for one, other in ((kinds, unpack(table, Kinds, 0)), (few, unpack(table, Few, FEW_AT))):
        assert type(other) is type(one)
        for field, x, y in zip(fields_of(type(one)), one, other, strict=True):
            np.testing.assert_array_equal(x, y, err_msg=field.name)
            assert np.shape(x) == np.shape(y)


def test_shapes_come_through_with_no_rows_too():
    for sizes in (SIZES, {**SIZES, "A": 0}, {**SIZES, "D": 0}):
        out = np.zeros(7, np.int64)
        shapes(table_of(filled(**sizes)), out)
        a, b, c, d = (sizes[k] for k in "ABCD")
        assert out.tolist() == [a, b, a, b, c, d, 3 * a]


@jit
def add_up(table):
    few = unpack(table, Few, 0)
    for i in range(few.sums.shape[0]):
        few.sums[i] += few.gain


def test_writes_are_seen_outside():
    few = Few(0.5, np.arange(3.0), 1)
    table = table_of(few)
    add_up(table)
    add_up(table)
    np.testing.assert_array_equal(few.sums, [1.0, 2.0, 3.0])
    unpack(table, Few, 0).sums[0] = 9
    assert few.sums[0] == 9


def test_a_number_can_be_changed_in_the_table():
    few = Few(0.5, np.zeros(1), 1)
    table = table_of(few)
    table[slot_of(Few, "limit")] = 77
    assert unpack(table, Few, 0).limit == 77
    assert slots_of(Few) == len(table) == 4
    with pytest.raises(KeyError, match="nothing"):
        slot_of(Few, "nothing")


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros(4, np.float32),
        np.zeros(4, np.int64),
        np.zeros((2, 2)),
        np.zeros(8)[::2],
        np.zeros(4, np.dtype(np.float64).newbyteorder()),
    ],
    ids=["shorter", "integers", "rank", "every other", "byte order"],
)
def test_an_array_of_another_kind_is_refused(wrong):
    with pytest.raises(TypeError, match=r"Few\.sums must be a contiguous float64 array"):
        table_of(Few(0.5, wrong, 1))


def test_columns_first_is_refused():
    kinds = filled()
    with pytest.raises(TypeError, match=r"Kinds\.i8 must be a contiguous int8 array"):
        table_of(kinds._replace(i8=np.asfortranarray(kinds.i8)))


def test_a_field_of_another_kind_is_refused() -> None:
    class Named(NamedTuple):
        name: str

    with pytest.raises(TypeError, match=r"Named\.name must be int, float or Annotated"):
        fields_of(Named)


def test_allocate_makes_zeros_of_the_declared_shape():
    kinds = allocate(Kinds, **SIZES)
    assert kinds.i32.shape == (2, 3, 4, 5)
    assert kinds.f32.shape == (2, 3)
    assert not any(np.any(value) for value in kinds)
    with pytest.raises(KeyError, match="D"):
        allocate(Kinds, A=1, B=1, C=1)


@jit
def misspelt(table):
    return unpack(table, Few, 0).sumz[0]


@pytest.mark.skipif(not ENABLED, reason="plain Python raises AttributeError by itself")
def test_a_field_that_does_not_exist_does_not_compile():
    with pytest.raises(Exception, match="sumz"):
        misspelt(table_of(Few(0.5, np.zeros(1), 1)))


Both: Any = joined("Both", __name__, Kinds, Few)


def test_a_joined_struct_is_its_parts_one_after_the_other():
    whole = allocate(Both, **SIZES)._replace(number=7, ratio=0.5, gain=2.0, limit=3)
    table = table_of(whole)
    assert fields_of(Both) == fields_of(Kinds) + fields_of(Few)
    assert slots_of(Both) == len(table) == slots_of(Kinds) + slots_of(Few)
    whole.sums[:] = [5.0, 6.0]
    whole.f64[:] = 1.5
    kinds, few = unpack(table, Kinds, 0), unpack(table, Few, FEW_AT)
    assert (kinds.number, kinds.ratio, few.gain, few.limit) == (7, 0.5, 2.0, 3)
    assert few.sums.tolist() == [5.0, 6.0]
    assert (kinds.f64 == 1.5).all()
    copy = pickle.loads(pickle.dumps(whole))
    assert type(copy) is Both
    assert copy.limit == 3


def test_parts_with_a_field_of_one_name_cannot_be_joined():
    with pytest.raises(TypeError, match="Twice cannot be joined: gain, limit, sums would be there twice"):
        joined("Twice", __name__, Few, Few)


def test_two_structs_that_use_the_same_names_are_joined_with_a_prefix():
    with pytest.raises(TypeError, match="gain, limit, sums would be there twice"):
        joined("Both", __name__, Few, Few)
    both = joined("Both", __name__, Few, prefixed(Few, "their_", ()))
    assert both._fields == ("gain", "sums", "limit", "their_gain", "their_sums", "their_limit")
    struct = both(1.5, np.arange(3.0), 7, 2.5, np.arange(2.0) + 5.0, 8)
    table = table_of(struct)
    for offset, prefix in ((0, ""), (slots_of(Few), "their_")):
        one, other = unpack(table, Few, offset), part_of(struct, Few, prefix)
        assert (one.gain, one.limit) == (other.gain, other.limit)
        np.testing.assert_array_equal(one.sums, other.sums)
        assert np.shares_memory(other.sums, struct.sums if prefix == "" else struct.their_sums)


def test_a_prefix_is_before_dimensions_that_are_not_the_same():
    made = allocate(prefixed(Kinds, "x_", ("B",)), x_A=2, B=3, x_C=4, x_D=5, **{"3": 3})
    assert made.x_i32.shape == (2, 3, 4, 5)
    assert made.x_f32.shape == (2, 3)
    assert fields_of(type(made))[3].dims == ("x_A", "B", "x_C", "x_D")
