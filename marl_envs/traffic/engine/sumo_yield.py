"""SUMO's rules, second half of a step: which lines are passed, and what drivers make of it.

Rules: SUMO's documentation (Simulation/Intersections) and what its version 1.28 computes: one passes a line if all who
have the right of way would come late enough or have left (`sumo_law.is_blocked`), and, without the right of way, not
before one can see them.
"""

from __future__ import annotations

from marl_envs.core.jit import Bool, Int, Real, jit
from marl_envs.core.random import draw_unit
from marl_envs.traffic.engine.sumo_follow import wished_speed
from marl_envs.traffic.engine.sumo_law import (
    EMERGENCY,
    LOOK_AHEAD,
    NEAR,
    PATIENCE,
    SLACK,
    SLOW,
    VISIBLE,
    brake_gap,
    brake_gap_over,
    dawdled,
    is_blocked,
    stop_speed,
)
from marl_envs.traffic.engine.sumo_plan import note_times
from marl_envs.traffic.engine.types import (
    ARRIVAL,
    ARRIVAL_SPEED,
    ASKS,
    BRAKING,
    END_LANE,
    INNER,
    KIND,
    LEAVE,
    LEAVE_SPEED,
    LINE_LINK,
    LINES,
    MAJOR,
    NEXT_ASKS,
    NEXT_SPEED,
    NONE,
    OPEN,
    PASS,
    PLACE,
    SAME_END,
    SEEN,
    SPEED,
    WAIT,
    YIELDS,
    Settings,
    State,
)

LATER = 1.0 + 1e-6  # for rounding


@jit(inner=True)
def _is_before(
    state: State, settings: Settings, e: Int, v: Int, i: Int, u: Int, n: Int, merges: Bool, impatience: Real
) -> Bool:
    """Return whether `v` has to wait at its line `i` for `u`, which comes to its own line `n`."""
    s = state.desk[e]
    note_times(state, settings, e, v)
    leaves, d = state.plan_ahead[s, v, i, LEAVE], state.vehicle[e, u, PLACE]
    if not merges and n == 0 and settings.drivable[d, END_LANE] == NONE:
        fastest = max(state.here[s, u], wished_speed(state, settings, e, u, d))
        if state.plan_ahead[s, u, n, SEEN] > LATER * (leaves + LOOK_AHEAD) * fastest:
            return False  # it comes late, whatever its times are
    note_times(state, settings, e, u)
    plan, other = state.plan_ahead[s, v, i], state.plan_ahead[s, u, n]
    mine = plan[ARRIVAL], leaves, plan[ARRIVAL_SPEED], plan[LEAVE_SPEED]
    theirs = (
        other[ARRIVAL],
        other[LEAVE],
        other[ARRIVAL_SPEED],
        other[LEAVE_SPEED],
        other[BRAKING],
        other[SEEN],
    )
    brakes = settings.hard[state.vehicle[e, v, KIND]], settings.hard[state.vehicle[e, u, KIND]]
    return is_blocked(mine, theirs, brakes, merges, impatience, settings.dt)


@jit(inner=True)
def _is_free(state: State, settings: Settings, e: Int, v: Int, i: Int, impatience: Real) -> Bool:
    """Return whether `v` may pass its line `i` as far as those are concerned that have the right of way."""
    s = state.desk[e]
    link, inner = state.line_ahead[s, v, i, LINE_LINK], state.line_ahead[s, v, i, INNER]
    for c in range(settings.conflict_first[link], settings.conflict_first[link + 1]):
        if not settings.conflict_kind[c] & YIELDS:
            continue
        node = state.first_asks[s, settings.conflict_foe[c]]
        while node != NONE:
            u, n = node // LINES, node % LINES
            node = state.line_ahead[s, u, n, NEXT_ASKS]
            if u == v or not state.line_ahead[s, u, n, ASKS]:
                continue
            if inner and not state.on[e, link, OPEN] and state.motion[e, u, SPEED] <= SLOW:
                continue  # its light is red, and those that stand let it out
            merges = settings.conflict_kind[c] & SAME_END != 0
            if _is_before(state, settings, e, v, i, u, n, merges, impatience):
                return False
    return True


@jit(inline=True)
def decide(state: State, settings: Settings, e: Int, v: Int) -> Real:
    """Return the next speed [m/s] of `v`; its plan without lines that are closed is in NEXT_SPEED."""
    s = state.desk[e]
    k, own, dt = state.vehicle[e, v, KIND], state.motion[e, v, SPEED], settings.dt
    brake = settings.hard[k]
    result, least, least_way = state.motion[e, v, NEXT_SPEED], 0.0, 0.0
    held = 0
    for i in range(state.lines[s, v]):
        link, inner = state.line_ahead[s, v, i, LINE_LINK], state.line_ahead[s, v, i, INNER]
        seen, wait = state.plan_ahead[s, v, i, SEEN], state.plan_ahead[s, v, i, WAIT]
        if not state.line_ahead[s, v, i, ASKS]:
            result, held = wait, wait < own
            break
        stops = own < brake * dt or seen > brake_gap_over(seen, own, brake, dt)
        major = state.on[e, link, OPEN] == MAJOR
        free = not inner and not state.on[e, link, OPEN]  # who cannot stop any more drives on
        if free or major or (not inner and settings.wait_at[link] > 0.0):
            continue
        impatience = min(1.0, state.stood[e, v] * dt / PATIENCE) if stops else 1.0
        holds = stops or settings.lit[link] or seen >= brake_gap(own, EMERGENCY, dt)
        if seen > VISIBLE and holds:  # it does not see them yet, so whether they come makes no difference
            result, held = wait, 1
            break
        if _is_free(state, settings, e, v, i, impatience):
            if seen > VISIBLE:
                result, held = wait, 1
                break
            least_way = seen
            least = min((seen + NEAR) / dt, state.plan_ahead[s, v, i, PASS], own + settings.full_pull[k] * dt)
        elif holds:
            result, held = wait, 1
            break
    if result + SLACK < least:  # it would not get over the line
        result = min(result, max(own - brake * dt, stop_speed(least_way, brake, dt, dt)))
        least, held = 0.0, 1
    state.held[e, v] = held
    slowest = min(max(own - brake * dt, 0.0), max(result, own - EMERGENCY * dt))
    fastest = max(slowest, min(result, own + settings.full_pull[k] * dt))
    drawn = draw_unit(state.dawdling[e], v)
    return max(slowest, dawdled(fastest, settings.full_pull[k], settings.sigma[k], dt, drawn), least)
