"""What the engine's rules would do with the agents' vehicles, asked of a copy of the state."""

from __future__ import annotations

from typing import Any

from marl_envs.core.jit import Int, jit
from marl_envs.core.pack import slots_of, unpack
from marl_envs.traffic.engine.grants import grant_all
from marl_envs.traffic.engine.motion import plan_all
from marl_envs.traffic.engine.types import AWAKE, MODE, NEXT_SPEED
from marl_envs.traffic.vehicles.pedestrians import speed_for_people
from marl_envs.traffic.vehicles.types import NONE, PLACE, SPEED, EngineSettings, EngineState, Fleet, Rules, State

ENGINE_SETTINGS_AT = slots_of(EngineState)
FLEET_AT = slots_of(EngineState)
SETTINGS_AT = slots_of(State)
RULES_AT = SETTINGS_AT + slots_of(EngineSettings)


@jit
def engine_pulls(table: Any, slot: Any, grant: Any, trip: Any, pulls: Any, first: Int, last: Int) -> None:
    """Write which acceleration [m/s2] the rules want of each agent's vehicle into pulls[E, A].

    Args:
        table: of a copy of the engine's state, which is changed, and of its settings.
        slot: [E, A] vehicle of each agent, or NONE.
        grant: [E, A] the link that each was allowed to enter when it was last asked, or NONE; brought up to date.
        trip: [E, A] the trip that this was for; likewise.
        pulls: [E, A].
        first: environment.
        last: environment, the first that is left out.
    """
    state, settings = unpack(table, EngineState, 0), unpack(table, EngineSettings, ENGINE_SETTINGS_AT)
    for e in range(first, last):
        for a in range(slot.shape[1]):
            v = slot[e, a]
            if v != NONE:
                state.vehicle[e, v, MODE] = AWAKE
                state.grant[e, v] = grant[e, a] if trip[e, a] == state.trip[e, v] else NONE
        grant_all(state, settings, e)
        plan_all(state, settings, e)
        for a in range(slot.shape[1]):
            v = slot[e, a]
            grant[e, a] = trip[e, a] = NONE
            if v != NONE:
                pulls[e, a] = (state.motion[e, v, NEXT_SPEED] - state.motion[e, v, SPEED]) / settings.dt
                grant[e, a], trip[e, a] = state.grant[e, v], state.trip[e, v]


@jit
def yielding_pulls(table: Any, slot: Any, pulls: Any, first: Int, last: Int) -> None:
    """Lower the accelerations [m/s2] in pulls[E, A] so far that the agents' vehicles yield to pedestrians.

    Args:
        table: of the whole state and the whole settings.
        slot: [E, A] vehicle of each agent, or NONE.
        pulls: [E, A].
        first: environment.
        last: environment, the first that is left out.
    """
    state, fleet = unpack(table, EngineState, 0), unpack(table, Fleet, FLEET_AT)
    settings, rules = unpack(table, EngineSettings, SETTINGS_AT), unpack(table, Rules, RULES_AT)
    for e in range(first, last):
        for a in range(slot.shape[1]):
            v = slot[e, a]
            if v != NONE:
                speed = speed_for_people(state, fleet, settings, rules, e, v, state.vehicle[e, v, PLACE])
                pulls[e, a] = min(pulls[e, a], (speed - state.motion[e, v, SPEED]) / settings.dt)
