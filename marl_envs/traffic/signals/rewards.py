"""Rewards: named terms for each signal, from what a decision brought; docs/traffic.md has their formulas and units."""

from __future__ import annotations

import numpy as np

from marl_envs.core.jit import Int, jit
from marl_envs.core.out import Out
from marl_envs.traffic.engine.types import COUNT
from marl_envs.traffic.signals.types import (
    NEIGHBOURS,
    TEAM,
    Control,
    EngineSettings,
    EngineState,
    Rules,
)
from marl_envs.traffic.signals.watch import vehicles_at


@jit(inner=True)
def _terms_of(
    state: EngineState, control: Control, settings: EngineSettings, rules: Rules, out: Out, e: Int, a: Int
) -> None:
    """Write the weighted terms of signal `a`, in the order of REWARD_TERMS."""
    queue, waited, passed, inside, outside = np.int64(0), np.int64(0), np.int64(0), np.int64(0), np.int64(0)
    pace = lost = 0.0
    for i in range(rules.num_in[a]):
        lane = rules.in_lane[a, i]
        queue += control.standing[e, lane]
        waited += control.waited[e, lane]
        passed += control.passed[e, lane]
        inside += state.on[e, lane, COUNT]
        outside += control.outside[e, lane]
        pace += control.pace[e, lane]
        lost += control.lost[e, lane]
    beyond = np.int64(0)
    for i in range(rules.num_out[a]):
        beyond += state.on[e, rules.out_lane[a, i], COUNT]
    vehicles = inside + outside
    values = (
        np.float64(control.last_vehicles[e, a] - vehicles),
        -np.float64(queue),
        -waited * settings.dt,
        (control.last_waited[e, a] - waited) * settings.dt,
        np.float64(beyond - inside),
        -(lost + outside * rules.interval * settings.dt),
        pace / inside if inside > 0 else 1.0,
        np.float64(passed - control.last_passed[e, a]),
    )
    for t in range(len(values)):
        out.terms[e, a, t] = np.float32(rules.weights[t] * values[t])
    control.last_vehicles[e, a] = vehicles
    control.last_waited[e, a] = waited
    control.last_passed[e, a] = passed


@jit(inner=True)
def remember(state: EngineState, control: Control, rules: Rules, e: Int) -> None:
    """Keep what the next rewards are differences from."""
    for a in range(rules.junction.shape[0]):
        waited, passed = np.int64(0), np.int64(0)
        for i in range(rules.num_in[a]):
            waited += control.waited[e, rules.in_lane[a, i]]
            passed += control.passed[e, rules.in_lane[a, i]]
        control.last_vehicles[e, a] = vehicles_at(state, control, rules, e, a)
        control.last_waited[e, a] = waited
        control.last_passed[e, a] = passed
    for lane in range(control.lost.shape[1]):
        control.lost[e, lane] = 0.0


@jit(inner=True)
def pay(state: EngineState, control: Control, settings: EngineSettings, rules: Rules, out: Out, e: Int) -> None:
    """Write terms and rewards of the last decision; the lanes have been surveyed."""
    team = np.float32(0.0)
    for a in range(rules.junction.shape[0]):
        _terms_of(state, control, settings, rules, out, e, a)
        reward = np.float32(0.0)
        for t in range(out.terms.shape[2]):
            reward += out.terms[e, a, t]
        control.reward[e, a] = reward
        team += reward
    for a in range(rules.junction.shape[0]):
        paid = control.reward[e, a]
        if rules.share == TEAM:
            paid = team
        elif rules.share == NEIGHBOURS:
            for b in range(rules.num_near[a]):
                paid += np.float32(rules.neighbour_weight) * control.reward[e, rules.near_agent[a, b]]
        out.reward[e, a] = paid
        control.total[e] += paid
    for lane in range(control.lost.shape[1]):
        control.lost[e, lane] = 0.0
