"""How agents move: which speeds they may have, what an action asks of the engine, how far a vehicle needs to stop."""

from __future__ import annotations

from typing import Any

import numpy as np

from marl_envs.core.jit import Int, Real, jit
from marl_envs.traffic.engine.types import END_LANE, EXIT
from marl_envs.traffic.vehicles.types import (
    DIS,
    DRIVING,
    HARD_BRAKE,
    LENGTH,
    NONE,
    PLACE,
    SPEED,
    EngineSettings,
    EngineState,
    Fleet,
    Rules,
)

NO_REACH = 1e9  # time to a place that is not reached [s]


@jit(inline=True)
def free_speed(state: EngineState, settings: EngineSettings, rules: Rules, e: Int, v: Int, ahead: Real) -> Real:
    """Return how fast `v` would be if it were alone, `ahead` metres from where it is [m/s].

    That is the limit; before a turn or a slower road as much less as comfortable braking asks for, and after it as
    much less as acceleration cannot yet have made up for.
    """
    d = state.vehicle[e, v, PLACE]
    speed = rules.free[d]
    if settings.drivable[d, END_LANE] != NONE:
        return speed
    at = state.motion[e, v, DIS] + ahead
    link, came = state.vehicle[e, v, EXIT], state.came[e, v]
    if link != NONE and rules.free[link] < speed:
        rest: Real = max(0.0, settings.measure[d, LENGTH] - at)
        slow = rules.free[link]
        speed = _at_most(speed, slow * slow + 2.0 * rules.comfort * rest)
    if came != NONE and rules.free[came] < speed:
        slow = rules.free[came]
        speed = _at_most(speed, slow * slow + 2.0 * rules.pull_up * at)
    return speed


@jit(inline=True)
def _at_most(speed: Real, square: Real) -> Real:
    """Return the smaller of `speed` and the root of `square`, which is seldom needed."""
    return np.sqrt(square) if square < speed * speed else speed


@jit(inner=True)
def tell(state: EngineState, fleet: Fleet, settings: EngineSettings, rules: Rules, e: Int) -> None:
    """Tell the engine the speeds that the agents' actions ask for, held to the limits."""
    for a in range(fleet.slot.shape[1]):
        v = fleet.slot[e, a]
        if v != NONE and fleet.status[e, a] == DRIVING:
            speed = state.motion[e, v, SPEED]
            asked = speed + fleet.wish[e, a] * settings.dt
            if asked > rules.slowest:  # else no limit matters
                highest = free_speed(state, settings, rules, e, v, speed * settings.dt)
                asked = min(asked, max(highest, speed - rules.hard_brake * settings.dt))
            state.told[e, v] = max(0.0, asked)


@jit(inline=True)
def stopping(rules: Rules, speed: Real, dt: Real) -> Real:
    """Return how far a vehicle goes on that brakes as hard as agents can [m], the last step's rounding included."""
    return speed * speed / (2.0 * rules.hard_brake) + rules.hard_brake * dt * dt / 8.0


@jit(inline=True)
def after_action(settings: EngineSettings, rules: Rules, speed: Real, pull: Real) -> Real:
    """Return how far a vehicle goes if it accelerates by `pull` until the next decision and then brakes hard [m]."""
    lasts = rules.interval * settings.dt
    then: Real = max(0.0, min(speed + pull * lasts, max(rules.fastest, speed)))
    way = (speed + then) / 2.0 * lasts
    return way + stopping(rules, then, settings.dt)


@jit(inline=True)
def stop_level(settings: EngineSettings, rules: Rules, speed: Real, room: Real) -> Int:
    """Return the fastest action after which a vehicle can still stop within `room` [m].

    0 accelerate, 1 keep the speed, 2 brake, 3 brake hard, 4 none.
    """
    pulls = (rules.pull_up, 0.0, rules.levels[2], rules.levels[HARD_BRAKE])
    level: Int = 4
    for i in range(4):
        if level == 4 and after_action(settings, rules, speed, pulls[i]) <= room:
            level = i
    return level


@jit(inline=True)
def _times_to(speed: Real, pull: Real, highest: Real, near: Real, far: Real) -> Any:
    """Return when a vehicle that accelerates by `pull` up to `highest` has gone `near` and `far` metres [s]."""
    if speed >= highest:
        return max(near, 0.0) / speed, max(far, 0.0) / speed
    gaining = (highest * highest - speed * speed) / (2.0 * pull)
    return (
        _time_to(speed, pull, highest, gaining, near),
        _time_to(speed, pull, highest, gaining, far),
    )


@jit(inline=True)
def _time_to(speed: Real, pull: Real, highest: Real, gaining: Real, room: Real) -> Real:
    """Return the time for `room` metres [s]; in the first `gaining` metres the vehicle gets faster."""
    if room <= 0.0:
        return 0.0
    if room <= gaining:
        return (np.sqrt(speed * speed + 2.0 * pull * room) - speed) / pull
    return (highest - speed) / pull + (room - gaining) / highest


@jit(inline=True)
def arrivals(rules: Rules, speed: Real, way: Real, entry: Real, leave: Real, limit: Real, slow: Real) -> Any:
    """Return when a vehicle at `way` on a link's path reaches two places on it if nobody is in its way [s].

    Args:
        rules: the tables.
        speed: its speed [m/s].
        way: of its front [m]; negative before the stop line.
        entry: the first place, on the path [m].
        leave: the second [m].
        limit: highest speed on the lane before the link [m/s].
        slow: highest speed on the link [m/s].
    """
    if way >= 0.0 or speed <= slow or slow >= limit:
        highest = limit if way < 0.0 and slow >= limit else slow
        return _times_to(speed, rules.pull_up, highest, entry - way, leave - way)
    brakes = (speed * speed - slow * slow) / (2.0 * rules.comfort)  # at the end of its lane, down to `slow`
    even: Real = max(0.0, -way - brakes)
    return (
        _time_with_brakes(rules, speed, way, entry, slow, brakes, even),
        _time_with_brakes(rules, speed, way, leave, slow, brakes, even),
    )


@jit(inline=True)
def _time_with_brakes(rules: Rules, speed: Real, way: Real, place: Real, slow: Real, brakes: Real, even: Real) -> Real:
    """Return the time to `place` [s]: `even` metres at one speed, then `brakes` metres down to `slow`, then at that."""
    first = min(place, 0.0) - way
    if first <= even:
        return first / speed
    left = max(0.0, place) / slow
    part: Real = min(first - even, brakes)
    then = np.sqrt(max(slow * slow, speed * speed - 2.0 * rules.comfort * part))
    return even / speed + (speed - then) / rules.comfort + left
