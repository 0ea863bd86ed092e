"""How fast vehicles drive: the engine's own driver, with the rights to enter that a controller gives."""

from __future__ import annotations

from marl_envs.core.jit import Bool, Int, Real, jit
from marl_envs.traffic.engine.conduct import corrected_speed
from marl_envs.traffic.engine.estimates import SHY
from marl_envs.traffic.engine.types import (
    AHEAD,
    AWAKE,
    DIS,
    EXIT,
    KIND,
    LENGTH,
    MODE,
    OUT_FIRST,
    PLACE,
    START_LANE,
    TAIL,
)
from marl_envs.traffic.vehicles.control.ledger import Ledger
from marl_envs.traffic.vehicles.fleet import is_allowed, leader_level
from marl_envs.traffic.vehicles.motion import after_action
from marl_envs.traffic.vehicles.types import (
    DRIVING,
    KEEP,
    NONE,
    SPEED,
    EngineSettings,
    EngineState,
    Fleet,
    Rules,
)


@jit(inner=True)
def pull_all(
    state: EngineState, fleet: Fleet, settings: EngineSettings, coarse: EngineSettings, rules: Rules, ledger: Ledger,
    e: Int,
) -> None:  # fmt: skip
    """Write the acceleration that each agent's vehicle wants: that of the engine's rules, but for those with a plan.

    `coarse`: the engine's settings for steps as long as a decision, so that what is wanted is safe until the next one.
    For the time of the question the vehicles are the engine's, with the controller's grants; then all is as it was.
    """
    for a in range(fleet.slot.shape[1]):
        if fleet.status[e, a] == DRIVING:
            v = fleet.slot[e, a]
            ledger.mode[e, a], ledger.held[e, a] = state.vehicle[e, v, MODE], state.grant[e, v]
            state.vehicle[e, v, MODE], state.grant[e, v] = AWAKE, ledger.grant[e, a]
    lanes = rules.lane_junction.shape[0]
    for a in range(fleet.slot.shape[1]):
        ledger.pull[e, a] = 0.0
        if fleet.status[e, a] == DRIVING:
            v = fleet.slot[e, a]
            planned = ledger.plan_first[e, a] != NONE and state.step[e] < ledger.plan_last[e, a]
            if planned and state.vehicle[e, v, PLACE] < lanes and state.vehicle[e, v, EXIT] == NONE:
                planned = leader_level(state, settings, rules, e, v) == 0  # past the junction one can still give up
            ledger.pull[e, a] = rules.pull_up if planned else _ruled_pull(state, coarse, e, v)
    for a in range(fleet.slot.shape[1]):
        if fleet.status[e, a] == DRIVING:
            v = fleet.slot[e, a]
            state.vehicle[e, v, MODE], state.grant[e, v] = ledger.mode[e, a], ledger.held[e, a]


@jit(inline=True)
def _ruled_pull(state: EngineState, coarse: EngineSettings, e: Int, v: Int) -> Real:
    """Return the acceleration that the engine's rules want until the next decision [m/s2]."""
    u, gap = state.vehicle[e, v, AHEAD], 0.0
    if u != NONE:
        gap = state.motion[e, u, DIS] - coarse.body[state.vehicle[e, u, KIND]] - state.motion[e, v, DIS]
    speed = corrected_speed(state, coarse, e, v, state.vehicle[e, v, PLACE], u, gap)
    pull: Real = (speed - state.motion[e, v, SPEED]) / coarse.dt
    return pull if speed >= 0.0 else -coarse.hard[state.vehicle[e, v, KIND]]


@jit(inner=True)
def _is_safe(
    state: EngineState, settings: EngineSettings, rules: Rules, ledger: Ledger, e: Int, a: Int, v: Int
) -> Bool:
    """Return whether `v` can accelerate fully until the next decision and still stop for whatever is ahead."""
    if leader_level(state, settings, rules, e, v) != 0:
        return False
    lanes, d = rules.lane_junction.shape[0], state.vehicle[e, v, PLACE]
    needs = after_action(settings, rules, state.motion[e, v, SPEED], rules.pull_up)
    if d < lanes:
        link = state.vehicle[e, v, EXIT]
        rest = settings.measure[d, LENGTH] - state.motion[e, v, DIS] - SHY
        return link == NONE or ledger.grant[e, a] == link or needs <= rest
    start, at = settings.drivable[d, START_LANE], state.motion[e, v, DIS]
    for i in range(settings.drivable[start, OUT_FIRST], settings.drivable[start + 1, OUT_FIRST]):
        other = settings.out_link[i]
        u = state.on[e, other, TAIL]
        if other != d and u != NONE:  # it came from the same lane, and its rear may still be in the way
            rear = state.motion[e, u, DIS] - settings.body[state.vehicle[e, u, KIND]]
            speed = state.motion[e, u, SPEED]
            room = rear - at + speed * speed / (2.0 * settings.hard[state.vehicle[e, u, KIND]])
            if state.motion[e, u, DIS] > at and rear < settings.fork[other] and needs > room:
                return False
    return True


@jit(inner=True)
def choose_all(
    state: EngineState, fleet: Fleet, settings: EngineSettings, rules: Rules, ledger: Ledger, e: Int
) -> None:
    """Write each agent's action: the fastest that is no faster than wanted and allowed, else the slowest allowed.

    What an action falls short of while accelerating is added next time, where that is safe.
    """
    for a in range(fleet.slot.shape[1]):
        ledger.choice[e, a] = KEEP
        if fleet.status[e, a] != DRIVING:
            continue
        v, pull = fleet.slot[e, a], ledger.pull[e, a]
        wanted = pull + ledger.owed[e, a] if pull > 0.0 else pull
        best = slowest = NONE
        for n in range(rules.levels.shape[0]):
            if not is_allowed(state, fleet, settings, rules, e, a, n):
                continue
            level = rules.levels[n]
            fits = level <= pull + 1e-9
            fits = fits or (level <= wanted + 1e-9 and _is_safe(state, settings, rules, ledger, e, a, v))
            if fits and (best == NONE or level > rules.levels[best]):
                best = n
            if slowest == NONE or level < rules.levels[slowest]:
                slowest = n
        ledger.choice[e, a] = best if best != NONE else slowest
        ledger.owed[e, a] = 0.0
        if pull > 0.0:
            ledger.owed[e, a] = max(0.0, min(wanted - rules.levels[ledger.choice[e, a]], rules.pull_up))
