"""Overlays: each family has them or says why not, and what they show follows from the frames."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from marl_envs import gridworld_v0, vacuum_v0
from marl_envs.render.artists import ARTISTS, artist_for
from marl_envs.render.marks import OVERLAYS
from marl_envs.render.scene import Line, Moment, Polygon, Rect, Surveyor, Text
from marl_envs.render.theme import LIGHT
from marl_envs.render.viewer import Session, Viewer
from marl_envs.render.viewer.policies import RandomPolicy
from marl_envs.render.waiting import in_circles
from tests.render.golden_cases import PLAYED, episode


class Knows(RandomPolicy):
    """Expects -2 a cell left of column 5 of the cliff by going right, and -7 by anything else."""

    def values(self, vec: Any, obs: Any) -> np.ndarray:
        found = np.full((*np.shape(obs), 4), -7.0)
        found[..., 3] = -2.0 * (5 - np.asarray(obs) % 12)
        return found


def test_every_family_draws_an_overlay_or_says_why_not():
    assert {PLAYED[family][0] for family in PLAYED} == set(ARTISTS)
    for family in PLAYED:
        artist = artist_for(episode(family).env)
        assert set(artist.overlays) | set(artist.without) == set(OVERLAYS), family
        assert not set(artist.overlays) & set(artist.without), family
        assert all(len(why) > 10 for why in artist.without.values())


def test_the_viewer_says_why_there_is_none_and_what_has_nothing_to_show():
    env = gridworld_v0.parallel_env(world="cliff")
    viewer = Viewer(Session(env, RandomPolicy(), 0), (300, 260))
    viewer.press("w")
    assert "no waits here: one walker alone waits for nobody" in viewer._status()
    viewer.press("g")
    assert "who plays does not say what it expects" in viewer._status()
    viewer.press("p")
    viewer._until = 0.0
    viewer.draw()
    assert "(greedy), (paths)" in viewer._status()  # nobody has gone anywhere yet
    for _ in range(30):
        viewer.press("right")
    viewer.draw()
    assert "(greedy), paths" in viewer._status()


def test_a_policy_that_explains_itself_draws_a_map_of_a_grid_world():
    env = gridworld_v0.parallel_env(world="cliff")
    session = Session(env, Knows(), 0)
    moment = session.moment(0, values=True)
    assert len(moment.elsewhere) == 3 * 12 + 1  # not the cliff, nor the goal
    for (x, y), values in moment.elsewhere:
        assert values[3] == -2.0 * (5 - int(x))
        assert 0 < y < 4
    shapes = list(session.artist.overlays["greedy"](moment, LIGHT))
    said = {(round(shape.x, 3), int(shape.y)): shape.text for shape in shapes if isinstance(shape, Text)}
    assert said[2.5, 1] == "-6"
    assert said[0.5, 1] == "-7"
    heads = [shape.points[0] for shape in shapes if isinstance(shape, Polygon)]
    assert any(x > 2.5 + 0.3 and int(y) == 1 and abs(y - 1.42) < 0.01 for x, y in heads if int(x) == 2)  # to the right
    assert session.env.get_state().arrays["cell"].tolist() == env.get_state().arrays["cell"].tolist()


@pytest.mark.parametrize("observation", ["tabular", "vector"])
@pytest.mark.parametrize("world", ["cliff", "four_rooms", "t_maze"])
def test_what_is_seen_elsewhere_is_what_a_walker_sees_there(world, observation):
    env = gridworld_v0.parallel_env(world=world, observation=observation, max_cycles=60)
    session = Session(env, RandomPolicy(), 5)
    assert isinstance(session.artist, Surveyor)
    places, sights = session.artist.elsewhere(session.moment().frame)
    seen = dict(zip(places, sights, strict=True))
    visited = 0
    while not session.over:
        place = session.artist.places(session.moment().frame)[0]
        assert np.array_equal(seen[place], session.details(0).observation)
        visited += 1
        session.forward()
    assert visited > 3


def test_asking_for_the_map_changes_nothing():
    asked, alone = (Session(gridworld_v0.parallel_env(world="four_rooms"), Knows(), 3) for _ in range(2))
    for _ in range(20):
        asked.moment(0, values=True)
        assert asked.forward() == alone.forward()
        assert asked.moment().frame["walker"].tolist() == alone.moment().frame["walker"].tolist()


def test_what_is_expected_is_forgotten_with_the_future_it_was_expected_in():
    session = Session(gridworld_v0.parallel_env(world="cliff"), Knows(), 0)
    session.drive(0)

    def after(action: int) -> float:
        """Go one step, and return what is expected of going right then."""
        session.steer(action)
        assert session.forward()
        values = session.moment(0, values=True).values
        assert values is not None
        return float(values[0, 3])

    up, right = 0, 3
    assert after(up) == -10.0
    assert after(right) == -8.0
    assert session.back()
    assert after(up) == -10.0


def vacuum_frame(rooms: list[int], dirt: list[float]) -> dict[str, Any]:
    return {"rooms": np.array(rooms), "dirt": np.array(dirt)}


def test_rooms_that_several_robots_come_into_are_conflicts_and_where_they_were_is_warm():
    artist = artist_for(vacuum_v0.parallel_env(num_robots=2).fingerprint)
    before, clean = vacuum_frame([0, 3], [0, 1, 0, 0]), vacuum_frame([0, 3], [0, 0, 0, 0])
    now = vacuum_frame([1, 1], [0, 0, 0, 0])
    (shape,) = artist.overlays["conflicts"](Moment([before, now]), LIGHT)
    assert isinstance(shape, Rect)
    assert 4 < shape.x < shape.x + shape.width < 8
    assert shape.y + shape.height < 3.6  # the kitchen
    assert shape.edge == LIGHT.ink
    (shape,) = artist.overlays["conflicts"](Moment([clean, now]), LIGHT)
    assert isinstance(shape, Rect)
    assert shape.edge == LIGHT.wanted_edge
    assert not list(artist.overlays["conflicts"](Moment([now, now]), LIGHT))
    assert not list(artist.overlays["conflicts"](Moment([now, vacuum_frame([0, 2], [0, 0, 0, 0])]), LIGHT))
    rooms = [shape for shape in artist.overlays["heat"](Moment([before, now, now]), LIGHT) if isinstance(shape, Rect)]
    opacity = {shape.x + shape.y: shape.fill[3] for shape in rooms}
    assert set(opacity) == {0, 4, 8}  # living room, kitchen, bedroom 2
    assert opacity[4] > opacity[0] == opacity[8]


def test_circles_of_who_waits_are_found():
    assert in_circles({1: 2, 2: 3, 3: 1, 4: 1, 5: 6}) == {1, 2, 3}
    assert in_circles({1: 2, 2: 1, 3: 4, 4: 3}) == {1, 2, 3, 4}
    assert in_circles({1: 1}) == {1}
    assert in_circles({1: 2}) == set()


def test_lines_of_overlays_lie_in_the_picture():
    for family in ("signals", "intersection", "traffic"):
        played = episode(family)
        artist: Any = artist_for(played.env)
        for frame in played.frames():
            for name in ("waits", "conflicts", "ttc"):
                for shape in artist.overlays[name](Moment([frame]), LIGHT):
                    if isinstance(shape, Line):
                        assert all(0 <= x <= artist.map.width for x in (shape.start[0], shape.end[0]))
                        assert all(0 <= y <= artist.map.height for y in (shape.start[1], shape.end[1]))
