"""Distance tables against a breadth-first search in plain Python, and the bits that say which moves shorten a way."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marl_envs import warehouse_v0
from marl_envs.core.jit import ENABLED
from marl_envs.warehouse.layouts import get_layout
from marl_envs.warehouse.types import GOAL_CELL, UNREACHABLE
from tests.warehouse.arrange import build, cell_at, play
from tests.warehouse.oracle import LEFT, RIGHT, ahead, char, picture
from tests.warehouse.search import steps_from
from tests.warehouse.strategies import floors, warehouses

few = settings(max_examples=40 if ENABLED else 4, deadline=None)


def check_tables(layout: str) -> None:
    vec = warehouse_v0.vector_env(1, layout=layout, num_robots=1, request_queue_size=1, observation="tabular")
    floor, tables = get_layout(layout), vec.simulation.settings
    goals = floor.cells("g")
    longest = 0
    for row in range(floor.height):
        for col in range(floor.width):
            for heading in range(4):
                place = cell_at(vec, row, col) * 4 + heading
                free = steps_from(floor.rows, (row, col), heading, False)
                laden = steps_from(floor.rows, (row, col), heading, True)
                homes = floor.cells("x")
                assert tables.free_steps[:, place].tolist() == [free.get(home, UNREACHABLE) for home in homes]
                assert tables.laden_steps[:, place].tolist() == [laden.get(home, UNREACHABLE) for home in homes]
                nearest = min((laden[goal] for goal in goals if goal in laden), default=UNREACHABLE)
                assert tables.goal_steps[place] == nearest
                chosen = [goal for goal in goals if cell_at(vec, *goal) == tables.nearest_goal[place]]
                assert [laden[goal] for goal in chosen] == ([] if nearest == UNREACHABLE else [nearest])
                reached = [free[home] for home in homes if home in free] + [laden[c] for c in homes if c in laden]
                longest = max(longest, *reached, 0 if nearest == UNREACHABLE else nearest)
    assert tables.longest == longest


@few
@given(floors())
def test_tables_of_any_floor(layout):
    check_tables(layout)


@pytest.mark.parametrize("layout", ["5x5", "7x6", "tiny"] if ENABLED else ["5x5"])
def test_tables_of_named_floors(layout):
    check_tables(layout)


def test_turns_take_steps_and_homes_are_in_the_way_of_loaded_robots_only():
    rows = ("xx.", "g..")
    assert steps_from(rows, (0, 2), 2, False) == {(0, 2): 0, (0, 1): 1, (0, 0): 2, (1, 2): 2, (1, 1): 3, (1, 0): 4}
    assert steps_from(rows, (0, 2), 2, True) == {(0, 2): 0, (0, 1): 1, (0, 0): 7, (1, 2): 2, (1, 1): 4, (1, 0): 5}


@few
@given(warehouses(observation="tabular"), st.integers(0, 2**32))
def test_guide_bits_are_the_moves_that_bring_the_target_nearer(vec, seed):
    generator = np.random.default_rng(seed)
    for _ in range(20):
        check_guide(vec)
        vec.step(generator.choice([0, 1, 1, 1, 2, 3, 4], (1, vec.num_agents)))


def check_guide(vec) -> None:
    state, settings, seen = vec.arrays, vec.simulation.settings, picture(vec)
    for a in range(vec.num_agents):
        target = int(state.target[0, a])
        bits = 0
        if target:
            laden = seen.loads[a] >= 0
            goals = [(r, c) for r, row in enumerate(seen.rows) for c, kind in enumerate(row) if kind == "g"]
            target_cell = (int(settings.row[target]), int(settings.col[target]))
            ends = goals if settings.kind[target] == GOAL_CELL else [target_cell]

            def steps(cell, heading, laden=laden, ends=ends):
                reached = steps_from(seen.rows, cell, heading, laden)
                return min((reached[end] for end in ends if end in reached), default=UNREACHABLE)

            cell, heading = seen.cells[a], seen.headings[a]
            here, onward = steps(cell, heading), ahead(seen, a)
            assert here == state.steps_to[0, a]
            enterable = char(seen.rows, onward) != " " and (
                not laden or char(seen.rows, onward) != "x" or onward in ends
            )
            bits += 1 * (enterable and steps(onward, heading) < here)
            bits += 2 * (steps(cell, LEFT[heading]) < here)
            bits += 4 * (steps(cell, RIGHT[heading]) < here)
            assert (bits > 0) == (here > 0)
        assert state.guide[0, a] == bits


@pytest.mark.parametrize(
    ("drawing", "bits"),
    [
        (">. . X \n . x g", 1),
        ("<. . X \n . x g", 2 + 4),
        ("^. . X \n . x g", 4),
        ("v. . X \n . x g", 2),
        (". . >X \n . x g", 0),
        ("v. . . \n . . X \n x . g", 1),
        ("_ >O. . \n x . . \n . . g", 1),
        ("_ <O. . \n x . . \n . . g", 2),
        ("^O_ x \n g .", 2 + 4),
    ],
)
def test_guide_bits_on_drawn_boards(drawing, bits):
    vec = build(drawing, observation="tabular")
    assert vec.arrays.guide[0, 0] == bits
    play(vec, "-")
    assert vec.arrays.guide[0, 0] == bits


def test_what_cannot_be_reached_has_no_route():
    vec = build("_ >O. x \n x x x \n x g x", observation="tabular")  # the loaded robot is shut in
    assert vec.arrays.steps_to[0, 0] == UNREACHABLE
    assert vec.arrays.target[0, 0] == 0
    assert vec.arrays.guide[0, 0] == 0
    obs, *_ = play(vec, "F")
    assert vec.observation_space.contains(obs[0, 0])
