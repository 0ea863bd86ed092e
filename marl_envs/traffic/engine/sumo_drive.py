"""One step of all vehicles under SUMO's rules: everyone plans, then everyone decides, from what was so before the step.

Rules: see sumo_law.py, sumo_plan.py and sumo_yield.py.
"""

from __future__ import annotations

import numpy as np

from marl_envs.core.jit import Int, jit
from marl_envs.traffic.engine.sumo_law import SLOW
from marl_envs.traffic.engine.sumo_meet import NEVER_IN
from marl_envs.traffic.engine.sumo_plan import plan_lines
from marl_envs.traffic.engine.sumo_room import note_room
from marl_envs.traffic.engine.sumo_yield import decide
from marl_envs.traffic.engine.types import (
    AWAKE,
    BEHIND,
    DIS,
    DRIVEN,
    END_LANE,
    FOE,
    HEAD,
    KIND,
    MODE,
    NEXT_DIS,
    NEXT_SPEED,
    NONE,
    SPEED,
    Settings,
    State,
)


@jit(inner=True)
def drive_all(state: State, settings: Settings, e: Int) -> Int:
    """Plan the next step of all vehicles; return how many there are."""
    s = state.desk[e]
    _fetch(state, e)
    for link in range(state.first_asks.shape[1]):
        state.first_asks[s, link] = NONE
    for i in range(state.num_active[e]):
        _note_places(state, settings, e, state.active[e, i])
    count: Int = np.int64(0)
    for i in range(state.num_active[e]):
        d = state.active[e, i]
        u: Int = np.int64(NONE)  # slots are of one type everywhere, so that what takes them is compiled once
        v: Int = np.int64(state.on[e, d, HEAD])
        gap = ahead = 0.0
        is_lane = settings.drivable[d, END_LANE] == NONE
        while v != NONE:
            if u != NONE:
                gap = state.motion[e, u, DIS] - settings.body[state.vehicle[e, u, KIND]] - state.motion[e, v, DIS]
            state.motion[e, v, NEXT_SPEED] = plan_lines(state, settings, e, v, d, u, gap, ahead)
            if is_lane:
                ahead += settings.berth[state.vehicle[e, v, KIND]]
            state.plan[e, count] = v
            count += 1
            u, v = v, np.int64(state.vehicle[e, v, BEHIND])
    for i in range(count):
        _move_on(state, settings, e, np.int64(state.plan[e, i]))
    state.plans[e] = count
    return count


@jit(inline=True)
def _fetch(state: State, e: Int) -> None:
    """Read something of each vehicle of the last step.

    Going from one vehicle to the next along the lanes, the processor would wait for memory at each; from a list it
    reads many at once. It shows where many environments take turns in the cache.
    """
    found: Int = np.int64(0)
    for i in range(state.plans[e]):
        v = state.plan[e, i]
        found += state.vehicle[e, v, KIND] + (state.motion[e, v, SPEED] > 0.0) + (state.factor[e, v] > 1.0)
        found += state.dawdling[e, v] > np.uint64(0)
    state.fetched[e] = found


@jit(inline=True)
def _note_places(state: State, settings: Settings, e: Int, d: Int) -> None:
    """Note the room on lane `d`, or since when each vehicle on link `d` has been where others cross it."""
    if settings.drivable[d, END_LANE] == NONE:
        note_room(state, settings, e, d)
        return
    v = state.on[e, d, HEAD]
    while v != NONE:
        if state.motion[e, v, DIS] < settings.wait_at[d]:
            state.clashes[e, v] = NEVER_IN
        elif settings.wait_at[d] == 0.0 or state.entered[e, v] == state.step[e] - 1:
            state.clashes[e, v] = state.entered[e, v]
        elif state.clashes[e, v] == NEVER_IN:
            state.clashes[e, v] = state.step[e] - 1
        v = state.vehicle[e, v, BEHIND]


@jit(inline=True)
def _move_on(state: State, settings: Settings, e: Int, v: Int) -> None:
    """Write how fast `v` will be, and where: it drives its new speed for the whole step."""
    k, own, dt = state.vehicle[e, v, KIND], state.motion[e, v, SPEED], settings.dt
    if state.vehicle[e, v, MODE] == DRIVEN:
        fastest = min(state.told[e, v], settings.top_speed[k], own + settings.full_pull[k] * dt)
        speed = max(fastest, own - settings.hard[k] * dt, 0.0)
    else:
        speed = decide(state, settings, e, v)
        state.vehicle[e, v, MODE] = AWAKE
    state.stood[e, v] = state.stood[e, v] + 1 if speed <= SLOW else 0
    state.vehicle[e, v, FOE] = NONE
    state.motion[e, v, NEXT_SPEED] = speed
    state.motion[e, v, NEXT_DIS] = state.motion[e, v, DIS] + speed * dt
