"""Collisions by true geometry, and whose fault they are.

Vehicles on one path touch if there is no gap between them; on two links of a junction if their rectangles do. Only
those that cover some of a junction need to be compared, and only in the zone where the two links come close enough.

Fault: who hits another from behind; who hits a wreck; who had no right of way; among equals who came into the junction
later; else both.
"""

from __future__ import annotations

from typing import Any

from marl_envs.core.jit import Int, Real, jit
from marl_envs.traffic.engine.types import BEHIND, DIS, HEAD, JUNCTION, LEADER
from marl_envs.traffic.vehicles.fleet import crash
from marl_envs.traffic.vehicles.poses import pair_of, touch
from marl_envs.traffic.vehicles.types import (
    APART,
    COLLISIONS,
    DIVERGING,
    KIND,
    NONE,
    OWN,
    EngineSettings,
    EngineState,
    Fleet,
    Rules,
)

ROUNDING = 0.01  # bumpers may lie on each other: who brakes as hard as it can behind a queue stops there [m]


@jit(inner=True)
def _collide(
    state: EngineState, fleet: Fleet, rules: Rules, e: Int, v: Int, u: Int, v_guilty: Int, u_guilty: Int
) -> None:
    """Let two vehicles crash, unless both have."""
    if fleet.clear_at[e, v] != NONE and fleet.clear_at[e, u] != NONE:
        return
    fleet.counts[e, COLLISIONS] += 1
    fleet.counts[e, OWN] += fleet.agent[e, v] == NONE and fleet.agent[e, u] == NONE and _both_ruled(fleet, e, v, u)
    crash(state, fleet, rules, e, v, v_guilty)
    crash(state, fleet, rules, e, u, u_guilty)


@jit(inline=True)
def _both_ruled(fleet: Fleet, e: Int, v: Int, u: Int) -> Int:
    """Return whether neither has crashed before, so that no agent's wreck is among them."""
    return fleet.clear_at[e, v] == NONE and fleet.clear_at[e, u] == NONE


@jit(inner=True)
def _judge(
    state: EngineState, fleet: Fleet, settings: EngineSettings, rules: Rules, e: Int, v: Int, u: Int, z: Int
) -> None:
    """Let two vehicles on the links of pair `z` crash."""
    if rules.pair_kind[z] == DIVERGING:
        ahead = fleet.way[e, v] > fleet.way[e, u]
        _collide(state, fleet, rules, e, v, u, not ahead, ahead)
    elif fleet.clear_at[e, v] != NONE or fleet.clear_at[e, u] != NONE:
        _collide(state, fleet, rules, e, v, u, fleet.clear_at[e, v] == NONE, fleet.clear_at[e, u] == NONE)
    elif rules.prior[z] != 0:
        _collide(state, fleet, rules, e, v, u, rules.prior[z] < 0, rules.prior[z] > 0)
    else:
        mine, theirs = fleet.entered_at[e, v], fleet.entered_at[e, u]
        _collide(state, fleet, rules, e, v, u, mine >= theirs, theirs >= mine)


@jit(inner=True)
def collide_inside(
    state: EngineState, fleet: Fleet, settings: EngineSettings, rules: Rules, e: Int, inside: Int
) -> None:
    """Compare the `inside` vehicles that cover some of a junction."""
    lanes = state.first_waiting.shape[1]
    for i in range(inside):
        v = fleet.inside[e, i]
        link = fleet.link[e, v]
        j = settings.drivable[link + lanes, JUNCTION]
        for k in range(i):
            u = fleet.inside[e, k]
            foe_link = fleet.link[e, u]
            if foe_link == link or settings.drivable[foe_link + lanes, JUNCTION] != j:
                continue
            z = pair_of(settings, rules, j, link, foe_link)
            if rules.pair_kind[z] != APART and touch(state, fleet, settings, rules, e, v, u, z):
                _judge(state, fleet, settings, rules, e, v, u, z)


@jit(inline=True)
def gap_to(state: EngineState, settings: EngineSettings, e: Int, v: Int, u: Int) -> Real:
    """Return the gap [m] from `v` to `u` ahead of it on the same drivable."""
    return state.motion[e, u, DIS] - settings.body[state.vehicle[e, u, KIND]] - state.motion[e, v, DIS]


@jit(inline=True)
def first_leader(state: EngineState, e: Int, d: Int, lanes: Int, v: Int) -> Any:
    """Return whom `v`, the first on `d`, may run into beyond the end of `d`, and the gap [m]; NONE: nobody."""
    u = state.on[e, d, LEADER]
    if v == NONE or u == NONE or (d >= lanes and state.came[e, u] != d):
        return NONE, 0.0  # behind a link's end, one that came from another link is a matter of rectangles
    return u, state.gap[e, d]


@jit(inner=True)
def collide_behind(state: EngineState, fleet: Fleet, settings: EngineSettings, rules: Rules, e: Int) -> None:
    """Compare each vehicle with the one ahead on its path."""
    lanes = state.first_waiting.shape[1]
    for i in range(state.num_active[e]):
        d = state.active[e, i]
        v = state.on[e, d, HEAD]
        u, gap = first_leader(state, e, d, lanes, v)
        while v != NONE:
            if u != NONE and gap < -ROUNDING:
                _collide(state, fleet, rules, e, v, u, True, False)
            u, v = v, state.vehicle[e, v, BEHIND]
            gap = gap_to(state, settings, e, v, u) if v != NONE else 0.0
