"""A picture as observation: what is around a vehicle, from above, in its own frame.

Rows go from far ahead to far behind, columns from left to right; the middle of the picture is the vehicle's. A cell
shows what is at its middle; small things, which could lie between the middles, show in the cell that they are in, too.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from marl_envs.core.jit import Int, Real, jit
from marl_envs.traffic.engine.ahead import exit_from
from marl_envs.traffic.engine.types import END_LANE, EXIT
from marl_envs.traffic.vehicles.types import (
    DIS,
    DRIVING,
    KIND,
    LENGTH,
    NONE,
    PACE,
    PLACE,
    SPEED,
    WALK_AT,
    EngineSettings,
    EngineState,
    Fleet,
    Rules,
)

ROAD, OWN_PATH, VEHICLES, SPEED_AHEAD, SPEED_LEFT, PEOPLE = range(6)
LAYERS = 6  # one less without crosswalks
PATH_DOTS = 0.25  # between two points of the own path [m]
MAP_STEP = 0.5  # cells of the map of roads [m]


@jit(inline=True)
def _point(settings: EngineSettings, rules: Rules, d: Int, at: Real) -> Any:
    """Return x and y [m] of a place on drivable `d`; beyond its ends its line goes straight on."""
    first, pieces = rules.line_first[d], rules.line_first[d + 1] - rules.line_first[d] - 1
    far = at / settings.measure[d, LENGTH] * pieces
    k = min(max(np.int64(far), 0), pieces - 1)
    share, i = far - k, first + k
    x = rules.line_x[i] + share * (rules.line_x[i + 1] - rules.line_x[i])
    return x, rules.line_y[i] + share * (rules.line_y[i + 1] - rules.line_y[i])


@jit(inline=True)
def _pose(state: EngineState, settings: EngineSettings, rules: Rules, e: Int, v: Int) -> Any:
    """Return middle x, y [m] and unit direction of `v`: front and rear lie on its path."""
    d, at, came = state.vehicle[e, v, PLACE], state.motion[e, v, DIS], state.came[e, v]
    rest = at - settings.body[state.vehicle[e, v, KIND]]
    x, y = _point(settings, rules, d, at)
    bx, by = _point(settings, rules, d, rest)
    if rest < 0.0 and came != NONE:
        bx, by = _point(settings, rules, came, settings.measure[came, LENGTH] + rest)
    dx, dy = x - bx, y - by
    size = max(1e-9, np.sqrt(dx * dx + dy * dy))
    return (x + bx) / 2.0, (y + by) / 2.0, dx / size, dy / size


@jit(inline=True)
def _cell(rules: Rules, ahead: Real, left: Real) -> Any:
    """Return row and column of a place in a vehicle's frame [m], or -1, -1."""
    size = 2.0 * rules.image_range / rules.image_size
    i, j = np.floor((rules.image_range - ahead) / size), np.floor((rules.image_range - left) / size)
    if 0.0 <= i < rules.image_size and 0.0 <= j < rules.image_size:
        return np.int64(i), np.int64(j)
    return np.int64(-1), np.int64(-1)


@jit(inline=True)
def _mark(rules: Rules, obs: Any, e: Int, a: Int, layer: Int, i: Int, j: Int, value: Real) -> None:
    obs[e, a, (layer * rules.image_size + i) * rules.image_size + j] = np.float32(min(1.0, max(-1.0, value)))


@jit(inner=True)
def _show_road(rules: Rules, obs: Any, e: Int, a: Int, x: Real, y: Real, ux: Real, uy: Real) -> None:
    """Show where road is, from the map."""
    size = 2.0 * rules.image_range / rules.image_size
    rows, columns = rules.road_map.shape
    for i in range(rules.image_size):
        ahead = rules.image_range - (i + 0.5) * size
        for j in range(rules.image_size):
            left = rules.image_range - (j + 0.5) * size
            px, py = x + ahead * ux - left * uy, y + ahead * uy + left * ux
            row, column = np.floor((py - rules.map_y) / MAP_STEP), np.floor((px - rules.map_x) / MAP_STEP)
            if 0 <= row < rows and 0 <= column < columns and rules.road_map[np.int64(row), np.int64(column)]:
                _mark(rules, obs, e, a, ROAD, i, j, 1.0)


@jit(inner=True)
def _show_path(
    state: EngineState, settings: EngineSettings, rules: Rules, obs: Any, e: Int, a: Int, v: Int, x: Real, y: Real,
    ux: Real, uy: Real,
) -> None:  # fmt: skip
    """Show the way of `v` from its front on, as far as the picture reaches."""
    d, at, place, link = state.vehicle[e, v, PLACE], state.motion[e, v, DIS], state.route_at[e, v], NONE
    left = 2.0 * rules.image_range
    link = state.vehicle[e, v, EXIT]
    while left > 0.0:
        if at > settings.measure[d, LENGTH]:
            at -= settings.measure[d, LENGTH]
            if settings.drivable[d, END_LANE] != NONE:
                d, place = settings.drivable[d, END_LANE], place + 1
                link = exit_from(settings, d, place)
            elif link == NONE:
                return
            else:
                d = link
            continue
        px, py = _point(settings, rules, d, at)
        px, py = px - x, py - y
        i, j = _cell(rules, px * ux + py * uy, py * ux - px * uy)
        if i >= 0:
            _mark(rules, obs, e, a, OWN_PATH, i, j, 1.0)
        at += PATH_DOTS
        left -= PATH_DOTS


@jit(inner=True)
def _show_vehicle(
    state: EngineState, settings: EngineSettings, rules: Rules, obs: Any, e: Int, a: Int, u: Int, x: Real, y: Real,
    ux: Real, uy: Real,
) -> None:  # fmt: skip
    """Show vehicle `u` and its speed."""
    reach, size = rules.image_range, 2.0 * rules.image_range / rules.image_size
    kind = state.vehicle[e, u, KIND]
    half, wide = settings.body[kind] / 2.0, rules.width[kind] / 2.0
    px, py, vx, vy = _pose(state, settings, rules, e, u)
    px, py = px - x, py - y
    ahead, left = px * ux + py * uy, py * ux - px * uy
    if abs(ahead) > reach + half + wide or abs(left) > reach + half + wide:
        return
    cos, sin = vx * ux + vy * uy, vy * ux - vx * uy  # its heading in the own frame
    speed = state.motion[e, u, SPEED] / rules.fastest
    long, broad = abs(cos) * half + abs(sin) * wide, abs(sin) * half + abs(cos) * wide
    first: Int = np.int64(max(0.0, np.floor((reach - ahead - long) / size)))
    begin: Int = np.int64(max(0.0, np.floor((reach - left - broad) / size)))
    last: Int = np.int64(min(rules.image_size - 1.0, np.floor((reach - ahead + long) / size)))
    end: Int = np.int64(min(rules.image_size - 1.0, np.floor((reach - left + broad) / size)))
    own_i, own_j = _cell(rules, ahead, left)
    for i in range(first, last + 1):
        for j in range(begin, end + 1):
            da, dl = reach - (i + 0.5) * size - ahead, reach - (j + 0.5) * size - left
            inside = abs(da * cos + dl * sin) <= half and abs(dl * cos - da * sin) <= wide
            if inside or (i == own_i and j == own_j):
                _mark(rules, obs, e, a, VEHICLES, i, j, 1.0)
                _mark(rules, obs, e, a, SPEED_AHEAD, i, j, speed * cos)
                _mark(rules, obs, e, a, SPEED_LEFT, i, j, speed * sin)


@jit(inner=True)
def _show_people(fleet: Fleet, rules: Rules, obs: Any, e: Int, a: Int, x: Real, y: Real, ux: Real, uy: Real) -> None:
    for b in range(fleet.walker.shape[1]):
        for k in range(fleet.walker.shape[2]):
            if fleet.walker[e, b, k, PACE] != 0.0:
                at = fleet.walker[e, b, k, WALK_AT]
                px = rules.walk_line[b, 0] + at * rules.walk_line[b, 2] - x
                py = rules.walk_line[b, 1] + at * rules.walk_line[b, 3] - y
                i, j = _cell(rules, px * ux + py * uy, py * ux - px * uy)
                if i >= 0:
                    _mark(rules, obs, e, a, PEOPLE, i, j, 1.0)


@jit(inner=True)
def write_images(state: EngineState, fleet: Fleet, settings: EngineSettings, rules: Rules, obs: Any, e: Int) -> None:
    """Write each agent's picture, layers of rows of columns as one row of numbers; zeros where it does not drive."""
    for a in range(obs.shape[1]):
        for i in range(obs.shape[2]):
            obs[e, a, i] = np.float32(0.0)
        if fleet.status[e, a] != DRIVING:
            continue
        v = fleet.slot[e, a]
        x, y, ux, uy = _pose(state, settings, rules, e, v)
        _show_road(rules, obs, e, a, x, y, ux, uy)
        _show_path(state, settings, rules, obs, e, a, v, x, y, ux, uy)
        for u in range(state.vehicle.shape[1]):
            if u != v and state.vehicle[e, u, PLACE] != NONE:
                _show_vehicle(state, settings, rules, obs, e, a, u, x, y, ux, uy)
        if rules.crosswalks:
            _show_people(fleet, rules, obs, e, a, x, y, ux, uy)
