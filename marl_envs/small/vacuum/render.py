"""How the apartment looks: rooms with furniture, dirt, and the vacuums with their batteries, as a picture and as text.

A room is full of crumbs while it is dirty. A robot is a numbered disc with a bar that says how full its battery is; one
that has docked has a green ring, one that is stranded is grey.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from math import cos, pi, sin
from typing import Any, ClassVar

import numpy as np

from marl_envs.render.canvas import fitted_size
from marl_envs.render.marks import arrow, path, ring, seen_through, warmth
from marl_envs.render.scene import (
    WHOLE,
    Circle,
    Frame,
    Line,
    Moment,
    Overlay,
    Point,
    Rect,
    Scene,
    Shape,
    Text,
    View,
)
from marl_envs.render.theme import Color, Theme, mix
from marl_envs.small.vacuum.types import DOCKED, DOORS, DRIVING, NUM_ROOMS, ROOMS, STRANDED
from marl_envs.warehouse.render_battery import bar, dead

WIDTH, HEIGHT = 12.0, 7.2
_ROOMS = ((0, 0, 4, 7.2), (4, 0, 4, 3.6), (4, 3.6, 4, 3.6), (8, 0, 4, 7.2))  # x, y, width, height
_CENTRES: tuple[Point, ...] = ((2, 3.6), (6, 1.8), (6, 5.4), (10, 3.6))  # straight lines between them pass the doors
_DOOR = 1.1  # width of a door
_WALL = 0.16
_WALLS: tuple[tuple[Point, Point], ...] = (
    *(((0, 0), (12, 0)), ((0, 7.2), (12, 7.2)), ((0, 0), (0, 7.2)), ((12, 0), (12, 7.2))),
    *(((4, 0), (4, 7.2)), ((8, 0), (8, 7.2)), ((4, 3.6), (8, 3.6))),
)


class VacuumArtist:
    """Draws frames of the apartment; `vacuum.env.frame` says what they hold."""

    reach = 0.65  # from the middle of a robot to its rim
    actions = ROOMS
    keys: ClassVar[dict[str, int]] = {}
    without: ClassVar[dict[str, str]] = {
        "waits": "robots may share a room, so nobody waits",
        "ttc": "robots may share a room, so nothing collides",
    }

    def __init__(self) -> None:
        self.overlays: dict[str, Overlay] = {
            "paths": self.trail,
            "heat": self.heat,
            "conflicts": self.conflicts,
            "greedy": self.greedy,
        }

    def extent(self) -> tuple[float, float]:
        """Return width and height of the apartment."""
        return WIDTH, HEIGHT

    def rest(self, frame: Frame, agent: int) -> int:
        """Return what a driven agent does while no key is held: nothing; time stands still until a key is held."""
        del frame, agent
        return -1

    def places(self, frame: Frame) -> list[Point | None]:
        """Return where the robots are."""
        return list(places(frame))

    def trail(self, moment: Moment, theme: Theme) -> Iterator[Shape]:
        """Yield the ways of the last frames."""
        for spots in zip(*map(places, moment.frames), strict=True):
            yield from path(spots, 0.12, mix(theme.floor, theme.agent, 0.5))

    def heat(self, moment: Moment, theme: Theme) -> Iterator[Shape]:
        """Yield how often robots were in each room during the last frames, for where they were most."""
        counts = np.sum([np.bincount(frame["rooms"], minlength=NUM_ROOMS) for frame in moment.frames], axis=0)
        for room in np.flatnonzero(counts).tolist():
            x, y, width, height = _ROOMS[room]
            share = round(8 * float(counts[room]) / float(counts.max())) / 8
            yield Rect(x, y, width, height, seen_through(warmth(share, theme), 0.1 + 0.35 * share))

    def conflicts(self, moment: Moment, theme: Theme) -> Iterator[Shape]:
        """Yield a frame around each room that several robots came into in the last step; dark if it was dirty."""
        if len(moment.frames) < 2:
            return
        before, now = moment.frames[-2], moment.frame
        came = now["rooms"][now["rooms"] != before["rooms"]]
        for room in np.flatnonzero(np.bincount(came, minlength=NUM_ROOMS) > 1).tolist():
            x, y, width, height = _ROOMS[room]
            edge = theme.ink if before["dirt"][room] else theme.wanted_edge
            yield Rect(x + 0.2, y + 0.2, width - 0.4, height - 0.4, (*edge[:3], 0), 0.3, edge, 0.1)

    def greedy(self, moment: Moment, theme: Theme) -> Iterator[Shape]:
        """Yield an arrow to the room that promises most to each robot; a ring where it is the one it is in."""
        if moment.values is None:
            return
        for (x, y), room, values in zip(
            places(moment.frame), moment.frame["rooms"].tolist(), moment.values, strict=True
        ):
            best = int(np.nanargmax(values)) if np.isfinite(values).any() else room
            if best == room or best >= NUM_ROOMS:
                yield ring(x, y, 0.72, 0.1, theme.goal_edge)
            else:
                yield from arrow((x, y), _CENTRES[best], 0.16, theme.goal_edge, trim=0.65)

    def fitted_size(self) -> tuple[int, int]:
        """Return a picture size [pixels] that suits the apartment."""
        return fitted_size(WIDTH, HEIGHT)

    def scene(self, frame: Frame, theme: Theme, view: View = WHOLE) -> Scene:
        """Return the picture of `frame`."""
        del view  # small enough to be drawn whole
        clean = sum(1 for dirt in frame["dirt"].tolist() if dirt == 0)
        return Scene(
            width=WIDTH,
            height=HEIGHT,
            page=theme.page,
            ink=theme.ink,
            faint=theme.faint,
            background=_apartment(theme),
            shapes=(*_dirt(frame["dirt"].tolist(), theme), *_robots(frame, theme)),
            values=(
                ("step", str(int(frame["step"]))),
                ("clean", f"{clean} of {NUM_ROOMS} rooms"),
                ("return", f"{float(frame['return']):g}"),
            ),
        )

    def between(self, before: Frame, after: Frame, share: float) -> Frame:
        """Return the moment `share` (0 to 1) of the way between two frames: robots move, all else is as `before`."""
        pairs = zip(places(before), places(after), strict=True)
        moved = [(x + share * (x2 - x), y + share * (y2 - y)) for (x, y), (x2, y2) in pairs]
        return {**before, "places": moved}

    def ansi(self, frame: Frame) -> str:
        """Return `frame` as text; see `to_ansi`."""
        return to_ansi(frame)


def artist(params: Any) -> VacuumArtist:
    """Return the artist; every apartment looks the same."""
    del params
    return VacuumArtist()


def places(frame: Frame) -> list[Point]:
    """Return where the robots are; several stand in a ring around the middle of a room."""
    if "places" in frame:  # on their way
        found: list[Point] = frame["places"]
        return found
    rooms = frame["rooms"].tolist()
    ring = 0.0 if len(rooms) == 1 else 0.62
    angles = [2 * pi * k / len(rooms) - pi for k in range(len(rooms))]
    return [
        (_CENTRES[room][0] + ring * cos(angle), _CENTRES[room][1] + ring * sin(angle))
        for room, angle in zip(rooms, angles, strict=True)
    ]


def _tints(theme: Theme) -> tuple[Color, ...]:
    """Return the colours of the floors."""
    cool, warm = mix(theme.floor, theme.goal, 0.09), mix(theme.floor, theme.wanted, 0.10)
    return mix(theme.floor, theme.agent, 0.07), cool, warm, mix(theme.floor, theme.object, 0.30)


@lru_cache(maxsize=4)
def _apartment(theme: Theme) -> tuple[Shape, ...]:
    """Return what never changes: floors, furniture, walls with their doors, names."""
    shapes: list[Shape] = [Rect(*box, fill) for box, fill in zip(_ROOMS, _tints(theme), strict=True)]
    shapes += _furniture(theme)
    shapes += [Line(start, end, _WALL, theme.object_edge) for start, end in _WALLS]
    for one, other in DOORS:
        shapes += _door(one, other, theme)
    for (x, y, width, _), name in zip(_ROOMS, ROOMS, strict=True):
        shapes.append(Text(x + width / 2, y + 0.42, name, 0.3, theme.faint))
    return tuple(shapes)


def _door(one: int, other: int, theme: Theme) -> Iterator[Shape]:
    """Yield the gap in the wall between two rooms, where the line between their middles crosses it."""
    (x, y), (x2, y2) = _CENTRES[one], _CENTRES[other]
    centre_x, centre_y = (x + x2) / 2, (y + y2) / 2
    tints = _tints(theme)
    fill = mix(tints[one], tints[other], 0.5)
    if x == x2:
        yield Rect(centre_x - _DOOR / 2, centre_y - _WALL / 2 - 0.02, _DOOR, _WALL + 0.04, fill)
        for side in (-1, 1):
            yield Circle(centre_x + side * _DOOR / 2, centre_y, 0.11, theme.object_edge)
    else:
        yield Rect(centre_x - _WALL / 2 - 0.02, centre_y - _DOOR / 2, _WALL + 0.04, _DOOR, fill)
        for side in (-1, 1):
            yield Circle(centre_x, centre_y + side * _DOOR / 2, 0.11, theme.object_edge)


def _furniture(theme: Theme) -> Iterator[Shape]:
    """Yield sofa, table and plant; counter, sink and stove; a bed; a larger bed and a wardrobe."""
    fill, edge, soft = theme.object, theme.object_edge, mix(theme.page, theme.object, 0.35)

    def block(x: float, y: float, width: float, height: float, color: Color = fill) -> Rect:
        return Rect(x, y, width, height, color, 0.12, edge, 0.05)

    yield from (block(0.25, 5.55, 2.5, 1.3), block(0.5, 5.35, 2.0, 0.95, soft))
    yield block(1.0, 4.75, 1.0, 0.36, mix(fill, theme.wanted, 0.25))
    yield from (Circle(0.62, 1.25, 0.36, theme.goal, theme.goal_edge, 0.06), Circle(0.62, 1.25, 0.13, theme.goal_edge))
    yield from (block(4.2, 0.72, 0.62, 2.6), block(7.18, 0.72, 0.62, 1.2))
    yield Rect(4.3, 1.0, 0.42, 0.6, soft, 0.1, edge, 0.04)
    yield from (Circle(7.49, y, 0.17, soft, edge, 0.04) for y in (1.05, 1.58))
    for y in (2.2, 2.75):
        yield Circle(4.5, y, 0.17, theme.agent_ink, edge, 0.05)
    yield from (block(4.2, 5.0, 1.0, 2.0), block(4.3, 5.1, 0.8, 0.5, soft))
    yield from (block(10.95, 4.75, 0.9, 2.2), block(9.0, 5.75, 1.7, 1.25), block(9.1, 6.55, 0.7, 0.4, soft))
    yield from (block(9.9, 6.55, 0.7, 0.4, soft), block(9.6, 0.72, 2.2, 0.6))


def _dirt(dirt: list[float], theme: Theme) -> Iterator[Shape]:
    """Yield crumbs in the dirty rooms, the more the more cleaning pays, always in the same places."""
    brown = mix(theme.wanted_edge, theme.ink, 0.35)
    for room, amount in enumerate(dirt):
        if amount == 0:
            continue
        x, y = _CENTRES[room]
        for k in range(min(16 + 14 * round(amount), 90)):
            # Multiples of irrational numbers are spread evenly and look like chance.
            angle, reach = 2.399963 * k + room, 0.3 + 1.05 * ((k * 0.754878) % 1)
            size = 0.045 + 0.055 * ((k * 0.569840) % 1)
            fill = brown if k % 3 else theme.wanted
            yield Circle(x + 1.05 * reach * cos(angle), y + 0.95 * reach * sin(angle), size, fill)


def _robots(frame: Frame, theme: Theme) -> Iterator[Shape]:
    charges, fates = frame["charge"].tolist(), frame["fate"].tolist()
    for index, (x, y) in enumerate(places(frame)):
        yield from _robot(index, x, y, charges[index], fates[index], theme)


def _robot(index: int, x: float, y: float, charge: int, fate: int, theme: Theme) -> Iterator[Shape]:
    """Yield a vacuum: shadow, a ring if it has docked, disc with bumper and sensor, number, battery."""
    out = fate == STRANDED or (fate == DRIVING and charge == 0)
    theme = dead(theme) if out else theme
    yield Circle(x + 0.05, y + 0.09, 0.5, theme.shadow)
    if fate == DOCKED:
        yield Circle(x, y, 0.6, theme.goal, theme.goal_edge, 0.05)
    yield Circle(x, y, 0.5, theme.agent, theme.agent_edge, 0.08)
    yield Circle(x, y - 0.27, 0.09, mix(theme.agent, theme.agent_ink, 0.75))
    yield Text(x, y + 0.05, str(index), 0.36, theme.agent_ink)
    if fate != DOCKED:
        yield from bar(x, y + 0.12, charge, theme)


def to_ansi(frame: Frame) -> str:
    """Return `frame` as text: a line for each room, with its dirt and its robots, and one for the episode."""
    lines = []
    told = {DRIVING: "charge {} %", DOCKED: "docked", STRANDED: "stranded"}
    for room, name in enumerate(ROOMS):
        dirt = float(frame["dirt"][room])
        found = [f"dirty ({dirt:g})" if dirt else "clean"]
        for index in range(len(frame["rooms"])):
            if frame["rooms"][index] == room:
                charge, fate = int(frame["charge"][index]), int(frame["fate"][index])
                found.append(f"robot_{index} ({told[fate].format(charge)})")
        lines.append(f"{name:<12} {', '.join(found)}")
    lines.append(f"step {int(frame['step'])}, return {float(frame['return']):g}")
    return "\n".join(lines) + "\n"
