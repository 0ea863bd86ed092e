"""Moves: what must hold in any crowd, and each rule of collision against its definition."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marl_envs import errands_v0
from marl_envs.core.jit import ENABLED
from marl_envs.warehouse.errands import types
from marl_envs.warehouse.errands.floors import get_floor
from tests.warehouse.errands.plain import AHEAD, NAMES, crowds, expected, kind, places

few = settings(max_examples=80 if ENABLED else 8, deadline=None)
STEPS = 15


@few
@given(crowds(), st.integers(0, 2**32))
def test_every_rule_does_what_its_definition_says(vec, seed):
    rng, rows = np.random.default_rng(seed), get_floor(vec.params.floor).rows
    for _ in range(STEPS):
        # Many who move make many conflicts; under all_wait few, or nobody ever would.
        actions = rng.integers(0, int(vec.action_space.n), (1, vec.num_agents))
        actions[rng.random(actions.shape) < (0.6 if vec.params.collision == "all_wait" else 0.1)] = 0
        cells, headings, did = expected(vec, rows, actions[0].tolist())
        vec.step(actions)
        assert [NAMES[outcome] for outcome in vec.arrays.outcome[0].tolist()] == did
        assert places(vec) == cells
        assert vec.arrays.heading[0].tolist() == headings


@few
@given(crowds(), st.integers(0, 2**32))
def test_what_holds_in_every_crowd(vec, seed):
    rng = np.random.default_rng(seed)
    state, rows = vec.arrays, get_floor(vec.params.floor).rows
    masked = np.zeros(vec.num_agents, int)
    counted = [Counter() for _ in range(vec.num_agents)]
    for t in range(1, STEPS + 1):
        before, mask = places(vec), vec.action_mask[0].copy()
        actions = rng.integers(0, int(vec.action_space.n), (1, vec.num_agents))
        masked += mask[np.arange(vec.num_agents), actions[0]] == 0
        vec.step(actions)
        after = places(vec)
        assert len(set(after)) == len(after)
        assert all(kind(rows, cell) != "@" for cell in after)
        for a, (old, new) in enumerate(zip(before, after, strict=True)):
            assert abs(old[0] - new[0]) + abs(old[1] - new[1]) <= 1
            assert all(old == new or before[b] != new or after[b] != old for b in range(a)), "a swap"
            counted[a][int(state.outcome[0, a])] += 1
        robot_at = np.full(state.robot_at.shape[1], types.EMPTY)
        robot_at[state.pos[0]] = np.arange(vec.num_agents)
        assert np.array_equal(state.robot_at[0], robot_at)
        tally = state.tally[0]
        assert (tally[:, list(NAMES)].sum(axis=1) == t).all()
        assert [{k: int(row[k]) for k in NAMES if row[k]} for row in tally] == [dict(c) for c in counted]
        assert tally[:, types.MASKED].tolist() == masked.tolist() == tally[:, types.WALL].tolist()


@pytest.mark.parametrize("moves", ["compass", "rotate"])
def test_the_mask_forbids_what_runs_into_an_obstacle(moves):
    vec = errands_v0.vector_env(1, floor=".@.\n...", num_robots=5, moves=moves, goals="anywhere")
    for seed in range(10):
        vec.reset(seed=seed)
        for a, (row, col) in enumerate(places(vec)):
            free = [kind((".@.", "..."), (row + down, col + right)) != "@" for down, right in AHEAD]
            own = free if moves == "compass" else [free[vec.arrays.heading[0, a]], True, True]
            assert vec.action_mask[0, a].tolist() == [1, *own]


def arrange(vec, cells: list[tuple[int, int]], headings: list[int]) -> None:
    """Put the robots there."""
    snapshot, settings = vec.get_state(), vec.simulation.settings
    at = {place: cell for cell, place in enumerate(zip(settings.row.tolist(), settings.col.tolist(), strict=True))}
    snapshot.arrays["pos"][0] = [at[cell] for cell in cells]
    snapshot.arrays["heading"][0] = headings
    snapshot.arrays["robot_at"][0] = types.EMPTY
    snapshot.arrays["robot_at"][0, snapshot.arrays["pos"][0]] = np.arange(len(cells))
    vec.set_state(snapshot)


@pytest.mark.parametrize(
    ("collision", "moved"),
    [("resolve", [True, True, True, True]), ("all_wait", [True, True, True, True]), ("block", [False] * 4)],
)
def test_a_ring_turns_unless_following_is_forbidden(collision, moved):
    vec = errands_v0.vector_env(1, floor="..\n..", num_robots=4, collision=collision, goals="anywhere")
    vec.reset(seed=0)
    ring = [(0, 0), (0, 1), (1, 1), (1, 0)]
    arrange(vec, ring, [3, 3, 3, 3])
    vec.step(np.array([[4, 2, 3, 1]]))
    assert [new != old for new, old in zip(places(vec), ring, strict=True)] == moved


def test_one_bad_move_stops_everybody_even_those_who_turn():
    vec = errands_v0.vector_env(
        1, floor=".....\n.....", num_robots=4, moves="rotate", collision="all_wait", goals="anywhere"
    )
    vec.reset(seed=0)
    cells = [(0, 0), (0, 2), (1, 0), (1, 4)]
    arrange(vec, cells, [3, 2, 3, 0])
    vec.step(np.array([[1, 1, 1, 2]]))  # 0 and 1 meet, 2 is free to go, 3 turns
    assert places(vec) == cells
    assert vec.arrays.heading[0].tolist() == [3, 2, 3, 0]
    assert vec.arrays.tally[0, :, types.STOPPED].tolist() == [1, 0, 1, 1]
    vec.step(np.array([[1, 0, 1, 3]]))
    assert places(vec) == [(0, 1), (0, 2), (1, 1), (1, 4)]
    assert vec.arrays.heading[0].tolist() == [3, 2, 3, 3]
