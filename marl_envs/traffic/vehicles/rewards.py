"""Rewards: named terms for each agent, from what a decision brought; docs/intersection.md has formulas and units."""

from __future__ import annotations

from typing import Any

import numpy as np

from marl_envs.core.jit import Int, jit
from marl_envs.core.out import Out
from marl_envs.traffic.engine.types import JUNCTION
from marl_envs.traffic.vehicles.conflicts import link_ahead
from marl_envs.traffic.vehicles.types import (
    DELAY,
    DRIVING,
    NEIGHBOURS,
    NONE,
    PLACE,
    RETURN,
    REWARD_TERMS,
    TEAM,
    WAITING,
    EngineSettings,
    EngineState,
    Fleet,
    Rules,
)


@jit(inline=True)
def junction_of(state: EngineState, fleet: Fleet, settings: EngineSettings, rules: Rules, e: Int, a: Int) -> Int:
    """Return the junction that agent `a` drives up to or through, within its sight; or NONE."""
    v = fleet.slot[e, a]
    if v == NONE or fleet.status[e, a] != DRIVING:
        return NONE
    link, way = link_ahead(state, settings, rules, fleet, e, v, state.vehicle[e, v, PLACE])
    if link == NONE or way < -rules.reach:
        return NONE
    return settings.drivable[link + rules.lane_junction.shape[0], JUNCTION]


@jit(inline=True)
def note_outside(state: EngineState, fleet: Fleet, settings: EngineSettings, rules: Rules, e: Int) -> None:
    """Count the step as lost for agents whose trips are due and wait outside for room."""
    for a in range(fleet.slot.shape[1]):
        if fleet.status[e, a] == WAITING and fleet.agent_trip[e, a] < state.next_trip[e]:
            fleet.term[e, a, DELAY] -= settings.dt


@jit(inner=True)
def note_homes(state: EngineState, fleet: Fleet, settings: EngineSettings, rules: Rules, e: Int) -> None:
    """Note near which junctions the agents are, before a decision: its rewards are shared there."""
    for a in range(fleet.home.shape[1]):
        fleet.home[e, a] = junction_of(state, fleet, settings, rules, e, a)


@jit(inner=True)
def pay(fleet: Fleet, rules: Rules, out: Out, e: Int) -> None:
    """Write terms and rewards of the last decision."""
    team = np.float32(0.0)
    agents = fleet.slot.shape[1]
    for a in range(agents):
        reward = np.float32(0.0)
        for t in range(len(REWARD_TERMS)):
            term = np.float32(rules.weights[t] * fleet.term[e, a, t])
            out.terms[e, a, t] = term
            reward += term
        fleet.reward[e, a] = reward
        team += reward
    for a in range(agents):
        paid = fleet.reward[e, a]
        if rules.share == TEAM:
            paid = team
        elif rules.share == NEIGHBOURS:
            paid = _mixed(fleet, rules, e, a)
        out.reward[e, a] = paid
        fleet.total[e, RETURN] += paid


@jit(inner=True)
def _mixed(fleet: Fleet, rules: Rules, e: Int, a: Int) -> Any:
    """Return the own reward mixed with the mean of the agents near the same junction; the own if there are none."""
    j = fleet.home[e, a]
    others, number = np.float32(0.0), 0
    if j != NONE:
        for b in range(fleet.slot.shape[1]):
            if b != a and fleet.home[e, b] == j:
                others += fleet.reward[e, b]
                number += 1
    if number == 0:
        return fleet.reward[e, a]
    share = np.float32(rules.altruism)
    return (np.float32(1.0) - share) * fleet.reward[e, a] + share * others / np.float32(number)
