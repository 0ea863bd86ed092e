"""Tile coding, against a count of tiles by hand and against its definition."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.linear.coding import TileCoder
from marl_envs.core.params import ParameterError


def test_one_dimension_by_hand():
    """Four tilings of two tiles over [0, 2]: displaced by 0, 1/4, 2/4 and 3/4 of a tile, so edges differ by that."""
    coder = TileCoder([0.0], [2.0], bins=2, tilings=4)
    assert coder.space.nvec.tolist() == [3, 3, 3, 3]
    assert coder.code(np.array([0.0])).tolist() == [0, 0, 0, 0]
    assert coder.code(np.array([0.3])).tolist() == [0, 0, 0, 1]
    assert coder.code(np.array([0.8])).tolist() == [0, 1, 1, 1]
    assert coder.code(np.array([1.3])).tolist() == [1, 1, 1, 2]
    assert coder.code(np.array([2.0])).tolist() == [2, 2, 2, 2]


def test_offsets_are_asymmetric():
    """In two dimensions tiling i is displaced by i and 3 i parts of K, so no two edges of K = 4 tilings coincide."""
    coder = TileCoder([0, 0], [1, 1], bins=1, tilings=4)
    edges = [[], []]
    for d in range(2):
        for x in np.arange(0, 1, 0.01) + 0.005:
            point = np.zeros(2)
            point[d] = x
            edges[d].append(coder.code(point))
        moved = [np.flatnonzero(np.diff(np.array(edges[d])[:, k])) for k in range(4)]
        assert sorted(int(m[0]) for m in moved if len(m)) == [24, 49, 74]
        edges[d] = moved
    assert [len(m) for m in edges[0]] == [0, 1, 1, 1]
    assert int(edges[0][1][0]) == 74  # a quarter: displaced to the left
    assert int(edges[1][1][0]) == 24  # three quarters


@given(st.lists(st.floats(-3, 3), min_size=3, max_size=3), st.integers(1, 6), st.integers(1, 9))
def test_codes_are_those_of_the_definition(point, bins, tilings):
    low, high = np.array([-1.0, -2.0, 0.0]), np.array([1.0, 2.0, 2.5])
    coder = TileCoder(low, high, bins=bins, tilings=tilings)
    code = coder.code(np.array(point))
    inside = np.clip((np.clip(point, low, high) - low) / (high - low) * bins, 0, bins)
    for i in range(tilings):
        place = 0
        for d in range(3):
            place = place * (bins + 1) + int(np.floor(inside[d] + (i * (2 * d + 1) % tilings) / tilings))
        assert code[i] == place
        assert 0 <= code[i] < coder.size


def test_different_bins_along_dimensions_never_collide():
    coder = TileCoder([0, 0], [3, 2], bins=[3, 2], tilings=2)
    cells = np.array([(x + 0.1, y + 0.1) for x in range(3) for y in range(2)])
    assert len({tuple(code) for code in coder.code(cells)}) == 6
    assert coder.code(cells.reshape(3, 2, 2)).shape == (3, 2, 2)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: TileCoder([0, 0], [1]), "lists of numbers of one length"),
        (lambda: TileCoder([0], [np.inf]), "both finite"),
        (lambda: TileCoder([1], [1]), "low must lie below high"),
        (lambda: TileCoder([0], [1], bins=0), r"bins\[0\] must be an integer from 1"),
        (lambda: TileCoder([0, 0], [1, 1], bins=[2]), "one number for each of 2 dimensions"),
        (lambda: TileCoder([0], [1], tilings=0), "tilings must be"),
        (lambda: TileCoder([0] * 5, [1] * 5, bins=200), "tiles a tiling: use fewer"),
    ],
)
def test_bad_settings_are_refused(make, message):
    with pytest.raises(ParameterError, match=message):
        make()


@pytest.mark.parametrize("vector", [[0.1], [0.1, np.nan]])
def test_bad_vectors_are_refused(vector):
    with pytest.raises(ValueError, match="tile coding needs 2 numbers a vector and no NaN"):
        TileCoder([0, 0], [1, 1]).code(np.array(vector))
