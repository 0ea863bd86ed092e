"""The reference's random numbers: the 32-bit Mersenne Twister of C++ (`std::mt19937`).

Source: Matsumoto and Nishimura, ACM TOMACS 8 (1998). Words are kept in int64, where no operation here overflows.
"""

from __future__ import annotations

from typing import Any

from marl_envs.core.jit import Int, jit

WORDS = 624
NEXT = WORDS  # where the number of the next word is kept
SIZE = WORDS + 1
_SHIFT = 397
_LOW, _HIGH, _ALL = 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF


@jit(inner=True)
def seed_words(words: Any, e: Int, seed: Int) -> None:
    """Start row `e` of words[E, SIZE] from a 32-bit seed."""
    word = seed & _ALL
    words[e, 0] = word
    for i in range(1, WORDS):
        # Half a word at a time: the whole product would not fit into 63 bits
        mixed = word ^ (word >> 30)
        word = (((1812433253 * (mixed >> 16)) & 0xFFFF) << 16) + 1812433253 * (mixed & 0xFFFF) + i & _ALL
        words[e, i] = word
    words[e, NEXT] = WORDS


@jit(inner=True)
def _twist(words: Any, e: Int) -> None:
    for k in range(WORDS):
        y = (words[e, k] & _HIGH) | (words[e, (k + 1) % WORDS] & _LOW)
        words[e, k] = words[e, (k + _SHIFT) % WORDS] ^ (y >> 1) ^ (0x9908B0DF if y & 1 else 0)
    words[e, NEXT] = 0


@jit(inner=True)
def draw_word(words: Any, e: Int) -> Int:
    """Advance row `e` and return 32 random bits as a number from 0."""
    if words[e, NEXT] == WORDS:
        _twist(words, e)
    y = words[e, words[e, NEXT]]
    words[e, NEXT] += 1
    y ^= y >> 11
    y ^= (y << 7) & 0x9D2C5680
    y ^= (y << 15) & 0xEFC60000
    return y ^ (y >> 18)
