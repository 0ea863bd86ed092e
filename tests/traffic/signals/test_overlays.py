"""Overlays of vehicles at signals, from frames that are put together by hand: no simulator takes part."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from marl_envs.render.canvas import Canvas
from marl_envs.render.placing import fitted
from marl_envs.render.scene import Circle, Frame, Line, Moment, Polygon, Text
from marl_envs.render.theme import LIGHT
from marl_envs.traffic.plans import STRAIGHT, TURN_LEFT
from marl_envs.traffic.render_overlays import followers
from marl_envs.traffic.render_signals import SignalOverlays
from marl_envs.traffic.signals.render import SignalsArtist, artist

LONG = 5.0  # of every vehicle [m]


@pytest.fixture(scope="module")
def drawn() -> SignalsArtist:
    """A junction with two phases, in which left turns give way."""
    return artist({"network": "cross", "phases": "two"})


def overlays(drawn: SignalsArtist) -> SignalOverlays:
    return SignalOverlays(drawn.network, drawn.map)


def frame_of(drawn: SignalsArtist, *cars: tuple[int, float, float, int], opened: Any = True) -> Frame:
    """A frame of cars (drivable, front [m], speed [m/s], link it takes or -1); links are all open, or all closed."""
    place, dis, speed, exits = zip(*cars, strict=True)
    return {
        "place": np.array(place, np.int32),
        "dis": np.array(dis, np.float32),
        "speed": np.array(speed, np.float32),
        "exit": np.array(exits, np.int32),
        "body": np.full(len(cars), LONG, np.float32),
        "share": np.ones(len(cars), np.float32),
        "open": np.full(drawn.network.num_links, opened, np.uint8),
    }


def straight_on(drawn: SignalsArtist) -> tuple[int, int, int]:
    """A lane, the link that goes straight on from it (as a drivable), and the lane behind."""
    network = drawn.network
    k = int(np.flatnonzero(network.road_link_kind[network.link_movement] == STRAIGHT)[0])
    return int(network.link_start[k]), network.num_lanes + k, int(network.link_end[k])


def test_a_queue_waits_one_behind_the_other_and_its_first_for_green(drawn: SignalsArtist) -> None:
    lane, link, _ = straight_on(drawn)
    end = float(drawn.network.length[lane])
    cars = [(lane, end - 1.0 - 7.0 * k, 0.0, link) for k in range(3)]
    cars.append((lane, end - 60.0, 0.0, link))  # too far behind to wait for somebody
    cars.append((lane, end - 22.0, 9.0, link))  # drives
    frame = frame_of(drawn, *cars, opened=False)
    assert overlays(drawn).waits_for(frame) == {1: 0, 2: 1}
    assert overlays(drawn).held(frame) == [0]
    shapes = list(drawn.overlays["waits"](Moment([frame]), LIGHT))
    assert sum(isinstance(shape, Circle) for shape in shapes) == 1
    assert sum(isinstance(shape, Polygon) for shape in shapes) == 2  # heads of arrows
    frame["open"][:] = 1
    assert overlays(drawn).held(frame) == []


def test_the_ring_is_drawn_around_the_vehicle_that_is_held(drawn: SignalsArtist) -> None:
    lane, link, _ = straight_on(drawn)
    end = float(drawn.network.length[lane])
    frame = frame_of(drawn, (lane, end - 1.0, 0.0, link), opened=False)
    (ring,) = drawn.overlays["waits"](Moment([frame]), LIGHT)
    assert isinstance(ring, Circle)
    x, y, dx, dy = drawn.map.tracks[lane].place(end - 1.0 - LONG / 2)
    assert (ring.x, ring.y) == pytest.approx(drawn.map.at(x, y))
    size = (900, 900)
    full = {"phase": np.zeros(1, np.int32), "stage": np.zeros(1, np.uint8), "seconds": np.array(0.0)}
    full |= {"outside": np.zeros(drawn.network.num_lanes, np.int32), "trips": np.array([1, 0, 1])}
    scene = drawn.scene({**frame, **full}, LIGHT)
    with_ring = type(scene)(**{name: getattr(scene, name) for name in scene.__slots__} | {"shapes": (ring,)})
    picture = Canvas(size).draw(with_ring)
    at = ring.radius - ring.edge_width / 2  # to the side of the vehicle
    place = drawn.map.at(x - dy * at, y + dx * at)
    column, row = fitted(size, *drawn.extent()).to_pixel(*place)
    near = picture[round(row) - 1 : round(row) + 2, round(column) - 1 : round(column) + 2].astype(int)
    assert np.abs(near - LIGHT.wanted_edge[:3]).max(axis=2).min() < 40


def test_who_cannot_leave_the_junction_waits_for_the_last_of_the_full_lane(drawn: SignalsArtist) -> None:
    lane, link, behind = straight_on(drawn)
    end = float(drawn.network.length[lane])
    inside = float(drawn.network.length[link])
    full = [(behind, LONG + 1.0, 0.0, -1)]
    on_link = frame_of(drawn, (link, inside - 1.0, 0.0, -1), *full)
    assert overlays(drawn).waits_for(on_link) == {0: 1}
    at_line = frame_of(drawn, (lane, end - 1.0, 0.0, link), (link, LONG + 2.0, 0.0, -1))
    assert overlays(drawn).waits_for(at_line) == {0: 1}
    far = frame_of(drawn, (lane, end - 1.0, 0.0, link), *full)  # the junction is longer than what counts as near
    assert inside > 8.0
    assert overlays(drawn).waits_for(far) == {}


def test_vehicles_that_wait_for_themselves_are_dark(drawn: SignalsArtist, monkeypatch: pytest.MonkeyPatch) -> None:
    lane, link, _ = straight_on(drawn)
    end = float(drawn.network.length[lane])
    frame = frame_of(drawn, *((lane, end - 20.0 * k, 0.0, link) for k in range(3)))
    monkeypatch.setattr(SignalOverlays, "waits_for", lambda self, frame: {0: 1, 1: 0, 2: 1})
    shapes = [s for s in overlays(drawn).waits(Moment([frame]), LIGHT) if isinstance(s, Polygon)]
    assert [shape.fill for shape in shapes] == [LIGHT.ink, LIGHT.ink, LIGHT.wanted_edge]


def test_the_time_to_collision_is_the_gap_over_the_closing_speed(drawn: SignalsArtist) -> None:
    lane, link, _ = straight_on(drawn)
    end = float(drawn.network.length[lane])
    frame = frame_of(
        drawn, *((lane, end - far, speed, link) for far, speed in ((10.0, 2.0), (23.0, 10.0), (60.0, 10.0)))
    )
    found = {(v, u): (gap, seconds) for v, u, gap, seconds in followers(frame)}
    assert list(found[1, 0]) == pytest.approx([23.0 - 10.0 - LONG, 1.0], abs=1e-4)
    assert list(found[2, 1]) == pytest.approx([32.0, np.inf], abs=1e-4)
    shapes = list(drawn.overlays["ttc"](Moment([frame]), LIGHT))
    assert [shape.text for shape in shapes if isinstance(shape, Text)] == ["1.0 s"]
    (line,) = [shape for shape in shapes if isinstance(shape, Line)]
    x, y, *_ = drawn.map.tracks[lane].place(end - 23.0 - LONG / 2)
    assert line.start == pytest.approx(drawn.map.at(x, y), abs=1e-3)
    assert line.fill == LIGHT.ink  # below a second and a half


def crossing_links(drawn: SignalsArtist) -> tuple[int, int, float, float]:
    """A left turn and a straight link that cross, and where [m]."""
    network = drawn.network
    kinds = network.road_link_kind[network.link_movement]
    for (a, b), (at_a, at_b) in zip(network.cross_links.tolist(), network.cross_at.tolist(), strict=True):
        if (kinds[a], kinds[b]) == (TURN_LEFT, STRAIGHT):
            return a, b, at_a, at_b
        if (kinds[a], kinds[b]) == (STRAIGHT, TURN_LEFT):
            return b, a, at_b, at_a
    raise AssertionError("no such cross")


def test_conflicts_are_vehicles_that_reach_a_cross_at_almost_the_same_time(drawn: SignalsArtist) -> None:
    turn, straight, at_turn, at_straight = crossing_links(drawn)
    network, lanes = drawn.network, drawn.network.num_lanes
    lane = int(network.link_start[straight])
    end = float(network.length[lane])

    def cars(wait: float) -> Frame:
        """The first is at the cross in 2 s, the other one `wait` seconds later."""
        turning = (lanes + turn, at_turn - 2.0 * 1.5, 1.5, -1)
        coming = (lane, end + at_straight - (2.0 + wait) * 8.0, 8.0, lanes + straight)
        return frame_of(drawn, turning, coming)

    assert at_turn > 3.0
    assert at_straight < (2.0 + 1.0) * 8.0  # it is still on its lane
    (found,) = overlays(drawn).crossing(cars(1.0))
    assert set(found[:2]) == {0, 1}
    assert found[2] == pytest.approx(1.0, abs=1e-4)
    assert overlays(drawn).crossing(cars(3.5)) == []  # far enough apart
    closed = cars(1.0)
    closed["open"][straight] = 0
    assert overlays(drawn).crossing(closed) == []  # it will stop
    stands = cars(1.0)
    stands["speed"][0] = 0.0
    assert overlays(drawn).crossing(stands) == []
    said = [s.text for s in drawn.overlays["conflicts"](Moment([cars(1.0)]), LIGHT) if isinstance(s, Text)]
    assert said == ["1.0 s"]


def test_frames_of_older_files_show_nothing_and_break_nothing(drawn: SignalsArtist) -> None:
    lane, link, _ = straight_on(drawn)
    end = float(drawn.network.length[lane])
    frame = frame_of(drawn, (lane, end - 10.0, 0.0, link), (lane, end - 17.0, 0.0, link))
    assert list(drawn.overlays["waits"](Moment([frame]), LIGHT))
    del frame["speed"], frame["exit"]
    for name in ("waits", "conflicts", "ttc"):
        assert not list(drawn.overlays[name](Moment([frame]), LIGHT))
