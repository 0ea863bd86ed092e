"""A choice of route: which ways an agent can take at the next junction, and what it means to take one.

An agent that turns goes on from there by the way that is the quickest alone to where its trip ends. It can choose as
long as it can still stop before the junction: from then on others rely on its way.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from marl_envs.core.jit import Int, Real, jit
from marl_envs.traffic.engine.ahead import exit_from, find_leader
from marl_envs.traffic.engine.estimates import can_stop
from marl_envs.traffic.engine.trips import trip_route
from marl_envs.traffic.engine.types import COUNT, END_LANE, EXIT, LANE_INDEX
from marl_envs.traffic.vehicles.types import (
    DELAY,
    DIS,
    LENGTH,
    LOST,
    NONE,
    PLACE,
    EngineSettings,
    EngineState,
    Fleet,
    Rules,
)

OF_ROUTE = 10  # numbers in "features"
MOST_DETOUR = 60.0  # what times are divided by [s]
ROUTES = 4  # of "tabular": the own way is the quickest, or a left turn, straight on or a right turn would be quicker
QUICKER = 0.1  # what is less is rounding [s]
CAR = 7.0  # room that a car takes in a queue [m]


@jit(inner=True)
def turn_place(state: EngineState, settings: EngineSettings, rules: Rules, e: Int, v: Int, turn: Int) -> Int:
    """Return the place (`EngineSettings.leg`) of the way that `v` has if it turns so at the next junction, or NONE.

    Args:
        state: the engine's state.
        settings: its tables.
        rules: the tables.
        e: the environment.
        v: a vehicle.
        turn: 0 left, 1 straight on, 2 right.
    """
    lane = state.vehicle[e, v, PLACE]
    if settings.drivable[lane, END_LANE] != NONE or state.vehicle[e, v, EXIT] == NONE:
        return NONE
    if not can_stop(state, settings, e, v, settings.measure[lane, LENGTH] - state.motion[e, v, DIS]):
        return NONE
    goal = rules.goal[trip_route(state, settings, e, state.trip[e, v])]
    return rules.turn_place[goal, lane, turn]


@jit(inner=True)
def alone_time(limit: Real, before: Real, after: Real, pull: Real, comfort: Real, at: Real, end: Real) -> Real:
    """Return how long a car alone takes on a lane from `at` to `end` [s]: the integral of 1 / `motion.free_speed`.

    Args:
        limit: of the lane [m/s].
        before: speed on the link before it, from which it accelerates [m/s].
        after: speed on the link behind it, to which it brakes [m/s].
        pull: acceleration [m/s2].
        comfort: deceleration [m/s2].
        at: where it is on the lane [m].
        end: the lane's length [m].
    """
    slow, exits = min(before, limit), min(after, limit)
    up = min(end, max(at, (limit * limit - slow * slow) / (2.0 * pull)))
    down = min(end, max(at, end - (limit * limit - exits * exits) / (2.0 * comfort)))
    if up > down:  # it brakes before it is as fast as allowed
        meet = (exits * exits - slow * slow + 2.0 * comfort * end) / (2.0 * (pull + comfort))
        up = down = min(end, max(at, meet))
    gaining = (np.sqrt(slow * slow + 2.0 * pull * up) - np.sqrt(slow * slow + 2.0 * pull * at)) / pull
    braking = (np.sqrt(exits * exits + 2.0 * comfort * (end - down)) - exits) / comfort
    return gaining + (down - up) / limit + braking


@jit
def time_ways(
    route_first: Any, road: Any, first_lane: Any, leg: Any, choice: Any, link_end: Any, length: Any, free: Any,
    pull: Any, comfort: Any, after: Any,
) -> None:  # fmt: skip
    """Write how long a car alone takes from the end of each lane of a route to the end of its trip into after[Q, M].

    It follows the engine's choice of lanes; where that leads nowhere the time is infinite.

    Args:
        route_first: [W + 1] where the places of each route begin.
        road: [Q] of each place.
        first_lane: [R + 1] of each road.
        leg: `EngineSettings.leg`.
        choice: likewise.
        link_end: [K] lane behind each link.
        length: [N] of each drivable [m].
        free: `Rules.free`.
        pull: acceleration [m/s2].
        comfort: deceleration [m/s2].
        after: [Q, M], M lanes of the widest road.
    """
    lanes = first_lane[first_lane.shape[0] - 1]
    for w in range(route_first.shape[0] - 1):
        last = route_first[w + 1] - 1
        for q in range(last, route_first[w] - 1, -1):
            for i in range(first_lane[road[q] + 1] - first_lane[road[q]]):
                after[q, i] = 0.0
                if q == last:
                    continue
                link = choice[leg[q] + i]
                if link == NONE:
                    after[q, i] = np.inf
                    continue
                lane = link_end[link - lanes]
                k = lane - first_lane[road[q + 1]]
                out = choice[leg[q + 1] + k] if q + 1 < last else NONE
                slow = free[out] if out != NONE else np.inf
                on_lane = alone_time(free[lane], free[link], slow, pull, comfort, 0.0, length[lane])
                after[q, i] = length[link] / free[link] + on_lane + after[q + 1, k]


@jit(inner=True)
def _time_left(
    state: EngineState, settings: EngineSettings, rules: Rules, e: Int, v: Int, place: Int, link: Int
) -> Real:
    """Return how long `v`, on a lane, takes alone to the end of its trip if it goes on from `place` by `link` [s]."""
    lane = state.vehicle[e, v, PLACE]
    came = state.came[e, v]
    slow = rules.free[came] if came != NONE else np.inf
    end = settings.measure[lane, LENGTH]
    at = min(state.motion[e, v, DIS], end)
    on_lane = alone_time(rules.free[lane], slow, rules.free[link], rules.pull_up, rules.comfort, at, end)
    return on_lane + rules.after[place, settings.drivable[lane, LANE_INDEX]]


@jit(inner=True)
def take_turn(
    state: EngineState, fleet: Fleet, settings: EngineSettings, rules: Rules, e: Int, a: Int, turn: Int
) -> None:
    """Let the vehicle of agent `a` go on by another way; `turn_place` has said that it can.

    What the new way takes longer alone is lost at once, and what it takes less is won: so a trip's delay is against
    the way that it had at first.
    """
    v = fleet.slot[e, a]
    place = turn_place(state, settings, rules, e, v, turn)
    lane = state.vehicle[e, v, PLACE]
    link = exit_from(settings, lane, place)
    before = _time_left(state, settings, rules, e, v, state.route_at[e, v], state.vehicle[e, v, EXIT])
    lost = _time_left(state, settings, rules, e, v, place, link) - before
    state.route_at[e, v], state.vehicle[e, v, EXIT] = place, link
    fleet.trip_sum[e, state.trip[e, v], LOST] += np.float32(lost)
    fleet.term[e, a, DELAY] -= lost


@jit(inner=True)
def leader_after_turn(state: EngineState, settings: EngineSettings, e: Int, v: Int, place: Int) -> Any:
    """Return whom `v`, the first on its lane, would follow on the way from `place` on, and the gap [m]; or NONE."""
    lane, at, link = state.vehicle[e, v, PLACE], state.route_at[e, v], state.vehicle[e, v, EXIT]
    state.route_at[e, v], state.vehicle[e, v, EXIT] = place, exit_from(settings, lane, place)
    u, gap = find_leader(state, settings, e, lane)
    state.route_at[e, v], state.vehicle[e, v, EXIT] = at, link
    return u, gap


@jit(inner=True)
def quicker_turn(state: EngineState, settings: EngineSettings, rules: Rules, e: Int, v: Int) -> Int:
    """Return the turn after which `v` is at its goal first if it is alone, from 1: left, straight, right; or 0.

    0: that is the way it has, or it cannot choose any more.
    """
    best, quickest = np.int64(0), np.inf
    for turn in range(3):
        place = turn_place(state, settings, rules, e, v, turn)
        if place == NONE:
            continue
        if quickest == np.inf:
            quickest = _time_left(state, settings, rules, e, v, state.route_at[e, v], state.vehicle[e, v, EXIT])
            quickest -= QUICKER
        link = exit_from(settings, state.vehicle[e, v, PLACE], place)
        time = _time_left(state, settings, rules, e, v, place, link)
        if time < quickest:
            best, quickest = np.int64(turn + 1), time
    return best


@jit(inner=True)
def see_turns(
    state: EngineState, settings: EngineSettings, rules: Rules, obs: Any, e: Int, a: Int, v: Int, first: Int
) -> None:
    """Write what agent `a` in `v` sees of its ways: OF_ROUTE numbers from `first` on, zero so far.

    How much longer the own way takes alone than the quickest; and for left, straight on and right: 1 if it can be
    chosen, how much longer it takes, how full the lane behind the junction is.
    """
    own, quickest = np.inf, np.inf
    for turn in range(3):
        place = turn_place(state, settings, rules, e, v, turn)
        if place == NONE:
            continue
        if own == np.inf:
            own = _time_left(state, settings, rules, e, v, state.route_at[e, v], state.vehicle[e, v, EXIT])
            quickest = own
        link = exit_from(settings, state.vehicle[e, v, PLACE], place)
        lane = settings.drivable[link, END_LANE]
        time = _time_left(state, settings, rules, e, v, place, link)
        quickest = min(quickest, time)
        at = first + 1 + 3 * turn
        room = max(1.0, settings.measure[lane, LENGTH] / CAR)
        obs[e, a, at] = np.float32(1.0)
        obs[e, a, at + 1] = np.float32(time)
        obs[e, a, at + 2] = np.float32(min(1.0, (state.on[e, link, COUNT] + state.on[e, lane, COUNT]) / room))
    if own < np.inf:
        obs[e, a, first] = np.float32(min(1.0, (own - quickest) / MOST_DETOUR))
        for turn in range(3):
            at = first + 1 + 3 * turn
            if obs[e, a, at] > 0.0:
                obs[e, a, at + 1] = np.float32(min(1.0, max(0.0, (obs[e, a, at + 1] - quickest) / MOST_DETOUR)))
