"""How the warehouse looks: as text, exactly; as a picture, what must be told apart."""

import numpy as np
import pytest

from marl_envs import warehouse_v0
from marl_envs.render.canvas import Canvas
from marl_envs.render.theme import DARK, LIGHT
from marl_envs.warehouse.render import WarehouseArtist, artist, to_ansi

ROWS = (
    ".....",
    ".xx..",
    ".....",
    "..gg.",
)


def make_frame(**changes) -> dict:
    """Robot 0 on the highway with shelf 1, facing right; robot 1 under shelf 0, facing up; shelf 1 is requested."""
    frame = {
        "robots": np.array([[2, 3, 3, 1], [1, 1, 0, -1]], np.int32),
        "shelves": np.array([[1, 1], [2, 3]], np.int32),
        "requested": np.array([False, True]),
        "deliveries": np.array([4, 0], np.int32),
        "target": np.array([[3, 3], [-1, -1]], np.int32),
        "step": np.array(12, np.int32),
    }
    return {**frame, **changes}


def draw(frame: dict, size=(320, 288), theme=LIGHT) -> np.ndarray:
    return Canvas(size).draw(WarehouseArtist(ROWS).scene(frame, theme))


def has(image: np.ndarray, color: tuple) -> bool:
    return bool((image == color[:3]).all(axis=2).any())


def test_text_of_a_frame():
    assert to_ansi(make_frame(), ROWS) == (
        " . . . . .\n"
        " .^x _ . .\n"
        " . . .>X .\n"
        " . . g g .\n"
        "step 12, 4 delivered\n"
        "robot_0 at (2, 3) facing right, carries shelf 1 (requested), 4 delivered\n"
        "robot_1 at (1, 1) facing up, empty, 0 delivered\n"
    )


def test_text_of_the_other_headings():
    robots = np.array([[0, 0, 1, -1], [0, 4, 2, 0]], np.int32)
    text = to_ansi(make_frame(robots=robots, shelves=np.array([[0, 4], [1, 2]], np.int32)), ROWS).splitlines()
    assert text[:2] == ["v. . . .<x", " . _ X . ."]
    assert text[5] == "robot_0 at (0, 0) facing down, empty, 4 delivered"
    assert text[6] == "robot_1 at (0, 4) facing left, carries shelf 0, 0 delivered"


def test_the_picture_shows_robots_shelves_goals_and_requests():
    image = draw(make_frame())
    assert all(has(image, c) for c in (LIGHT.page, LIGHT.floor, LIGHT.agent, LIGHT.object, LIGHT.wanted, LIGHT.goal))
    assert not has(draw(make_frame(requested=np.zeros(2, bool))), LIGHT.wanted)


def test_the_same_frame_gives_the_same_bytes():
    assert draw(make_frame()).tobytes() == draw(make_frame()).tobytes()


@pytest.mark.parametrize(
    "changes",
    [
        {"robots": np.array([[2, 3, 2, 1], [1, 1, 0, -1]], np.int32)},
        {"robots": np.array([[2, 3, 3, -1], [1, 1, 0, -1]], np.int32)},
        {"robots": np.array([[2, 3, 3, 1], [0, 0, 0, -1]], np.int32)},
        {"robots": np.array([[2, 3, 3, 1], [1, 1, 0, 0]], np.int32)},
        {"shelves": np.array([[1, 2], [2, 3]], np.int32)},
        {"requested": np.array([True, False])},
        {"deliveries": np.array([4, 1], np.int32)},
        {"target": np.array([[0, 0], [-1, -1]], np.int32)},
        {"step": np.array(13, np.int32)},
    ],
    ids=["heading", "load", "place", "lifted", "shelf", "request", "deliveries", "target", "step"],
)
def test_every_difference_shows(changes):
    assert not np.array_equal(draw(make_frame(**changes)), draw(make_frame()))


def test_themes_differ():
    assert has(draw(make_frame(), theme=DARK), DARK.wanted)
    assert not np.array_equal(draw(make_frame(), theme=DARK), draw(make_frame()))


def test_the_moment_between_two_frames():
    after = make_frame(
        robots=np.array([[2, 4, 3, 1], [1, 1, 3, -1]], np.int32), shelves=np.array([[1, 1], [2, 4]], np.int32)
    )
    between = WarehouseArtist(ROWS).between(make_frame(), after, 0.25)
    assert between["robots"].tolist() == [[2, 3.25, 3, 1], [1, 1, 0, -1]]
    assert between["shelves"].tolist() == [[1, 1], [2, 3.25]]
    assert make_frame()["robots"].dtype == np.int32


def test_an_artist_comes_from_parameters_of_either_form():
    text = "\n".join(ROWS)
    assert artist({"layout": text}).rows == ROWS
    assert artist(warehouse_v0.parallel_env(layout=text, num_robots=1, request_queue_size=1).params).rows == ROWS


@pytest.mark.parametrize("layout", ["5x5", "tiny", "large"])
def test_an_environment_draws_itself(layout):
    env = warehouse_v0.parallel_env(layout=layout, num_robots=3, render_mode="rgb_array")
    env.reset(seed=4)
    first = env.render()
    assert first.shape == (480, 640, 3)
    env.step({"robot_0": 1, "robot_1": 2, "robot_2": 3})
    assert env.render().shape == first.shape
    assert not np.array_equal(env.render(), first)
    assert env.render("ansi").startswith(" .") or env.render("ansi")[0] in "^v<>"
    assert "step 1, 0 delivered" in env.render("ansi")
    env.close()
    env.close()
