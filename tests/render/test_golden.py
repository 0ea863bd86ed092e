"""Golden pictures of every family and overlay, and what is drawn is where the state says it is.

Tolerance: at most 0.4 % of the pixels may differ by more than 48 of 255 in a colour (edges are smoothed a little
differently by other versions of SDL and FreeType); of the pixels that an overlay changes, 85 % must be right.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from marl_envs.render.artists import artist_for
from marl_envs.render.canvas import Canvas
from marl_envs.render.placing import fitted
from marl_envs.render.theme import DARK, LIGHT
from tests.render.golden_cases import FOLDER, Case, cases, draw, episode, moments

SHARE, DIFFERENT = 0.004, 48
CASES = list(cases())


def share_of_different(one: np.ndarray, other: np.ndarray) -> float:
    return float((np.abs(one.astype(int) - other).max(axis=2) > DIFFERENT).mean())


def golden(case: Case) -> np.ndarray:
    with Image.open(FOLDER / f"{case.name}.png") as picture:
        return np.asarray(picture.convert("RGB"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_pictures_are_the_golden_ones(case):
    drawn = draw(case, moments()[case.family][case.overlay])
    assert drawn.shape == golden(case).shape
    assert share_of_different(drawn, golden(case)) <= SHARE


@pytest.mark.parametrize("case", [case for case in CASES if case.overlay], ids=lambda case: case.name)
def test_overlays_are_the_golden_ones_where_they_are(case):
    at = moments()[case.family][case.overlay]
    plain, drawn = draw(Case(case.family, "", case.theme), at), draw(case, at)
    overlaid = np.abs(plain.astype(int) - golden(case)).max(axis=2) > 24
    assert overlaid.sum() > 30
    right = np.abs(drawn.astype(int) - golden(case)).max(axis=2) <= DIFFERENT
    assert right[overlaid].mean() > 0.85


def test_there_is_a_golden_picture_of_every_case_and_no_other():
    assert {path.stem for path in FOLDER.glob("*.png")} == {case.name for case in CASES}


def pixel(image: np.ndarray, extent: tuple[float, float], x: float, y: float) -> list[int]:
    """The colour that is drawn at a place of the scene."""
    height, width, _ = image.shape
    column, row = fitted((width, height), *extent).to_pixel(x, y)
    return image[round(row), round(column)].tolist()


def near(color: Any, other: Any, most: int = 12) -> bool:
    return max(abs(a - b) for a, b in zip(color, other[:3], strict=False)) <= most


cells = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=6, unique=True)


@settings(max_examples=40)
@given(cells, st.integers(0, 3), st.sampled_from([LIGHT, DARK]))
def test_robots_are_in_their_cells_and_nowhere_else(taken, heading, theme):
    artist = artist_for({"env": "warehouse_v0", "params": {**episode("warehouse").env["params"], "battery": None}})
    frame = {
        "robots": np.array([[row, col, heading, -1] for row, col in taken], np.int32),
        "shelves": np.zeros((0, 2), np.int32),
        "requested": np.zeros(0, np.bool_),
        "deliveries": np.zeros(len(taken), np.int32),
        "target": np.full((len(taken), 2), -1, np.int32),
        "step": np.array(0),
    }
    image = Canvas((400, 400)).draw(artist.scene(frame, theme))
    dx, dy = ((0, -0.38), (0, 0.38), (-0.38, 0), (0.38, 0))[heading]
    for row in range(5):
        for col in range(5):
            there = (row, col) in taken
            assert near(pixel(image, artist.extent(), col + 0.27, row + 0.5), theme.agent) == there
            assert near(pixel(image, artist.extent(), col + 0.73, row + 0.5), theme.agent) == there
            if there:  # the nose
                assert near(pixel(image, artist.extent(), col + 0.5 + dx, row + 0.5 + dy), theme.agent_edge)


@settings(max_examples=40)
@given(cells, st.data())
def test_shelves_are_in_their_cells_in_the_colour_of_what_is_asked_of_them(places, data):
    artist = artist_for(episode("warehouse").env)
    wanted = data.draw(st.lists(st.booleans(), min_size=len(places), max_size=len(places)))
    frame = {
        "robots": np.zeros((0, 4), np.int32),
        "shelves": np.array(places, np.int32),
        "requested": np.array(wanted),
        "deliveries": np.zeros(0, np.int32),
        "target": np.zeros((0, 2), np.int32),
        "step": np.array(0),
    }
    image = Canvas((400, 400)).draw(artist.scene(frame, LIGHT))
    for (row, col), asked in zip(places, wanted, strict=True):
        color = pixel(image, artist.extent(), col + 0.35, row + 0.35)
        assert near(color, LIGHT.wanted if asked else LIGHT.object)


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 7)), min_size=2, max_size=6, unique=True))
def test_goals_and_robots_of_errands_are_in_their_cells(places):
    artist = artist_for(episode("errands").env)
    robots, goals = places[: len(places) // 2], places[len(places) // 2 :][: len(places) // 2]
    frame = {
        "robots": np.array([[row, col, 0] for row, col in robots], np.int32),
        "goals": np.array(goals, np.int32),
        "tasks": np.zeros(len(robots), np.int32),
        "step": np.array(0),
    }
    image = Canvas((500, 400)).draw(artist.scene(frame, LIGHT))
    for row, col in robots:
        assert near(pixel(image, artist.extent(), col + 0.27, row + 0.5), LIGHT.agent)
    for row, col in goals:
        assert near(pixel(image, artist.extent(), col + 0.5, row + 0.62), LIGHT.wanted)


def test_thousands_of_robots_are_dots_in_their_cells():
    size = 100
    artist = artist_for(
        {"env": "errands_v0", "params": {**episode("errands").env["params"], "floor": "\n".join(["." * size] * size)}}
    )
    taken = np.random.default_rng(0).random((size, size)) < 0.5
    places = np.argwhere(taken)
    frame = {
        "robots": np.column_stack([places, np.zeros(len(places))]).astype(np.int32),
        "goals": np.full((len(places), 2), -1, np.int32),
        "tasks": np.zeros(len(places), np.int32),
        "step": np.array(0),
    }
    canvas = Canvas((640, 480))
    view = fitted((640, 480), size, size).view((640, 480))
    image = canvas.draw(artist.scene(frame, LIGHT, view))
    for row, col in np.argwhere(taken | ~taken)[::37].tolist():
        assert near(pixel(image, artist.extent(), col + 0.5, row + 0.5), LIGHT.agent, 40) == taken[row, col]


@given(st.integers(0, 3), st.integers(0, 11))
def test_the_walker_of_a_grid_world_is_in_its_cell(row, col):
    artist = artist_for(episode("grid").env)
    frame = {
        "walker": np.array([[row, col]]),
        "cue": np.array(-1),
        "changed": np.array(0),
        "step": np.array(0),
        "return": np.array(0.0),
    }
    image = Canvas((640, 300)).draw(artist.scene(frame, LIGHT))
    assert near(pixel(image, artist.extent(), col + 0.5, row + 0.72), LIGHT.agent)
    other = (col + 5) % 12
    assert not near(pixel(image, artist.extent(), other + 0.5, row + 0.72), LIGHT.agent)


@given(st.integers(0, 3), st.integers(0, 3))
def test_vacuums_are_in_their_rooms(first, second):
    artist = artist_for(episode("vacuum").env)
    frame = next(episode("vacuum").frames())
    frame |= {"rooms": np.array([first, second]), "fate": np.zeros(2, np.int32), "charge": np.array([80, 90])}
    image = Canvas((640, 420)).draw(artist.scene(frame, LIGHT))
    for (x, y), room in zip(artist.places(frame), (first, second), strict=True):
        left, top, width, height = ((0, 0, 4, 7.2), (4, 0, 4, 3.6), (4, 3.6, 4, 3.6), (8, 0, 4, 7.2))[room]
        assert left < x < left + width
        assert top < y < top + height
        assert near(pixel(image, artist.extent(), x - 0.33, y - 0.15), LIGHT.agent)


@given(st.integers(0, 2), st.integers(0, 2))
def test_the_entry_of_a_game_that_was_played_has_a_frame(row, column):
    artist = artist_for(episode("matrix").env)
    frame = next(episode("matrix").frames()) | {"actions": np.array([row, column])}
    image = Canvas((400, 400)).draw(artist.scene(frame, LIGHT))
    for r in range(3):
        for c in range(3):
            color = pixel(image, artist.extent(), 1.3 + 2.0 * c + 0.12, 1.3 + 1.2 * r + 0.6)
            assert near(color, LIGHT.agent) == ((r, c) == (row, column))


@pytest.mark.parametrize("family", ["signals", "intersection", "traffic"])
@settings(max_examples=25)
@given(st.floats(0.05, 0.95), st.data())
def test_vehicles_are_on_their_lanes(family, share, data):
    artist: Any = artist_for(episode(family).env)
    network, frame = artist.network, dict(next(episode(family).frames()))
    lane = data.draw(st.integers(0, network.num_lanes - 1))
    start, end = (network.xy[k] for k in (network.first_point[lane], network.first_point[lane + 1] - 1))
    length = float(np.hypot(*(end - start)))  # the lanes of a cross are straight
    dis = 5.0 + share * (length - 5.0)
    place = np.full_like(frame["place"], -1)
    place[0] = lane
    frame |= {"place": place, "dis": np.full(len(place), dis, np.float32), "body": np.full(len(place), 5.0, np.float32)}
    if family != "signals":
        none = np.full_like(frame["slot"], -1)
        frame |= {"came": place * 0 - 1, "exit": place * 0 - 1, "slot": none, "foe": none}
        frame |= {"agent": place * 0, "wreck": np.zeros(len(place), np.uint8), "pull": np.zeros(len(place), np.float32)}
        frame |= {"speed": np.full(len(place), 8.0, np.float32), "width": np.full(len(place), 2.0, np.float32)}
    else:
        frame |= {"share": np.ones(len(place), np.float32)}
    x, y = start + (end - start) * (dis - 2.8) / length  # a little behind the middle, where no window is
    left, top = artist.map.left, artist.map.top
    if not (6 < x - left < artist.map.width - 6 and 6 < top - y < artist.map.height - 6):
        return
    image = Canvas((1000, 1000)).draw(artist.scene(frame, LIGHT))
    assert near(pixel(image, artist.extent(), x - left, top - y), LIGHT.agent)


def test_places_are_where_agents_are_drawn():
    for family in ("warehouse", "errands", "grid", "vacuum"):
        played = episode(family)
        artist = artist_for(played.env)
        for frame in list(played.frames())[:5]:
            image = Canvas((600, 500)).draw(artist.scene(frame, LIGHT))
            for place in artist.places(frame):
                assert place is not None
                low, high = fitted((600, 500), *artist.extent()), artist.reach
                column, row = low.to_pixel(*place)
                radius = round(low.scale * high)
                around = image[
                    max(0, round(row) - radius) : round(row) + radius,
                    max(0, round(column) - radius) : round(column) + radius,
                ]
                blue = np.abs(around.astype(int) - LIGHT.agent[:3]).max(axis=2) < 12
                grey = np.abs(around.astype(int) - LIGHT.object[:3]).max(axis=2) < 12  # out of energy
                assert blue.mean() + grey.mean() > 0.15
