"""What robots see: against slow writers on random warehouses, and on drawn boards."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marl_envs import warehouse_v0
from marl_envs.core.jit import ENABLED
from marl_envs.warehouse.planner import GreedyPolicy
from marl_envs.warehouse.types import RWARE_LAYERS
from tests.warehouse import writers
from tests.warehouse.arrange import build, play
from tests.warehouse.strategies import warehouses

few = settings(max_examples=40 if ENABLED else 4, deadline=None)
STEPS = 12 if ENABLED else 6


def views(vec, seed: int):
    """Play, half greedy and half random; yield the observations [A, ...] of every state."""
    generator, greedy = np.random.default_rng(seed), GreedyPolicy(sidestep=0.5, seed=seed)
    obs = vec.set_state(vec.get_state())[0]
    for _ in range(STEPS):
        yield obs[0]
        actions = greedy.act(vec, obs)
        random = generator.integers(0, int(vec.action_space.n), actions.shape)
        obs, *_ = vec.step(np.where(generator.random(actions.shape) < 0.5, actions, random))


@few
@given(st.integers(1, 3).flatmap(lambda reach: warehouses(observation="flattened", sensor_range=reach)), st.integers(0))
def test_flattened_is_what_its_table_says(vec, seed):
    for obs in views(vec, seed % 2**32):
        for a in range(vec.num_agents):
            assert obs[a].tolist() == writers.flattened(vec, a)
            assert vec.observation_space.contains(obs[a])


@few
@given(
    st.fixed_dictionaries(
        {
            "sensor_range": st.integers(1, 4),
            "image_rotated": st.booleans(),
            "image_layers": st.lists(st.sampled_from(RWARE_LAYERS), min_size=1, unique=True),
        }
    ).flatmap(lambda shown: warehouses(observation="image", **shown)),
    st.integers(0, 2**32),
)
def test_image_is_what_its_table_says(vec, seed):
    for obs in views(vec, seed):
        for a in range(vec.num_agents):
            assert np.array_equal(obs[a].reshape(vec.params.image_shape), writers.image(vec, a))
            assert vec.observation_space.contains(obs[a])


@few
@given(warehouses(observation="goal"), st.integers(0, 2**32))
def test_goal_is_what_its_table_says(vec, seed):
    for obs in views(vec, seed):
        for a in range(vec.num_agents):
            assert obs[a].tolist() == pytest.approx(writers.goal(vec, a), abs=1e-6)
            assert vec.observation_space.contains(obs[a])


@few
@given(warehouses(observation="tabular"), st.integers(0, 2**32))
def test_tabular_is_what_its_formula_says(vec, seed):
    for obs in views(vec, seed):
        assert obs.dtype == np.int32
        for a in range(vec.num_agents):
            assert obs[a] == writers.tabular(vec, a)
            assert vec.observation_space.contains(obs[a])


@few
@given(warehouses(observation="tabular_push"), st.integers(0, 2**32))
def test_tabular_push_is_what_its_formula_says(vec, seed):
    for obs in views(vec, seed):
        assert obs.dtype == np.int32
        for a in range(vec.num_agents):
            assert obs[a] == writers.tabular_push(vec, a)
            assert vec.observation_space.contains(obs[a])


@few
@given(warehouses(), st.integers(0, 2**32))
def test_the_global_state_is_what_its_list_says(vec, seed):
    for _ in views(vec, seed):
        state = vec.state()
        assert vec.state_space.contains(state[0])
        assert state[0].tolist() == pytest.approx(writers.state(vec), abs=1e-6)


def test_flattened_of_a_drawn_board():
    vec = build("X >O. . _ \n x <x g .")
    obs, *_ = play(vec, "--")
    assert obs[0, 0, :8].tolist() == [1, 0, 1, 0, 0, 0, 1, 1]
    cells = obs[0, 0, 8:].reshape(9, 7)
    outside = nobody = [0, 1, 0, 0, 0, 0, 0]
    assert cells.tolist() == [
        *[outside] * 3,
        [0, 1, 0, 0, 0, 1, 1],
        [1, 0, 0, 0, 1, 1, 1],
        nobody,
        [0, 1, 0, 0, 0, 1, 0],
        [1, 0, 0, 1, 0, 1, 0],
        nobody,
    ]
    assert obs[0, 1, :8].tolist() == [1, 1, 0, 0, 0, 1, 0, 0]


IMAGES = {
    "^": {"shelves": [[0, 0, 1], [1, 0, 0], [0, 0, 0]], "goals": [[0, 0, 0], [0, 0, 0], [0, 0, 1]]},
    ">": {"shelves": [[1, 0, 0], [0, 0, 0], [0, 1, 0]], "goals": [[0, 0, 1], [0, 0, 0], [0, 0, 0]]},
    "v": {"shelves": [[0, 0, 0], [0, 0, 1], [1, 0, 0]], "goals": [[1, 0, 0], [0, 0, 0], [0, 0, 0]]},
    "<": {"shelves": [[0, 1, 0], [0, 0, 0], [0, 0, 1]], "goals": [[0, 0, 0], [0, 0, 0], [1, 0, 0]]},
}


@pytest.mark.parametrize("arrow", IMAGES)
def test_image_of_a_drawn_board(arrow):
    """The robot is in the middle, shelves are to the north-east and to the west, a goal is to the south-east."""
    for rotated in (True, False):
        shown = {"image_layers": ["shelves", "goals", "agent_direction"], "image_rotated": rotated}
        vec = build(f". . X \n x {arrow}. . \n . . g", observation="image", **shown)
        obs, *_ = play(vec, "-")
        shelves, goals, headings = obs[0, 0].reshape(vec.params.image_shape).tolist()
        assert {"shelves": shelves, "goals": goals} == IMAGES[arrow if rotated else "^"]
        assert headings == [[0, 0, 0], [0, 1 + "^v<>".index(arrow), 0], [0, 0, 0]]


@pytest.mark.parametrize(("layout", "reach", "bits"), [("tiny", 1, 0), ("5x5", 2, 0), ("5x5", 1, 3), ("large", 3, 8)])
def test_the_length_of_flattened(layout, reach, bits):
    vec = warehouse_v0.vector_env(2, layout=layout, sensor_range=reach, message_bits=bits)
    obs, _ = vec.reset(seed=0)
    assert obs.shape == (2, 2, 8 + (7 + bits) * (2 * reach + 1) ** 2)
    assert obs.dtype == np.float32
    assert vec.observation_space.shape == obs.shape[2:]


@pytest.mark.parametrize(("arrow", "ahead", "right"), [("^", 2, 1), ("v", -2, -1), ("<", -1, 2), (">", 1, -2)])
def test_the_target_lies_in_the_robots_own_frame(arrow, ahead, right):
    """Two rows up and one column to the right."""
    vec = build(f". . X \n . . . \n . {arrow}. . \n x . g", observation="goal")
    obs, *_ = play(vec, "-")
    assert (obs[0, 0, 9:11] * 4).tolist() == [ahead, right]
    assert obs[0, 0, 16:20].tolist() == [float(arrow == heading) for heading in "^v<>"]


@pytest.mark.parametrize(
    ("arrow", "k"),
    [("^", 1), (">", 0), ("v", 3), ("<", 2)],  # of ahead, right, behind, left
)
def test_neighbours_lie_in_the_robots_own_frame(arrow, k):
    """The other robot is to the east and faces north."""
    vec = build(f". . . . \n . {arrow}. ^. . \n . . . . \n x x g .", observation="goal")
    obs, *_ = play(vec, "--")
    cells = obs[0, 0, 23:].reshape(12, 8)
    assert cells[:, 0].tolist() == [float(i == k) for i in range(12)]
    turn = "^>v<".index("^") - "^>v<".index(arrow)
    assert cells[k, 1:5].tolist() == [float(i == turn % 4) for i in range(4)]


def test_errands_and_who_goes_first():
    vec = build("_ _ X x . \n >o. >O. ^. v. . \n . . g . .", observation="goal")
    obs, *_ = play(vec, "----")
    assert obs[0, :, :4].tolist() == [[0, 0, 1, 0], [0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1]]
    ahead = obs[0, :, 23:31]
    assert ahead[0].tolist() == [1, 1, 0, 0, 0, 1, 1, 0]  # robot 1 goes to a goal: first, and it carries a shelf
    assert ahead[1].tolist() == [1, 0, 0, 0, 1, 0, 0, 0]  # robot 2 fetches: after


def test_a_number_names_the_errand_the_way_and_the_nearest_robot():
    vec = build(">. . . X \n . v. . . \n x . g .", observation="tabular")
    obs, *_ = play(vec, "--")
    assert divmod(int(obs[0, 0]), 97) == ((0 * 8 + 1) * 2, 1 + (5 * 4 + 1) * 2 + 0)  # fetches, forward
    assert divmod(int(obs[0, 1]), 97) == ((3 * 8 + 0) * 2, 1 + (7 * 4 + 3) * 2 + 1)  # idle: nothing is left to fetch


@pytest.mark.parametrize(
    ("below", "push", "ways", "sides"),
    [
        ("x x x x _ _", [0, 1, 1], [1, 6, 6], [[3, 0, 1, 0], [4, 0, 3, 0], [2, 0, 1, 0]]),
        ("x x _ x x _", [0, 1, 0], [1, 2, 6], [[3, 0, 1, 0], [4, 0, 3, 1], [2, 0, 1, 0]]),  # robot 1 can step aside
    ],
)
def test_who_has_no_way_out_pushes_on(below, push, ways, sides):
    """Robot 0 carries a requested shelf to the goal; the two before it came to put theirs back."""
    vec = build(f"x x x x x _ \n . >O. <o. <o. . g \n {below}", observation="tabular_push")
    obs, *_ = play(vec, "---")
    assert (obs[0] // 625 % 5).tolist() == push  # from ahead
    assert [[int(number) // 5**k % 5 for k in (3, 2, 1, 0)] for number in obs[0]] == sides
    errands = zip((1, 2, 2), ways, strict=True)  # to a goal, putting back, putting back
    assert (obs[0] // 3125).tolist() == [(errand * 8 + way) * 2 for errand, way in errands]


def test_nobody_pushes_a_dead_robot():
    """As above, but the robot in the middle is dead: its cell is closed, and the last of the queue is left alone."""
    picture = "x x x x x _ \n . >O. <o. <o. . g \n x x x x _ _"
    vec = build(picture, observation="tabular_push", battery=400, chargers=0)
    vec.arrays.level[0, 1] = 0
    obs, *_ = play(vec, "---")
    assert (obs[0] // 625 % 5).tolist() == [0, 0, 0]
    ahead, behind = int(obs[0, 0]) // 125 % 5, int(obs[0, 2]) // 125 % 5
    assert (ahead, behind) == (0, 0)  # both face the dead robot


def test_a_refusal_by_another_robot_shows_for_one_step():
    for observation, refused in (("goal", lambda view: view[22]), ("tabular", lambda number: number // 97 % 2)):
        vec = build(">. <. . . \n x x . . \n ^. . g v.", observation=observation)
        obs, *_ = play(vec, "FF-F")
        assert [refused(view) for view in obs[0]] == [1, 1, 0, 0]  # a swap; one waits; one meets the border
        obs, *_ = play(vec, "F---")
        assert [refused(view) for view in obs[0]] == [1, 0, 0, 0]
        obs, *_ = play(vec, "L---")
        assert [refused(view) for view in obs[0]] == [0, 0, 0, 0]
        play(vec, "RF--")
        play(vec, "F---")
        assert [refused(view) for view in vec.reset()[0][0]] == [0, 0, 0, 0]


def test_every_face_shows_the_same():
    env = warehouse_v0.parallel_env(layout="5x5", observation="goal")
    vec = warehouse_v0.vector_env(1, layout="5x5", observation="goal")
    obs, rows = env.reset(seed=5)[0], vec.reset(seed=5)[0]
    for _ in range(10):
        assert [obs[agent].tolist() for agent in env.possible_agents] == rows[0].tolist()
        obs, rows = env.step(dict.fromkeys(env.agents, 1))[0], vec.step(np.ones((1, 2), int))[0]
