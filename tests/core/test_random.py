"""Random streams: splitmix64's published numbers, uniform draws, and streams that never meet."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marl_envs.core.jit import jit
from marl_envs.core.random import draw_below, draw_unit, next_bits, seed_stream

# The first outputs of splitmix64 for the seed 1234567 (Rosetta Code; equal to Vigna's reference in C).
PUBLISHED = (
    6457827717110365317,
    3203168211198807973,
    9817491932198370423,
    4593380528125082431,
    16408922859458223821,
)
GAMMA = 0x9E3779B97F4A7C15
# Run as plain Python, unsigned integers warn where they wrap around, which is what is meant here.
pytestmark = pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")
seeds = st.integers(0, 2**64 - 1)


@jit
def bits(rng, i, out):
    for k in range(out.shape[0]):
        out[k] = next_bits(rng, i)


@jit
def below(rng, i, n, out):
    for k in range(out.shape[0]):
        out[k] = draw_below(rng, i, n)


@jit
def unit(rng, i, out):
    for k in range(out.shape[0]):
        out[k] = draw_unit(rng, i)


def stream(seed: int) -> np.ndarray:
    return np.array([seed], np.uint64)


def test_the_published_numbers():
    out = np.zeros(5, np.uint64)
    bits(stream(1234567), 0, out)
    assert tuple(out.tolist()) == PUBLISHED


def test_only_the_named_stream_advances():
    rng = np.array([1, 1234567, 3], np.uint64)
    out = np.zeros(5, np.uint64)
    bits(rng, 1, out)
    assert tuple(out.tolist()) == PUBLISHED
    assert rng.tolist() == [1, (1234567 + 5 * GAMMA) % 2**64, 3]


@given(seeds, st.integers(1, 2**32 - 1))
def test_draw_below_stays_below(seed, n):
    out = np.full(20, -1, np.int64)
    below(stream(seed), 0, n, out)
    assert ((out >= 0) & (out < n)).all()


@given(seeds)
def test_draw_below_one_is_zero_and_advances(seed):
    rng, out = stream(seed), np.full(3, -1, np.int64)
    below(rng, 0, 1, out)
    assert not out.any()
    assert int(rng[0]) == (seed + 3 * GAMMA) % 2**64


@given(seeds)
def test_draw_unit_is_in_the_half_open_interval(seed):
    out = np.full(20, -1.0)
    unit(stream(seed), 0, out)
    assert ((out >= 0) & (out < 1)).all()


def chi_square(counts: np.ndarray) -> float:
    expected = counts.sum() / len(counts)
    return float(((counts - expected) ** 2 / expected).sum())


@pytest.mark.parametrize("n", [2, 3, 7, 10, 100])
def test_draw_below_is_uniform(n):
    out = np.zeros(50_000, np.int64)
    below(stream(42), 0, n, out)
    free = n - 1  # degrees of freedom: mean free, variance 2 * free
    assert chi_square(np.bincount(out, minlength=n)) < free + 5 * np.sqrt(2 * free)


def test_draw_unit_is_uniform_and_follows_no_order():
    out = np.zeros(50_000)
    unit(stream(42), 0, out)
    cells = np.bincount((out[:-1] * 8).astype(int) * 8 + (out[1:] * 8).astype(int), minlength=64)
    assert chi_square(cells) < 63 + 5 * np.sqrt(2 * 63)


@given(seeds)
def test_stream_zero_is_the_seed(seed):
    assert seed_stream(seed, 0) == np.uint64(seed)
    assert type(seed_stream(seed, 0)) is type(seed_stream(seed, 1)) is np.uint64


def test_streams_of_many_seeds_and_environments_never_meet():
    names = [*itertools.product(range(40), range(50)), *((2**k, e) for k in range(8, 64) for e in range(5))]
    starts = np.array([seed_stream(seed, e) for seed, e in names], np.uint64)
    assert len(np.unique(starts)) == len(starts)
    # Every stream walks the same circle in steps of GAMMA: count the steps from each start to each other one.
    inverse = np.uint64(pow(GAMMA, -1, 2**64))
    steps = np.sort(starts * inverse)
    gaps = np.append(np.diff(steps), steps[0] - steps[-1])
    assert int(gaps.min()) > 10**9


def test_seed_streams_do_not_depend_on_the_batch():
    assert [int(seed_stream(3, e)) for e in range(4)] == [3, *(int(seed_stream(3, e)) for e in (1, 2, 3))]
    assert seed_stream(0, 1) != seed_stream(1, 0)
