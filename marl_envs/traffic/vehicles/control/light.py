"""A controller's own light: its phases in turn, for fixed times or as long as vehicles come."""

from __future__ import annotations

from marl_envs.core.jit import Bool, Int, jit
from marl_envs.traffic.engine.estimates import SHY
from marl_envs.traffic.engine.types import OPEN
from marl_envs.traffic.plans import TURN_LEFT
from marl_envs.traffic.vehicles.control.ledger import (
    AMBER,
    AT_LINE,
    CLOSED,
    CRAWLS,
    FIXED,
    NO_LIGHT,
    OPEN_NOW,
    THEIRS,
    Ledger,
)
from marl_envs.traffic.vehicles.types import (
    NONE,
    SPEED,
    EngineSettings,
    EngineState,
    Fleet,
    Rules,
)


@jit(inner=True)
def run_light(state: EngineState, fleet: Fleet, settings: EngineSettings, rules: Rules, ledger: Ledger, e: Int) -> None:
    """Find out which movements are open now, and take the right to enter from those whose movement is not.

    Who cannot stop by comfortable braking keeps it, and so do left turns at their lines.
    """
    if ledger.light == NO_LIGHT:
        for k in range(ledger.open.shape[1]):
            ledger.open[e, k] = OPEN_NOW
        return
    if ledger.light == THEIRS:
        for k in range(ledger.open.shape[1]):
            ledger.open[e, k] = state.on[e, k + rules.lane_junction.shape[0], OPEN]
    else:
        _switch(state, fleet, settings, ledger, e)
    for i in range(ledger.number[e]):
        v = ledger.who[e, i]
        a = fleet.agent[e, v]
        if a == NONE or not ledger.holds[e, v] or ledger.open[e, ledger.link[e, v]] == OPEN_NOW:
            continue
        rest, speed = -ledger.way[e, v] - SHY, state.motion[e, v, SPEED]
        if speed * speed / (2.0 * rules.comfort) <= rest and not waits_to_turn(rules, ledger, e, v):
            ledger.grant[e, a] = NONE
            ledger.holds[e, v] = 0


@jit(inline=True)
def waits_to_turn(rules: Rules, ledger: Ledger, e: Int, v: Int) -> Bool:
    """Return whether `v` is at its line and turns left: such vehicles go when the green ends."""
    return rules.link_turn[ledger.link[e, v]] == TURN_LEFT and ledger.way[e, v] >= -AT_LINE


@jit(inner=True)
def _switch(state: EngineState, fleet: Fleet, settings: EngineSettings, ledger: Ledger, e: Int) -> None:
    """Switch the controller's own light if it is time."""
    now = state.step[e]
    if fleet.cycle[e] == 0:
        ledger.phase[e], ledger.dark[e] = 0, NONE
        ledger.lit[e] = ledger.passed[e] = now
    if ledger.dark[e] == NONE:
        if _is_over(state, settings, ledger, e):
            ledger.dark[e] = now
    elif (now - ledger.dark[e]) * settings.dt >= ledger.yellow + ledger.red - 1e-9:
        ledger.phase[e] = _next_phase(ledger, e)
        ledger.dark[e] = NONE
        ledger.lit[e] = ledger.passed[e] = now
    p = ledger.phase[e]
    shows = OPEN_NOW
    if ledger.dark[e] != NONE:
        shows = AMBER if (now - ledger.dark[e]) * settings.dt < ledger.yellow - 1e-9 else CLOSED
    for k in range(ledger.open.shape[1]):
        ledger.open[e, k] = shows if ledger.green[p, k] else CLOSED


@jit(inline=True)
def _is_over(state: EngineState, settings: EngineSettings, ledger: Ledger, e: Int) -> Bool:
    """Return whether the green ends now: its time is over; or another phase is called and nobody comes any more."""
    shown = (state.step[e] - ledger.lit[e]) * settings.dt
    if ledger.light == FIXED:
        return shown >= ledger.green_time - 1e-9
    _detect(state, ledger, e)
    if shown < ledger.least_green - 1e-9 or _next_phase(ledger, e) == ledger.phase[e]:
        return False
    gap = (state.step[e] - ledger.passed[e]) * settings.dt
    return gap >= ledger.extension - 1e-9 or shown >= ledger.green_time - 1e-9


@jit(inline=True)
def _detect(state: EngineState, ledger: Ledger, e: Int) -> None:
    """Note whether anyone with green moves between the detector and its line."""
    for i in range(ledger.number[e]):
        v = ledger.who[e, i]
        moves = -ledger.detector <= ledger.way[e, v] < 0.0 and state.motion[e, v, SPEED] >= CRAWLS
        if moves and ledger.green[ledger.phase[e], ledger.link[e, v]]:
            ledger.passed[e] = state.step[e]


@jit(inline=True)
def _next_phase(ledger: Ledger, e: Int) -> Int:
    """Return the phase after the present one: under actuation the next that anyone waits for, else this one."""
    phases, p = ledger.green.shape[0], ledger.phase[e]
    if ledger.light == FIXED:
        return (p + 1) % phases
    for n in range(1, phases):
        q = (p + n) % phases
        for i in range(ledger.number[e]):
            v = ledger.who[e, i]
            if not ledger.holds[e, v] and ledger.green[q, ledger.link[e, v]] and not ledger.green[p, ledger.link[e, v]]:
                return q
    return p
