"""Who is in whose way at junctions: what agents see of it at decisions, and at every step how near to a crash it is."""

from __future__ import annotations

from typing import Any

from marl_envs.core.jit import Bool, Int, Real, jit
from marl_envs.traffic.engine.ahead import find_leader
from marl_envs.traffic.engine.types import BEHIND, DIS, EXIT, HEAD, JUNCTION, LEADER, START_LANE
from marl_envs.traffic.vehicles.motion import arrivals, stopping
from marl_envs.traffic.vehicles.poses import pair_of
from marl_envs.traffic.vehicles.safety import NEVER, horizon, measure_encounter, measure_follower
from marl_envs.traffic.vehicles.types import (
    CROSSING,
    FIRST,
    FOE_IN,
    FOE_OUT,
    IN,
    KIND,
    LENGTH,
    MERGING,
    NONE,
    OUT,
    PLACE,
    SLACK,
    SPEED,
    EngineSettings,
    EngineState,
    Fleet,
    Rules,
)

SLOW = 0.01  # so that who stands on a line is near it [m/s]
FORGIVEN = 2.0  # how much less a conflict presses if one goes first and the other can still stop [s]


@jit(inner=True)
def survey(state: EngineState, fleet: Fleet, settings: EngineSettings, rules: Rules, e: Int, decides: Bool) -> None:
    """Compare vehicles near junctions: measure their safety, and if agents decide now, find their conflicts.

    Between decisions only those are compared of whom one might pass a limit of TTC or DRAC.
    """
    for a in range(fleet.seen.shape[1] if decides else 0):
        fleet.seen[e, a, 0] = NONE
        for c in range(1, fleet.seen.shape[2]):
            fleet.seen[e, a, c] = NONE
    for j in range(fleet.first_near.shape[1]):
        fleet.first_near[e, j] = NONE
    for i in range(state.num_active[e]):
        _gather(state, fleet, settings, rules, e, state.active[e, i], decides)
    for j in range(fleet.first_near.shape[1]):
        v = fleet.first_near[e, j]
        while v != NONE and fleet.nearby[e, v] != NONE:
            link, way = link_ahead(state, settings, rules, fleet, e, v, state.vehicle[e, v, PLACE])
            u = fleet.nearby[e, v]
            while u != NONE:
                _compare(state, fleet, settings, rules, e, j, v, u, link, way, decides)
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
def _gather(
    state: EngineState, fleet: Fleet, settings: EngineSettings, rules: Rules, e: Int, d: Int, decides: Bool
) -> None:
    """Put the vehicles on `d` that are near a junction into its list, and measure gaps behind one another.

    Near is who is within sight of it; between decisions also so fast that it might come to passing a limit there.
    """
    lanes, seconds = rules.lane_junction.shape[0], horizon(rules)
    u, gap = state.on[e, d, LEADER], state.gap[e, d]
    v = state.on[e, d, HEAD]
    if not decides and u == NONE and v != NONE:  # one that is far has not been looked for
        rest = settings.measure[d, LENGTH] - rules.longest - state.motion[e, v, DIS]
        if rest < seconds * state.motion[e, v, SPEED]:
            u, gap = find_leader(state, settings, e, d)
    while v != NONE:
        if u != NONE:
            measure_follower(state, fleet, e, v, u, gap)
        link, way = link_ahead(state, settings, rules, fleet, e, v, d)
        sight = rules.reach if decides else min(rules.reach, seconds * max(state.motion[e, v, SPEED], SLOW))
        if link != NONE and way > -sight:
            j = settings.drivable[link + lanes, JUNCTION]
            fleet.nearby[e, v] = fleet.first_near[e, j]
            fleet.first_near[e, j] = v
        u, v = v, state.vehicle[e, v, BEHIND]
        if v != NONE:
            gap = state.motion[e, u, DIS] - settings.body[state.vehicle[e, u, KIND]] - state.motion[e, v, DIS]


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
    decides: Bool,
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
    measure_encounter(state, fleet, e, v, speed, ins, outs, foe_speed, foe_in, foe_out)
    measure_encounter(state, fleet, e, u, foe_speed, foe_in, foe_out, speed, ins, outs)
    if not decides:
        return
    a, f = fleet.agent[e, v], fleet.agent[e, u]
    if a == NONE and f == NONE:
        return
    t_in, t_out = _arrivals(settings, rules, link, speed, way, zone[IN], zone[OUT])
    s_in, s_out = _arrivals(settings, rules, foe_link, foe_speed, foe_way, zone[FOE_IN], zone[FOE_OUT])
    if fleet.clear_at[e, v] != NONE:
        t_out = NEVER
    if fleet.clear_at[e, u] != NONE:
        s_out = NEVER
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
