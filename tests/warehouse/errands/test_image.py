"""The observation "image" of errands: against a slow writer on random floors and states, and on a drawn floor."""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marl_envs import errands_v0
from marl_envs.core.jit import ENABLED
from marl_envs.core.params import ParameterError
from marl_envs.core.vector import VectorEnv
from marl_envs.warehouse.errands.types import SEVEN_LAYERS

Cell = tuple[int, int]
AHEAD = ((-1, 0), (1, 0), (0, -1), (0, 1))  # (rows, columns), by heading: north, south, west, east
CLOCKWISE = (0, 3, 1, 2)  # headings
few = settings(max_examples=60 if ENABLED else 6, deadline=None)
STEPS = 12 if ENABLED else 4
FLOOR = "E . . S \n . @ . . \n . . . @"


def place(vec: VectorEnv, cells: np.ndarray) -> list[Cell]:
    """Return (row, col) of cells."""
    table = vec.simulation.settings
    return list(zip(table.row[cells].tolist(), table.col[cells].tolist(), strict=True))


def distances(rows: list[str], goal: Cell) -> dict[Cell, int]:
    """Return how far every cell that can be reached is from the goal."""
    found, queue = {goal: 0}, deque([goal])
    while queue:
        row, col = queue.popleft()
        for down, right in AHEAD:
            cell = row + down, col + right
            if cell not in found and kind(rows, cell) != "@":
                found[cell] = found[row, col] + 1
                queue.append(cell)
    return found


def kind(rows: list[str], cell: Cell) -> str:
    """Return what the floor is there; an obstacle outside."""
    row, col = cell
    return rows[row][col] if 0 <= row < len(rows) and 0 <= col < len(rows[0]) else "@"


def image(vec: VectorEnv, a: int) -> np.ndarray:
    """Return the layers [layer, row, col] that robot `a` sees, from positions, headings and goals alone."""
    params, state = vec.params, vec.arrays
    rows = params.floor.replace(" ", "").split("\n")
    cells, headings = place(vec, state.pos[0]), state.heading[0].tolist()
    goals = [cell if number else None for cell, number in zip(place(vec, state.goal[0]), state.goal[0], strict=True)]
    up = headings[a] if params.moves == "rotate" else 0
    mine = goals[a]
    far = {} if mine is None else distances(rows, mine)
    down, right = AHEAD[up]
    shown = np.zeros(params.image_shape, np.float32)
    for i, j in np.ndindex(*params.image_shape[1:]):
        ahead, aside = params.sensor_range - i, j - params.sensor_range
        cell = (cells[a][0] + ahead * down + aside * right, cells[a][1] + ahead * right - aside * down)
        b = cells.index(cell) if cell in cells else None
        turn = 0 if b is None else (CLOCKWISE.index(headings[b]) - CLOCKWISE.index(up)) % 4 + 1
        values = {
            "obstacles": kind(rows, cell) == "@",
            "robots": b is not None,
            "goals_of_others": cell in goals[:a] + goals[a + 1 :],
            "own_goal": cell == mine,
            "stations": kind(rows, cell) == "E",
            "direction": turn,
            "closer": cell in far and far[cell] < far.get(cells[a], np.inf),
        }
        shown[:, i, j] = [values[layer] for layer in params.image_layers]
    return shown


@st.composite
def batches(draw: Any, /) -> VectorEnv:
    """Return a batch of one on any floor, with any headings and goals (shared ones, unreachable ones and none)."""
    height, width = draw(st.integers(2, 6)), draw(st.integers(1, 6))
    chars = draw(st.lists(st.sampled_from("...ES@@"), min_size=height * width, max_size=height * width))
    chars[:2] = ".."
    rows = ["".join(chars[row * width : (row + 1) * width]) for row in range(height)]
    free = sum(len(row.replace("@", "")) for row in rows)
    vec = errands_v0.vector_env(
        1,
        floor="\n".join(rows),
        num_robots=draw(st.integers(1, min(free, 8))),
        observation="image",
        goals="anywhere",
        moves=draw(st.sampled_from(["compass", "rotate"])),
        collision=draw(st.sampled_from(["resolve", "all_wait"])),
        sensor_range=draw(st.integers(1, 4)),
        image_layers=draw(st.lists(st.sampled_from(SEVEN_LAYERS), min_size=1, unique=True)),
    )
    vec.reset(seed=draw(st.integers(0, 2**32)))
    robots, table = vec.num_agents, vec.simulation.settings
    goals = st.lists(st.sampled_from([0, *table.inside.tolist()]), min_size=robots, max_size=robots)
    state = vec.get_state()
    state.arrays["goal"][0] = draw(goals)
    state.arrays["heading"][0] = draw(st.lists(st.integers(0, 3), min_size=robots, max_size=robots))
    vec.set_state(state)
    return vec


@few
@given(batches(), st.integers(0, 2**32))
def test_image_is_what_its_table_says(vec, seed):
    generator = np.random.default_rng(seed)
    obs = vec.set_state(vec.get_state())[0]
    for _ in range(STEPS):
        for a in range(vec.num_agents):
            assert np.array_equal(obs[0, a].reshape(vec.params.image_shape), image(vec, a))
            assert vec.observation_space.contains(obs[0, a])
        obs = vec.step(generator.integers(0, int(vec.action_space.n), (1, vec.num_agents)))[0]


@pytest.mark.parametrize("moves", ["compass", "rotate"])
def test_image_of_a_drawn_floor(moves):
    """A robot at (2, 1) that faces east, its goal at (0, 3); another at (2, 2) that faces south, its goal at (0, 0)."""
    vec = errands_v0.vector_env(1, floor=FLOOR, num_robots=2, observation="image", goals="anywhere", moves=moves)
    vec.reset(seed=0)
    state, stride = vec.get_state(), 4 + 2 * 2

    def number(row: int, col: int) -> int:
        return (row + 2) * stride + col + 2

    state.arrays["robot_at"][:] = -1
    for a, (pos, heading, goal) in enumerate([((2, 1), 3, (0, 3)), ((2, 2), 1, (0, 0))]):
        state.arrays["pos"][0, a], state.arrays["heading"][0, a] = number(*pos), heading
        state.arrays["goal"][0, a], state.arrays["robot_at"][0, number(*pos)] = number(*goal), a
    obs, _ = vec.set_state(state)
    turn = 1 if moves == "rotate" else 0  # east is up
    shown = dict(zip(SEVEN_LAYERS, np.rot90(obs[0, 0].reshape(7, 5, 5), -turn, axes=(1, 2)).tolist(), strict=True))
    nothing = [0, 0, 0, 0, 0]
    assert shown["obstacles"] == [[1, 0, 0, 0, 0], [1, 0, 1, 0, 0], [1, 0, 0, 0, 1], [1] * 5, [1] * 5]
    assert shown["robots"] == [nothing, nothing, [0, 0, 1, 1, 0], nothing, nothing]
    assert shown["goals_of_others"] == [[0, 1, 0, 0, 0], *[nothing] * 4]
    assert shown["own_goal"] == [[0, 0, 0, 0, 1], *[nothing] * 4]
    assert shown["stations"] == [[0, 1, 0, 0, 0], *[nothing] * 4]
    headings = [0, 0, 1, 2, 0] if moves == "rotate" else [0, 0, 2, 3, 0]
    assert shown["direction"] == [nothing, nothing, headings, nothing, nothing]
    assert shown["closer"] == [[0, 1, 1, 1, 1], [0, 0, 0, 1, 1], [0, 0, 0, 1, 0], nothing, nothing]


def test_robots_without_a_goal_see_none():
    """Also in the outermost corner, whose number is that of no goal."""
    vec = errands_v0.vector_env(1, floor=". . \n . .", num_robots=4, observation="image", goals="anywhere")
    vec.reset(seed=0)
    state = vec.get_state()
    state.arrays["goal"][:] = 0
    obs, _ = vec.set_state(state)
    shown = dict(zip(SEVEN_LAYERS, obs.reshape(4, 7, 5, 5).swapaxes(0, 1), strict=True))
    assert shown["robots"].sum() == 4 * 4
    assert not any(shown[layer].any() for layer in ("own_goal", "goals_of_others", "closer"))


def test_the_last_image_of_an_episode_is_kept():
    vec = errands_v0.vector_env(2, observation="image", max_cycles=5)
    vec.reset(seed=0)
    for _ in range(5):
        before = vec.get_state()
        _, _, _, _, info = vec.step(np.ones((2, 8), int))
    longer = errands_v0.vector_env(2, observation="image", max_cycles=5)
    longer.reset(seed=0)
    longer.set_state(before)
    longer.max_cycles = 6
    assert np.array_equal(info["final_obs"], longer.step(np.ones((2, 8), int))[0])


def test_other_radii_do_not_change_the_course():
    """The wider border around the floor moves every cell's number, and nothing else."""
    actions = np.random.default_rng(0).integers(0, 4, (40, 3, 8))
    courses = []
    for moves in ({"sensor_range": 1}, {"sensor_range": 9}, {"observation": "goal"}):
        vec = errands_v0.vector_env(3, **{"observation": "image", "moves": "rotate", **moves})
        vec.reset(seed=3)
        courses.append([vec.step(a)[1].tolist() + vec.state().tolist() for a in actions])
    assert courses[0] == courses[1] == courses[2]


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"sensor_range": 0}, "sensor_range must be an integer from 1 to 20"),
        ({"sensor_range": 21}, "sensor_range must be an integer from 1 to 20"),
        ({"image_layers": "robots"}, "image_layers must be a list or tuple of some of 'obstacles', 'robots'"),
        ({"image_layers": []}, "image_layers must be a list or tuple"),
        ({"image_layers": ["robots", 3]}, "image_layers must be a list or tuple of some of"),
        ({"image_layers": ["robots", "robots"]}, "image_layers must have each name at most once"),
    ],
)
def test_what_cannot_be_shown_is_refused(parameters, message):
    with pytest.raises(ParameterError) as caught:
        errands_v0.vector_env(1, observation="image", **parameters)
    assert message in str(caught.value)
