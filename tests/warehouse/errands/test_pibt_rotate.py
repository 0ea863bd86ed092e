"""PIBT for robots that turn: no refused move ever, also after somebody else took the wheel; nobody starves."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marl_envs import errands_v0
from marl_envs.core.jit import ENABLED
from marl_envs.core.params import ParameterError
from marl_envs.warehouse.errands.pibt_rotate import RotatingPIBTPolicy
from tests.warehouse.errands.planning import kiva_rate, least_errands, played, refused, step, teams

few = settings(max_examples=60 if ENABLED else 3, deadline=None)
compiled = pytest.mark.skipif(not ENABLED, reason="plain Python is too slow")

# Tasks per step on the Kiva floor when this was written: to notice a change.
KIVA = {60: 0.961, 100: 1.107, 140: 1.141}


@few
@given(teams(moves="rotate"), st.integers(0, 2**32))
def test_nobody_ever_meets(vec, seed):
    policy = RotatingPIBTPolicy(seed)
    for _ in range(40):
        step(vec, policy.act(vec, None))
        assert refused(vec) == 0


@few
@given(teams(moves="rotate", collision="all_wait"), st.integers(0, 2**32))
def test_the_strictest_rule_never_stops_it(vec, seed):
    policy = RotatingPIBTPolicy(seed)
    for _ in range(20):
        step(vec, policy.act(vec, None))
        assert refused(vec) == 0


@few
@given(teams(moves="rotate"), st.integers(0, 2**32))
def test_after_a_disturbance_it_plans_anew(vec, seed):
    """Held cells are dropped where somebody else's actions made them worthless."""
    policy, generator = RotatingPIBTPolicy(seed), np.random.default_rng(seed)
    for _ in range(8):
        for _ in range(4):
            step(vec, policy.act(vec, None))
        vec.step(generator.integers(0, 4, (2, vec.num_agents)))


@compiled
@pytest.mark.parametrize(
    ("floor", "robots"), [("empty-4x4", 12), ("empty-6x7", 30), ("empty-2x3", 4), ("aisles-2x2", 40)]
)
def test_nobody_starves_where_there_are_no_dead_ends(floor, robots):
    assert least_errands(RotatingPIBTPolicy(), floor, robots, 800, moves="rotate") >= 2


@compiled
@pytest.mark.parametrize("robots", KIVA)
def test_as_many_tasks_as_before(robots):
    assert kiva_rate(RotatingPIBTPolicy(), robots, "rotate") == pytest.approx(KIVA[robots], rel=0.03)


def drive(floor: str, cells: list[tuple[int, int]], headings: list[int], goals: list[tuple[int, int]], steps: int):
    """Return the actions of robots put on these (row, col), without new goals on the way."""
    vec = errands_v0.vector_env(1, floor=floor, num_robots=len(cells), goals="anywhere", moves="rotate")
    vec.reset(seed=0)
    snapshot, index = vec.get_state(), vec.simulation.settings.inside.reshape(-1)
    rows, cols = vec.simulation.settings.row[index], vec.simulation.settings.col[index]
    number = {(int(r), int(c)): int(n) for r, c, n in zip(rows, cols, index, strict=True)}
    state = snapshot.arrays
    state["robot_at"][0] = -1
    for a, (cell, heading, goal) in enumerate(zip(cells, headings, goals, strict=True)):
        state["pos"][0, a], state["heading"][0, a], state["goal"][0, a] = number[cell], heading, number[goal]
        state["robot_at"][0, number[cell]] = a
    vec.set_state(snapshot)
    policy, actions = RotatingPIBTPolicy(), []
    for _ in range(steps):
        actions.append(policy.act(vec, None)[0].tolist())
        step(vec, np.array([actions[-1]]))
    return actions


NORTH, SOUTH, WEST, EAST = range(4)
FORWARD, LEFT, RIGHT = 1, 2, 3


def test_it_turns_to_its_cell_and_then_enters_it():
    assert drive("empty-1x4", [(0, 0)], [EAST], [(0, 3)], 3) == [[FORWARD]] * 3
    assert drive("empty-1x4", [(0, 0)], [NORTH], [(0, 3)], 2) == [[RIGHT], [FORWARD]]
    assert drive("empty-1x4", [(0, 0)], [SOUTH], [(0, 3)], 2) == [[LEFT], [FORWARD]]
    assert drive("empty-1x4", [(0, 0)], [WEST], [(0, 3)], 3) == [[RIGHT], [RIGHT], [FORWARD]]  # about: clockwise


@pytest.mark.parametrize(("heading", "first"), [(EAST, FORWARD), (SOUTH, FORWARD)])
def test_of_equal_ways_it_prefers_straight_ahead(heading, first):
    for _ in range(5):
        assert drive("empty-4x4", [(0, 0)], [heading], [(3, 3)], 3) == [[first]] * 3


def test_a_queue_waits_for_its_first_robot_to_turn():
    actions = drive("empty-1x5", [(0, 2), (0, 1), (0, 0)], [NORTH, EAST, EAST], [(0, 4), (0, 3), (0, 2)], 2)
    assert actions == [[RIGHT, 0, 0], [FORWARD] * 3]


def test_a_full_cycle_passes():
    cells, headings = [(0, 0), (0, 1), (1, 1), (1, 0)], [EAST, SOUTH, WEST, NORTH]
    assert drive("empty-2x2", cells, headings, [*cells[1:], cells[0]], 1) == [[FORWARD] * 4]


def test_the_seed_alone_decides():
    policy = RotatingPIBTPolicy(7)
    first = played(policy, "rotate")
    policy.reset(7)
    assert played(policy, "rotate") == first
    assert played(RotatingPIBTPolicy(7), "rotate", envs=1) == first
    assert played(RotatingPIBTPolicy(8), "rotate") != first


def test_it_says_for_which_moves_it_plans():
    vec = errands_v0.vector_env(1, floor="empty-3x3", num_robots=2, goals="anywhere")
    vec.reset(seed=0)
    with pytest.raises(ParameterError, match='RotatingPIBTPolicy plans for moves="rotate"'):
        RotatingPIBTPolicy().act(vec, None)
