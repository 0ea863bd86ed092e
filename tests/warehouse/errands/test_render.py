"""How errands look: as text, exactly; as a picture, what must be told apart."""

import numpy as np
import pytest

from marl_envs import errands_v0
from marl_envs.render.canvas import Canvas
from marl_envs.render.theme import DARK, LIGHT
from marl_envs.warehouse.errands.render import ErrandsArtist, artist
from marl_envs.warehouse.render_overlays import MOST_WAYS
from tests.warehouse.errands.plain import write_problem

ROWS = (
    ".....",
    ".@@S.",
    "E....",
)


def make_frame(**changes) -> dict:
    """Robot 0 faces east, its goal is the station; robot 1 faces north and has none."""
    frame = {
        "robots": np.array([[0, 1, 3], [2, 4, 0]], np.int32),
        "goals": np.array([[2, 0], [-1, -1]], np.int32),
        "tasks": np.array([4, 1], np.int32),
        "step": np.array(12, np.int32),
    }
    return {**frame, **changes}


def draw(frame: dict, rows=ROWS, theme=LIGHT) -> np.ndarray:
    return Canvas((400, 320)).draw(ErrandsArtist(rows).scene(frame, theme))


def has(image: np.ndarray, color: tuple) -> bool:
    return bool((image == color[:3]).all(axis=2).any())


def test_text_of_a_frame():
    assert ErrandsArtist(ROWS).ansi(make_frame()) == (
        " .>. . . .\n"  #
        " . @ @ S .\n"
        " x . . .^.\n"
        "step 12, 5 tasks finished\n"
    )


def test_text_of_the_other_headings_and_a_robot_on_its_goal():
    frame = make_frame(robots=np.array([[2, 0, 1], [1, 3, 2]], np.int32))
    assert ErrandsArtist(ROWS).ansi(frame).splitlines()[1:3] == [" . @ @<S .", "vx . . . ."]


def test_the_picture_shows_floor_obstacles_stations_robots_and_goals():
    image = draw(make_frame())
    assert all(has(image, c) for c in (LIGHT.page, LIGHT.floor, LIGHT.object, LIGHT.agent, LIGHT.wanted, LIGHT.goal))
    assert not has(draw(make_frame(goals=np.full((2, 2), -1, np.int32))), LIGHT.wanted)
    plain = draw(make_frame(), rows=(".....", ".....", "....."))
    assert not any(has(plain, color) for color in (LIGHT.object, LIGHT.goal))


def test_a_shelf_side_is_told_from_the_floor():
    with_side, without = draw(make_frame()), draw(make_frame(), rows=(ROWS[0], ".@@..", ROWS[2]))
    assert (with_side != without).any(axis=2).sum() > 2000


def test_the_same_frame_gives_the_same_bytes():
    assert draw(make_frame()).tobytes() == draw(make_frame()).tobytes()


@pytest.mark.parametrize(
    "changes",
    [
        {"robots": np.array([[0, 1, 2], [2, 4, 0]], np.int32)},
        {"robots": np.array([[0, 2, 3], [2, 4, 0]], np.int32)},
        {"robots": np.array([[2, 4, 0], [0, 1, 3]], np.int32)},
        {"goals": np.array([[1, 3], [-1, -1]], np.int32)},
        {"goals": np.array([[2, 0], [0, 0]], np.int32)},
        {"tasks": np.array([4, 2], np.int32)},
        {"step": np.array(13, np.int32)},
    ],
    ids=["heading", "place", "exchanged", "goal", "another goal", "tasks", "step"],
)
def test_every_difference_shows(changes):
    assert not np.array_equal(draw(make_frame(**changes)), draw(make_frame()))


def test_a_way_is_drawn_where_few_are():
    """A dotted line to the goal makes the picture of few robots longer than goals and robots alone."""
    few = make_frame()
    many = {
        "robots": np.tile(few["robots"][:1], (MOST_WAYS + 1, 1)),
        "goals": np.tile(few["goals"][:1], (MOST_WAYS + 1, 1)),
        "tasks": np.zeros(MOST_WAYS + 1, np.int32),
        "step": few["step"],
    }
    middle = slice(100, 220), slice(60, 120)  # between them lie an obstacle and dots
    dotted, undotted = draw(few)[middle], draw(many)[middle]
    assert not np.array_equal(dotted, undotted)


def test_themes_differ():
    assert has(draw(make_frame(), theme=DARK), DARK.wanted)
    assert not np.array_equal(draw(make_frame(), theme=DARK), draw(make_frame()))


def test_the_moment_between_two_frames():
    before, after = make_frame(), make_frame(robots=np.array([[0, 2, 1], [1, 4, 0]], np.int32))
    between = ErrandsArtist(ROWS).between(before, after, 0.25)
    assert between["robots"].tolist() == [[0, 1.25, 3], [1.75, 4, 0]]
    assert before["robots"].dtype == np.int32


def test_an_artist_comes_from_parameters_of_either_form(tmp_path):
    text = "\n".join(ROWS)
    assert artist({"floor": text, "problem": None}).rows == ROWS
    assert artist(errands_v0.parallel_env(floor=text, num_robots=1, goals="anywhere").params).rows == ROWS
    path = write_problem(tmp_path, ("..", ".@"), [0], [[1]])
    assert artist(errands_v0.parallel_env(problem=path).params).rows == ("..", ".@")


@pytest.mark.parametrize("moves", ["compass", "rotate"])
@pytest.mark.parametrize("floor", ["\n".join(ROWS), "kiva"])
def test_an_environment_draws_itself(floor, moves):
    env = errands_v0.parallel_env(floor=floor, num_robots=3, goals="anywhere", moves=moves, render_mode="rgb_array")
    env.reset(seed=4)
    first = env.render()
    assert first.shape == (480, 640, 3)
    env.step({"robot_0": 1, "robot_1": 2, "robot_2": 3})
    assert env.render().shape == first.shape
    assert not np.array_equal(env.render(), first)
    text = env.render("ansi")
    assert sum(text.count(arrow) for arrow in "^v<>") == 3
    assert "step 1, 0 tasks finished" in text
    env.close()
    env.close()


def test_a_frame_says_where_robots_and_goals_are(tmp_path):
    rows = ("....", ".@..")
    vec = errands_v0.vector_env(2, problem=write_problem(tmp_path, rows, [0, 7], [[6], [1], [1]]), moves="rotate")
    vec.reset(seed=0)
    for _ in range(2):
        vec.step(np.array([[1, 0]] * 2))
    frame = vec.frame(1)
    assert frame["robots"].tolist() == [[0, 2, 3], [1, 3, 3]]
    assert frame["goals"].tolist() == [[1, 2], [0, 1]]
    assert frame["tasks"].tolist() == [0, 0]
    assert frame["step"] == 2
