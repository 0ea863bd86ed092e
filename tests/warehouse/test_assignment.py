"""The cheapest assignment against trying all; the planner of the shelves task that uses it."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marl_envs import warehouse_v0
from marl_envs.core.jit import ENABLED
from marl_envs.core.params import ParameterError
from marl_envs.warehouse.assignment import NOBODY, cheapest
from marl_envs.warehouse.pibt import PIBTPolicy
from marl_envs.warehouse.types import FETCH, IDLE, RETURN, TO_GOAL, UNREACHABLE

FORBIDDEN = 50


def best_by_trial(costs: np.ndarray) -> tuple[int, int]:
    """Return (matched, total cost) of the best assignment: most pairs first, then the least total."""
    rows, columns = costs.shape
    options = [*range(columns), *[NOBODY] * rows]
    found = []
    for choice in set(permutations(options, rows)):
        pairs = [costs[r, c] for r, c in enumerate(choice) if c != NOBODY]
        if all(cost < FORBIDDEN for cost in pairs):
            found.append((-len(pairs), sum(pairs)))
    matched, total = min(found)
    return -matched, total


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 3), st.integers(0, 4), st.integers(0, 2**32))
def test_as_many_as_possible_at_the_least_cost(rows, columns, seed):
    costs = np.random.default_rng(seed).integers(0, 70, (rows, columns))
    choice = cheapest(costs, FORBIDDEN)
    pairs = [(r, c) for r, c in enumerate(choice.tolist()) if c != NOBODY]
    assert choice.shape == (rows,)
    assert len({c for _, c in pairs}) == len(pairs)
    assert all(costs[pair] < FORBIDDEN for pair in pairs)
    assert (len(pairs), sum(costs[pair] for pair in pairs)) == best_by_trial(costs)


def total_by_trial(vec, e, phases, cells, steps) -> tuple[int, int]:
    """Return (robots with a target, steps of all) of the best assignment of these robots to these cells."""
    state, fixed = vec.arrays, vec.simulation.settings
    robots = np.flatnonzero(np.isin(state.phase[e], phases))
    here = state.pos[e][robots] * 4 + state.heading[e][robots]
    costs = steps[fixed.home_index[cells]][:, here].T.astype(int)
    found = []
    for choice in set(permutations([*range(len(cells)), *[NOBODY] * len(robots)], len(robots))):
        pairs = [costs[r, c] for r, c in enumerate(choice) if c != NOBODY]
        if all(cost < UNREACHABLE for cost in pairs):
            found.append((-len(pairs), sum(pairs)))
    matched, total = min(found)
    return -matched, total


def total_of(own, vec, e, phases, steps) -> tuple[int, int]:
    """Return (robots with a target, steps of all) as the planner assigned them."""
    state, fixed = vec.arrays, vec.simulation.settings
    robots = [a for a in np.flatnonzero(np.isin(state.phase[e], phases)) if own.target[e, a]]
    return len(robots), sum(
        int(steps[fixed.home_index[own.target[e, a]], state.pos[e, a] * 4 + state.heading[e, a]]) for a in robots
    )


@pytest.mark.parametrize("queue", [2, 3])
def test_targets_of_the_shelves_planner_are_optimal(queue):
    vec = warehouse_v0.vector_env(4, layout="5x5", num_robots=3, request_queue_size=queue)
    policy = PIBTPolicy(assignment="optimal")
    obs, _ = vec.reset(seed=3)
    different = 0
    for _ in range(60 if ENABLED else 12):
        vec.require_guidance()
        state, fixed = vec.arrays, vec.simulation.settings
        before = {name: getattr(state, name).copy() for name in ("target", "phase", "guide")}
        actions = policy.act(vec, obs)
        assert all(np.array_equal(getattr(state, name), array) for name, array in before.items())
        own = policy._own
        for e in range(4):
            shelves = [s for s in state.queue[e] if not (state.load[e] == s).any()]
            cells = state.shelf_pos[e][shelves]
            expected = total_by_trial(vec, e, (FETCH, IDLE), cells, fixed.free_steps)
            assert total_of(own, vec, e, (FETCH, IDLE), fixed.free_steps) == expected
            gaps = state.gap[e][state.gap[e] > 0]
            expected = total_by_trial(vec, e, (RETURN,), gaps, fixed.laden_steps)
            assert total_of(own, vec, e, (RETURN,), fixed.laden_steps) == expected
            for a in range(3):
                if state.phase[e, a] == TO_GOAL:
                    assert own.target[e, a] == state.target[e, a]
                elif state.phase[e, a] != RETURN:
                    assert (own.phase[e, a] == IDLE) == (own.target[e, a] == 0)
        different += int((own.target != state.target).sum())
        obs, *_ = vec.step(actions)
    assert different > 0, "the nearest pairs were always optimal: nothing was tested"


@pytest.mark.slow
def test_optimal_targets_bring_more_shelves():
    delivered = {}
    for assignment in ("nearest", "optimal"):
        vec = warehouse_v0.vector_env(100, layout="small", num_robots=8, mask=None, max_cycles=500)
        policy = PIBTPolicy(assignment=assignment)
        obs, _ = vec.reset(seed=1)
        for _ in range(499):
            obs, *_ = vec.step(policy.act(vec, obs))
        delivered[assignment] = vec.metrics()["deliveries"].mean()
        assert vec.metrics()["refused_fraction"].max() == 0
    assert delivered["optimal"] > delivered["nearest"] + 1  # 77.1 and 74.6, standard error 0.4 each


def test_an_unknown_assignment_is_refused():
    with pytest.raises(ParameterError, match="assignment must be one of 'nearest', 'optimal', not 'best'"):
        PIBTPolicy(assignment="best")


def test_dead_robots_get_no_target_and_close_their_cells():
    vec = warehouse_v0.vector_env(8, layout="tiny", num_robots=4, battery=150, chargers=0)
    policy = PIBTPolicy(assignment="optimal")
    obs, _ = vec.reset(seed=3)
    dead_robots = closed = 0
    for _ in range(120 if ENABLED else 100):
        actions = policy.act(vec, obs)
        state, own = vec.arrays, policy._own
        for e in range(8):
            dead = state.level[e] == 0
            assert not own.target[e][dead].any()
            assert (own.phase[e][dead] == IDLE).all()
            alive = own.target[e][~dead & np.isin(own.phase[e], (FETCH, RETURN))]
            assert not np.isin(alive, state.pos[e][dead]).any()
            dead_robots += int(dead.sum())
            closed += int(np.isin(state.pos[e][dead], state.shelf_pos[e][state.queue[e]]).sum())
        obs, *_ = vec.step(actions)
    assert dead_robots > 0
    assert closed > 0, "no dead robot stood on a requested shelf: half of it was not tested"
