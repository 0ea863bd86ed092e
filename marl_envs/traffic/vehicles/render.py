"""How junctions look with vehicles as agents: heading, brake lights, turn indicators, stop lines, conflicts.

Agents' vehicles are blue, the engine's grey, wrecks dark with an orange edge. Pedestrians are dark dots, with an orange
edge while they wait. A brake light is an orange bar at the
rear, a turn indicator a dot at a front corner. A line joins an agent and the vehicle of its most pressing conflict
where they are about to meet, with less than a second and a half between them.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np

from marl_envs.render.canvas import fitted_size
from marl_envs.render.scene import (
    WHOLE,
    Circle,
    Frame,
    Line,
    Overlay,
    Point,
    Polygon,
    Scene,
    Shape,
    Text,
    View,
)
from marl_envs.render.theme import Color, Theme, mix
from marl_envs.traffic.network import Network
from marl_envs.traffic.pictures import RoadMap, roads
from marl_envs.traffic.plans import TURN_LEFT, TURN_RIGHT
from marl_envs.traffic.render_vehicles import VehicleOverlays
from marl_envs.traffic.vehicles.crosswalks import Crosswalk
from marl_envs.traffic.vehicles.layouts import network_of, walks_of
from marl_envs.traffic.vehicles.types import ACCELERATE, BRAKE, CRASHED, DRIVING, HARD_BRAKE, NONE

SHOWN = 50.0  # of the roads around the junctions [m]
PRESSING, SOON = 1.5, 4.0  # margin of a conflict that is shown, and within which time [s]
DETAILED = 1.0  # [pixels/m] above which vehicles have windscreens and lights
BRAKING = -0.5  # acceleration from which on brake lights shine [m/s2]
PARAMS = ("layout", "length", "speed", "signals", "crosswalks")


class IntersectionArtist:
    """Draws frames of one layout; `env.frame` says what a frame holds."""

    def __init__(self, network: Network, walks: tuple[Crosswalk, ...] = ()) -> None:
        self.network, self.walks = network, walks
        self.junctions = np.flatnonzero(np.diff(network.first_link)).tolist()
        self.map = RoadMap(network, self.junctions, 4.0, SHOWN)
        self.overlays: dict[str, Overlay] = VehicleOverlays(network, self.map, self.body).all

    reach = 3.5  # [m] from the middle of a vehicle: where a click finds it
    without: ClassVar[dict[str, str]] = {}
    actions = ("keep speed", "accelerate", "brake", "brake hard", "turn left", "straight on", "turn right")
    keys: ClassVar[dict[str, int]] = {"up": ACCELERATE, "down": BRAKE, "return": HARD_BRAKE}
    pedals: ClassVar[dict[str, float]] = {"up": 1.0, "down": -0.4, "return": -1.0}

    def extent(self) -> tuple[float, float]:
        """Return width and height of the picture [m]."""
        return self.map.width, self.map.height

    def rest(self, frame: Frame, agent: int) -> int:
        """Return what a driven agent does while no key is held: it keeps its speed."""
        del frame, agent
        return 0

    def places(self, frame: Frame) -> list[Point | None]:
        """Return where the middles of the agents' vehicles are [m]; None without one in the picture."""
        found: list[Point | None] = []
        for v in frame["slot"].tolist():
            there = v != NONE and frame["place"][v] >= 0
            body = self.body(frame, v) if there else None
            x, y = (-1.0, -1.0) if body is None else self.map.at(body.x, body.y)
            shown = 0 <= x <= self.map.width and 0 <= y <= self.map.height
            found.append((x, y) if shown else None)
        return found

    def fitted_size(self) -> tuple[int, int]:
        """Return a picture size [pixels] that suits the layout."""
        return fitted_size(self.map.width / 10.0, self.map.height / 10.0)

    def scene(self, frame: Frame, theme: Theme, view: View = WHOLE) -> Scene:
        """Return the picture of `frame`."""
        created, finished, driving, collisions = frame["trips"].tolist()
        people_hit = (("people hit", str(int(frame["hits"]))),) if self.walks else ()
        values = (
            ("time", f"{float(frame['seconds']):.1f} s"),
            ("driving", str(driving)),
            ("arrived", f"{finished} of {created}"),
            ("collisions", str(collisions)),
            *people_hit,
        )
        people = self._people(frame, theme) if self.walks else ()
        vehicles = self._vehicles(frame, theme, view)
        shapes = (*self._lines(frame, theme), *vehicles, *people, *self._conflicts(frame, theme))
        return Scene(
            width=self.map.width,
            height=self.map.height,
            page=theme.page,
            ink=theme.ink,
            faint=theme.faint,
            background=(*_background(self.map, theme), *_stripes(self.map, self.walks, theme)),
            shapes=tuple(shape for shape in shapes if self.map.holds(shape)),
            values=values,
        )

    def between(self, before: Frame, after: Frame, share: float) -> Frame:
        """Return the moment `share` (0 to 1) of the way: people, and vehicles that stay on their lane, have moved."""
        same = (before["place"] == after["place"]) & (after["dis"] >= before["dis"])
        dis = np.where(same, before["dis"] + share * (after["dis"] - before["dis"]), before["dis"])
        moved = {**before, "dis": dis.astype(np.float32)}
        if self.walks:
            here, there = before["walker"], after["walker"]
            goes_on = (here[..., 1] == there[..., 1]) & (share > 0.0)
            moved["walker"] = here.copy()
            moved["walker"][..., 0] += np.where(goes_on, share * (there[..., 0] - here[..., 0]), 0.0)
        return moved

    def ansi(self, frame: Frame) -> str:
        """Return `frame` as text: a line for each agent, and one for all."""
        ids = self.network.drivable_ids
        lines = []
        for a, status in enumerate(frame["status"].tolist()):
            v = int(frame["slot"][a])
            text = ("idle", "waits", "drives", "crashed", "arrived")[status]
            if v != NONE:
                place, dis, speed = int(frame["place"][v]), float(frame["dis"][v]), float(frame["speed"][v])
                text += f" on {ids[place]} at {dis:.1f} m with {speed:.1f} m/s"
            lines.append(f"vehicle_{a} {text}")
        created, finished, driving, collisions = frame["trips"].tolist()
        counts = f"{driving} driving, {finished} of {created} arrived, {collisions} collisions"
        lines.append(f"{float(frame['seconds']):.1f} s: {counts}")
        return "\n".join(lines) + "\n"

    def bodies(self, frame: Frame) -> Iterator[tuple[int, float, float, float, float]]:
        """Yield slot, middle x, y [m, y downwards] and unit direction of every vehicle that is in the picture."""
        for v in np.flatnonzero(frame["place"] >= 0).tolist():
            b = self.body(frame, v)
            x, y = self.map.at(b.x, b.y)
            if 0 <= x <= self.map.width and 0 <= y <= self.map.height:
                yield v, x, y, b.dx, -b.dy

    def _lines(self, frame: Frame, theme: Theme) -> Iterator[Shape]:
        """Yield the stop lines; where nothing is open they are dark. And a mark where vehicles wait outside."""
        network = self.network
        opened = {int(network.link_start[k]) for k in np.flatnonzero(frame["open"])}
        for lane in sorted(set(network.link_start.tolist())):
            half = 0.45 * float(network.lane_width[lane])
            fill = theme.page if lane in opened else theme.ink
            yield Polygon(self.map.box(lane, float(network.length[lane]), 0.5, half), fill)
        for lane in np.flatnonzero(frame["outside"]).tolist():
            x, y, *_ = self.map.tracks[lane].place(0.0)
            yield Text(*self.map.at(x, y), "waiting", 3.0, theme.ink)

    def body(self, frame: Frame, v: int) -> SimpleNamespace:
        """Return where a vehicle is: its front and its rear are on its path, like its wheels."""
        d, dis, body = int(frame["place"][v]), float(frame["dis"][v]), float(frame["body"][v])
        x, y, *_ = self.map.tracks[d].place(dis)
        came, rest = int(frame["came"][v]), dis - body
        if rest >= 0.0 or came == NONE:
            bx, by, *_ = self.map.tracks[d].place(rest)
        else:
            bx, by, *_ = self.map.tracks[came].place(float(self.network.length[came]) + rest)
        size = float(np.hypot(x - bx, y - by)) or 1.0
        return SimpleNamespace(
            x=(x + bx) / 2.0, y=(y + by) / 2.0, dx=(x - bx) / size, dy=(y - by) / size, half=body / 2.0
        )

    def _corners(self, b: SimpleNamespace, front: float, rear: float, half: float) -> tuple[Point, ...]:
        """Return a box from `rear` to `front` metres ahead of a vehicle's middle."""
        return tuple(
            self.map.at(b.x + b.dx * along - b.dy * across, b.y + b.dy * along + b.dx * across)
            for along, across in ((front, half), (front, -half), (rear, -half), (rear, half))
        )

    def _vehicles(self, frame: Frame, theme: Theme, view: View) -> Iterator[Shape]:
        for v in np.flatnonzero(frame["place"] >= 0).tolist():
            b, half = self.body(frame, v), float(frame["width"][v]) / 2.0
            fill = theme.agent if frame["agent"][v] != NONE else theme.faint
            if not self.map.holds(Polygon(self._corners(b, b.half, -b.half, half), fill)):
                continue
            if frame["wreck"][v]:
                yield Polygon(self._corners(b, b.half + 0.5, -b.half - 0.5, half + 0.5), theme.wanted)
                fill = theme.ink
            yield Polygon(self._corners(b, b.half, -b.half, half), fill)
            if view.cell > DETAILED:
                glass = mix(fill, theme.agent_ink, 0.6)
                yield Polygon(self._corners(b, b.half - 1.0, b.half - 2.0, 0.75 * half), glass)
                yield from self._lights(frame, theme, v, b, half)

    def _lights(self, frame: Frame, theme: Theme, v: int, b: SimpleNamespace, half: float) -> Iterator[Shape]:
        if frame["pull"][v] <= BRAKING or (frame["speed"][v] < 0.1 and not frame["wreck"][v]):
            yield Polygon(self._corners(b, 0.7 - b.half, -b.half, 0.9 * half), theme.wanted)
        turn = self._turn(frame, v)
        if turn:
            x, y = self._corners(b, b.half - 0.5, b.half - 0.5, half)[0 if turn == TURN_LEFT else 1]
            yield Circle(x, y, 0.55, theme.wanted)

    def _turn(self, frame: Frame, v: int) -> int:
        """Return the turn that a vehicle is about to make or makes, or 0."""
        lanes, place = self.network.num_lanes, int(frame["place"][v])
        link = place if place >= lanes else int(frame["exit"][v])
        if link == NONE:
            return 0
        kind = int(self.network.road_link_kind[self.network.link_movement[link - lanes]])
        return kind if kind in (TURN_LEFT, TURN_RIGHT) else 0

    def _people(self, frame: Frame, theme: Theme) -> Iterator[Shape]:
        """Yield the pedestrians; an orange edge is around those who wait."""
        for walk, people in zip(self.walks, frame["walker"], strict=True):
            for at, pace, stood in people[people[:, 1] != 0.0].tolist():
                x, y = self.map.at(*(walk.start + at * walk.along).tolist())
                if 0 <= x <= self.map.width and 0 <= y <= self.map.height:
                    if stood:
                        yield Circle(x, y, 0.75, theme.wanted)
                    yield Circle(x, y, 0.5, theme.ink)
                del pace

    def _conflicts(self, frame: Frame, theme: Theme) -> Iterator[Shape]:
        fill: Color = mix(theme.wanted, theme.ink, 0.2)
        for a, u in enumerate(frame["foe"].tolist()):
            v = int(frame["slot"][a])
            pressing = frame["margin"][a] < PRESSING and frame["until"][a] < SOON
            pressing = pressing and frame["status"][a] in (DRIVING, CRASHED)
            if u == NONE or v == NONE or not pressing or frame["place"][u] == NONE:
                continue
            ends = [self.body(frame, w) for w in (v, u)]
            start, end = (self.map.at(b.x, b.y) for b in ends)
            if all(0 <= x <= self.map.width and 0 <= y <= self.map.height for x, y in (start, end)):
                yield Line(start, end, 0.3, fill)


@lru_cache(maxsize=8)
def _background(chart: RoadMap, theme: Theme) -> tuple[Shape, ...]:
    """Return what never moves: the roads, with a line between the two directions."""
    network, fill = chart.network, mix(theme.floor, theme.page, 0.9)
    lines = []
    for lane in np.flatnonzero(network.lane_index == 0).tolist():
        left, track = float(network.lane_width[lane]) / 2.0, chart.tracks[lane]
        at = np.arange(0.0, float(network.length[lane]), 4.0).tolist()
        ends = [(x - dy * left, y + dx * left) for x, y, dx, dy in (track.place(s) for s in at)]
        points = [chart.at(*end) for end in ends]
        lines += [
            Line(a, b, 0.2, fill)
            for a, b in pairwise(points)
            if all(0 <= x <= chart.width and 0 <= y <= chart.height for x, y in (a, b))
        ]
    return (*roads(chart, theme), *lines)


@lru_cache(maxsize=8)
def _stripes(chart: RoadMap, walks: tuple[Crosswalk, ...], theme: Theme) -> tuple[Shape, ...]:
    """Return the stripes of all crosswalks."""
    fill, stripes = mix(theme.floor, theme.page, 0.9), []
    for walk in walks:
        (ux, uy), (x, y) = walk.along.tolist(), walk.start.tolist()
        for at in np.arange(0.3, walk.length - 0.5, 1.0).tolist():
            corners = ((at, 1.5), (at + 0.5, 1.5), (at + 0.5, -1.5), (at, -1.5))
            points = (chart.at(x + ux * a - uy * b, y + uy * a + ux * b) for a, b in corners)
            stripes.append(Polygon(tuple(points), fill))
    return tuple(stripe for stripe in stripes if chart.holds(stripe))


def artist(params: Any) -> IntersectionArtist:
    """Return the artist for an environment's parameters (the object, or its fields as a mapping)."""
    values = {"crosswalks": False, **(params if isinstance(params, dict) else vars(params))}  # older files lack it
    chosen = SimpleNamespace(**{name: values[name] for name in PARAMS})
    return IntersectionArtist(network_of(chosen), walks_of(chosen))
