"""Pedestrians who are hit, and cars that come too near to them."""

from __future__ import annotations

import numpy as np

from marl_envs.core.jit import Int, jit
from marl_envs.traffic.engine.types import END_LANE, START_LANE
from marl_envs.traffic.vehicles.fleet import crash
from marl_envs.traffic.vehicles.pedestrians import CLOSE, FRONT, note_times, set_links
from marl_envs.traffic.vehicles.poses import box_on
from marl_envs.traffic.vehicles.types import (
    AT_END,
    AT_START,
    COLLISION,
    HIT_PEDESTRIAN,
    KIND,
    LENGTH,
    NONE,
    PACE,
    PEDESTRIAN,
    PERSON,
    SETBACK,
    WALK_AT,
    WALK_CLOSE,
    WALK_HIT,
    EngineSettings,
    EngineState,
    Fleet,
    Rules,
)


@jit(inner=True)
def after_walk(state: EngineState, fleet: Fleet, settings: EngineSettings, rules: Rules, e: Int, inside: Int) -> None:
    """After the vehicles have moved: open the links again, and find who was hit by the `inside` ones in junctions."""
    set_links(state, fleet, settings, rules, e, 0)
    lanes = rules.lane_gate.shape[0]
    for i in range(inside):
        v = fleet.inside[e, i]
        link, way = fleet.link[e, v], fleet.way[e, v]
        start, end = settings.drivable[link + lanes, START_LANE], settings.drivable[link + lanes, END_LANE]
        for side in range(2):
            x = rules.lane_gate[start, AT_END] if side == 0 else rules.lane_gate[end, AT_START]
            if x == NONE or fleet.clear_at[e, v] != NONE:
                continue
            line = rules.gate_way[x] + (0.0 if side == 0 else settings.measure[link + lanes, LENGTH] - SETBACK)
            if line - FRONT < way < line + settings.body[state.vehicle[e, v, KIND]] + FRONT:
                if way >= line:
                    _note_close(state, fleet, e, v, x)
                _hit(state, fleet, settings, rules, e, v, x)


@jit(inline=True)
def _note_close(state: EngineState, fleet: Fleet, e: Int, v: Int, x: Int) -> None:
    """Count a conflict if `v` has just come onto gate `x` with someone in it or about to be."""
    passage = np.int64(state.trip[e, v]) * fleet.gate_in.shape[1] + x
    if fleet.walked[e, v] != passage:
        fleet.walked[e, v] = passage
        fleet.counts[e, WALK_CLOSE] += fleet.gate_in[e, x] < CLOSE


@jit(inner=True)
def _hit(state: EngineState, fleet: Fleet, settings: EngineSettings, rules: Rules, e: Int, v: Int, x: Int) -> None:
    """Let `v` crash if it touches anyone on the crosswalk of gate `x`, who is taken away."""
    b = 0
    while rules.gate_first[b + 1] <= x:
        b += 1
    kind = state.vehicle[e, v, KIND]
    mx, my, ux, uy = box_on(rules, fleet.link[e, v], fleet.way[e, v], settings.body[kind])
    for i in range(fleet.walker.shape[2]):
        if fleet.walker[e, b, i, PACE] == 0.0:
            continue
        at = fleet.walker[e, b, i, WALK_AT]
        dx, dy = rules.walk_line[b, 0] + at * rules.walk_line[b, 2], rules.walk_line[b, 1] + at * rules.walk_line[b, 3]
        dx, dy = dx - mx, dy - my
        beyond = max(0.0, abs(dx * ux + dy * uy) - settings.body[kind] / 2.0)
        beside = max(0.0, abs(dx * uy - dy * ux) - rules.width[kind] / 2.0)
        if beyond * beyond + beside * beside > PERSON * PERSON:
            continue
        fleet.walker[e, b, i, PACE] = 0.0
        note_times(fleet, rules, e, b)
        fleet.counts[e, WALK_HIT] += 1
        a = fleet.agent[e, v]
        if a == NONE:
            crash(state, fleet, rules, e, v, True)
        elif fleet.clear_at[e, v] == NONE:
            term = fleet.term[e, a, COLLISION]
            crash(state, fleet, rules, e, v, True)
            fleet.term[e, a, COLLISION], fleet.term[e, a, PEDESTRIAN] = term, -1.0
            fleet.fault[e, a] = HIT_PEDESTRIAN
