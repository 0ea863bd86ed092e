"""Who may enter the junction: by an all-way stop, or by ranks of movements and gaps, with a light or without."""

from __future__ import annotations

from marl_envs.core.jit import Bool, Int, jit
from marl_envs.traffic.engine.estimates import notice
from marl_envs.traffic.engine.types import BEHIND, HEAD
from marl_envs.traffic.vehicles.control.ledger import AMBER, AT_LINE, CLOSED, CRAWLS, Ledger
from marl_envs.traffic.vehicles.control.light import waits_to_turn
from marl_envs.traffic.vehicles.control.near import admit, is_forced, is_free, lets_pass, pair
from marl_envs.traffic.vehicles.types import (
    NONE,
    SPEED,
    STANDING,
    EngineSettings,
    EngineState,
    Fleet,
    Rules,
)


@jit(inline=True)
def _first_without(state: EngineState, ledger: Ledger, e: Int, lane: Int) -> Int:
    """Return the first vehicle on `lane` that may not enter, or NONE."""
    v = state.on[e, lane, HEAD]
    while v != NONE and ledger.holds[e, v]:
        v = state.vehicle[e, v, BEHIND]
    return v


@jit(inner=True)
def stop_all(state: EngineState, fleet: Fleet, settings: EngineSettings, rules: Rules, ledger: Ledger, e: Int) -> None:
    """All-way stop: let those enter who have stood at their lines for longest, and all whom they leave room."""
    for lane in range(rules.lane_junction.shape[0]):
        if rules.lane_junction[lane] == NONE:
            continue
        v = _first_without(state, ledger, e, lane)
        if v == NONE or fleet.agent[e, v] == NONE:
            continue
        a = fleet.agent[e, v]
        stands = ledger.way[e, v] >= -AT_LINE and state.motion[e, v, SPEED] < STANDING
        if stands and ledger.since[e, a] == NONE and v == state.on[e, lane, HEAD]:
            ledger.since[e, a] = state.step[e]
        elif ledger.since[e, a] == NONE:
            is_forced(state, fleet, settings, rules, ledger, e, v)
    for i in range(ledger.number[e]):
        v = ledger.who[e, i]
        if _waits(fleet, ledger, e, v) and _is_next(state, fleet, settings, rules, ledger, e, v):
            admit(state, fleet, rules, ledger, e, v)


@jit(inline=True)
def _waits(fleet: Fleet, ledger: Ledger, e: Int, v: Int) -> Bool:
    a = fleet.agent[e, v]
    return a != NONE and not ledger.holds[e, v] and ledger.since[e, a] != NONE


@jit(inner=True)
def _is_next(
    state: EngineState, fleet: Fleet, settings: EngineSettings, rules: Rules, ledger: Ledger, e: Int, v: Int
) -> Bool:
    """Return whether the way of `v` is free, and nobody in its way was at its line before it (by trip in a tie)."""
    if not is_free(settings, rules, ledger, e, v):
        return False
    mine, trip = ledger.since[e, fleet.agent[e, v]], state.trip[e, v]
    for i in range(ledger.number[e]):
        u = ledger.who[e, i]
        if u == v or not _waits(fleet, ledger, e, u):
            continue
        theirs = ledger.since[e, fleet.agent[e, u]]
        earlier = theirs < mine or (theirs == mine and state.trip[e, u] < trip)
        if earlier and pair(settings, rules, ledger.link[e, v], ledger.link[e, u]) != NONE:
            return False
    return True


@jit(inner=True)
def by_rank(state: EngineState, fleet: Fleet, settings: EngineSettings, rules: Rules, ledger: Ledger, e: Int) -> None:
    """Let all enter whose movement is open and who have nobody to wait for, lane by lane from the front."""
    for lane in range(rules.lane_junction.shape[0]):
        if rules.lane_junction[lane] == NONE:
            continue
        v = state.on[e, lane, HEAD]
        while v != NONE:
            if not ledger.holds[e, v] and not _may_enter(state, fleet, settings, rules, ledger, e, v):
                break
            v = state.vehicle[e, v, BEHIND]


@jit(inner=True)
def _may_enter(
    state: EngineState, fleet: Fleet, settings: EngineSettings, rules: Rules, ledger: Ledger, e: Int, v: Int
) -> Bool:
    """Let `v` enter if it may; return whether it does."""
    link, way = ledger.link[e, v], ledger.way[e, v]
    if fleet.agent[e, v] == NONE:
        return False
    if is_forced(state, fleet, settings, rules, ledger, e, v):
        return True
    if -way > notice(state, settings, e, v) or ledger.open[e, link] == CLOSED:
        return False
    # Left turns that have waited through the green may go as it ends
    if ledger.open[e, link] == AMBER and not waits_to_turn(rules, ledger, e, v):
        return False
    if not is_free(settings, rules, ledger, e, v) or _waits_for_any(state, settings, rules, ledger, e, v):
        return False
    admit(state, fleet, rules, ledger, e, v)
    return True


@jit(inner=True)
def _waits_for_any(state: EngineState, settings: EngineSettings, rules: Rules, ledger: Ledger, e: Int, v: Int) -> Bool:
    """Return whether `v` has to wait for anyone who comes; not for those behind one that waits itself."""
    for lane in range(rules.lane_junction.shape[0]):
        u = state.on[e, lane, HEAD] if rules.lane_junction[lane] != NONE else NONE
        while u != NONE:
            if not ledger.holds[e, u]:
                if u != v and lets_pass(state, settings, rules, ledger, e, v, u):
                    return True
                if state.motion[e, u, SPEED] < CRAWLS:
                    break
            u = state.vehicle[e, u, BEHIND]
    return False
