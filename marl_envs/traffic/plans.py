"""What a network is made from: plain descriptions of roads and junctions, as a file or a generator gives them."""

from __future__ import annotations

from dataclasses import dataclass, field

from marl_envs.traffic.geometry import Point

# Kinds of road links; the number is the right of way: the higher goes first
OTHER, TURN_RIGHT, TURN_LEFT, STRAIGHT = range(4)


@dataclass(frozen=True)
class LaneLinkPlan:
    """A path through a junction from one lane to another; lanes are counted from the left, from 0."""

    start_lane: int
    end_lane: int
    points: tuple[Point, ...] = ()
    """Its polyline [m]; empty: a curve is computed."""


@dataclass(frozen=True)
class RoadLinkPlan:
    """A movement: all lane links from one road to another."""

    kind: int
    """OTHER, TURN_RIGHT, TURN_LEFT or STRAIGHT."""
    start_road: str
    end_road: str
    lane_links: tuple[LaneLinkPlan, ...]


@dataclass(frozen=True)
class PhasePlan:
    """A signal phase."""

    time: float
    """How long it lasts in the junction's own program [s]."""
    road_links: tuple[int, ...]
    """Which of the junction's road links may go."""


@dataclass(frozen=True)
class JunctionPlan:
    """A node of the network."""

    id: str
    point: Point
    width: float = 0.0
    """How far the roads end before its point [m]."""
    virtual: bool = False
    """Whether it is a place where vehicles only enter and leave: no links, no signal, no width."""
    roads: tuple[str, ...] = ()
    """Its roads; the order decides between routes of equal length."""
    road_links: tuple[RoadLinkPlan, ...] = ()
    phases: tuple[PhasePlan, ...] = ()
    """At least one; a junction without a signal has one, with all road links."""


@dataclass(frozen=True)
class RoadPlan:
    """A road in one direction; lanes are counted from the left, from 0."""

    id: str
    start: str
    end: str
    points: tuple[Point, ...]
    """Its left edge, from the start junction's point to the end junction's [m]."""
    widths: tuple[float, ...]
    """Of each lane [m]."""
    limits: tuple[float, ...]
    """Speed limit of each lane [m/s]."""
    lane_lines: tuple[tuple[Point, ...], ...] = field(default=())
    """Centre line of each lane between the junctions [m]; empty: computed from `points` and `widths`."""
