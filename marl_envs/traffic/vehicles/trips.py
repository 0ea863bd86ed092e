"""Which trips an episode has: drawn at its reset, from the environment's own stream."""

from __future__ import annotations

import numpy as np

from marl_envs.core.jit import Int, jit
from marl_envs.core.random import draw_unit
from marl_envs.traffic.engine.trips import NEVER
from marl_envs.traffic.vehicles.types import ANYONE, NONE, EngineSettings, EngineState, Fleet, Rules


@jit(inner=True)
def draw_trips(state: EngineState, fleet: Fleet, settings: EngineSettings, rules: Rules, e: Int) -> None:
    """Draw the trips of an episode, by step, and whose they are."""
    if not settings.fresh:  # those of a file
        for t in range(fleet.owner.shape[1]):
            fleet.owner[e, t] = NONE if draw_unit(state.rng, e) < rules.background else ANYONE
        return
    for t in range(state.fresh_step.shape[1]):
        state.fresh_step[e, t] = NEVER
        state.fresh_route[e, t] = NONE
        fleet.owner[e, t] = NONE
    if rules.flow:
        _draw_flow(state, fleet, rules, e)
    else:
        _draw_all(state, fleet, rules, e)


@jit(inline=True)
def _fill(state: EngineState, rules: Rules, e: Int, trip: Int, step: Int, stream: Int) -> None:
    state.fresh_step[e, trip] = step
    state.fresh_route[e, trip] = rules.stream_route[stream]
    state.fresh_kind[e, trip] = rules.stream_kind[stream]
    state.fresh_speed[e, trip] = rules.stream_speed[stream]


@jit(inline=True)
def _draw_stream(state: EngineState, rules: Rules, e: Int) -> Int:
    """Return a stream, each with its share."""
    at = draw_unit(state.rng, e)
    low, high = 0, rules.stream_sum.shape[0] - 1
    while low < high:
        middle = (low + high) // 2
        if rules.stream_sum[middle] > at:
            high = middle
        else:
            low = middle + 1
    return low


@jit(inner=True)
def _draw_flow(state: EngineState, fleet: Fleet, rules: Rules, e: Int) -> None:
    """Draw platoons by a Poisson process for as long as an episode may last, which begins with an agent's trip."""
    end, now, trip = np.inf, 0.0, 0
    while trip < state.fresh_step.shape[1]:
        now -= np.log(1.0 - draw_unit(state.rng, e)) / rules.rate
        if now >= end:
            break
        stream = _draw_stream(state, rules, e)
        for _ in range(rules.platoon):
            if trip < state.fresh_step.shape[1]:
                _fill(state, rules, e, trip, np.int64(np.ceil(now)), stream)
                fleet.owner[e, trip] = NONE if draw_unit(state.rng, e) < rules.background else ANYONE
                if end == np.inf and fleet.owner[e, trip] == ANYONE:
                    end = now + np.float64(rules.max_cycles) * rules.interval
                trip += 1


@jit(inner=True)
def _draw_all(state: EngineState, fleet: Fleet, rules: Rules, e: Int) -> None:
    """Draw as many trips as there are vehicles, at random times in the window; the agents' are any of them."""
    total, left = rules.vehicles, fleet.slot.shape[1]
    trip = 0
    while trip < total:
        step = np.int64(draw_unit(state.rng, e) * (rules.window + 1))
        stream = _draw_stream(state, rules, e)
        for _ in range(rules.platoon):
            if trip < total:
                _insert(state, rules, e, trip, step, stream)
                trip += 1
    for t in range(total):
        if draw_unit(state.rng, e) * (total - t) < left:
            fleet.owner[e, t] = fleet.slot.shape[1] - left
            left -= 1


@jit(inner=True)
def _insert(state: EngineState, rules: Rules, e: Int, count: Int, step: Int, stream: Int) -> None:
    """Put a trip in its place among the first `count`, which are in order."""
    at = count
    while at > 0 and state.fresh_step[e, at - 1] > step:
        state.fresh_step[e, at] = state.fresh_step[e, at - 1]
        state.fresh_route[e, at] = state.fresh_route[e, at - 1]
        state.fresh_kind[e, at] = state.fresh_kind[e, at - 1]
        state.fresh_speed[e, at] = state.fresh_speed[e, at - 1]
        at -= 1
    _fill(state, rules, e, at, step, stream)
