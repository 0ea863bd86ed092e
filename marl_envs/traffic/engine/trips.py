"""Where a trip's data stand: in tables that all environments share, or, if `fresh`, in rows drawn for each of them."""

from __future__ import annotations

from marl_envs.core.jit import Int, Real, jit
from marl_envs.traffic.engine.types import GIVEN, Settings, State

NEVER = 2**31 - 1  # step of a trip that is not used


@jit(inline=True)
def trip_count(state: State, settings: Settings, e: Int) -> Int:
    """Return how many trips there may be in the episode."""
    if settings.fresh:
        return state.fresh_step.shape[1]
    return settings.trip_first[state.demand[e] + 1] - settings.trip_first[state.demand[e]]


@jit(inline=True)
def trip_due(state: State, settings: Settings, e: Int, trip: Int) -> Int:
    """Return the step in which a trip is created."""
    if settings.fresh:
        return state.fresh_step[e, trip]
    return settings.trip_step[settings.trip_first[state.demand[e]] + trip]


@jit(inline=True)
def trip_route(state: State, settings: Settings, e: Int, trip: Int) -> Int:
    """Return the route of a trip, or NONE: the vehicle vanishes at once."""
    if settings.fresh:
        return state.fresh_route[e, trip]
    return settings.trip_route[settings.trip_first[state.demand[e]] + trip]


@jit(inline=True)
def trip_kind(state: State, settings: Settings, e: Int, trip: Int) -> Int:
    """Return the kind of a trip's vehicle."""
    if settings.fresh:
        return state.fresh_kind[e, trip]
    return settings.trip_kind[settings.trip_first[state.demand[e]] + trip]


@jit(inline=True)
def trip_speed(state: State, settings: Settings, e: Int, trip: Int) -> Real:
    """Return the speed with which a trip's vehicle begins to drive [m/s]."""
    if settings.fresh:
        return state.fresh_speed[e, trip]
    return settings.trip_speed[settings.trip_first[state.demand[e]] + trip]


@jit(inline=True)
def trip_pace(state: State, settings: Settings, e: Int, trip: Int) -> Int:
    """Return what a trip's first speed goes by, GIVEN ... ANY; drawn trips begin as given."""
    if settings.fresh:
        return GIVEN
    return settings.trip_pace[settings.trip_first[state.demand[e]] + trip]


@jit(inline=True)
def trip_ordered(state: State, settings: Settings, e: Int, i: Int) -> Int:
    """Return which trip is looked at as the `i`-th: within a step, they go by road."""
    if settings.fresh:
        return i
    first = settings.trip_first[state.demand[e]]
    return settings.trip_order[first + i] - first
