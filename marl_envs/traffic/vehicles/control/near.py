"""Who is near the junction, who may enter it, and who is in whose way there."""

from __future__ import annotations

from marl_envs.core.jit import Bool, Int, Real, jit
from marl_envs.traffic.engine.estimates import SHY, can_stop, notice
from marl_envs.traffic.engine.types import BEHIND, DIS, EXIT, HEAD, JUNCTION, LENGTH, OPEN, START_LANE
from marl_envs.traffic.vehicles.control.ledger import FORCED, Ledger
from marl_envs.traffic.vehicles.motion import arrival
from marl_envs.traffic.vehicles.poses import pair_of
from marl_envs.traffic.vehicles.types import (
    CROSSING,
    DRIVING,
    FOE_IN,
    FOE_OUT,
    MERGING,
    NONE,
    OUT,
    SPEED,
    EngineSettings,
    EngineState,
    Fleet,
    Rules,
)

CLEAR = 0.5  # zones are found on paths of points so far apart: so much further a vehicle has left them [m]


@jit(inner=True)
def forget(state: EngineState, fleet: Fleet, ledger: Ledger, e: Int) -> None:
    """Forget what was noted of trips that are over, and all of it at the start of an episode."""
    for a in range(fleet.slot.shape[1]):
        trip = fleet.agent_trip[e, a] if fleet.status[e, a] == DRIVING else NONE
        if fleet.cycle[e] == 0 or ledger.trip[e, a] != trip:
            ledger.trip[e, a] = trip
            ledger.grant[e, a] = ledger.since[e, a] = ledger.plan_first[e, a] = NONE
            ledger.owed[e, a] = 0.0


@jit(inner=True)
def gather(state: EngineState, fleet: Fleet, settings: EngineSettings, rules: Rules, ledger: Ledger, e: Int) -> None:
    """List all vehicles with their links and places on them; those that have left the junction, too."""
    lanes = rules.lane_junction.shape[0]
    n = strangers = 0
    for i in range(state.num_active[e]):
        d = state.active[e, i]
        v = state.on[e, d, HEAD]
        while v != NONE:
            came, link = state.came[e, v], state.vehicle[e, v, EXIT]
            at = state.motion[e, v, DIS]
            if d >= lanes:
                link = d
            elif link != NONE:
                at -= settings.measure[d, LENGTH]
            elif came >= lanes:
                link = came
                at += settings.measure[came, LENGTH]
            if link != NONE:
                ledger.who[e, n] = v
                n += 1
                strangers += fleet.agent[e, v] == NONE
                ledger.link[e, v], ledger.way[e, v] = link - lanes, at
                ledger.holds[e, v] = at > 0.0 or _has_right(state, fleet, settings, ledger, e, v, link, -at)
            v = state.vehicle[e, v, BEHIND]
    ledger.number[e], ledger.strangers[e] = n, strangers


@jit(inline=True)
def _has_right(
    state: EngineState, fleet: Fleet, settings: EngineSettings, ledger: Ledger, e: Int, v: Int, link: Int, rest: Real
) -> Bool:
    """Return whether `v`, `rest` [m] before its line, may enter; the engine's vehicles may as soon as they are near."""
    a = fleet.agent[e, v]
    if a == NONE:
        return state.grant[e, v] != NONE or (state.on[e, link, OPEN] and rest <= notice(state, settings, e, v))
    return ledger.grant[e, a] == link


@jit(inner=True)
def admit(state: EngineState, fleet: Fleet, rules: Rules, ledger: Ledger, e: Int, v: Int) -> None:
    """Let `v` enter the junction."""
    ledger.grant[e, fleet.agent[e, v]] = ledger.link[e, v] + rules.lane_junction.shape[0]
    ledger.holds[e, v] = 1


@jit(inner=True)
def is_forced(
    state: EngineState, fleet: Fleet, settings: EngineSettings, rules: Rules, ledger: Ledger, e: Int, v: Int
) -> Bool:
    """Let `v` enter if it cannot stop any more, as it was put there so fast; return whether that is so."""
    if can_stop(state, settings, e, v, -ledger.way[e, v]):
        return False
    ledger.counts[e, FORCED] += 1
    admit(state, fleet, rules, ledger, e, v)
    return True


@jit(inline=True)
def pair(settings: EngineSettings, rules: Rules, link: Int, foe: Int) -> Int:
    """Return the row of two links, counted from 0, in `Rules.pair_zone`, or NONE if they are not in each other's way.

    Links from one lane are none: there one vehicle follows the other.
    """
    j = settings.drivable[link + rules.lane_junction.shape[0], JUNCTION]
    z = pair_of(settings, rules, j, link, foe)
    if rules.pair_kind[z] != CROSSING and rules.pair_kind[z] != MERGING:
        return NONE
    return z


@jit(inner=True)
def meets_stranger(fleet: Fleet, settings: EngineSettings, rules: Rules, ledger: Ledger, e: Int, v: Int) -> Bool:
    """Return whether one of the engine's vehicles is near and crosses the way of `v`, or is ahead of it on its lane."""
    if ledger.strangers[e] == 0:
        return False
    lanes = rules.lane_junction.shape[0]
    start = settings.drivable[ledger.link[e, v] + lanes, START_LANE]
    for i in range(ledger.number[e]):
        u = ledger.who[e, i]
        if fleet.agent[e, u] != NONE or not ledger.holds[e, u]:
            continue
        foe = ledger.link[e, u]
        if (
            settings.drivable[foe + lanes, START_LANE] == start
            and ledger.way[e, v] < ledger.way[e, u] <= (settings.measure[foe + lanes, LENGTH])
        ):
            return True
        z = pair(settings, rules, ledger.link[e, v], foe)
        if z != NONE and ledger.way[e, u] <= rules.pair_zone[z, FOE_OUT] + CLEAR:
            return True
    return False


@jit(inner=True)
def give_way(state: EngineState, fleet: Fleet, settings: EngineSettings, rules: Rules, ledger: Ledger, e: Int) -> None:
    """Take the right to enter back for the engine's vehicles, which ask nobody, from all who can still stop."""
    if ledger.strangers[e] == 0:
        return
    for i in range(ledger.number[e]):
        v = ledger.who[e, i]
        a, rest = fleet.agent[e, v], -ledger.way[e, v] - SHY
        holds = a != NONE and ledger.holds[e, v] and rest >= 0.0
        if holds and can_stop(state, settings, e, v, rest) and meets_stranger(fleet, settings, rules, ledger, e, v):
            ledger.grant[e, a] = ledger.plan_first[e, a] = NONE
            ledger.holds[e, v] = 0


@jit(inner=True)
def is_free(settings: EngineSettings, rules: Rules, ledger: Ledger, e: Int, v: Int) -> Bool:
    """Return whether nobody who may enter or is in the junction has yet to pass where the way of `v` crosses."""
    for i in range(ledger.number[e]):
        u = ledger.who[e, i]
        if u != v and ledger.holds[e, u]:
            z = pair(settings, rules, ledger.link[e, v], ledger.link[e, u])
            if z != NONE and ledger.way[e, u] <= rules.pair_zone[z, FOE_OUT] + CLEAR:
                return False
    return True


@jit(inline=True)
def _reaches(
    state: EngineState, settings: EngineSettings, rules: Rules, ledger: Ledger, e: Int, v: Int, place: Real
) -> Real:
    """Return when `v` comes to a place on its link's path if it accelerates as it may [s]."""
    link = ledger.link[e, v]
    lane = settings.drivable[link + rules.lane_junction.shape[0], START_LANE]
    speed, free = state.motion[e, v, SPEED], rules.free
    slow = free[link + rules.lane_junction.shape[0]]
    return arrival(rules, speed, ledger.way[e, v], place, free[lane], slow)


@jit(inner=True)
def lets_pass(
    state: EngineState, settings: EngineSettings, rules: Rules, ledger: Ledger, e: Int, v: Int, u: Int
) -> Bool:
    """Return whether `v` has to wait for `u`, which has not been asked yet: it goes first and the gap is too short."""
    link, foe = ledger.link[e, v], ledger.link[e, u]
    if ledger.rank[foe] >= ledger.rank[link] or ledger.open[e, foe] != 1:
        return False
    z = pair(settings, rules, link, foe)
    if z == NONE:
        return False
    mine = _reaches(state, settings, rules, ledger, e, v, rules.pair_zone[z, OUT] + CLEAR)
    return mine + ledger.gap > _reaches(state, settings, rules, ledger, e, u, rules.pair_zone[z, FOE_IN] - CLEAR)
