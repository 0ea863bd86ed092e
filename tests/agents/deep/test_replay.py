"""Replay and its sum tree against lists and brute force."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs PyTorch (extra `deep`)")

from hypothesis import given
from hypothesis import strategies as st

from agents.deep import replay as module
from agents.deep.replay import Replay
from agents.deep.sum_tree import SumTree
from marl_envs.core.params import ParameterError

weights = st.lists(st.one_of(st.just(0.0), st.floats(0.01, 10.0)), min_size=1, max_size=40).filter(any)
FIELDS = {"number": ((), np.int64)}


@given(weights, st.integers(0, 2**32))
def test_the_tree_draws_as_a_walk_along_the_weights_does(weights, seed):
    tree = SumTree(len(weights))
    order = np.random.default_rng(seed).permutation(len(weights))
    tree[order] = np.array(weights)[order]
    assert tree.total == pytest.approx(sum(weights))
    amounts = np.random.default_rng(seed).random(50) * tree.total
    ends = np.cumsum(weights)
    for amount, place in zip(amounts, tree.find(amounts), strict=True):
        assert weights[place] > 0.0
        assert ends[place] - weights[place] - 1e-9 <= amount <= ends[place] + 1e-9


def test_weights_can_be_changed_one_by_one_and_in_batches():
    rng, tree, plain = np.random.default_rng(0), SumTree(13), np.zeros(13)
    for _ in range(200):
        places = rng.choice(13, size=rng.integers(1, 5), replace=False)
        plain[places] = rng.random(len(places))
        tree[places] = plain[places]
        assert tree.total == pytest.approx(plain.sum())
    assert tree[np.arange(13)].tolist() == plain.tolist()


def filled(steps, window=3, slots=5, num_envs=2, alpha=0.0):
    replay = Replay(FIELDS, num_envs, slots * num_envs, window, alpha)
    for step in range(steps):
        replay.add(number=10 * step + np.arange(num_envs))
    return replay


@pytest.mark.parametrize("alpha", [0.0, 0.6])
@pytest.mark.parametrize("steps", [3, 4, 5, 6, 13])
def test_windows_are_whole_in_a_row_and_not_forgotten(steps, alpha):
    replay = filled(steps, alpha=alpha)
    drawn = replay.draw(500, np.random.default_rng(steps))
    first = drawn.steps["number"][:, 0]
    assert (drawn.steps["number"] - first[:, None] == [0, 10, 20]).all()
    starts = range(max(steps - 5, 0), steps - 2)
    assert set(first) == {10 * step + env for step in starts for env in (0, 1)}
    assert len(replay) == 2 * len(starts)
    assert (drawn.weights == 1.0).all()


def test_priorities_are_what_is_drawn_and_weights_take_it_back():
    replay = filled(6, window=1, slots=6, num_envs=1, alpha=0.5)
    replay.prioritise(np.arange(6), np.array([0.0, 0.0, 0.0, 0.0, 1.0, -4.0]))
    drawn = replay.draw(30_000, np.random.default_rng(0))
    counts = np.bincount(drawn.places, minlength=6)
    assert counts[5] / counts[4] == pytest.approx(2.0, rel=0.02)  # (4 / 1) ** alpha
    assert counts[:4].sum() < 100
    light, heavy = drawn.weights[drawn.places == 5][0], drawn.weights[drawn.places == 4][0]
    assert heavy / light == pytest.approx(2.0**0.4, rel=1e-4)
    replay.add(number=np.array([60]))  # new windows get the highest priority so far
    assert replay.tree is not None
    assert replay.tree[np.array([0])][0] == pytest.approx(2.0, rel=1e-4)


def test_what_is_larger_than_the_memory_is_refused_with_the_bytes(monkeypatch):
    monkeypatch.setattr(module, "machine_memory", lambda: 1_000_000)
    with pytest.raises(ParameterError, match=r"replay of 200000 steps takes 1,600,000 bytes .*at most 125000 steps"):
        Replay(FIELDS, 1, 200_000, 1)
    Replay(FIELDS, 1, 125_000, 1)


def test_a_replay_shorter_than_a_window_is_refused():
    with pytest.raises(ParameterError, match="at least 12 steps"):
        Replay(FIELDS, 4, 11, 3)


def test_a_cleared_replay_has_nothing_to_draw():
    replay = filled(5, alpha=0.6)
    replay.clear()
    assert len(replay) == 0
    assert replay.tree is not None
    assert replay.tree.total == 0.0
