"""splitmix64 random streams: the same numbers in plain Python, in compiled kernels, and for any batch or thread count.

Source: Steele, Lea and Flood, "Fast splittable pseudorandom number generators" (OOPSLA 2014).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from marl_envs.core.jit import Int, jit

# Every constant and shift is a uint64: mixed with signed integers numba would compute in float64.
_GAMMA = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_S30, _S27, _S31, _S32, _S11 = (np.uint64(n) for n in (30, 27, 31, 32, 11))
_LOW = np.uint64(0xFFFFFFFF)
_TO_UNIT = 2.0**-53
_MASK = (1 << 64) - 1


@jit(inline=True)
def next_bits(rng: Any, i: Int) -> Any:
    """Advance stream `i` of the uint64 array `rng` and return 64 random bits."""
    state = rng[i] + _GAMMA
    rng[i] = state
    z = (state ^ (state >> _S30)) * _MIX_1
    z = (z ^ (z >> _S27)) * _MIX_2
    return z ^ (z >> _S31)


@jit(inline=True)
def draw_below(rng: Any, i: Int, n: Int) -> Any:
    """Advance stream `i` and return an integer in [0, n), n < 2**32.

    The high 32 bits are scaled by n (no division); the bias is below n / 2**32.
    """
    return np.int64(((next_bits(rng, i) >> _S32) * np.uint64(n)) >> _S32)


@jit(inline=True)
def draw_unit(rng: Any, i: Int) -> Any:
    """Advance stream `i` and return a float64 in [0, 1)."""
    return np.float64(next_bits(rng, i) >> _S11) * _TO_UNIT


def _mix(z: int) -> int:
    z = ((z ^ (z >> 30)) * int(_MIX_1)) & _MASK
    z = ((z ^ (z >> 27)) * int(_MIX_2)) & _MASK
    return z ^ (z >> 31)


def seed_stream(seed: int, index: int) -> np.uint64:
    """Return the start of stream `index` of `seed`: the seed itself for index 0, else a 64-bit hash of both.

    So a batch of one equals the single environment with that seed; batches with different seeds share no stream.
    """
    if index == 0:
        return np.uint64(seed & _MASK)
    return np.uint64(_mix((_mix((seed + int(_GAMMA)) & _MASK) + index * int(_GAMMA)) & _MASK))
