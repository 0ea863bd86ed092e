"""Who is in whose way at junctions: times to the zones of conflict, and surrogate measures of safety.

Once a decision. Measures follow SUMO's device for surrogate safety measures (SSM_Device): TTC, PET and DRAC of
followers, and of encounters on crossing or merging paths.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from marl_envs.core.jit import Int, Real, jit
from marl_envs.traffic.engine.types import BEHIND, DIS, EXIT, HEAD, JUNCTION, LEADER, START_LANE
from marl_envs.traffic.vehicles.motion import arrivals, stopping
from marl_envs.traffic.vehicles.poses import pair_of
from marl_envs.traffic.vehicles.types import (
    CROSSING,
    DRAC,
    DRAC_LIMIT,
    FIRST,
    FOE_IN,
    FOE_OUT,
    IN,
    KIND,
    LENGTH,
    MERGING,
    NEAR_DRAC,
    NEAR_MISS,
    NEAR_TTC,
    NONE,
    OUT,
    PLACE,
    SLACK,
    SPEED,
    TTC,
    TTC_LIMIT,
    EngineSettings,
    EngineState,
    Fleet,
    Rules,
)

FORGIVEN = 2.0  # how much less a conflict presses if one goes first and the other can still stop [s]
NO_TTC = 1e9  # [s]


@jit(inner=True)
def survey(state: EngineState, fleet: Fleet, settings: EngineSettings, rules: Rules, e: Int) -> None:
    """Find the conflicts between all vehicles near junctions."""
    for a in range(fleet.seen.shape[1]):
        fleet.seen[e, a, 0] = NONE
        for c in range(1, fleet.seen.shape[2]):
            fleet.seen[e, a, c] = NONE
    for j in range(fleet.first_near.shape[1]):
        fleet.first_near[e, j] = NONE
    for i in range(state.num_active[e]):
        _gather(state, fleet, settings, rules, e, state.active[e, i])
    for j in range(fleet.first_near.shape[1]):
        v = fleet.first_near[e, j]
        while v != NONE and fleet.nearby[e, v] != NONE:
            link, way = link_ahead(state, settings, rules, fleet, e, v, state.vehicle[e, v, PLACE])
            u = fleet.nearby[e, v]
            while u != NONE:
                _compare(state, fleet, settings, rules, e, j, v, u, link, way)
                u = fleet.nearby[e, u]
            v = fleet.nearby[e, v]


@jit(inline=True)
def link_ahead(state: EngineState, settings: EngineSettings, rules: Rules, fleet: Fleet, e: Int, v: Int, d: Int) -> Any:
    """Return the link, counted from 0, that `v` on drivable `d` is on or takes next, and its way on it [m]; or NONE.

    A vehicle that still covers the end of a link belongs to it.
    """
    if fleet.link[e, v] != NONE:
        return fleet.link[e, v], fleet.way[e, v]
    link = state.vehicle[e, v, EXIT]
    if link == NONE:
        return NONE, 0.0
    return link - rules.lane_junction.shape[0], state.motion[e, v, DIS] - settings.measure[d, LENGTH]


@jit(inline=True)
def _gather(state: EngineState, fleet: Fleet, settings: EngineSettings, rules: Rules, e: Int, d: Int) -> None:
    """Put the vehicles on `d` that are near a junction into its list, and measure gaps behind one another."""
    lanes = rules.lane_junction.shape[0]
    u, gap = state.on[e, d, LEADER], state.gap[e, d]
    v = state.on[e, d, HEAD]
    while v != NONE:
        if u != NONE:
            _follow(state, fleet, settings, e, v, u, gap)
        link, way = link_ahead(state, settings, rules, fleet, e, v, d)
        if link != NONE and way > -rules.reach:
            j = settings.drivable[link + lanes, JUNCTION]
            fleet.nearby[e, v] = fleet.first_near[e, j]
            fleet.first_near[e, j] = v
        u, v = v, state.vehicle[e, v, BEHIND]
        if v != NONE:
            gap = state.motion[e, u, DIS] - settings.body[state.vehicle[e, u, KIND]] - state.motion[e, v, DIS]


@jit(inline=True)
def _follow(state: EngineState, fleet: Fleet, settings: EngineSettings, e: Int, v: Int, u: Int, gap: Real) -> None:
    """Note TTC and DRAC of `v`, which follows `u`."""
    closing = state.motion[e, v, SPEED] - state.motion[e, u, SPEED]
    if closing > 0.0 and gap > 0.0 and fleet.clear_at[e, v] == NONE:
        _note(state, fleet, e, v, gap / closing, closing * closing / (2.0 * gap))


@jit(inline=True)
def _note(state: EngineState, fleet: Fleet, e: Int, v: Int, ttc: Real, drac: Real) -> None:
    """Keep a trip's worst measures; passing a limit for the first time is a near miss."""
    trip, a = state.trip[e, v], fleet.agent[e, v]
    if ttc < fleet.trip_worst[e, trip, TTC]:
        if ttc < TTC_LIMIT <= fleet.trip_worst[e, trip, TTC]:
            fleet.counts[e, NEAR_TTC] += 1
            if a != NONE:
                fleet.term[e, a, NEAR_MISS] -= 1.0
        fleet.trip_worst[e, trip, TTC] = np.float32(ttc)
    if drac > fleet.trip_worst[e, trip, DRAC]:
        if drac > DRAC_LIMIT >= fleet.trip_worst[e, trip, DRAC]:
            fleet.counts[e, NEAR_DRAC] += 1
            if a != NONE:
                fleet.term[e, a, NEAR_MISS] -= 1.0
        fleet.trip_worst[e, trip, DRAC] = np.float32(drac)


@jit(inline=True)
def _encounter(speed: Real, entry: Real, leave: Real, their_speed: Real, their_entry: Real, their_leave: Real) -> Any:
    """Return TTC [s] and DRAC [m/s2] of a vehicle whose way crosses or joins another's, both at constant speed.

    TTC: the other is first in the zone, and still there when this one comes. DRAC: the constant braking that lets this
    one come when the other has left, or stop before it if that stands there.

    Args:
        speed: of this vehicle [m/s].
        entry: its distance to the zone [m].
        leave: to the place where it has left it [m].
        their_speed: of the other [m/s].
        their_entry: likewise [m].
        their_leave: likewise [m].
    """
    if entry <= 0.0 or speed <= 0.0 or their_leave <= 0.0:
        return NO_TTC, 0.0
    arrives = entry / speed
    if their_speed <= 0.0:
        return (arrives, speed * speed / (2.0 * entry)) if their_entry <= 0.0 else (NO_TTC, 0.0)
    comes, goes = max(0.0, their_entry) / their_speed, their_leave / their_speed
    if comes > arrives or goes <= arrives:
        return NO_TTC, 0.0
    return arrives, max(0.0, 2.0 * (speed - entry / goes) / goes)


@jit(inner=True)
def _compare(
    state: EngineState,
    fleet: Fleet,
    settings: EngineSettings,
    rules: Rules,
    e: Int,
    j: Int,
    v: Int,
    u: Int,
    link: Int,
    way: Real,
) -> None:
    """Measure the conflict of two vehicles near junction `j`, if their links have one that is not over.

    `v` takes `link` and is at `way` [m] on it.
    """
    foe_link, foe_way = link_ahead(state, settings, rules, fleet, e, u, state.vehicle[e, u, PLACE])
    z = pair_of(settings, rules, j, link, foe_link)
    if rules.pair_kind[z] != CROSSING and rules.pair_kind[z] != MERGING:
        return
    zone = rules.pair_zone[z]
    if way >= zone[OUT] or foe_way >= zone[FOE_OUT]:
        return
    speed, foe_speed = state.motion[e, v, SPEED], state.motion[e, u, SPEED]
    ins, outs, foe_in, foe_out = zone[IN] - way, zone[OUT] - way, zone[FOE_IN] - foe_way, zone[FOE_OUT] - foe_way
    if fleet.clear_at[e, v] == NONE:
        ttc, drac = _encounter(speed, ins, outs, foe_speed, foe_in, foe_out)
        _note(state, fleet, e, v, ttc, drac)
    if fleet.clear_at[e, u] == NONE:
        ttc, drac = _encounter(foe_speed, foe_in, foe_out, speed, ins, outs)
        _note(state, fleet, e, u, ttc, drac)
    a, f = fleet.agent[e, v], fleet.agent[e, u]
    if a == NONE and f == NONE:
        return
    t_in, t_out = _arrivals(settings, rules, link, speed, way, zone[IN], zone[OUT])
    s_in, s_out = _arrivals(settings, rules, foe_link, foe_speed, foe_way, zone[FOE_IN], zone[FOE_OUT])
    if fleet.clear_at[e, v] != NONE:
        t_out = NO_TTC
    if fleet.clear_at[e, u] != NONE:
        s_out = NO_TTC
    first = t_in < s_in or (t_in == s_in and state.trip[e, v] < state.trip[e, u])  # where no rule says who goes first
    if rules.prior[z] != 0:
        first = rules.prior[z] > 0
    if a != NONE:
        stops = foe_in > stopping(rules, foe_speed, settings.dt)
        _keep(fleet, e, a, u, (ins, outs, foe_in, foe_out, t_in, t_out, s_in, s_out), first, stops)
    if f != NONE:
        stops = ins > stopping(rules, speed, settings.dt)
        _keep(fleet, e, f, v, (foe_in, foe_out, ins, outs, s_in, s_out, t_in, t_out), not first, stops)


@jit(inline=True)
def _arrivals(settings: EngineSettings, rules: Rules, link: Int, speed: Real, way: Real, into: Real, out: Real) -> Any:
    """Return when a vehicle that takes `link` is at the two ends of a zone on it [s]; see `motion.arrivals`."""
    d = link + rules.lane_junction.shape[0]
    return arrivals(rules, speed, way, into, out, rules.free[settings.drivable[d, START_LANE]], rules.free[d])


@jit(inline=True)
def margin(t_in: Real, t_out: Real, s_in: Real, s_out: Real) -> Real:
    """Return how long a zone is empty between two vehicles [s]; below 0: how long both would be in it."""
    return s_in - t_out if t_in <= s_in else t_in - s_out


@jit(inline=True)
def _keep(fleet: Fleet, e: Int, a: Int, u: Int, numbers: Any, first: Int, stops: Int) -> None:
    """Put a conflict in its place among those that agent `a` sees, the smallest margin first.

    Args:
        fleet: the agents.
        e: the environment.
        a: an agent.
        u: the other vehicle.
        numbers: OWN_IN ... THEIR_OUT_TIME.
        first: whether the agent goes first.
        stops: whether the other can still stop before the zone: then a conflict in which one goes first presses less.
    """
    slack = margin(numbers[4], numbers[5], numbers[6], numbers[7]) + (FORGIVEN if first and stops else 0.0)
    c = fleet.seen.shape[2] - 1
    if fleet.seen[e, a, c] != NONE and fleet.conflict[e, a, c, SLACK] <= slack:
        return
    while c > 0 and (fleet.seen[e, a, c - 1] == NONE or fleet.conflict[e, a, c - 1, SLACK] > slack):
        fleet.seen[e, a, c] = fleet.seen[e, a, c - 1]
        for i in range(10):
            fleet.conflict[e, a, c, i] = fleet.conflict[e, a, c - 1, i]
        c -= 1
    fleet.seen[e, a, c] = u
    for i in range(8):
        fleet.conflict[e, a, c, i] = numbers[i]
    fleet.conflict[e, a, c, SLACK] = slack
    fleet.conflict[e, a, c, FIRST] = 1.0 if first else -1.0
