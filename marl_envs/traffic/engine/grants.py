"""The corrected rules, first part: who may enter a junction. A link is entered with a grant only.

A vehicle without a grant can always stop at the end of its lane. A grant is given where the way is free to the end of
the lane behind the junction, and keeps every later one off the zones of the link until the vehicle has passed them. So
vehicles that obey never meet in a zone, and whoever has a grant gets through.

Lanes are asked one after the other, by their numbers; whom one has to let go first is not left to this order.
"""

from __future__ import annotations

from marl_envs.core.jit import Bool, Int, Real, jit
from marl_envs.traffic.engine.estimates import (
    SHY,
    can_stop,
    held_link,
    lag_of,
    limit_of,
    notice,
    safe_behind,
    time_for,
)
from marl_envs.traffic.engine.junction import in_deadlock
from marl_envs.traffic.engine.types import (
    AHEAD,
    BEHIND,
    CROSS,
    DIS,
    DRIVEN,
    END,
    END_LANE,
    ENTER_SPEED,
    EXIT,
    FOE,
    FOE_BEGIN,
    FOE_END,
    FORK,
    HEAD,
    KIND,
    LENGTH,
    LIMIT,
    MERGE,
    MODE,
    NONE,
    OPEN,
    SPEED,
    START_LANE,
    TAIL,
    Settings,
    State,
)

AFRAID = 0.1  # slower vehicles driven from outside are not waited for [m/s]


@jit(inner=True)
def _has_room(state: State, settings: Settings, e: Int, v: Int, link: Int, polite: Bool) -> Bool:
    """Return whether the lane behind `link` has room for `v` besides those that are on their way to it.

    Behind a last vehicle that moves there is as much as all on the lane leave if they queue, else what lies behind it.
    Who joins a lane on which others go first (`polite`) leaves room for one more, so that a ring never fills up.
    """
    lane = settings.drivable[link, END_LANE]
    own = settings.berth[state.vehicle[e, v, KIND]]
    room, alone = settings.measure[lane, LENGTH], True
    u = state.on[e, lane, TAIL]
    if u != NONE:
        alone = False
        if state.motion[e, u, SPEED] < ENTER_SPEED:
            room = state.motion[e, u, DIS] - settings.body[state.vehicle[e, u, KIND]]
        else:
            while u != NONE:
                room -= settings.berth[state.vehicle[e, u, KIND]]
                u = state.vehicle[e, u, AHEAD]
    for i in range(settings.in_first[lane], settings.in_first[lane + 1]):
        way = settings.in_link[i]
        u = state.on[e, way, HEAD]
        while u != NONE:
            room -= settings.berth[state.vehicle[e, u, KIND]]
            alone = False
            u = state.vehicle[e, u, BEHIND]
        start = settings.drivable[way, START_LANE]
        u = state.on[e, start, HEAD]
        while u != NONE:
            held = held_link(state, settings, e, u, start)
            if held == NONE:
                break
            if held == way:
                room -= settings.berth[state.vehicle[e, u, KIND]]
                alone = False
            u = state.vehicle[e, u, BEHIND]
    return alone or room >= (2.0 * own if polite else own)


@jit(inner=True)
def _cross_is_taken(state: State, settings: Settings, e: Int, z: Int) -> Bool:
    """Return whether anyone has a right to zone `z`, of kind CROSS, on the other link and is not yet past it."""
    link, end = settings.zone_foe[z], settings.zone_place[z, FOE_END]
    lane = settings.drivable[link, END_LANE]
    u = state.on[e, lane, TAIL]
    if u != NONE and state.came[e, u] == link:
        rear = settings.measure[link, LENGTH] + state.motion[e, u, DIS] - settings.body[state.vehicle[e, u, KIND]]
        if rear < end:
            return True
    u = state.on[e, link, TAIL]
    while u != NONE and state.motion[e, u, DIS] - settings.body[state.vehicle[e, u, KIND]] < end:
        way = settings.zone_place[z, FOE_BEGIN] - state.motion[e, u, DIS]
        waits = state.vehicle[e, u, MODE] == DRIVEN and can_stop(state, settings, e, u, way)
        if not (waits and settings.zone_claim[z] > 0):  # a driven one that has to let this one go may wait on its link
            return True
        u = state.vehicle[e, u, AHEAD]
    start = settings.drivable[link, START_LANE]
    u = state.on[e, start, HEAD]
    while u != NONE:
        held = held_link(state, settings, e, u, start)
        if held == link:
            return True
        u = NONE if held == NONE else state.vehicle[e, u, BEHIND]
    return False


@jit(inner=True)
def _merge_is_taken(state: State, settings: Settings, e: Int, v: Int, link: Int, way: Real, z: Int) -> Bool:
    """Return whether `v`, `way` [m] before the end of its link, could not follow those who come by the other link."""
    foe = settings.zone_foe[z]
    length, lag = settings.measure[foe, LENGTH], lag_of(settings, link, z)
    u = state.on[e, foe, HEAD]
    while u != NONE:
        rear = length - state.motion[e, u, DIS] + settings.body[state.vehicle[e, u, KIND]]
        if not safe_behind(state, settings, e, v, u, way - rear - lag):
            return True
        u = state.vehicle[e, u, BEHIND]
    start = settings.drivable[foe, START_LANE]
    u = state.on[e, start, HEAD]
    while u != NONE:
        held = held_link(state, settings, e, u, start)
        if held == NONE:
            return False
        if held == foe:
            rest = settings.measure[start, LENGTH] - state.motion[e, u, DIS]
            rear = rest + length + settings.body[state.vehicle[e, u, KIND]]
            if not safe_behind(state, settings, e, v, u, way - rear - lag):
                return True
        u = state.vehicle[e, u, BEHIND]
    return False


@jit(inner=True)
def _claimant(state: State, settings: Settings, e: Int, link: Int) -> Int:
    """Return who is about to ask for a grant for `link`, or NONE: the first on its lane that has none."""
    start = settings.drivable[link, START_LANE]
    u = state.on[e, start, HEAD]
    while u != NONE and held_link(state, settings, e, u, start) != NONE:
        u = state.vehicle[e, u, BEHIND]
    if u == NONE or state.vehicle[e, u, EXIT] != link or not state.on[e, link, OPEN]:
        return NONE
    if state.vehicle[e, u, MODE] == DRIVEN and state.motion[e, u, SPEED] < AFRAID:
        return NONE
    return u


@jit(inner=True)
def _must_let_go(state: State, settings: Settings, e: Int, v: Int, u: Int, link: Int, rest: Real, z: Int) -> Bool:
    """Return whether `v`, `rest` [m] before `link`, lets `u`, which comes towards the other link of zone `z`, go first.

    Who goes first by rule need not brake: the other may go if it is past the zone before that one is at its line.
    Where neither does, they go as they would come to their lines.
    """
    foe, claim = settings.zone_foe[z], settings.zone_claim[z]
    if claim > 0:
        return False
    k, f = state.vehicle[e, v, KIND], state.vehicle[e, u, KIND]
    start = settings.drivable[foe, START_LANE]
    top = min(settings.top_speed[k], limit_of(settings, link))
    fastest = min(settings.top_speed[f], settings.measure[start, LIMIT])
    away = settings.measure[start, LENGTH] - state.motion[e, u, DIS]
    theirs = time_for(settings, f, state.motion[e, u, SPEED], fastest, away)
    out = rest + settings.zone_place[z, END] + settings.body[k]
    if time_for(settings, k, state.motion[e, v, SPEED], top, out) <= theirs:
        return False
    if claim == 0:
        mine = time_for(settings, k, state.motion[e, v, SPEED], top, rest - SHY)
        theirs = time_for(settings, f, state.motion[e, u, SPEED], fastest, away - SHY)
        if mine < theirs or (mine == theirs and state.priority[e, v] > state.priority[e, u]):
            return False
    return _has_room(state, settings, e, u, foe, False)


@jit(inner=True)
def _way_is_free(state: State, settings: Settings, e: Int, v: Int, link: Int, rest: Real) -> Bool:
    """Return whether `v` can follow whoever is ahead on `link` and the lane behind, and stop at the end of that."""
    lane = settings.drivable[link, END_LANE]
    length = settings.measure[link, LENGTH]
    u = state.on[e, link, TAIL]
    if u != NONE:
        gap = rest + state.motion[e, u, DIS] - settings.body[state.vehicle[e, u, KIND]]
        if not safe_behind(state, settings, e, v, u, gap):
            return False
    u = state.on[e, lane, TAIL]
    if u != NONE:
        gap = rest + length + state.motion[e, u, DIS] - settings.body[state.vehicle[e, u, KIND]]
        if not safe_behind(state, settings, e, v, u, gap):
            return False
    if settings.leg[state.route_at[e, v] + 1] == 0:  # it leaves at the lane's end
        return True
    return can_stop(state, settings, e, v, rest + length + settings.measure[lane, LENGTH] - SHY)


@jit(inner=True)
def _may_enter(state: State, settings: Settings, e: Int, v: Int, link: Int, rest: Real) -> Bool:
    """Return whether `v`, `rest` [m] before `link`, gets a grant; write whom it lets go first, if that is why not."""
    if not state.on[e, link, OPEN] or not _way_is_free(state, settings, e, v, link, rest):
        return False
    polite = False
    way = rest + settings.measure[link, LENGTH]
    for z in range(settings.zone_first[link], settings.zone_first[link + 1]):
        if settings.zone_kind[z] == CROSS:
            if _cross_is_taken(state, settings, e, z):
                return False
        elif settings.zone_kind[z] == MERGE:
            polite = polite or settings.zone_claim[z] < 0
            if _merge_is_taken(state, settings, e, v, link, way, z):
                return False
    if not _has_room(state, settings, e, v, link, polite):
        return False
    for z in range(settings.zone_first[link], settings.zone_first[link + 1]):
        if settings.zone_kind[z] == FORK:
            continue
        u = _claimant(state, settings, e, settings.zone_foe[z])
        if u == NONE:
            continue
        if u == v or not _must_let_go(state, settings, e, v, u, link, rest, z):
            continue
        if not in_deadlock(state, e, u):
            state.vehicle[e, v, FOE] = u
            return False
    return True


@jit(inner=True)
def grant_all(state: State, settings: Settings, e: Int) -> None:
    """Give grants to the vehicles before each junction, from the front, until one does not get any.

    A grant is taken back only where the light has turned red and the vehicle can still stop. Who cannot stop although
    it has none, as it was put there, gets one.
    """
    for lane in range(state.first_waiting.shape[1]):
        v = state.on[e, lane, HEAD]
        while v != NONE:
            link = state.vehicle[e, v, EXIT]
            if link == NONE:
                break
            rest = settings.measure[lane, LENGTH] - state.motion[e, v, DIS]
            stops = can_stop(state, settings, e, v, rest)
            if state.vehicle[e, v, MODE] == DRIVEN:
                state.grant[e, v] = NONE
                if stops:
                    break
            elif not stops:
                state.grant[e, v] = link
            elif state.grant[e, v] != link or not state.on[e, link, OPEN]:
                state.grant[e, v] = NONE
                state.vehicle[e, v, FOE] = NONE
                if rest > notice(state, settings, e, v) or not _may_enter(state, settings, e, v, link, rest):
                    break
                state.grant[e, v] = link
            v = state.vehicle[e, v, BEHIND]
