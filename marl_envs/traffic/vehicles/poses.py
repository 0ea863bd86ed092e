"""Vehicles as oriented rectangles: where they are at a junction, and whether two of them touch.

A rectangle's front lies on the path of its link, its rear points to the path one length further back. So its axis is
a chord of the path, as that of a vehicle whose wheels both keep to the lane.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from marl_envs.core.jit import Bool, Int, Real, jit
from marl_envs.traffic.vehicles.types import IN, KIND, OUT, PATH_STEP, EngineSettings, EngineState, Fleet, Rules

SLACK_OF_ZONE = 2.0 * PATH_STEP  # zones are found on paths of points so far apart


@jit(inline=True)
def point_on(rules: Rules, link: Int, way: Real) -> Any:
    """Return x and y [m] of a place on the path of `link`, counted from 0."""
    first, last = rules.path_first[link], rules.path_first[link + 1] - 2
    at = max(0.0, (way + rules.before) / PATH_STEP)
    i = min(first + np.int64(at), last)
    share = at - (i - first)
    x = rules.path_x[i] + share * (rules.path_x[i + 1] - rules.path_x[i])
    y = rules.path_y[i] + share * (rules.path_y[i + 1] - rules.path_y[i])
    return x, y


@jit(inline=True)
def box_on(rules: Rules, link: Int, way: Real, body: Real) -> Any:
    """Return middle x, y [m] and unit direction of a vehicle whose front is at `way` on the path of `link`."""
    x, y = point_on(rules, link, way)
    bx, by = point_on(rules, link, way - body)
    dx, dy = x - bx, y - by
    size = np.sqrt(dx * dx + dy * dy)
    return (x + bx) / 2.0, (y + by) / 2.0, dx / size, dy / size


@jit(inner=True)
def rectangles_touch(
    x: Real, y: Real, ux: Real, uy: Real, long: Real, wide: Real, rx: Real, ry: Real, vx: Real, vy: Real, length: Real,
    width: Real,
) -> Bool:  # fmt: skip
    """Return whether two rectangles touch (separating axes).

    Args:
        x: middle of the first [m].
        y: of the first [m].
        ux: its unit direction.
        uy: its unit direction.
        long: its length [m].
        wide: its width [m].
        rx: middle of the second [m].
        ry: of the second [m].
        vx: its unit direction.
        vy: its unit direction.
        length: of the second [m].
        width: of the second [m].
    """
    dx, dy = rx - x, ry - y
    cos, sin = abs(ux * vx + uy * vy), abs(ux * vy - uy * vx)
    a, b, c, d = long / 2.0, wide / 2.0, length / 2.0, width / 2.0
    return (
        abs(dx * ux + dy * uy) <= a + c * cos + d * sin
        and abs(dx * uy - dy * ux) <= b + c * sin + d * cos
        and abs(dx * vx + dy * vy) <= c + a * cos + b * sin
        and abs(dx * vy - dy * vx) <= d + a * sin + b * cos
    )


@jit(inner=True)
def touch(
    state: EngineState, fleet: Fleet, settings: EngineSettings, rules: Rules, e: Int, v: Int, u: Int, z: Int
) -> Bool:
    """Return whether `v` and `u`, on the two links of pair `z`, touch."""
    if not _may_touch(rules, z, fleet.way[e, v], fleet.way[e, u]):
        return False
    k, f = state.vehicle[e, v, KIND], state.vehicle[e, u, KIND]
    x, y, ux, uy = box_on(rules, fleet.link[e, v], fleet.way[e, v], settings.body[k])
    rx, ry, vx, vy = box_on(rules, fleet.link[e, u], fleet.way[e, u], settings.body[f])
    return rectangles_touch(
        x, y, ux, uy, settings.body[k], rules.width[k], rx, ry, vx, vy, settings.body[f], rules.width[f]
    )


@jit(inline=True)
def _may_touch(rules: Rules, z: Int, way: Real, foe_way: Real) -> Bool:
    """Return whether two front positions lie in the zone of their links."""
    return (
        rules.pair_zone[z, IN] - SLACK_OF_ZONE <= way <= rules.pair_zone[z, OUT] + SLACK_OF_ZONE
        and rules.pair_zone[z, 2] - SLACK_OF_ZONE <= foe_way <= rules.pair_zone[z, 3] + SLACK_OF_ZONE
    )


@jit(inline=True)
def pair_of(settings: EngineSettings, rules: Rules, junction: Int, link: Int, foe_link: Int) -> Int:
    """Return the row of two links, counted from 0, of one junction in `Rules.pair_zone`."""
    first = settings.link_first[junction] - rules.lane_junction.shape[0]
    return rules.pair_first[junction] + (link - first) * rules.pair_size[junction] + foe_link - first
